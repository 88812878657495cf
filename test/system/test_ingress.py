# SPDX-License-Identifier: GPL-2.0-or-later
"""What reaches a program: two namespaces, an attacker and a host.

Options ingress and kill_sessions, and that no packet slips in while the actor repairs."""
import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import BUILD, Drive
from lab import wait_for

HOST, EVIL = "banner-host-test", "banner-evil-test"
# Of the host, of the attacker: from inside and from beyond the default route.
ADDR = {4: ("198.51.100.1", "203.0.113.66"), 6: ("2001:db8:1::1", "2001:db8:66::66")}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_nft = pytest.mark.skipif(not (BUILD / "actions/nft.so").exists(),
                               reason="built without nft")


def run(*args, check=True):
    return subprocess.run(args, check=check, text=True, capture_output=True).stdout


def ip(ns, *args):
    return run("ip", "-n", ns, *args)


def nft(*args):
    return run("ip", "netns", "exec", HOST, "nft", *args)


@pytest.fixture
def net():
    for ns in HOST, EVIL:
        run("ip", "netns", "del", ns, check=False)
        run("ip", "netns", "add", ns)
        ip(ns, "link", "set", "lo", "up")
    ip(HOST, "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", EVIL)
    ip(HOST, "addr", "add", "198.51.100.1/24", "dev", "v0")
    ip(HOST, "addr", "add", "2001:db8:1::1/64", "dev", "v0", "nodad")
    ip(EVIL, "addr", "add", "198.51.100.2/24", "dev", "v1")
    ip(EVIL, "addr", "add", "2001:db8:1::2/64", "dev", "v1", "nodad")
    ip(EVIL, "addr", "add", "203.0.113.66/32", "dev", "lo")
    ip(EVIL, "addr", "add", "2001:db8:66::66/128", "dev", "v1", "nodad")
    ip(HOST, "link", "set", "v0", "up")
    ip(EVIL, "link", "set", "v1", "up")
    ip(HOST, "route", "add", "default", "via", "198.51.100.2")
    ip(HOST, "-6", "route", "add", "default", "via", "2001:db8:1::2")
    yield
    for ns in HOST, EVIL:
        run("ip", "netns", "del", ns)


def inside(ns, make):
    """Runs make() in the namespace; sockets stay there when we return."""
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{ns}") as away:
        setns(away.fileno())
        try:
            return make()
        finally:
            setns(home.fileno())


def setns(fd):
    if sys.version_info >= (3, 12):
        os.setns(fd, 0)
        return
    import ctypes
    assert ctypes.CDLL(None, use_errno=True).setns(fd, 0) == 0


