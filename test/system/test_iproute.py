# SPDX-License-Identifier: GPL-2.0-or-later
"""Bans on proxies that have nothing of ours: the ssh action with remote = iproute.

Real sshd, real ip -batch, real kernels; see test_fleet.py.
"""
import os
import signal

import pytest

from fleet_lab import Fleet
from lab import wait_for
from test_fleet import NETS, ban, host, many, wait_state

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")


def any_command(p):
    key = (p.lab.dir / "ssh" / "key.pub").read_text()
    (p.dir / "authorized_keys").write_text(f"restrict {key}")


@pytest.fixture
def two():
    with Fleet(2, more="remote = iproute") as lab:
        for p in lab.proxies:
            any_command(p)
        yield lab


def test_a_ban_comes_and_goes(two):
    two.start()
    two.fail("192.0.2.7", 3)
    two.wait_all({"192.0.2.7"})
    ban(two, ["2001:db8:7::/64", "203.0.113.0/24"])
    assert "on 2/2 proxies" in two.ok("banip", "sshd", "192.0.2.8", "--wait")
    two.wait_all({"192.0.2.7", "192.0.2.8", "2001:db8:7::/64", "203.0.113.0/24"})
    two.ok("unban", "192.0.2.7")
    two.wait_all({"192.0.2.8", "2001:db8:7::/64", "203.0.113.0/24"})
    two.ok("banip", "sshd", "192.0.2.50", "--time", "2s", "--wait")
    assert "192.0.2.50" in two.proxies[0].routes()
    two.wait_all({"192.0.2.8", "2001:db8:7::/64", "203.0.113.0/24"}, seconds=6)
    ban(two, many(6000))
    two.wait_all({"192.0.2.8", "2001:db8:7::/64", "203.0.113.0/24", *many(6000)})
    wait_for(lambda: host(two, two.proxies[0])["in_force"] == 6003, 5, "the count")
    two.ok("unban", "--all")
    two.wait_all(set())


def test_rebooted_and_away_while_things_change(two):
    two.start()
    gone, here = two.proxies
    ban(two, NETS[:10] + many(4000))
    two.wait_all(NETS[:10] + many(4000))
    two.ok("unban", *many(4000))
    two.wait_all(NETS[:10])
    gone.stop()
    wait_state(two, gone, "down")
    ban(two, NETS[10:20])
    two.ok("unban", *NETS[:5])
    here.wait_routes(NETS[5:20])
    assert "1/2 proxies (proxy1: Connection re" in two.ok("list")
    gone.start()
    gone.wait_routes(NETS[5:20], 20)
    wait_for(lambda: "proxies" not in two.ok("list"), 5, "nothing to be missing")
    gone.reboot()
    gone.wait_routes(NETS[5:20], 20)


def test_flushed_routes_come_back_at_sync(two):
    two.start()
    ban(two, NETS[:5] + ["2001:db8::5"])
    two.wait_all(NETS[:5] + ["2001:db8::5"])
    two.proxies[0].flush()
    two.proxies[1].ip("route", "add", "blackhole", "192.0.2.99", "proto", "98")
    two.ok("sync")
    two.wait_all(NETS[:5] + ["2001:db8::5"])


def test_foreign_routes_are_left_alone(two):
    p = two.proxies[0]
    p.ip("route", "add", "blackhole", NETS[0], "proto", "static")
    p.ip("route", "add", "blackhole", NETS[1], "proto", "98", "table", "77")
    two.start()
    ban(two, NETS[:3])
    two.proxies[1].wait_routes(NETS[:3])
    wait_for(lambda: "1/2 proxies (proxy1: somebody else's entry is in the way" in two.ok("list"), 5,
             "the conflict to be named")
    two.ok("unban", NETS[0])
    two.proxies[1].wait_routes(NETS[1:3])
    two.ok("sync")
    out = p.ip("route", "show", "table", "all", "type", "blackhole")
    assert f"{NETS[0]} proto static" in out and f"{NETS[1]} table 77" in out
    ban(two, NETS[:1])
    wait_for(lambda: host(two, p)["refused"] == 1, 5, "the conflict")
    p.ip("route", "del", "blackhole", NETS[0], "proto", "static")
    two.ok("sync")
    p.wait_routes(NETS[:3])
    wait_for(lambda: host(two, p)["refused"] == 0, 5, "the conflict to be over")
    assert "proxies" not in two.ok("list")


def test_commands_that_fail_are_told(two):
    """A proxy whose ip may not change routes."""
    p = two.proxies[0]
    p.allow("exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin "
            "ip -force -batch - 2>&1")
    two.start()
    ban(two, NETS[:3])
    two.proxies[1].wait_routes(NETS[:3])
    wait_for(lambda: "(proxy1: Operation not permitted" in two.ok("list"), 5,
             "the failure")
    assert p.routes() == set() and host(two, p)["refused"] == 3
    p.allow("no-such-program -batch - 2>&1")
    p.signal(signal.SIGKILL, "ip")
    wait_for(lambda: "not found" in host(two, p)["error"], 15, "the missing program")
    any_command(p)
    two.ok("sync")
    two.wait_all(NETS[:3])
    wait_for(lambda: "proxies" not in two.ok("list"), 5, "nothing to be missing")


def test_more_than_half_needs_force(two):
    p = two.proxies[0]
    for addr in NETS[:20]:
        p.ip("route", "add", "blackhole", addr, "proto", "98")
    two.start()
    ban(two, NETS[15:25])
    p.wait_routes(NETS[:25])
    wait_for(lambda: "set not taken: half" in host(two, p)["error"], 5, "the refusal")
    two.ok("sync", "--force")
    two.wait_all(NETS[15:25])


def test_hung_ip_delays_nobody(two):
    two.start()
    ban(two, NETS[:5])
    two.wait_all(NETS[:5])
    hung, here = two.proxies
    hung.signal(signal.SIGSTOP, "ip")
    ban(two, NETS[5:10])
    here.wait_routes(NETS[:10], 2)
    wait_for(lambda: "does not acknowledge" in host(two, hung)["error"], 10,
             "the watchdog")
    hung.signal(signal.SIGKILL, "ip")
    hung.wait_routes(NETS[:10], 30)


def test_through_a_child_ssh():
    with Fleet(1, more="remote = iproute\ncarrier = openssh") as lab:
        any_command(lab.proxies[0])
        lab.start()
        ban(lab, NETS[:5])
        lab.wait_all(NETS[:5])
        lab.ok("unban", NETS[0])
        lab.wait_all(NETS[1:5])
