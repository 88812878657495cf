# SPDX-License-Identifier: GPL-2.0-or-later
"""banctl check: a ban comes into force and goes again, and somebody looked."""
import os

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


def test_looks_into_the_kernel(lab):
    lab.start()
    assert lab.ok("check") == ("route: pass\n  while banned: there; when lifted: "
                               "not there\n")
    assert lab.ctl_json("check", "route") == [
        {"action": "route", "pass": True, "banned": "there", "lifted": "not there",
         "reason": ""}]
    assert lab.routes() == set()


def test_one_action_of_several(lab):
    (lab.dir / "actions" / "hand.conf").write_text(
        f"[Definition]\nactionban = echo ban <ip> >> {lab.dir}/hand\n"
        f"actionunban = echo unban <ip> >> {lab.dir}/hand\n")
    lab.jail("other", action="hand")
    lab.start()
    out = lab.ok("check")
    assert "route: pass" in out and "hand: pass" in out
    assert "cannot list" in out, "nobody looked, and it says so"
    assert lab.ctl("check", "nosuch").returncode == 1
    assert lab.ok("check", "route").startswith("route: pass")
    wait_for(lambda: (lab.dir / "hand").read_text().splitlines()[:2] == [
        "ban 203.0.113.254", "unban 203.0.113.254"])


def test_a_foreign_route_is_found(lab):
    """What is in the way is told, and left alone."""
    lab.ip("route", "add", "blackhole", "203.0.113.254", "proto", "static")
    lab.start()
    done = lab.ctl("check")
    assert done.returncode == 1 and "route: FAIL: " in done.stdout, done
    assert "203.0.113.254" in lab.ip("route", "show", "proto", "static")


def test_a_command_that_fails(lab):
    (lab.dir / "actions" / "hand.conf").write_text(
        "[Definition]\nactionban = exit 3\nactionunban = true\n")
    lab.jail("other", action="hand")
    lab.start()
    done = lab.ctl("check")
    assert done.returncode == 1
    assert "hand: FAIL" in done.stdout and "route: pass" in done.stdout
