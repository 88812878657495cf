# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py - very many bans: made, told, kept over a restart, lifted, and ending at once.

Real routes in a namespace. Prints a line for each step: seconds, processor time of the
processes, the slowest answer of the control socket meanwhile. Ends with 1 when a step
is wrong.
"""
import argparse
import os
import re
import socket
import sqlite3
import sys
import threading
import time

from lab import Lab, wait_for

BATCH = 4000        # addresses of one request
ASK_S = 0.01        # so often the control socket is asked meanwhile


class Asker(threading.Thread):
    """Asks a running bannerd again and again, as banctl would, and keeps the slowest."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.worst, self.ended = str(path), 0.0, threading.Event()

    def ask(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            s.sendall(b"ping\n")
            assert s.recv(100), "no answer"

    def run(self):
        while not self.ended.wait(ASK_S):
            began = time.monotonic()
            try:
                self.ask()
            except OSError:
                continue        # it is not there: before its start, after its end
            self.worst = max(self.worst, time.monotonic() - began)


def memory(lab):
    """Role -> MB"""
    found = {}
    for role, pid in lab.children().items():
        with open(f"/proc/{pid}/status") as f:
            found[role] = next(int(line.split()[1]) // 1024 for line in f
                               if line.startswith("VmRSS"))
    return found


def processor(lab):
    """pid -> role, seconds"""
    found, tick = {}, os.sysconf("SC_CLK_TCK")
    for role, pid in lab.children().items():
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        found[pid] = role, (int(fields[11]) + int(fields[12])) / tick
    return found


def slab():
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith("Slab"))


class Scale:
    def __init__(self, lab, n):
        self.lab, self.n = lab, n
        self.addrs = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(n)]
        self.others = self.quick_count()
        self.begin()

    def begin(self):
        self.began = time.monotonic()
        self.used = processor(self.lab) if self.lab.proc else {}
        self.asker = Asker(self.lab.socket)
        self.asker.start()

    def done(self, what):
        seconds = time.monotonic() - self.began
        self.asker.ended.set()
        self.asker.join()
        used = ""
        if self.lab.proc:
            for pid, (role, now) in sorted(processor(self.lab).items()):
                before = self.used.get(pid, (role, 0))[1]
                used += f"  {role[7:]} {now - before:.1f}"
        print(f"{what:<36} {seconds:8.2f} s  slowest answer "
              f"{self.asker.worst * 1000:4.0f} ms  cpu{used}", flush=True)
        self.begin()

    def routes(self):
        return self.lab.run_host("ip", "-n", self.lab.ns, "route", "show", "table", "all",
                                 "proto", "98").count("\n")

    def quick_count(self):
        """Prefixes of the main table: telling a million routes takes seconds."""
        text = self.lab.run_host("ip", "netns", "exec", self.lab.ns, "cat",
                                 "/proc/net/fib_triestat")
        return int(re.search(r"^Main:.*?Prefixes:\s+(\d+)", text, re.M | re.S).group(1)
                   if "Main:" in text else 0)

    def request(self, line, timeout=600):
        """One request on a connection of its own; its answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(timeout)
            s.connect(str(self.lab.socket))
            s.sendall(line.encode() + b"\n")
            answer = b""
            while not re.search(rb"^(ok|error .*)\n\Z", answer, re.M):
                part = s.recv(1 << 20)
                assert part, answer[-300:]
                answer += part
        assert answer.endswith(b"ok\n"), answer[-300:]
        return answer

    def ban(self, options=""):
        for i in range(0, self.n, BATCH):
            self.request(f"banip sshd {' '.join(self.addrs[i:i + BATCH])} {options}")

    def kernel(self, n):
        wait_for(lambda: self.quick_count() - self.others == n, 600, f"{n} routes")

    def made(self):
        self.ban()
        self.done("made over the control socket")
        self.kernel(self.n)
        self.done("... and all in force")
        assert self.routes() == self.n
        print(f"memory {memory(self.lab)} MB, slab of the kernel {slab()} MB")
        self.begin()

    def told(self):
        self.lab.ok("status")
        self.done("status")
        assert self.lab.ok("list").count("\n") == self.n
        self.done("list")
        done = self.lab.ctl("banip", "sshd", "203.0.113.1")
        assert done.returncode and "none may be released" in done.stderr, "the cap is said"

    def stopped(self):
        self.begin()
        self.lab.proc.terminate()
        self.lab.proc.wait(90)
        assert self.lab.stop() == 0
        assert "killed" not in self.lab.logged(), self.lab.logged()[-1000:]
        self.done("stop")

    def restarted(self):
        self.stopped()
        self.lab.start(ready=False)
        wait_for(lambda: self.lab.ctl("ping", timeout=300).returncode == 0, 300)
        self.done("start to answer")
        wait_for(lambda: self.lab.ctl_json("status")["caught_up"], 300)
        assert self.lab.ok("list").count("\n") == self.n
        self.stopped()
        self.lab.ip("route", "flush", "proto", "98")
        self.begin()
        self.lab.start(ready=False)
        self.kernel(self.n)
        self.done("start into an empty kernel")
        print(f"memory {memory(self.lab)} MB")

    def lifted(self):
        self.begin()
        self.request("unban --all")
        self.done("unban --all")
        self.kernel(0)
        self.done("... and out of the kernel")
        assert self.routes() == 0

    def ended(self, seconds):
        end = time.time() + seconds
        for i in range(0, self.n, BATCH):
            left = f"{max(1, round(end - time.time()))}s"
            self.request(f"banip sshd {' '.join(self.addrs[i:i + BATCH])} --time {left}")
        assert time.time() < end, "too slow for a storm"
        self.done("made again, to end together")
        time.sleep(max(0, end - time.time() - 0.5))
        self.begin()
        self.kernel(0)
        self.done("all ended at once: out of the kernel")
        assert self.lab.ok("list") == ""

    def banned(self):
        found = re.search(r"\n  bans +(\d+)", self.lab.ctl("status", timeout=300).stdout)
        return int(found.group(1)) if found else -1

    def listed(self):
        """A block list, and a stop right after it: nothing of it is lost."""
        listed = self.lab.dir / "blocklist"
        listed.write_text("\n".join(self.addrs) + "\n")
        self.lab.jail("sshd", bantime="1d", more=f"blocklist = {listed}\n")
        self.lab.ok("reload")
        wait_for(lambda: self.banned() == self.n, 300)
        self.done("a block list of as many")
        self.stopped()
        with sqlite3.connect(self.lab.dir / "state" / "banner.sqlite3") as db:
            assert db.execute("SELECT count(*) FROM bans").fetchone()[0] == self.n


def main():
    p = argparse.ArgumentParser(prog="scale", description=__doc__)
    p.add_argument("-n", "--bans", type=int, default=1000000)
    p.add_argument("-e", "--end", type=int, default=120, metavar="SECONDS",
                   help="time in which all are made again, to end together (120)")
    a = p.parse_args()
    with Lab(bantime="1d", extra=f"max_bans = {a.bans}\nloglevel = WARNING\n"
             "ban_rate = 1000000000") as lab:
        lab.start()
        s = Scale(lab, a.bans)
        s.made()
        s.told()
        s.restarted()
        s.lifted()
        s.ended(a.end)
        s.listed()
    return 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("scale: needs root for a namespace")
    sys.exit(main())
