# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py - very many bans: made, told, kept over a restart, lifted, and ending at once.

Real routes in a namespace. Prints a line for each step; ends with 1 when a step is wrong.
"""
import argparse
import os
import sys
import time

from lab import Lab, wait_for

BATCH = 2000        # addresses of one banctl


def memory(lab):
    """Role -> MB"""
    found = {}
    for role, pid in lab.children().items():
        with open(f"/proc/{pid}/status") as f:
            found[role] = next(int(line.split()[1]) // 1024 for line in f
                               if line.startswith("VmRSS"))
    return found


def slab():
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith("Slab"))


class Scale:
    def __init__(self, lab, n):
        self.lab, self.n = lab, n
        self.addrs = [f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(n)]
        self.began = time.monotonic()

    def done(self, what):
        print(f"{what:<40} {time.monotonic() - self.began:8.2f} s", flush=True)
        self.began = time.monotonic()

    def routes(self):
        return self.lab.run_host("ip", "-n", self.lab.ns, "route", "show", "table", "all",
                                 "proto", "98").count("\n")

    def ban(self, *options):
        for i in range(0, self.n, BATCH):
            done = self.lab.ctl("banip", "sshd", *self.addrs[i:i + BATCH], *options)
            assert done.returncode == 0, done.stderr[-300:]

    def kernel(self, n):
        wait_for(lambda: self.routes() == n, 600, f"{n} routes")

    def made(self):
        self.ban()
        self.done("made by banctl")
        self.kernel(self.n)
        self.done("... and all in force")
        print(f"memory {memory(self.lab)} MB, slab of the kernel {slab()} MB")

    def told(self):
        self.began = time.monotonic()
        self.lab.ok("status")
        self.done("status")
        assert self.lab.ok("list").count("\n") == self.n
        self.done("list")
        done = self.lab.ctl("banip", "sshd", "203.0.113.1")
        assert done.returncode and "none may be released" in done.stderr, "the cap is said"

    def restarted(self):
        self.lab.stop()
        self.done("stop")
        self.lab.start(ready=False)
        wait_for(lambda: self.lab.answers(), 300, "an answer")
        self.done("start to answer")
        wait_for(lambda: self.lab.ctl_json("status")["caught_up"], 300)
        assert self.lab.ok("list").count("\n") == self.n
        self.lab.stop()
        self.lab.ip("route", "flush", "proto", "98")
        self.began = time.monotonic()
        self.lab.start(ready=False)
        self.kernel(self.n)
        self.done("start into an empty kernel")
        print(f"memory {memory(self.lab)} MB")

    def lifted(self):
        self.began = time.monotonic()
        self.lab.ctl("unban", "--all", timeout=600)
        self.done("unban --all")
        self.kernel(0)
        self.done("... and out of the kernel")

    def ended(self, seconds):
        end = time.time() + seconds
        for i in range(0, self.n, BATCH):
            left = f"{max(1, round(end - time.time()))}s"
            done = self.lab.ctl("banip", "sshd", *self.addrs[i:i + BATCH], "--time", left)
            assert done.returncode == 0, done.stderr[-300:]
        assert time.time() < end, "too slow for a storm"
        time.sleep(end - time.time())
        self.began, worst = time.monotonic(), 0
        while (n := self.routes()):
            asked = time.monotonic()
            self.lab.ok("ping")
            worst = max(worst, time.monotonic() - asked)
            assert time.monotonic() < self.began + 600, f"{n} routes are left"
        self.done("all ended at once: out of the kernel")
        print(f"the slowest answer meanwhile: {worst * 1000:.0f} ms")
        assert self.lab.ok("list") == ""


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
    return 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("scale: needs root for a namespace")
    sys.exit(main())
