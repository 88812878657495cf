# SPDX-License-Identifier: GPL-2.0-or-later
"""soak.py - bannerd under lines for a long time: nothing grows, nothing is lost.

The first half is torture at a low rate: kills, reloads, rotations and changes by hand
while lines come. In the second half the attackers are those of before and nobody is
killed, so everything that bannerd holds stays as large as it is: memory and descriptors
of its processes must. Every minute kernel, bannerd and reference model must agree.
"""
import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

from lab import wait_for
from torture import Torture

DRIFT_KB = 1024


def held(pid):
    """(kB of memory, number of descriptors)"""
    text = Path(f"/proc/{pid}/status").read_text()
    rss = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))
    return rss, len(os.listdir(f"/proc/{pid}/fd"))


class Soak(Torture):
    def __init__(self, seed, seconds, rate):
        super().__init__(seed, 0)
        self.seconds, self.rate = seconds, rate
        self.moments = random.Random(seed + 2)

    def settle(self):
        """No new attackers from now on."""
        known = list(self.traffic.hosts)
        self.traffic.host = lambda: self.traffic.r.choice(known).replace("::", "::7")

    def sometimes(self, kills):
        """What happens beside the lines, about once in ten seconds each."""
        what = self.moments.randrange(1000)
        if what < 10:
            self.rotate(self.moments.choice(list(self.logs)))
        elif what < 20:
            self.change(self.moments)
        elif kills and what < 25:
            self.reload()
        elif kills and what < 30:
            self.kill()
        elif kills and not self.alive:
            self.end_parent()
        self.written.clear()

    def half(self, kills):
        """Lines at the rate for half of the time; what was held at each agreement."""
        began, n, seen = time.monotonic(), 0, []
        while (now := time.monotonic() - began) < self.seconds / 2:
            due = int(now * self.rate) - n
            self.lines(due)
            n += due
            self.sometimes(kills)
            if now > (len(seen) + 1) * min(60, self.seconds / 6):
                self.agree("on the way")
                seen.append(self.held())
            time.sleep(0.1)
        self.agree("after all lines")
        return [*seen, self.held()]

    def held(self):
        pids = {"bannerd": self.lab.proc.pid, **self.lab.children()}
        return {name: held(pid) for name, pid in pids.items()}

    def run(self):
        began = time.monotonic()
        self.start()
        wait_for(self.told, 10, "the start")
        self.half(kills=True)
        self.end_parent()
        self.settle()
        wait_for(self.told, 10, "the start")
        seen = self.half(kills=False)
        first, last, middle = seen[len(seen) // 4], seen[-1], len(seen) // 2
        grown = {name: last[name][0] - first[name][0] for name in first}
        # a file that was rotated is held for a while
        fds = {name: min(s[name][1] for s in seen[middle:])
               - min(s[name][1] for s in seen[:middle]) for name in first}
        banned = len(self.truth.all_banned())
        probed = self.probe()
        return {"id": "soak", "seed": self.seed, "seconds": round(time.monotonic() - began),
                "grown_kb": grown, "more_fds": fds, "banned": banned, "probed": probed,
                "held": last, "pass": max(grown.values()) < DRIFT_KB
                and max(fds.values()) <= 0, **self.counts}


def soak(seed, seconds, rate):
    s = Soak(seed, seconds, rate)
    try:
        return s.run()
    finally:
        s.close()


def main():
    p = argparse.ArgumentParser(prog="soak", description=__doc__)
    p.add_argument("-t", "--seconds", type=int, default=3600)
    p.add_argument("-r", "--rate", type=int, default=2000, help="lines a second (2000)")
    p.add_argument("-s", "--seed", type=int, default=int(time.time()))
    a = p.parse_args()
    done = soak(a.seed, a.seconds, a.rate)
    print(json.dumps(done))
    return 0 if done["pass"] else 1


if __name__ == "__main__":
    sys.exit(main())
