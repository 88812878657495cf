# SPDX-License-Identifier: GPL-2.0-or-later
"""banner-actor with the nft action, in a network namespace of its own."""
import json
import os
import subprocess
import time

import pytest

from harness import BUILD, Drive
from lab import wait_for

NS = "banner-nft-test"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not (BUILD / "actions/nft.so").exists(),
                       reason="built without nft"),
]


def nft(*args, check=True):
    return subprocess.run(["ip", "netns", "exec", NS, "nft", *args], check=check,
                          text=True, capture_output=True).stdout


@pytest.fixture
def ns():
    subprocess.run(["ip", "netns", "del", NS], capture_output=True)
    subprocess.run(["ip", "netns", "add", NS], check=True)
    subprocess.run(["ip", "-n", NS, "link", "set", "lo", "up"], check=True)
    yield
    subprocess.run(["ip", "netns", "del", NS], check=True)


def objects(kind):
    out = json.loads(nft("-j", "list", "ruleset"))["nftables"]
    return [o[kind] for o in out if kind in o]


def sets():
    """Name of each set: its elements, as text, with what is left of their timeout."""
    out = {}
    for s in objects("set"):
        elems = {}
        for e in s.get("elem", []):
            e = e["elem"] if isinstance(e, dict) else {"val": e}
            elems[e["val"]] = e.get("expires")
        out[s["name"]] = elems
    return out


def elements():
    return sorted(e for s in sets().values() for e in s)


def actor(opts="", **kw):
    d = Drive("banner-actor", ["0"], actions=["nft,nft,," + opts], netns=NS, **kw)
    d.engine()
    return d


def test_add_del(ns):
    d = actor()
    d.empty(1)
    assert nft("list", "ruleset") == ""      # nothing before the first ban
    d.ban(0, 1, "192.0.2.1")
    d.ban(0, 2, "203.0.113.0/24")
    d.ban(0, 3, "2001:db8::/64")
    d.ban(0, 4, "2001:db8:1::7")
    assert sets() == {"ban_v4": {"192.0.2.1": None}, "ban_v4_24": {"203.0.113.0": None},
                      "ban_v6": {"2001:db8:1::7": None},
                      "ban_v6_64": {"2001:db8::": None}}
    text = nft("list", "chain", "inet", "banner", "ban").replace("== @", "@")
    for part in ("type filter hook prerouting priority raw; policy accept;",
                 "ip saddr @ban_v4 counter packets 0 bytes 0 drop",
                 "ip saddr & 255.255.255.0 @ban_v4_24 counter",
                 "ip6 saddr @ban_v6 counter",
                 "ip6 saddr & ffff:ffff:ffff:ffff:: @ban_v6_64 counter"):
        assert part in text, text
    # A second jail wants it too: only the last one removes it.
    d.ban(0, 5, "192.0.2.1", "jail=b")
    d.unban(0, 1, "192.0.2.1")
    assert "192.0.2.1" in elements()
    for i, who in ((5, "192.0.2.1"), (2, "203.0.113.0/24"), (3, "2001:db8::/64"),
                   (4, "2001:db8:1::7")):
        d.unban(0, i, who)
    assert elements() == []
    assert d.stop() == 0


def test_overlap(ns):
    """A prefix, one within it and an address within both: no order of them fails."""
    d = actor()
    d.empty(1)
    nets = ["10.0.0.0/16", "10.0.0.0/20", "10.0.2.0/24", "10.0.2.3", "10.0.2.2/31"]
    nets += ["2001:db8::/48", "2001:db8::/64", "2001:db8::/100",
             "2001:db8::1"]
    for order in nets, nets[::-1]:
        for i, who in enumerate(order):
            d.ban(0, i + 1, who, "manual")
        assert len(elements()) == len(nets)
        for i, who in enumerate(order):
            d.unban(0, i + 1, who)
        assert elements() == []
    assert d.stop() == 0


