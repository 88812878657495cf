# SPDX-License-Identifier: GPL-2.0-or-later
"""lab.py - a place to run bannerd for real: a network namespace, a folder, a log.

Everything lives in one temporary folder and one namespace of its own; close() removes
both. The programs come from the build folder (BANNER_BUILD, default build/ beside the
sources).
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BANNER_BUILD", TOP / "build"))

FILTER = r"""[Definition]
failregex = ^\s*\S+ sshd\[\d+\]: Failed password for (?:invalid user )?<F-USER>\S+</F-USER> from <HOST> port \d+ ssh2$
"""

JAIL = """[{name}]
enabled = true
filter = sshd
logpath = {log}
maxretry = {maxretry}
findtime = 10m
bantime = {bantime}
action = {action}
"""


def wait_for(condition, seconds=5.0, what="the condition"):
    """Poll until condition() is true; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"timed out waiting for {what}"
        time.sleep(0.02)


class Lab:
    def __init__(self, jails=("sshd",), maxretry=3, bantime="1h", action="route",
                 user=False, extra=""):
        self.dir = Path(tempfile.mkdtemp(
            prefix="banner-lab-", dir=None if user else "/run"))
        self.ns = None
        self.user = user
        self.proc = None
        self.programs = BUILD
        self.mounts = {}                # seen by this bannerd only: target -> file
        self.shim = None                # a Shim, for the daemon alone
        self.stale = None               # the socket of the bannerd before this one
        for sub in ("jails.d", "filters", "actions", "state", "run"):
            (self.dir / sub).mkdir()
        self.auth = self.dir / "auth.log"
        self.log = self.dir / "banner.log"
        self.socket = self.dir / "run" / "banner.sock"
        self.auth.touch()
        (self.dir / "filters" / "sshd.conf").write_text(FILTER)
        self.daemon_conf(extra)
        for name in jails:
            self.jail(name, maxretry=maxretry, bantime=bantime, action=action)
        if not user:
            self.ns = f"bn{os.getpid()}{id(self) % 100000}"[:15]
            self.run_host("ip", "netns", "add", self.ns)
            self.ip("link", "set", "lo", "up")
            self.ip("addr", "add", "198.51.100.1/24", "dev", "lo")
            self.ip("addr", "add", "2001:db8::1/64", "dev", "lo", "nodad")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def daemon_conf(self, extra=""):
        (self.dir / "banner.conf").write_text(
            f"[bannerd]\nstate = {self.dir}/state\nsocket = {self.socket}\n"
            f"log = {self.log}\n{extra}\n")

    def jail(self, name, maxretry=3, bantime="1h", action="route", log=None, more=""):
        (self.dir / "jails.d" / f"{name}.conf").write_text(
            JAIL.format(name=name, log=log or self.auth, maxretry=maxretry,
                        bantime=bantime, action=action) + more)

    def shipped(self, *folders):
        """filters or jails.d as the project has them."""
        for name in folders:
            shutil.rmtree(self.dir / name)
            shutil.copytree(TOP / name, self.dir / name)

    def copy_programs(self):
        """Run programs and plugins of its own, those of the build folder."""
        self.programs = self.dir / "bin"
        shutil.copytree(BUILD / "actions", self.programs / "actions",
                        ignore=shutil.ignore_patterns("*.p"))
        for name in ("bannerd", "banner-engine", "banner-store", "banner-actor",
                     "banner-helper"):
            shutil.copy(BUILD / name, self.programs)

    def make_accounts(self):
        """Users of banner that exist for this bannerd only (a private /etc/passwd).

        They run copies of the programs: the build folder may be in one of root's own.
        """
        self.copy_programs()
        users = {"_banner": 61001, "_bannerssh": 61002, "_bannermail": 61003}
        passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
        for name, uid in users.items():
            passwd += f"{name}:x:{uid}:{uid}::/nonexistent:/bin/false\n"
            group += f"{name}:x:{uid}:\n"
        (self.dir / "passwd").write_text(passwd)
        (self.dir / "group").write_text(group + "banner:x:61000:nobody\n")
        os.chmod(self.dir, 0o755)
        for name in ("passwd", "group"):
            self.mounts[f"/etc/{name}"] = self.dir / name
        return users

    def hosts(self, **names):
        """What names resolve to: lab.hosts(mail=["192.0.2.1"]); '_' stands for '.'."""
        (self.dir / "hosts").write_text("127.0.0.1 localhost\n" + "".join(
            f"{addr} {name.replace('_', '.')}\n" for name, v in names.items() for addr in v))
        self.mounts["/etc/hosts"] = self.dir / "hosts"

    @staticmethod
    def built_with(program, library):
        return library in Lab.run_host("ldd", str(BUILD / program))

    @staticmethod
    def run_host(*argv):
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def inside(self, argv):
        argv = [str(a) for a in argv]
        if self.user:
            return ["unshare", "-Urn"] + argv
        if self.mounts:
            binds = "".join(f"mount --bind {source} {target} && "
                            for target, source in self.mounts.items())
            argv = ["unshare", "-m", "sh", "-c", binds + 'exec "$@"', "sh"] + argv
        return ["ip", "netns", "exec", self.ns] + argv

    def ip(self, *argv):
        return self.run_host("ip", "-n", self.ns, *argv)

    def routes(self):
        """Destinations that banner has put into the kernel, both families."""
        found = set()
        for family in ("-4", "-6"):
            out = self.run_host("ip", "-n", self.ns, family, "-j", "route", "show",
                                "table", "all", "proto", "98")
            found |= {r["dst"] for r in json.loads(out or "[]")}
        return found

    # the daemon

    def start(self, *options, ready=True, stdin=None):
        argv = self.inside([self.programs / "bannerd", "-c", self.dir, "-f", *options])
        self.err = open(self.dir / "stderr", "ab")
        env = {**os.environ, **self.shim.env()} if self.shim else None
        self.proc = subprocess.Popen(argv, stdin=stdin, stdout=self.err,
                                     stderr=self.err, env=env)
        if ready:
            wait_for(self.answers, 10, "bannerd to answer\n" + self.logged())
            wait_for(lambda: self.ctl_json("status")["caught_up"], 10, "sources")

    def answers(self):
        if self.proc.poll() is not None:
            raise AssertionError(f"bannerd ended: {self.proc.returncode}\n"
                                 + (self.dir / "stderr").read_text() + self.logged())
        return self.socket_id() != self.stale and self.ctl("ping").returncode == 0

    def socket_id(self):
        """None without a socket."""
        try:
            found = self.socket.stat()
            return found.st_ino, found.st_ctime_ns
        except FileNotFoundError:
            return None

    def ctl(self, *words, timeout=20):
        return subprocess.run([str(BUILD / "banctl"), "-s", str(self.socket), *words],
                              capture_output=True, text=True, timeout=timeout)

    def ok(self, *words):
        done = self.ctl(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr, self.logged())
        return done.stdout

    def ctl_json(self, *words):
        return json.loads(self.ok("--json", *words))

    def stop(self, sig=signal.SIGTERM):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(sig)
            self.proc.wait(20)
        code = self.proc.returncode if self.proc else None
        self.proc = None
        # one that was killed leaves it, and its engine answers there for a moment
        self.stale = self.socket_id()
        return code

    def children(self):
        """Role -> pid of the processes of this bannerd."""
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)
                if int(fields[1].split()[1]) == self.proc.pid:
                    role = (stat.parent / "cmdline").read_bytes().split(b"\0")[0]
                    found[Path(role.decode()).name] = int(stat.parent.name)
            except (OSError, IndexError):
                pass
        return found

    def kill(self, role, sig=signal.SIGKILL):
        old = self.children()[role]
        os.kill(old, sig)
        return old

    # the log that is watched, and ours

    def fail(self, addr, times=1, user="admin", log=None):
        """What sshd writes for a wrong password, now."""
        with open(log or self.auth, "a") as f:
            for i in range(times):
                f.write(f"{time.strftime('%b %e %H:%M:%S')} host sshd[{100 + i}]: Failed "
                        f"password for invalid user {user} from {addr} port {4000 + i} "
                        f"ssh2\n")

    def logged(self):
        """The log. A ban is in force some milliseconds before its line is written."""
        time.sleep(0.05)
        return self.log.read_text() if self.log.exists() else ""

    def says(self, text, seconds=5):
        """The log has this, or will soon."""
        try:
            wait_for(lambda: text in self.logged(), seconds)
        except AssertionError:
            raise AssertionError(f"no {text!r} in\n{self.logged()[-3000:]}") from None

    def banned(self, jail="sshd"):
        return set(self.ctl_json("status", jail)["banned"])

    def wait_routes(self, *addrs, seconds=5):
        wait_for(lambda: self.routes() == set(addrs), seconds,
                 f"routes {addrs}, there are {self.routes()}\n{self.logged()[-3000:]}")

    def close(self):
        try:
            if self.proc and self.proc.poll() is None:
                self.proc.terminate()
                try:
                    self.proc.wait(15)
                except subprocess.TimeoutExpired:
                    self.proc.kill()
                    self.proc.wait()
        finally:
            if self.ns:
                subprocess.run(["ip", "netns", "del", self.ns], check=False)
            said = self.dir / "stderr"
            said = said.read_text(errors="replace") if said.exists() else ""
            shutil.rmtree(self.dir, ignore_errors=True)
        # a child that a sanitizer ended is started again: nothing else would show it
        assert "Sanitizer" not in said and "runtime error:" not in said, said[:4000]
