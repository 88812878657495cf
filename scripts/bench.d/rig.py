# SPDX-License-Identifier: GPL-2.0-or-later
"""rig.py - bannerd in a network namespace of its own, and what is measured of it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]

JAIL = """[{name}]
enabled = true
filter = {filter}
logpath = {log}
maxretry = {maxretry}
findtime = 10m
bantime = 1h
action = {action}

"""


PCRE2_TOOLS = ("best", "minban", "plain")


def tool(name, into):
    """One of the C programs beside this file, compiled for this machine."""
    program = Path(into) / name
    subprocess.run(["cc", "-O3", "-march=native", "-D_GNU_SOURCE", "-o", program,
                    HERE / f"{name}.c", *(["-lpcre2-8"] if name in PCRE2_TOOLS else [])],
                   check=True)
    return program


class Space:
    """A network namespace with a loopback interface."""

    def __init__(self, name):
        self.name = f"bench{name}{os.getpid()}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)

    def argv(self, *argv):
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def run(self, *argv):
        return subprocess.run(self.argv(*argv), check=True, capture_output=True,
                              text=True).stdout

    def start(self, *argv):
        return subprocess.Popen(self.argv(*argv), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def routes(self):
        return self.run("ip", "route", "show", "proto", "98").count("\n")

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Daemon:
    """bannerd with some jails; a context manager that leaves nothing."""

    def __init__(self, build, jails=1, maxretry=5, action="route", more=""):
        self.build, self.proc, self.before = build, None, None
        self.dir = Path(tempfile.mkdtemp(prefix="banner-bench-", dir="/run"))
        self.space = Space("d")
        self.log = self.dir / "auth.log"
        self.log.touch()
        shutil.copytree(TOP / "filters", self.dir / "filters")
        for folder in ("jails.d", "actions", "state"):
            (self.dir / folder).mkdir()
        (self.dir / "banner.conf").write_text(
            f"[bannerd]\nstate = {self.dir}/state\nsocket = {self.dir}/sock\n"
            f"log = {self.dir}/banner.log\n{more}")
        self.jails(jails, maxretry, action)

    def jails(self, count, maxretry, action):
        """The first is sshd's; the others take the shipped filters in turn."""
        names = sorted(p.stem for p in (TOP / "filters").glob("*.conf")
                       if not p.stem.endswith("common") and p.stem != "sshd")
        text = JAIL.format(name="sshd", filter="sshd", log=self.log, maxretry=maxretry,
                           action=action)
        for i in range(1, count):
            log = self.dir / f"log{i}"
            log.touch()
            text += JAIL.format(name=f"jail{i}", filter=names[i % len(names)], log=log,
                                maxretry=5, action=action)
        (self.dir / "jails.d/bench.conf").write_text(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.space.close()
        shutil.rmtree(self.dir)

    def ask(self, words):
        """The reply of the control socket, or None when nobody answers."""
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect(str(self.dir / "sock"))
                s.sendall(words.encode() + b"\n")
                reply = s.makefile().readline()
            except OSError:
                return None
            return reply or None

    def start(self):
        """Seconds from exec to the first answer."""
        if self.before is None:
            self.before = int(self.space.run("grep", "-m1", "Prefixes:",
                                             "/proc/net/fib_triestat").split()[1])
        began = time.monotonic()
        self.proc = self.space.start(self.build / "bannerd", "-f", "-c", self.dir)
        until(lambda: self.ask("ping"), 60, 0.001)
        return time.monotonic() - began

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(60)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def write(self, addresses, times):
        """Failures of each address, by blocks as a busy syslogd writes them."""
        self.write_blocks(blocks(addresses, times))

    def write_blocks(self, texts):
        fd = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        for text in texts:
            os.write(fd, text)
        os.close(fd)

    def in_force(self):
        """Routes of IPv4 more than before the first start; costs next to nothing, where
        a dump of them would take the processor from what is measured."""
        return prefixes(self.proc.pid) - self.before

    def processes(self):
        """The ids of all of them."""
        ours = {self.proc.pid}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == self.proc.pid:
                ours.add(int(stat.parent.name))
        return ours

    def memory(self):
        """Proportional memory of all processes, in bytes."""
        total = 0
        for pid in self.processes():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1]) * 1024
        return total

    def spent(self):
        """Seconds of processor time by kind of process: engine, store ..., parent."""
        total = {}
        for pid in self.processes():
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            name = name.removeprefix("banner-").replace("bannerd", "parent")
            for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total[name] = total.get(name, 0) + int(task.read_text().split()[0]) / 1e9
        return total


def until(condition, seconds, pause=0.02):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"bench: timed out after {seconds} s")
        time.sleep(pause)


def prefixes(pid):
    """Of the routing table main, in the network namespace of the process."""
    text = Path(f"/proc/{pid}/net/fib_triestat").read_text()
    return int(re.search(r"Prefixes:\s+(\d+)", text)[1])


def blocks(addrs, times):
    return [failures(addrs[i:i + 500], times).encode() for i in range(0, len(addrs), 500)]


def addresses(count, net=100):
    return [f"{net}.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}" for i in range(count)]


def failures(addrs, times):
    stamp = time.strftime("%b %e %H:%M:%S")
    return "".join(f"{stamp} mail sshd[{1000 + (i * times + k) % 60000}]: Failed password "
                   f"for invalid user u{k} from {a} port {1024 + k} ssh2\n"
                   for i, a in enumerate(addrs) for k in range(times))
