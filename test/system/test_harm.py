# SPDX-License-Identifier: GPL-2.0-or-later
"""Plugins that crash or hang while bannerd runs: only their own actor stands still, it is
said, it is not tried again in a hurry, and when it works again all bans are in force."""
import os
import shutil
import time

import pytest

from lab import BUILD, Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
BANS = ["192.0.2.1", "192.0.2.66", "192.0.2.2"]         # it is the second that harms


class HarmLab(Lab):
    """Its jail has the action "bad", of test/unit/odd_plugin.c, and route."""

    def __init__(self, color):
        super().__init__(jails=())
        self.cure = self.dir / "cure"
        self.daemon_conf(f"[action bad]\nplugin = odd\nneeded = {self.cure}\n"
                         f"color = {color}-once\n")
        self.copy_programs()
        self.odd = self.programs / "actions" / "odd.so"
        shutil.copyfile(BUILD / "test/unit/odd_10.so", self.odd)
        self.odd.chmod(0o644)
        self.jail("a", action="bad\n route")

    def state(self):
        return next(a for a in self.ctl_json("status")["actions"] if a["name"] == "bad")

    def in_force(self):
        return self.state()["in_force"] if self.state()["connected"] else 0


@pytest.fixture
def lab(request):
    with HarmLab(request.param) as one:
        yield one


@pytest.mark.parametrize("lab", ["open-abort", "ban-abort"], indirect=True)
def test_crashes(lab):
    lab.start()
    began = time.monotonic()
    lab.ok("banip", "a", *BANS)
    lab.wait_routes(*BANS)              # others do their part
    wait_for(lambda: lab.logged().count("(Aborted)") >= 3, 10, "crashes")
    wait_for(lambda: "NOT RUNNING" in lab.ok("status", "a"), 5, "status to say so")
    assert "its actor does not run" in lab.ctl("doctor").stdout
    # at once, then after 1, 2, 4 s; the first may be that of the start
    took = time.monotonic() - began
    assert lab.logged().count("(Aborted)") <= 3 + took, "it is tried too often"
    assert set(lab.children()) >= {"banner-actor", "banner-engine", "banner-store"}
    lab.cure.touch()
    wait_for(lambda: lab.in_force() == 3, 20, "all bans to be told again")
    assert lab.routes() == set(BANS)
    lab.fail("192.0.2.9", 3)
    wait_for(lambda: lab.in_force() == 4, 5, "the next ban")


@pytest.mark.parametrize("lab", ["ban-hang"], indirect=True)
def test_hangs(lab, monkeypatch):
    """It answers no beat, is killed, and that is said. The beat is systemd's here."""
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    lab.start()
    done = lab.ctl("banip", "a", *BANS, "--wait")
    assert "not in force everywhere yet" in done.stdout and "disk" not in done.stdout
    assert lab.routes() == set(BANS)
    wait_for(lambda: "does not answer: killed" in lab.logged(), 10, "the end of it")
    lab.fail("192.0.2.9", 3)            # nobody else waits for it
    lab.wait_routes(*BANS, "192.0.2.9")
    lab.cure.touch()
    wait_for(lambda: lab.in_force() == 4, 20, "all bans to be told again")


@pytest.mark.parametrize("lab", ["ban-abort"], indirect=True)
def test_file_that_others_can_write(lab):
    """Refused by -t and by the actor, with the reason; the rest works."""
    lab.cure.touch()
    lab.odd.chmod(0o666)
    lab.start()
    lab.ok("banip", "a", "192.0.2.1")
    lab.wait_routes("192.0.2.1")
    wait_for(lambda: "writable by others" in lab.logged(), 5, "the reason")
    wait_for(lambda: "NOT RUNNING" in lab.ok("status", "a"), 5, "status to say so")
    lab.odd.chmod(0o644)
    wait_for(lambda: lab.in_force() == 1, 20, "the ban")
