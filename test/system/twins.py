# SPDX-License-Identifier: GPL-2.0-or-later
"""twins.py - a real fail2ban-server and bannerd over one configuration and one log.

Both run in one network namespace, each with its own socket, database and log, in one
temporary folder. The configuration is fail2ban's: bannerd reads the same files.
"""
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lab import BUILD, wait_for

HAVE_F2B = shutil.which("fail2ban-server") is not None

FAIL2BAN_CONF = """[Definition]
loglevel = INFO
logtarget = {dir}/f2b.log
syslogsocket = auto
socket = {dir}/f2b.sock
pidfile = {dir}/f2b.pid
dbfile = {dir}/f2b.sqlite3
dbpurgeage = 1d
dbmaxmatches = 10
allowipv6 = yes
"""

JAIL_CONF = """[DEFAULT]
backend = polling
usedns = no
enabled = false
ignoreself = false
action = dummy
mode = normal
filter = %(__name__)s[mode=%(mode)s]
"""

FILTER = r"""[Definition]
failregex = ^\s*\S+ {tag}\[\d+\]: Failed password for (?:invalid user )?<F-USER>\S+</F-USER> from <HOST> port \d+ ssh2$
            ^\s*\S+ {tag}\[\d+\]: Bad protocol from <HOST>$
ignoreregex =
"""

ACTION = """[Definition]
actionstart =
actionstop =
actioncheck =
actionban = echo "ban <name> <ip>" >>{dir}/$PPID.done
actionunban = echo "unban <name> <ip>" >>{dir}/$PPID.done
"""

BANNER_CONF = """[bannerd]
state = {dir}/state
socket = {dir}/banner.sock
log = {dir}/banner.log
"""


class Twins:
    def __init__(self, jails):
        self.dir = Path(tempfile.mkdtemp(prefix="banner-twins-", dir="/run"))
        self.etc = self.dir / "etc"
        self.auth = self.dir / "auth.log"
        self.auth.touch()
        self.procs = []
        for sub in ("filter.d", "action.d", "jail.d"):
            (self.etc / sub).mkdir(parents=True)
        (self.dir / "state").mkdir()
        self.write("fail2ban.conf", FAIL2BAN_CONF)
        self.write("jail.conf", JAIL_CONF)
        self.write("banner.conf", BANNER_CONF)
        self.write("action.d/dummy.conf", ACTION)
        self.write("filter.d/sshd.conf", FILTER.replace("{tag}", "sshd"))
        self.write("jail.local", jails.replace("{dir}", str(self.dir)))
        (self.dir / "fail2ban-client").symlink_to(BUILD / "banctl")
        self.ns = f"bt{os.getpid()}{id(self) % 100000}"[:15]
        subprocess.run(["ip", "netns", "add", self.ns], check=True)
        subprocess.run(["ip", "-n", self.ns, "link", "set", "lo", "up"], check=True)

    def write(self, name, text):
        (self.etc / name).write_text(text.replace("{dir}", str(self.dir)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.procs:
            if p.poll() is None:
                p.terminate()
        for p in self.procs:
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        subprocess.run(["ip", "netns", "del", self.ns], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def spawn(self, name, *argv):
        err = open(self.dir / (name + ".err"), "wb")
        p = subprocess.Popen(["ip", "netns", "exec", self.ns, *map(str, argv)],
                             stdout=err, stderr=err)
        self.procs.append(p)
        return p

    def start_fail2ban(self):
        self.f2b = self.spawn("f2b", "fail2ban-server", "-c", self.etc, "-f", "start")
        wait_for(lambda: self.theirs("ping")[1] == 0, 20, "fail2ban to answer")
        wait_for(lambda: "Jail list:\t\n" not in self.theirs("status")[0] + "\n", 20,
                 "the jails of fail2ban")

    def start_banner(self, *options):
        options = options or ("--force",)
        self.banner = self.spawn("banner", BUILD / "bannerd", "-c", self.etc, "-f",
                                 *options)
        wait_for(lambda: self.ours("ping")[1] == 0, 20,
                 "bannerd to answer " + (self.dir / "banner.err").read_text())

    def theirs(self, *words):
        """(stdout, exit code, stderr) of the real fail2ban-client."""
        done = subprocess.run(["fail2ban-client", "-c", str(self.etc), *words],
                              capture_output=True, text=True, timeout=30)
        return done.stdout, done.returncode, done.stderr

    def ours(self, *words):
        """The same of banctl under that name."""
        done = subprocess.run([str(self.dir / "fail2ban-client"), "-s",
                               str(self.dir / "banner.sock"), *words],
                              capture_output=True, text=True, timeout=30)
        return done.stdout, done.returncode, done.stderr

    def log_lines(self, lines):
        with open(self.auth, "ab") as f:
            f.write(b"".join(line if isinstance(line, bytes) else line.encode()
                             for line in lines))

    def fail(self, addr, times=1, user="admin"):
        stamp = time.strftime("%b %e %H:%M:%S")
        self.log_lines(f"{stamp} host sshd[{100 + i}]: Failed password for {user} from "
                       f"{addr} port {4000 + i} ssh2\n" for i in range(times))

    def settle(self, jail, failures, banned):
        """Until both have seen so many failures and bans in the jail."""
        want = re.compile(rf"Total failed:\t{failures}\n(?s:.*)Total banned:\t{banned}\n")
        for side in (self.theirs, self.ours):
            wait_for(lambda: want.search(side("status", jail)[0]), 20,
                     f"{failures} failures in {jail}: {side('status', jail)}")

    def log_of(self, name):
        return (self.dir / name).read_text()
