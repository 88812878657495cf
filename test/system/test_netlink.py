# SPDX-License-Identifier: GPL-2.0-or-later
"""The route action when netlink goes wrong: answers are lost, requests cut short, the
kernel refuses, and others change more than notices can tell. No ban is reported as in
force that is not."""
import errno
import os
import subprocess

import pytest

from harness import Drive
from lab import wait_for
from shim import CAPS, FAIL, HALF, LOSE, Shim
from test_route import NS, actor, ip, ns, ours             # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def shim(tmp_path):
    one = Shim(tmp_path)
    yield one
    one.close()


@pytest.fixture
def d(ns, shim):                                           # noqa: F811
    one = Drive("banner-actor", ["0"], actions=["route,route,,"], netns=NS, shim=shim)
    one.engine()
    one.empty(1)
    one.ban(0, 1, "192.0.2.1")
    yield one
    one.kill()


def outcomes(d, verb, wanted):
    """Ban -> errors told of it in this order, until all were told success."""
    told = {i: [] for i in wanted}
    while not all(v and v[-1] == 0 for v in told.values()):
        rec = d.expect("done", 0, "*", verb)
        told.get(int(rec[2]), []).append(int(rec[5]))
    return told


# What a lost answer is told as: the kernel said so, or nothing came within a second.
LOST = [(errno.ENOBUFS, errno.ENOBUFS), (errno.EAGAIN, errno.ETIMEDOUT)]


@pytest.mark.parametrize("how,told", LOST)
def test_answer_is_lost(d, shim, how, told):
    """It is in force, but nobody knows: not done, tried again, found as wanted."""
    shim.arm("banner-actor", "answer", 0, LOSE, how)
    d.send("ban", 0, 2, "192.0.2.2")
    assert outcomes(d, 0, [2]) == {2: [told, 0]}
    shim.arm("banner-actor", "answer", 0, LOSE, how)
    d.send("unban", 0, 2, "192.0.2.2")
    assert outcomes(d, 1, [2]) == {2: [told, 0]}
    assert ours() == ["192.0.2.1"]


def test_answer_about_a_conflict_is_lost(d, shim):
    """One of a batch is in the way of another's route, and just that answer is lost."""
    ip("route", "add", "192.0.2.5", "via", "198.51.100.2")
    shim.arm("banner-actor", "answer", 0, LOSE, errno.ENOBUFS)
    d.send("bulk", 0, 2, 20, "192.0.2.2")
    told = outcomes(d, 0, [i for i in range(2, 22) if i != 5])
    assert all(v == [errno.ENOBUFS, 0] for v in told.values()), told
    if not any(r[:4] == ["done", "0", "5", "0"] and r[5] == str(errno.EEXIST)
               for r in d.seen):
        d.expect("done", 0, 5, 0, "", errno.EEXIST)
    about_5 = [int(r[5]) for r in d.seen if r[:4] == ["done", "0", "5", "0"]]
    assert about_5 == [errno.ENOBUFS, errno.EEXIST]
    assert len(ours()) == 20


def test_notice_is_lost(d, shim):
    """One notice, and the kernel tells but that there was one: the table is read."""
    shim.arm("banner-actor", "answer", 0, LOSE, errno.ENOBUFS)
    ip("route", "del", "192.0.2.1")
    wait_for(lambda: ours() == ["192.0.2.1"])
    assert shim.hits() == 1


def test_dump_is_lost(d, shim):
    """Whose the route in the way is cannot be told: not done; found out the next time."""
    ip("route", "add", "blackhole", "192.0.2.2", "proto", "98")
    d.send("beat")
    d.expect("beat")
    # the refusal arrives, the dump behind it does not
    shim.arm("banner-actor", "answer", 1, LOSE, errno.ENOBUFS)
    d.send("ban", 0, 2, "192.0.2.2")
    assert outcomes(d, 0, [2]) == {2: [errno.ENOBUFS, 0]}


@pytest.mark.parametrize("what,err,told", [
    (HALF, 0, errno.EIO), (FAIL, errno.ENOBUFS, errno.ENOBUFS)])
def test_request_is_cut_short(d, shim, what, err, told):
    shim.arm("banner-actor", "ask", 0, what, err)
    d.send("bulk", 0, 2, 100, "10.0.0.0")
    want = range(2, 102)
    assert outcomes(d, 0, want) == {i: [told, 0] for i in want}
    assert len(ours()) == 101
    shim.arm("banner-actor", "ask", 0, what, err)
    d.send("bulkdel", 0, 2, 100, "10.0.0.0")
    assert outcomes(d, 1, want) == {i: [told, 0] for i in want}
    assert ours() == ["192.0.2.1"]


@pytest.mark.parametrize("call", ["ask", "answer"])
def test_interrupted(d, shim, call):
    """A signal is no error: nothing is told of it."""
    shim.arm("banner-actor", call, 0, FAIL, errno.EINTR)
    d.send("ban", 0, 2, "192.0.2.2")
    assert outcomes(d, 0, [2]) == {2: [0]}
    assert shim.hits() == 1


