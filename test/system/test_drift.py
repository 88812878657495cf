# SPDX-License-Identifier: GPL-2.0-or-later
"""Others change the kernel's routes: ours come back, theirs are left alone."""
import os
import random
import time

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
ROUNDS = int(os.environ.get("DRIFT_ROUNDS", "40"))


def back(lab, want):
    """Seconds until ours are all there again."""
    began = time.monotonic()
    while lab.routes() != want:
        assert time.monotonic() < began + 5, (want - lab.routes(), lab.routes() - want)
    return time.monotonic() - began


def test_drift():
    r = random.Random(5)
    with Lab() as lab:
        lab.start()
        ours = [f"192.0.2.{i}" for i in range(1, 101)] + ["2001:db8:5::/64"]
        lab.ok("banip", "sshd", *ours, "--wait")
        want = set(ours)
        back(lab, want)
        lab.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        lab.ip("link", "set", "v0", "up")
        lab.ip("link", "set", "v1", "up")
        lab.ip("addr", "add", "203.0.113.1/24", "dev", "v0")
        lab.ip("route", "add", "10.1.0.0/16", "dev", "v0", "proto", "static")
        foreign = {"10.1.0.0/16", "10.2.0.7"}
        lab.ip("route", "add", "blackhole", "10.2.0.7", "proto", "static")
        times = []
        for i in range(ROUNDS):
            one = r.choice(ours[:-1])
            what = i % 6
            if what == 0:
                lab.ip("route", "flush", "proto", "98")
            elif what == 1:
                lab.ip("route", "del", "blackhole", one, "proto", "98")
            elif what == 2:
                foreign.add(other := f"10.3.{i // 250}.{i % 250}")
                lab.ip("route", "add", "blackhole", other, "proto", "static")
            elif what == 3:
                lab.ip("route", "replace", "unreachable", one, "proto", "98")
                time.sleep(0.05)
                lab.ip("route", "del", one, "proto", "98")
            elif what == 4:
                lab.ip("link", "set", "lo", "down")
                lab.ip("link", "set", "lo", "up")
            else:
                lab.ip("-6", "route", "flush", "proto", "98")
            times.append(back(lab, want))
        times.sort()
        worst = times[int(len(times) * 0.99)] if len(times) > 1 else times[0]
        print(f"{ROUNDS} rounds, median {times[len(times) // 2] * 1000:.0f} ms, "
              f"worst {times[-1] * 1000:.0f} ms")
        # a look at the kernel takes some 10 ms by itself
        assert worst < float(os.environ.get("DRIFT_LIMIT", "0.5")), times
        there = lab.ip("route", "show", "proto", "static")
        assert all(f.split("/")[0] in there for f in foreign), there


def test_lost_notices():
    """So many changes at once that notices are lost: two seconds at most."""
    with Lab(maxretry=2) as lab:
        lab.start()
        ours = [f"10.{i // 250}.{i % 250}.1" for i in range(3000)]
        for i in range(0, 3000, 500):
            lab.ok("banip", "sshd", *ours[i:i + 500])
        lab.wait_routes(*ours, seconds=10)
        lab.ip("route", "flush", "proto", "98")
        wait_for(lambda: len(lab.routes()) == 3000, 2, "3000 routes")
        # said, and not for each
        lab.ip("route", "flush", "proto", "98")
        wait_for(lambda: len(lab.routes()) == 3000, 2, "3000 routes")
        assert lab.logged().count("somebody removes what is in force") == 1