def test_timeouts(ns):
    """The kernel keeps a ban one minute beyond its end, a prolonged one also."""
    d = actor()
    d.empty(1)
    now = int(time.time() * 1000)
    d.ban(0, 1, "192.0.2.1", f"until={now + 600000}")
    d.ban(0, 2, "192.0.2.2", "until=0")
    got = sets()["ban_v4"]
    assert 655 <= got["192.0.2.1"] <= 660 and got["192.0.2.2"] is None
    d.send("prolong", 0, 1, "192.0.2.1", f"until={now + 3600000}")
    wait_for(lambda: 3655 <= sets()["ban_v4"]["192.0.2.1"] <= 3660)
    d.send("prolong", 0, 1, "192.0.2.1", "until=0")
    wait_for(lambda: sets()["ban_v4"]["192.0.2.1"] is None)
    assert d.stop() == 0


def test_dead_daemon(ns):
    """Nobody is there to remove it: the kernel does."""
    d = actor()
    d.empty(1)
    d.ban(0, 1, "192.0.2.1", f"until={int(time.time() * 1000) - 58500}")
    d.kill()
    assert elements() == ["192.0.2.1"]
    wait_for(lambda: elements() == [], 4)


def test_remove_what_is_gone(ns):
    """Elements that the kernel has ended, which it does not tell, cost no time."""
    d = actor()
    d.empty(1)
    soon = int(time.time() * 1000) - 58500
    for i in range(500):
        d.send("ban", 0, i, f"10.0.{i // 250}.{i % 250 + 1}", f"until={soon}")
    d.expect("done", 0, 499, 0, "", 0)
    d.ban(0, 1000, "192.0.2.1")
    wait_for(lambda: elements() == ["192.0.2.1"])
    start = time.monotonic()
    for i in range(500):
        d.send("unban", 0, i, f"10.0.{i // 250}.{i % 250 + 1}")
    d.unban(0, 1000, "192.0.2.1")
    assert elements() == []
    assert time.monotonic() - start < 2
    assert d.stop() == 0


@pytest.mark.parametrize("harm", [
    ("flush", "ruleset"), ("delete", "table", "inet", "banner"),
    ("flush", "chain", "inet", "banner", "ban"),
    ("flush", "set", "inet", "banner", "ban_v4"),
    ("delete", "element", "inet", "banner", "ban_v4", "{ 10.0.0.7 }"),
    ("add", "element", "inet", "banner", "ban_v4", "{ 192.0.2.77 }"),
    ("insert", "rule", "inet", "banner", "ban", "accept"),
])
def test_heals(ns, harm):
    d = actor()
    d.send("begin", 1)
    d.send("bulk", 0, 1, 1000, "10.0.0.0")
    d.send("ban", 0, 5000, "2001:db8::/64")
    d.send("complete", 1)
    d.expect("done", 0, 5000, 0, "", 0)
    wait_for(lambda: len(elements()) == 1001)
    want = elements()
    rules = [r["comment"] for r in objects("rule")]
    assert rules == ["banner: IPv4 /32", "banner: IPv6 /64"]
    start = time.monotonic()
    nft(*harm)
    wait_for(lambda: elements() == want and
         [r.get("comment") for r in objects("rule")] == rules)
    assert time.monotonic() - start < 0.5
    assert d.stop() == 0


def test_foreign(ns):
    """What others have, even in a table of that name, stays as it is."""
    nft("add", "table", "inet", "banner")
    nft("add", "chain", "inet", "banner", "mine", "{ type filter hook input priority 5; }")
    nft("add", "rule", "inet", "banner", "mine", "ip saddr 192.0.2.1 accept")
    nft("add", "set", "inet", "banner", "ban_v4_list", "{ type ipv4_addr; }")
    nft("add", "element", "inet", "banner", "ban_v4_list", "{ 192.0.2.9 }")
    nft("add", "table", "ip", "other")
    before = nft("list", "ruleset")
    d = actor()
    d.empty(1)
    d.ban(0, 1, "192.0.2.1")
    d.unban(0, 1, "192.0.2.1")
    d.ban(0, 1, "192.0.2.1")
    d.send("flush", 0)
    wait_for(lambda: "@ban_v4 " not in nft("list", "ruleset"))
    assert nft("list", "ruleset") == before
    assert d.stop() == 0