def test_kernel_refuses(d, shim):
    """The capability is gone: said, counted, what is there stays; then it is back."""
    shim.arm("banner-actor", "ask", 0, CAPS, 1)
    d.send("ban", 0, 2, "192.0.2.2")
    d.expect("done", 0, 2, 0, "", errno.EPERM)
    d.says("Operation not permitted")
    d.send("unban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 1, "", errno.EPERM)
    d.expect("state", 0, 1, 2, 1, 2)
    assert ours() == ["192.0.2.1"]
    shim.arm("banner-actor", "ask", 0, CAPS, 0)
    d.expect("done", 0, 1, 1, "", 0)
    wait_for(lambda: ours() == ["192.0.2.2"])


def test_never_had_the_capability(ns):                     # noqa: F811
    d = Drive("banner-actor", ["0"], actions=["route,route,,"], netns=NS,
              bound="-net_admin")
    d.engine()
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", errno.EPERM)
    assert d.stop() == 0


def test_no_loopback_device(ns):                           # noqa: F811
    """Whether the kernel takes the routes of IPv6 then or not: what is told is so."""
    ip("link", "set", "lo", "down")
    d = actor()
    d.empty(1)
    d.ban(0, 1, "192.0.2.1")
    d.send("ban", 0, 2, "2001:db8:1::/64")
    told = int(d.expect("done", 0, 2, 0, "")[5])
    assert ("2001:db8:1::/64" in ours()) == (told == 0)
    ip("link", "set", "lo", "up")
    wait_for(lambda: ours() == ["192.0.2.1", "2001:db8:1::/64"])
    ip("link", "set", "lo", "down")
    ip("link", "set", "lo", "up")
    wait_for(lambda: ours() == ["192.0.2.1", "2001:db8:1::/64"])
    assert d.stop() == 0


def test_replaced_with_another_type(ns):                   # noqa: F811
    """It bans as well, so it stays; and it goes with the ban."""
    d = actor("metric=5")
    d.empty(1)
    for i, family in (1, "-4"), (2, "-6"):
        addr = ["192.0.2.1", "2001:db8:1::1"][i - 1]
        d.ban(0, i, addr)
        ip(family, "route", "replace", "prohibit", addr, "proto", "98", "metric", "5")
        d.expect("state", 0, i, i, 2 * i)
        assert addr in ours()
    d.unban(0, 1, "192.0.2.1")
    assert ours() == ["2001:db8:1::1"]
    d.unban(0, 2, "2001:db8:1::1")
    assert ours() == []
    assert d.stop() == 0


@pytest.mark.parametrize("before,after", [("metric=7", ""), ("", "metric=7"),
                                          ("metric=9", "metric=7")])
def test_another_metric_than_before(ns, before, after):    # noqa: F811
    """Routes of an earlier run go with their bans, whatever their metric."""
    addrs = ["192.0.2.1", "2001:db8:1::1"]
    d = actor(before)
    for i, addr in enumerate(addrs):
        d.send("ban", 0, i + 1, addr)
        d.expect("done", 0, i + 1, 0, "", 0)
    d.kill()
    d = actor(after)
    d.send("begin", 1)
    for i, addr in enumerate(addrs):
        d.send("ban", 0, i + 1, addr, "restored")
        d.expect("done", 0, i + 1, 0, "", 0)
    d.send("complete", 1)
    for i, addr in enumerate(addrs):
        d.send("unban", 0, i + 1, addr)
        d.expect("done", 0, i + 1, 1, "", 0)
    assert ours() == []
    assert d.stop() == 0


def test_a_stranger_removes_a_hundred_thousand(ns):        # noqa: F811
    """More notices than the socket holds: the table is read, and all come back."""
    n = 100000
    d = actor()
    d.send("begin", 1)
    d.send("bulk", 0, 1, n, "10.0.0.0")
    d.send("complete", 1)
    d.expect("done", 0, n, 0, "", 0, timeout=60)
    routes = ip("route", "show", "proto", "98")
    assert routes.count("blackhole") == n
    gone = "".join(f"route del {line}\n" for line in routes.splitlines())
    # while it is stopped: all notices wait, far more than there is room for
    d.send("beat")
    d.expect("beat")
    pid = int(subprocess.run(["pgrep", "-P", str(d.p.pid)], check=True, text=True,
                             capture_output=True).stdout.split()[0])
    os.kill(pid, 19)
    subprocess.run(["ip", "-n", NS, "-batch", "-"], input=gone, text=True, check=True)
    assert ours() == []
    os.kill(pid, 18)
    wait_for(lambda: ip("route", "show", "proto", "98").count("blackhole") == n, 60)
    d.expect("state", 0, n, n, "*", 0, n, timeout=60)
    assert d.stop() == 0
