# SPDX-License-Identifier: GPL-2.0-or-later
"""The wall clock is set, wrong at boot, in another year: bans keep their time."""
import os
import time

import pytest

from lab import Lab, wait_for
from shim import Shim

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
HOUR, DAY = 3600, 86400


@pytest.fixture
def lab():
    with Lab(maxretry=2) as one:
        one.shim = Shim(one.dir)
        one.shim.clock(0, told=False)
        yield one
        one.shim.close()


def fail(lab, addr, when):
    with open(lab.auth, "a") as f:
        f.write(f"{time.strftime('%b %e %H:%M:%S', time.localtime(when))} host sshd[1]: Failed "
                f"password for root from {addr} port 4000 ssh2\n")


def ends_after(lab, addr, seconds):
    """The route goes within a second of its time (by the clock that nobody sets)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end - 0.2:
        assert addr in lab.routes(), f"lost {end - time.monotonic():.1f} s early"
        time.sleep(0.05)
    wait_for(lambda: addr not in lab.routes(), end + 1 - time.monotonic(), "the end")


@pytest.mark.parametrize("step", [HOUR, -HOUR, DAY, -DAY])
def test_the_clock_is_set(lab, step):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "--time", "4s", "--wait")
    lab.ok("banip", "sshd", "192.0.2.2", "--time", "1h", "--wait")
    fail(lab, "192.0.2.3", time.time())
    time.sleep(0.5)
    lab.shim.clock(step)
    ends_after(lab, "192.0.2.1", 3.4)
    assert lab.routes() == {"192.0.2.2"}
    lab.says("the clock was set")
    until = {b["subject"]: b["until_ms"] for b in lab.ctl_json("list")}["192.0.2.2"]
    assert abs(until / 1000 - (time.time() + step + HOUR)) < 30, "list shows the new end"
    # the failure before the step still counts, and so does a new one
    fail(lab, "192.0.2.3", time.time() + step)
    lab.wait_routes("192.0.2.2", "192.0.2.3")
    lab.ok("banip", "sshd", "192.0.2.4", "--time", "4s", "--wait")
    lab.stop()
    lab.start()
    assert lab.banned() == lab.routes() == {"192.0.2.2", "192.0.2.3", "192.0.2.4"}
    lab.wait_routes("192.0.2.2", "192.0.2.3", seconds=5)


def test_1970_at_boot(lab):
    """The bans of before stay, and end at their time once the clock is right."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "--time", "9s", "--wait")
    made = time.monotonic()
    lab.ok("banip", "sshd", "192.0.2.2", "--time", "1h", "--wait")
    fail(lab, "192.0.2.3", time.time())
    lab.says("Found 192.0.2.3")
    time.sleep(0.2)
    lab.stop()
    off = 100 - time.time()
    lab.shim.clock(off, told=False)
    lab.ip("route", "flush", "proto", "98")
    lab.start()
    lab.wait_routes("192.0.2.1", "192.0.2.2")
    lab.ok("banip", "sshd", "192.0.2.4", "--time", "1h", "--wait")
    fail(lab, "192.0.2.5", time.time() + off)
    time.sleep(0.3)
    lab.shim.clock(0)
    ends_after(lab, "192.0.2.1", 9 - (time.monotonic() - made))
    assert lab.routes() == {"192.0.2.2", "192.0.2.4"}
    fail(lab, "192.0.2.3", time.time())
    fail(lab, "192.0.2.5", time.time())
    lab.wait_routes(*(f"192.0.2.{i}" for i in range(2, 6)))
    lab.stop()
    lab.start()
    assert lab.banned() == {f"192.0.2.{i}" for i in range(2, 6)}


def test_a_clock_that_stays_wrong(lab):
    """Behind for good: a ban lasts its full length, not until that date comes."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "--time", "3s", "--wait")
    lab.stop()
    lab.shim.clock(-DAY, told=False)
    lab.start()
    ends_after(lab, "192.0.2.1", 2.6)


def test_suspend(lab):
    """An hour asleep is an hour: what ended meanwhile goes at once, the rest goes on, and
    nobody takes it for a clock that was set."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "--time", "2m", "--wait")
    lab.ok("banip", "sshd", "192.0.2.2", "--time", "2h", "--wait")
    lab.ok("banip", "sshd", "192.0.2.3", "--time", f"{HOUR + 4}s", "--wait")
    made = time.monotonic()
    fail(lab, "192.0.2.4", time.time())
    lab.says("Found 192.0.2.4")
    lab.shim.suspended(HOUR)
    wait_for(lambda: "192.0.2.1" not in lab.routes(), 1, "the end that was slept over")
    assert lab.routes() == {"192.0.2.2", "192.0.2.3"}
    fail(lab, "192.0.2.4", time.time() + HOUR)
    ends_after(lab, "192.0.2.3", 4 - (time.monotonic() - made))
    assert lab.routes() == {"192.0.2.2"}, "a failure of an hour ago does not count"
    assert "the clock was set" not in lab.logged()
    fail(lab, "192.0.2.4", time.time() + HOUR)
    lab.wait_routes("192.0.2.2", "192.0.2.4")


def at(text):
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))


def test_new_year(lab):
    """Lines without a year, on both sides of midnight."""
    lab.shim.clock(at("2027-01-01 00:00:20") - time.time(), told=False)
    lab.start()
    fail(lab, "192.0.2.1", at("2026-12-31 23:59:50"))
    fail(lab, "192.0.2.1", at("2027-01-01 00:00:10"))
    lab.wait_routes("192.0.2.1")
    lab.says("Found 192.0.2.1 - 2026-12-31 23:59:50")
    lab.says("Found 192.0.2.1 - 2027-01-01 00:00:10")


@pytest.mark.parametrize("utc", [1774745990, 1792889990])
def test_daylight_saving(lab, utc, monkeypatch):
    """Ten seconds before and after both changes of Berlin's clocks."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        began = time.time()
        lab.shim.clock(utc - began, told=False)
        lab.start()
        fail(lab, "192.0.2.1", utc - 3)
        lab.ok("banip", "sshd", "192.0.2.2", "--time", "12s", "--wait")
        made = time.monotonic()
        time.sleep(max(0, began + 11 - time.time()))
        fail(lab, "192.0.2.1", utc + 11)
        wait_for(lambda: "192.0.2.1" in lab.routes(), 3, lab.logged()[-1500:])
        wait_for(lambda: "192.0.2.2" not in lab.routes(), made + 13 - time.monotonic())
    finally:
        monkeypatch.undo()
        time.tzset()
