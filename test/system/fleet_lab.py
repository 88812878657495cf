# SPDX-License-Identifier: GPL-2.0-or-later
"""fleet_lab.py - a detector and proxies, each in a namespace, with real sshd between.

The detector's namespace has a link of its own to every proxy, 10.99.N.1 here and
10.99.N.2 there. On a proxy runs OpenSSH's server with a key of its own; the only thing
its authorized_keys allows is banner-edge, which writes into that namespace's kernel.
"""
import json
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from lab import BUILD, Lab, wait_for

# sshd passes nothing on, but a sanitized banner-edge needs this; what it finds it writes
# where it may.
SANITIZER = " ".join(f'{k}="{os.environ[k]}:log_path={{state}}/found"'
                     for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if k in os.environ)

SSHD_CONFIG = """Port 22
ListenAddress 10.99.{n}.2
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/authorized_keys
PidFile {dir}/sshd.pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
SetEnv HOME={dir} {env}
LogLevel DEBUG1
{more}
"""


class Proxy:
    def __init__(self, lab, n):
        self.lab, self.n = lab, n
        self.name = f"proxy{n}"
        self.addr = f"10.99.{n}.2"
        self.ns = f"{lab.ns[:11]}p{n}"
        self.dir = lab.dir / self.name
        self.state = self.dir / "state"
        self.state.mkdir(parents=True)
        self.proc = None
        run = lab.run_host
        run("ip", "netns", "add", self.ns)
        self.ip("link", "set", "lo", "up")
        self.plug()
        self.keygen()
        self.policy()
        self.allow()
        self.start()

    def ip(self, *argv):
        return self.lab.run_host("ip", "-n", self.ns, *argv)

    def plug(self):
        """The cable to the detector."""
        ours = f"v{self.n}"
        self.lab.run_host("ip", "link", "add", ours, "netns", self.lab.ns, "type",
                          "veth", "peer", "name", "eth0", "netns", self.ns)
        self.lab.ip("addr", "add", f"10.99.{self.n}.1/24", "dev", ours)
        self.lab.ip("link", "set", ours, "up")
        self.ip("addr", "add", f"{self.addr}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")

    def keygen(self):
        for name in ("host_key", "host_key.pub"):
            (self.dir / name).unlink(missing_ok=True)
        self.lab.run_host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                          str(self.dir / "host_key"))

    def known_host(self):
        kind, key = (self.dir / "host_key.pub").read_text().split()[:2]
        return f"{self.addr} {kind} {key}\n"

    def policy(self, more=""):
        (self.dir / "edge.conf").write_text(
            f"[edge]\nstate = {self.state}\nprotected = 192.0.2.200\n{more}")

    def allow(self, command=None):
        program = shlex.quote(f"{BUILD}/banner-edge")
        command = command or f"{program} --config {self.dir}/edge.conf"
        key = (self.lab.dir / "ssh" / "key.pub").read_text()
        (self.dir / "authorized_keys").write_text(f'restrict,command="{command}" {key}')

    def revoke(self):
        (self.dir / "authorized_keys").write_text("")

    def start(self, more=""):
        (self.dir / "sshd_config").write_text(
            SSHD_CONFIG.format(n=self.n, dir=self.dir, more=more, env=SANITIZER.format(state=self.state)))
        Path("/run/sshd").mkdir(exist_ok=True)
        self.log = open(self.dir / "sshd.log", "ab")
        self.proc = subprocess.Popen(
            ["ip", "netns", "exec", self.ns, shutil.which("sshd"), "-D", "-e", "-f",
             str(self.dir / "sshd_config")], stdout=self.log, stderr=self.log)

    def pids(self, name=None):
        """Processes of this proxy, by namespace."""
        found = subprocess.run(["ip", "netns", "pids", self.ns], check=True,
                               capture_output=True, text=True).stdout.split()
        out = []
        for pid in map(int, found):
            try:
                comm = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            if name is None or comm == name:
                out.append(pid)
        return out

    def signal(self, sig, name=None):
        for pid in self.pids(name):
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass

    def stop(self):
        """The machine is off: nobody runs, connections break."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.proc:
            self.proc.kill()            # not yet in the namespace, perhaps
            self.proc.wait(10)
            self.proc = None

    def reboot(self):
        self.stop()
        self.flush()
        shutil.rmtree(self.state)
        self.state.mkdir()
        self.start()

    def flush(self):
        for family in "-4", "-6":
            subprocess.run(["ip", "-n", self.ns, family, "route", "flush", "table", "all",
                            "proto", "98"], check=False, capture_output=True)

    def routes(self):
        found = set()
        for family in ("-4", "-6"):
            out = self.lab.run_host("ip", "-n", self.ns, family, "-j", "route", "show",
                                    "table", "all", "proto", "98")
            found |= {r["dst"] for r in json.loads(out or "[]")}
        return found

    def wait_routes(self, wanted, seconds=15):
        wanted = set(wanted)
        wait_for(lambda: self.routes() == wanted, seconds,
                 f"{self.name}: {len(self.routes())} routes, {len(wanted)} wanted; "
                 f"missing {sorted(wanted - self.routes())[:5]}, "
                 f"extra {sorted(self.routes() - wanted)[:5]}\n"
                 + self.lab.logged()[-3000:])

    def close(self):
        self.stop()
        subprocess.run(["ip", "netns", "del", self.ns], check=False)


class Fleet(Lab):
    """A Lab whose action is ssh to some proxies."""

    def __init__(self, proxies=2, more="", names=None, key_type="ed25519", **options):
        super().__init__(action="fleet", **options)
        ssh = self.dir / "ssh"
        ssh.mkdir()
        self.run_host("ssh-keygen", "-q", "-t", key_type, "-N", "", "-f",
                      str(ssh / "key"))
        self.proxies = []
        try:
            for n in range(1, proxies + 1):
                self.proxies.append(Proxy(self, n))
        except BaseException:
            self.close()
            raise
        self.trust()
        self.more = more
        self.hosts = names or " ".join(f"{p.name}={p.addr}" for p in self.proxies)
        self.configure()

    def configure(self, more=None):
        ssh = self.dir / "ssh"
        self.daemon_conf(
            f"\n[action fleet]\nplugin = ssh\nlogin = root\nhosts = {self.hosts}\n"
            f"key = {ssh}/key\nknown_hosts = {ssh}/known_hosts\nconnect_timeout = 3\n"
            f"ack_timeout = 2\nping = 2\n{self.more if more is None else more}\n")

    def trust(self):
        (self.dir / "ssh" / "known_hosts").write_text(
            "".join(p.known_host() for p in self.proxies))

    def wait_all(self, wanted, proxies=None, seconds=15):
        for p in self.proxies if proxies is None else proxies:
            p.wait_routes(wanted, seconds)

    def close(self):
        for p in self.proxies:
            p.close()
        found = [f.read_text() for p in self.proxies for f in p.state.glob("found.*")]
        if self.log.exists():       # an edge's last words
            found += [l for l in self.log.read_text().splitlines() if "runtime error" in l]
        super().close()
        assert not found, found[0][:4000]
