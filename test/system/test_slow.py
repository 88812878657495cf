# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines made to be slow: a regex gives up on them, and the administrator is told which."""
import os
import time

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
JAIL = """[slow]
enabled = true
filter = slow
logpath = {log}
maxretry = 1
findtime = 10m
bantime = 1h
action = route
"""
FILTER = """[Definition]
failregex = .*a.*b<HOST>$
            ^ refused <HOST>\\b
"""


def test_told_and_counted():
    with Lab(jails=()) as lab:
        (lab.dir / "jails.d" / "slow.conf").write_text(JAIL.format(log=lab.auth))
        (lab.dir / "filters" / "slow.conf").write_text(FILTER)
        lab.auth.touch()
        lab.start()
        with open(lab.auth, "a") as f:
            stamp = time.strftime("%b %e %H:%M:%S")
            for i in range(1, 4):
                f.write(f"{stamp} refused 192.0.2.{i} {'a' * 15000}b ::1 x\n")
        lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3")
        wait_for(lambda: "took too long" in lab.logged(), 5, "the warning")
        assert lab.logged().count("took too long") == 1
        lab.says("[slow] a line took too long")
        assert "too slow:\t3 searches given up: failregex 1 (3 times)" in lab.ok(
            "status", "slow")
        assert lab.ctl_json("status", "slow")["given_up"] == 3