def test_scope(ns):
    d = actor("port=ssh\x01587\x016000:6010,protocol=tcp\x01udp,verdict=reject,hook=input")
    d.empty(1)
    d.ban(0, 1, "192.0.2.1")
    text = nft("list", "ruleset")
    for part in ("chain ban_reject_input_tcp_udp_22_587_6000.6010 {",
                 "type filter hook input priority raw;",
                 "tcp dport 22 goto", "tcp dport 587 goto", "tcp dport 6000-6010 goto",
                 "udp dport 6000-6010 goto", "counter packets 0 bytes 0 reject"):
        assert part in text, text
    assert d.stop() == 0


def test_all_ports(ns):
    """As fail2ban says it where a jail names no port."""
    d = actor("port=0:65535,protocol=tcp,verdict=reject,hook=input")
    d.empty(1)
    d.ban(0, 1, "192.0.2.1")
    text = nft("list", "ruleset")
    assert "tcp dport 1-65535 goto" in text, text
    assert d.stop() == 0


def test_wrong_options(ns):
    for opts, text in (("port=ssg", 'port cannot be "ssg": up to 64 ports'),
                       ("port=" + " ".join(map(str, range(1, 66))), 'port cannot be "65"'),
                       ("protocol=tpc", 'protocol cannot be "tpc": up to 4 of tcp'),
                       ("hook=output", 'hook cannot be "output"'),
                       ("table=a b", 'table cannot be "a b"')):
        d = Drive("banner-actor", ["0"], actions=["nft,nft,," + opts], netns=NS)
        d.send("engine")
        rec = d.expect("log", 1)
        assert text in rec[2], rec
        d.kill()


def test_restart(ns):
    """Elements survive the actor; the next one adopts them, with the times of now."""
    d = actor()
    d.empty(1)
    now = int(time.time() * 1000)
    for i in range(1, 6):
        d.ban(0, i, f"192.0.2.{i}", f"until={now + 600000}")
    d.kill()
    assert len(elements()) == 5
    d = actor()
    d.send("begin", 1)
    d.send("ban", 0, 1, "192.0.2.1", "restored", f"until={now + 3600000}")
    d.send("ban", 0, 2, "192.0.2.2", "restored", f"until={now + 600000}")
    d.expect("done", 0, 1, 0, "", 0)
    assert len(elements()) == 5      # nothing is removed before all bans are named
    d.send("complete", 1)
    wait_for(lambda: elements() == ["192.0.2.1", "192.0.2.2"])
    wait_for(lambda: sets()["ban_v4"]["192.0.2.1"] > 3600)
    assert d.stop() == 0


def test_bad_element(ns):
    """One element that cannot be added does not cost the others."""
    nft("add", "table", "inet", "banner")
    # A set of ours with another type of key: additions to it fail.
    nft("add", "set", "inet", "banner", "ban_v4_24", "{ type inet_service; }")
    d = actor()
    d.send("begin", 1)
    for i in range(1, 100):
        d.send("ban", 0, i, "203.0.113.0/24" if i == 50 else f"192.0.2.{i}")
    d.send("complete", 1)
    d.expect("done", 0, 50, 0, "", 17)
    wait_for(lambda: len(sets().get("ban_v4", {})) == 98)
    assert d.stop() == 0


def test_ten_thousand(ns):
    d = actor()
    d.empty(1)
    start = time.monotonic()
    d.send("bulk", 0, 1, 10000, "10.0.0.0")
    d.expect("done", 0, 10000, 0, "", 0, timeout=30)
    took = time.monotonic() - start
    assert len(elements()) == 10000
    d.send("bulkdel", 0, 1, 10000, "10.0.0.0")
    d.expect("done", 0, 10000, 1, "", 0, timeout=30)
    assert elements() == []
    assert d.stop() == 0
    assert took < 5
