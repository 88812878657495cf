# SPDX-License-Identifier: GPL-2.0-or-later
"""banner-actor with the route action, in a network namespace of its own."""
import os
import re
import subprocess
import time

import pytest

from harness import Drive
from lab import wait_for

NS = f"banner-route-{os.getpid()}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def ip(*args, check=True):
    return subprocess.run(["ip", "-n", NS, *args], check=check, text=True,
                          capture_output=True).stdout


@pytest.fixture
def ns():
    subprocess.run(["ip", "netns", "del", NS], capture_output=True)
    subprocess.run(["ip", "netns", "add", NS], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
    ip("addr", "add", "198.51.100.1/24", "dev", "v0")
    ip("link", "set", "v0", "up")
    ip("link", "set", "v1", "up")
    yield
    subprocess.run(["ip", "netns", "del", NS], check=True)


def ours(*args):
    out = []
    for family in "-4", "-6":
        text = ip(family, "route", "show", "proto", "98", "table", "all")
        out += [line.split()[1] for line in text.splitlines()]
    return sorted(out)


def actor(opts=""):
    d = Drive("banner-actor", ["0"], actions=["route,route,," + opts], netns=NS)
    d.engine()
    return d


def test_announced(ns):
    """An order that is announced may come or not; a strange announcement ends it."""
    d = actor()
    d.empty(1)
    for i in range(1, 20):
        d.send("soon")
        if i % 2:
            d.ban(0, i, f"192.0.2.{i}")
    assert len(ours()) == 10
    d.send("sooner", "or later")
    d.expect("engine socket closed")
    assert d.stop() == 0


def test_add_del(ns):
    d = actor()
    d.empty(1)
    d.ban(0, 1, "192.0.2.1")
    d.ban(0, 2, "203.0.113.0/24")
    d.ban(0, 3, "2001:db8::/64")
    assert ours() == ["192.0.2.1", "2001:db8::/64", "203.0.113.0/24"]
    assert "blackhole 192.0.2.1 proto 98" in ip("route")
    # A second jail wants it too: only the last one removes it.
    d.ban(0, 4, "192.0.2.1", "jail=b")
    d.unban(0, 1, "192.0.2.1")
    assert "192.0.2.1" in ours()
    for i, who in (4, "192.0.2.1"), (2, "203.0.113.0/24"), (3, "2001:db8::/64"):
        d.unban(0, i, who)
    assert ours() == []
    assert d.stop() == 0


@pytest.mark.parametrize("kind", ["blackhole", "unreachable", "prohibit"])
@pytest.mark.parametrize("family,who", [
    ("-4", "192.0.2.1"), ("-4", "192.0.2.0/25"), ("-6", "2001:db8:1::1"),
    ("-6", "2001:db8:1::/56")])
def test_options(ns, kind, family, who):
    d = actor(f"blocktype={kind},table=100,metric=7")
    d.ban(0, 1, who)
    assert re.search(rf"^{kind} {who} .*proto 98 metric 7",
                     ip(family, "route", "show", "table", "100"))
    d.unban(0, 1, who)
    assert ip(family, "route", "show", "table", "100", check=False).strip() == ""
    assert d.stop() == 0


def test_wrong_option(ns):
    d = Drive("banner-actor", ["0"], actions=["route,route,,blocktyp=x"], netns=NS)
    rec = d.expect("log", 1)
    assert 'no option "blocktyp"' in rec[2] and "blocktype, table, metric" in rec[2]
    d.expect("exit", 1)


def test_conflict(ns):
    """A foreign route is reported and left alone; when it goes, the ban comes."""
    ip("route", "add", "192.0.2.1", "via", "198.51.100.2")
    ip("route", "add", "blackhole", "192.0.2.2", "proto", "static")
    d = actor()
    d.send("begin", 1)
    d.send("ban", 0, 1, "192.0.2.1")
    d.send("ban", 0, 2, "192.0.2.2")
    d.send("ban", 0, 3, "192.0.2.3")
    d.send("complete", 1)
    d.expect("done", 0, 1, 0, "", 17)
    d.expect("done", 0, 2, 0, "", 17)
    d.expect("done", 0, 3, 0, "", 0)
    d.expect("state", 0, 1, 3, 1, 2, 0, 2)
    assert ours() == ["192.0.2.3"]
    d.unban(0, 2, "192.0.2.2")
    assert "blackhole 192.0.2.2 proto static" in ip("route")
    ip("route", "del", "192.0.2.1")
    d.expect("done", 0, 1, 0, "", 0)
    assert ours() == ["192.0.2.1", "192.0.2.3"]
    assert d.stop() == 0


def test_drift(ns):
    """What others remove comes back at once; what they add as ours goes."""
    d = actor()
    d.send("begin", 1)
    d.send("bulk", 0, 1, 1000, "10.0.0.0")
    d.send("ban", 0, 5000, "2001:db8::1")
    d.send("complete", 1)
    wait_for(lambda: len(ours()) == 1001)
    start = time.monotonic()
    ip("route", "del", "10.0.0.7")
    wait_for(lambda: len(ours()) == 1001)
    assert time.monotonic() - start < 0.5
    ip("-6", "route", "del", "2001:db8::1")
    wait_for(lambda: len(ours()) == 1001)
    ip("route", "flush", "proto", "98")
    wait_for(lambda: len(ours()) == 1001)
    # Replaced by somebody else: not ours any more, a conflict now.
    ip("route", "replace", "10.0.0.9", "via", "198.51.100.2")
    d.expect("done", 0, 10, 0, "", 17)
    assert len(ours()) == 1000
    # Loopback down and up takes the routes of IPv6 with it.
    ip("link", "set", "lo", "down")
    ip("link", "set", "lo", "up")
    wait_for(lambda: "2001:db8::1" in ours())
    assert d.stop() == 0


def test_restart(ns):
    """Routes survive the actor; the next one adopts them and removes orphans last."""
    d = actor()
    d.send("begin", 1)
    for i in range(1, 6):
        d.send("ban", 0, i, f"192.0.2.{i}")
    d.send("complete", 1)
    d.expect("done", 0, 5, 0, "", 0)
    d.kill()
    assert len(ours()) == 5
    ip("route", "del", "192.0.2.1")
    d = actor("blocktype=prohibit")
    d.send("begin", 1)
    d.send("ban", 0, 1, "192.0.2.1", "restored")
    d.send("ban", 0, 2, "192.0.2.2", "restored")
    d.expect("done", 0, 1, 0, "", 0)
    assert len(ours()) == 5      # nothing is removed before all bans are named
    d.send("complete", 1)
    wait_for(lambda: ours() == ["192.0.2.1", "192.0.2.2"])
    # Of another kind, but ours: it is removed all the same.
    d.unban(0, 2, "192.0.2.2")
    assert ours() == ["192.0.2.1"]
    assert d.stop() == 0
    assert ours() == ["192.0.2.1"]


def test_new_engine(ns):
    """The actor outlives an engine: what the new one does not name goes."""
    d = actor()
    d.send("begin", 1)
    for i in range(1, 4):
        d.send("ban", 0, i, f"192.0.2.{i}")
    d.send("complete", 1)
    d.expect("done", 0, 3, 0, "", 0)
    d.send("engine")
    d.send("begin", 2)
    d.ban(0, 3, "192.0.2.3", "restored")
    assert len(ours()) == 3
    d.send("complete", 2)
    wait_for(lambda: ours() == ["192.0.2.3"])
    assert d.stop() == 0


def test_guard(ns):
    """The actor has its own guard; a ban that becomes guarded is lifted."""
    d = actor()
    d.send("guard", "own", "192.0.2.1")
    d.send("beat")
    d.expect("beat")             # the guard has arrived, then
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", 1)
    d.send("ban", 0, 2, "127.0.0.1")
    d.expect("done", 0, 2, 0, "", 1)
    d.ban(0, 3, "192.0.2.3")
    assert ours() == ["192.0.2.3"]
    d.send("guard", "own", "192.0.2.3")
    wait_for(lambda: ours() == ["192.0.2.1"])
    assert d.stop() == 0


def test_user_not_supported(ns):
    d = actor()
    d.send("ban", 0, 1, "root")
    d.expect("done", 0, 1, 0, "", 95)
    assert d.stop() == 0


def test_ten_thousand(ns):
    d = actor()
    d.send("begin", 1)
    start = time.monotonic()
    d.send("bulk", 0, 1, 10000, "10.0.0.0")
    d.send("complete", 1)
    d.expect("done", 0, 10000, 0, "", 0, timeout=30)
    took = time.monotonic() - start
    assert len(ours()) == 10000
    d.send("bulkdel", 0, 1, 10000, "10.0.0.0")
    d.expect("done", 0, 10000, 1, "", 0, timeout=30)
    assert ours() == []
    assert d.stop() == 0
    assert took < 5