def bound(kind, family, addr, port=0):
    s = socket.socket(FAMILY[family], kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((addr, port))
    s.settimeout(2)
    return s


def udp(family):
    """A server on the host, a client at the attacker."""
    host, evil = ADDR[family]
    server = inside(HOST, lambda: bound(socket.SOCK_DGRAM, family, host, 5353))
    client = inside(EVIL, lambda: bound(socket.SOCK_DGRAM, family, evil))
    return server, client


def arrives(server, client, family):
    client.sendto(b"x", (ADDR[family][0], 5353))
    server.settimeout(0.3)
    try:
        return server.recv(10) == b"x"
    except socket.timeout:
        return False


def tcp(family, listen=None):
    """Both ends of a connection, opened by the attacker."""
    host, evil = ADDR[family]
    server = inside(HOST, lambda: bound(socket.SOCK_STREAM, family, host, 2525))
    if listen == "any":         # one socket for both families
        server.close()
        server = inside(HOST, lambda: bound(socket.SOCK_STREAM, 6, "::", 2525))
    server.listen()
    client = inside(EVIL, lambda: bound(socket.SOCK_STREAM, family, evil))
    client.connect((host, 2525))
    conn, _ = server.accept()
    conn.settimeout(2)
    server.close()
    return conn, client


def actor(opts, plugin="route", settle=True):
    d = Drive("banner-actor", ["0"], actions=[f"{plugin},{plugin},," + opts], netns=HOST)
    d.engine()
    d.send("begin", 1)
    if settle:
        d.send("complete", 1)
    return d


def logged(d):
    return "".join(rec[2] for rec in d.seen if rec[0] == "log")


@needs_nft
@pytest.mark.parametrize("family", [4, 6])
def test_ingress(net, family):
    """A datagram of a banned address reaches no program; without the option it does."""
    server, client = udp(family)
    assert arrives(server, client, family)
    d = actor("")
    d.ban(0, 1, ADDR[family][1])
    assert arrives(server, client, family)      # the route alone only stops answers
    assert d.stop() == 0
    d = actor("ingress=yes")
    d.ban(0, 1, ADDR[family][1])
    assert not arrives(server, client, family)
    # Put back when others remove it.
    nft("flush", "ruleset")
    end = time.monotonic() + 1
    while "oif" not in nft("list", "ruleset"):
        assert time.monotonic() < end
    assert not arrives(server, client, family)
    d.unban(0, 1, ADDR[family][1])
    assert arrives(server, client, family)
    assert d.stop() == 0


@needs_nft
def test_refused(net):
    """Without a default route every stranger would be dropped: not done, and said."""
    ip(HOST, "route", "del", "default")
    server, client = udp(6)
    d = actor("ingress=yes")
    # IPv6 still has one.
    rules = [o["rule"]["comment"] for o in
             json.loads(nft("-j", "list", "ruleset"))["nftables"] if "rule" in o]
    assert len(rules) == 2 and all("IPv6" in r for r in rules)
    assert d.stop() == 0
    nft("flush", "ruleset")
    ip(HOST, "-6", "route", "del", "default")
    d = actor("ingress=yes")
    assert "ingress = yes is refused: there is no default route" in logged(d)
    d.ban(0, 1, ADDR[6][1])       # the ban itself is in force
    assert ADDR[6][1] in ip(HOST, "-6", "route", "show", "proto", "98")
    assert nft("list", "ruleset") == ""
    assert d.stop() == 0
    ip(HOST, "route", "add", "default", "via", "198.51.100.2")
    ip(HOST, "rule", "add", "fwmark", "1", "table", "100")
    d = actor("ingress=yes")
    assert "routing policies" in logged(d)
    assert d.stop() == 0


@pytest.mark.parametrize("plugin", ["route", "nft"])
@pytest.mark.parametrize("family,listen,who", [
    (4, None, "203.0.113.66"), (4, None, "203.0.113.0/24"), (4, "any", "203.0.113.66"),
    (6, None, "2001:db8:66::66"), (6, None, "2001:db8:66::/64"),
])
def test_kill_sessions(net, plugin, family, listen, who):
    """A connection that is open when the ban comes is closed, others are not."""
    if not (BUILD / f"actions/{plugin}.so").exists():
        pytest.skip("not built")
    conn, client = tcp(family, listen)
    client.sendall(b"AUTH 1")
    assert conn.recv(10) == b"AUTH 1"
    neighbour = inside(HOST, lambda: bound(socket.SOCK_STREAM, 4, "127.0.0.1"))
    neighbour.listen()
    peer = inside(HOST, lambda: bound(socket.SOCK_STREAM, 4, "127.0.0.1"))
    peer.connect(neighbour.getsockname())
    other, _ = neighbour.accept()
    d = actor("kill_sessions=yes", plugin)
    d.ban(0, 1, who)
    with pytest.raises(ConnectionError):
        conn.recv(10)           # ECONNABORTED, at once
        conn.send(b"x")
    peer.sendall(b"still here")
    assert other.recv(20) == b"still here"
    d.says("1 open connections of banned addresses closed")
    assert d.stop() == 0


class Attack:
    """Datagrams without pause to a server that counts them."""

    def __init__(self, family=4):
        self.server, self.client = udp(family)
        self.to, self.end, self.arrived = (ADDR[family][0], 5353), False, 0
        self.sent = 0
        self.threads = [threading.Thread(target=f) for f in (self.send, self.receive)]
        for t in self.threads:
            t.start()

    def send(self):
        while not self.end:
            self.client.sendto(b"x", self.to)
            self.sent += 1
            time.sleep(0.0002)

    def receive(self):
        self.server.settimeout(0.1)
        while not self.end:
            try:
                self.server.recv(10)
                self.arrived += 1
            except socket.timeout:
                pass

    def stop(self):
        self.end = True
        for t in self.threads:
            t.join()


@needs_nft
@pytest.mark.parametrize("family", [4, 6])
def test_no_gap(net, family):
    """Resyncs, restarts, longer bans and new rules let nothing through."""
    who = ADDR[family][1]
    attack = Attack(family)
    try:
        time.sleep(0.1)
        assert attack.arrived > 0
        d = actor("", "nft")
        d.send("bulk", 0, 1000, 2000, "10.0.0.0")
        d.ban(0, 1, who)
        time.sleep(0.2)         # what was on its way
        arrived, sent = attack.arrived, attack.sent
        for i in range(5):
            d.send("engine")
            d.send("begin", i + 2)
            d.send("ban", 0, 1, who, "restored", f"until={2000000000000 + i}")
            d.send("ban", 0, 2, f"192.0.2.{1 << i}/{32 - i}", "manual")
            d.send("complete", i + 2)
            d.expect("done", 0, 2, 0, "", 0)
        d.kill()
        d = actor("", "nft", settle=False)
        time.sleep(0.1)             # bans that are not named yet stay
        d.send("ban", 0, 1, who, "restored")
        d.send("complete", 1)
        d.expect("done", 0, 1, 0, "", 0)
        nft("insert", "rule", "inet", "banner", "ban", "counter")
        wait_for(lambda: attack.sent > sent + 500, 30)
        assert attack.arrived == arrived
        d.unban(0, 1, who)
        wait_for(lambda: attack.arrived > arrived, 30)
        assert d.stop() == 0
    finally:
        attack.stop()
