# SPDX-License-Identifier: GPL-2.0-or-later
"""What banner-edge does on a proxy besides routes, and a whole central set-up."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from fleet_lab import BUILD, Fleet
from lab import wait_for
from test_fleet import NETS, ban, host, many, wait_state
from test_ingress import inside

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces"),
    pytest.mark.skipif(not (BUILD / "actions/nft.so").exists(), reason="built without nft"),
]


def ruleset(p):
    return p.lab.run_host("ip", "netns", "exec", p.ns, "nft", "list", "ruleset")


def elements(p):
    return set(re.findall(r"(?:\d+\.){3}\d+(?:/\d+)?(?= timeout| expires|,| \})", ruleset(p)))


def wait_elements(p, wanted, seconds=15):
    wait_for(lambda: elements(p) == set(wanted), seconds,
             f"{sorted(wanted)} in\n{ruleset(p)}\n{p.lab.logged()[-2000:]}")


def expire(p):
    """What the timer does."""
    p.lab.run_host("ip", "netns", "exec", p.ns, str(BUILD / "banner-edge"), "--config",
                   str(p.dir / "edge.conf"), "--expire")


def test_nft_on_a_proxy_ends_bans_without_us():
    with Fleet(2) as lab:
        p, other = lab.proxies
        p.policy("plugin = nft\n")
        lab.start()
        ban(lab, NETS[:5])
        lab.ok("banip", "sshd", "192.0.2.50", "--time", "8s", "--wait")
        wait_elements(p, [*NETS[:5], "192.0.2.50"])
        other.wait_routes([*NETS[:5], "192.0.2.50"])
        assert p.routes() == set()
        lab.stop(signal.SIGKILL)
        wait_for(lambda: not p.pids("banner-edge"), 10, "the connection to end")
        # The kernel would end it, a minute later than the timer, which routes need.
        left = re.search(r"192\.0\.2\.50 timeout 1m[78]\S* expires 1m(\d+)s", ruleset(p))
        assert left and all("timeout" in l for l in ruleset(p).splitlines()
                            if "192.0.2." in l)
        wait_for(lambda: f"expires 1m{left[1]}s" not in ruleset(p), 5, "time to pass")
        assert "192.0.2.50" in other.routes()
        wait_for(lambda: expire(p) or elements(p) == set(NETS[:5]), 20, "the end")
        lab.start()
        lab.ok("unban", NETS[0])
        wait_elements(p, NETS[1:5])
        p.stop()                                      # and now it is rebooted
        p.lab.run_host("ip", "netns", "exec", p.ns, "nft", "flush", "ruleset")
        shutil.rmtree(p.state)
        p.state.mkdir()
        ban(lab, NETS[5:7])
        p.start()
        lab.ok("sync")
        wait_elements(p, NETS[1:7], 40)
        p.lab.run_host("ip", "netns", "exec", p.ns, "nft", "flush", "ruleset")
        wait_elements(p, NETS[1:7])
        other.wait_routes(NETS[1:7])


def test_what_a_policy_refuses_is_said_here():
    with Fleet(2) as lab:
        strict, other = lab.proxies
        strict.policy("max_bans = 6\nshortest4 = 28\n")
        (other.dir / "edge.conf").write_text(f"[edge]\nstate = {other.state}\n")
        lab.start()
        ban(lab, NETS[:3] + ["192.0.2.200", "203.0.113.0/24"])
        other.wait_routes({*NETS[:3], "192.0.2.200", "203.0.113.0/24"})
        strict.wait_routes(NETS[:3])
        for subject, why in (("192.0.2.200", "refused: protected"),
                             ("203.0.113.0/24", "prefix too short")):
            rows = {h["host"]: h["state"] for h in lab.ctl_json("fleet", subject)}
            assert rows["proxy2"] == "in force" and why in rows["proxy1"], rows
            assert "1/2 proxies (proxy1: Operation not permitted)" in lab.ok(
                "explain", subject)
        ban(lab, NETS[10:20])
        other.wait_routes({*NETS[:3], *NETS[10:20], "192.0.2.200", "203.0.113.0/24"})
        assert len(strict.routes()) <= 6
        text = wait_for(lambda: "a limit" in lab.ok("explain", NETS[19])
                        and lab.ok("explain", NETS[19]), 5, "the limit")
        assert "1/2 proxies (proxy1: no room for more" in text, text
        lab.ok("sync")                  # a whole set gets no more through
        wait_state(lab, strict, "up")
        assert len(strict.routes()) <= 6 and "192.0.2.200" not in strict.routes()


def test_ingress_and_open_connections_on_a_proxy():
    with Fleet(2) as lab:
        plain, full = lab.proxies
        for p in lab.proxies:
            p.policy("[action]\ningress = yes\nkill_sessions = yes\n")
        full.ip("route", "add", "default", "via", "10.99.2.1")
        # the other one is where the attacker is
        plain.ip("addr", "add", "203.0.113.66/32", "dev", "lo")
        plain.ip("route", "add", "10.99.2.0/24", "via", "10.99.1.1")
        lab.ip("route", "add", "203.0.113.66", "via", "10.99.1.2")
        lab.run_host("ip", "netns", "exec", lab.ns, "sysctl", "-q", "-w",
                     "net.ipv4.ip_forward=1")
        lab.start()
        ban(lab, NETS[:1])
        lab.wait_all(NETS[:1])
        assert "fib saddr" in ruleset(full) and ruleset(plain) == ""
        wait_for(lambda: "proxy1 says: error route: ingress = yes is refused: there is no "
                 "default route" in lab.logged(), 5, "the reason")
        server = inside(full.ns, lambda: socket.create_server((full.addr, 25)))
        client = inside(plain.ns, lambda: socket.create_connection(
            (full.addr, 25), source_address=("203.0.113.66", 0)))
        conn, _ = server.accept()
        client.sendall(b"AUTH 1")
        assert conn.recv(10) == b"AUTH 1"
        datagrams = inside(full.ns, lambda: socket.socket(type=socket.SOCK_DGRAM))
        datagrams.bind((full.addr, 53))
        datagrams.settimeout(1)
        evil = inside(plain.ns, lambda: socket.socket(type=socket.SOCK_DGRAM))
        evil.bind(("203.0.113.66", 0))
        evil.sendto(b"1", (full.addr, 53))
        assert datagrams.recv(10) == b"1"
        ban(lab, ["203.0.113.66"])
        full.wait_routes([*NETS[:1], "203.0.113.66"])
        conn.settimeout(5)
        with pytest.raises(ConnectionError):
            conn.recv(10)
            conn.send(b"x")
        evil.sendto(b"2", (full.addr, 53))
        with pytest.raises(TimeoutError):
            datagrams.recv(10)
        for s in server, client, conn, datagrams, evil:
            s.close()


def test_all_troubles_at_once():
    """Eight proxies, seven of them in trouble while bans come and go; then all heal."""
    with Fleet(8) as lab:
        lab.start()
        wanted = set(many(500))
        ban(lab, wanted)
        lab.wait_all(wanted)
        off, hung, away, killed, keyed, revoked, reborn, well = lab.proxies
        off.stop()
        hung.signal(signal.SIGSTOP)
        away.ip("link", "set", "eth0", "down")
        keyed.stop()
        keyed.keygen()
        keyed.start()
        revoked.revoke()
        revoked.signal(signal.SIGKILL, "banner-edge")
        for i in range(500, 2500, 250):
            killed.signal(signal.SIGKILL, "banner-edge")
            if i == 1000:
                reborn.reboot()
            more = many(250, i)
            ban(lab, more)
            lab.ok("unban", *more[:50])
            wanted |= set(more[50:])
        well.wait_routes(wanted, 10)
        assert host(lab, well)["state"] == "up" and host(lab, well)["behind"] == 0
        for p in (off, hung, away, keyed, revoked):
            wait_for(lambda: host(lab, p)["state"] != "up", 20, p.name)
        off.flush()
        off.start()
        hung.signal(signal.SIGCONT)
        away.ip("link", "set", "eth0", "up")
        lab.trust()
        revoked.allow()
        lab.ok("sync")
        lab.wait_all(wanted, seconds=70)
        wait_for(lambda: all(h["state"] == "up" and h["behind"] == 0
                             for h in lab.ctl_json("fleet")), 20, "all to be even")
        assert "proxies" not in lab.ok("list")


def test_cut_in_the_middle_of_a_set():
    with Fleet(1) as lab:
        p = lab.proxies[0]
        lab.start()
        wanted = many(30000)
        ban(lab, wanted)
        p.wait_routes(wanted, 60)
        cut = 0
        for _ in range(4):
            p.reboot()
            lab.ok("sync")
            wait_for(lambda: host(lab, p)["state"] in ("syncing", "up"), 20, "the set")
            cut += host(lab, p)["state"] == "syncing"
            p.signal(signal.SIGKILL, "sshd")
            p.proc.wait(10)
            # what did not arrive whole changed nothing
            wait_for(lambda: not p.pids("banner-edge"), 10, "the end")
            assert len(p.routes()) in (0, len(wanted))
        assert cut
        p.reboot()
        lab.ok("sync")
        p.wait_routes(wanted, 70)


MAILBOX = """global(workDirectory="{dir}" localHostname="{name}")
module(load="imfile")
input(type="imfile" file="{log}" tag="audit:" ruleset="audit")
ruleset(name="audit") {{
  action(type="omfwd" protocol="tcp" target="{hub}" port="5140"
         action.resumeInterval="1" action.resumeRetryCount="-1")
}}
"""
HUB = """global(workDirectory="{dir}" localHostname="hub")
module(load="imptcp")
template(name="line" type="string" string="%msg:2:$%\\n")
ruleset(name="mail") {{ action(type="omfile" file="{log}" template="line") }}
input(type="imptcp" port="5140" ruleset="mail")
"""
JAIL = """[zimbra-web]
enabled = true
filter = zimbra-web
logpath = {log}
maxretry = 6
findtime = 10m
bantime = 1h
action = fleet
"""


class Mailbox:
    """A server with a log of its own and a real rsyslogd, in a namespace."""

    def __init__(self, lab, n):
        self.lab, self.ns = lab, f"{lab.ns[:11]}m{n}"
        self.dir = lab.dir / f"mbox{n}"
        self.dir.mkdir()
        self.audit = self.dir / "audit.log"
        self.audit.touch()
        lab.run_host("ip", "netns", "add", self.ns)
        lab.run_host("ip", "link", "add", f"m{n}", "netns", lab.ns, "type", "veth", "peer",
                     "name", "eth0", "netns", self.ns)
        lab.ip("addr", "add", f"10.98.{n}.1/24", "dev", f"m{n}")
        lab.ip("link", "set", f"m{n}", "up")
        lab.run_host("ip", "-n", self.ns, "addr", "add", f"10.98.{n}.2/24", "dev", "eth0")
        lab.run_host("ip", "-n", self.ns, "link", "set", "eth0", "up")
        conf = self.dir / "rsyslog.conf"
        conf.write_text(MAILBOX.format(dir=self.dir, name=f"mbox{n}", log=self.audit,
                                       hub=f"10.98.{n}.1"))
        self.proc = rsyslogd(["ip", "netns", "exec", self.ns], conf)

    def fail(self, attacker, number):
        """As behind a proxy: the peer is the proxy, the client is named by it."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with open(self.audit, "a") as f:
            f.write(f"{stamp},{number:03d} WARN  [qtp1-2:https://mail/service/soap/"
                    f"AuthRequest] [name=anna;ip=10.99.{1 + number % 2}.2;oip={attacker};"
                    f"ua=x;soapId={number:x};] security - cmd=Auth; account=anna; "
                    "protocol=soap; error=authentication failed for [anna], invalid "
                    "password;\n")

    def close(self):
        self.proc.kill()
        self.proc.wait()
        subprocess.run(["ip", "netns", "del", self.ns], check=False)


def rsyslogd(inside_of, conf):
    return subprocess.Popen([*inside_of, "rsyslogd", "-n", "-f", conf, "-i",
                             conf.with_suffix(".pid")], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


@pytest.mark.skipif(not shutil.which("rsyslogd"), reason="needs rsyslogd")
def test_central_setup():
    """Two mailbox servers, the log host, two proxies: banned on both at the sixth."""
    with Fleet(2, jails=()) as lab:
        log = lab.dir / "audit.log"
        log.touch()
        (lab.dir / "jails.d" / "web.conf").write_text(JAIL.format(log=log))
        lab.shipped("filters")
        conf = lab.dir / "banner.conf"
        conf.write_text(conf.read_text().replace(
            "[bannerd]\n", "[bannerd]\ntrusted = 10.99.1.2 10.99.2.2\n"))
        (lab.dir / "hub.conf").write_text(HUB.format(dir=lab.dir, log=log))
        started = [rsyslogd(["ip", "netns", "exec", lab.ns], lab.dir / "hub.conf")]
        boxes = []
        try:
            boxes = [Mailbox(lab, n) for n in (1, 2)]
            lab.start()
            failed = lambda: lab.ctl_json("status", "zimbra-web")["total_failed"]
            for i in range(5):
                boxes[i % 2].fail("203.0.113.77", i)
            boxes[0].fail("203.0.113.78", 9)
            wait_for(lambda: failed() == 6, 30, "what both logged")
            assert all(p.routes() == set() for p in lab.proxies)
            boxes[1].fail("203.0.113.77", 5)
            lab.wait_all({"203.0.113.77"})
            assert "on 2/2" in lab.ok("banip", "zimbra-web", "203.0.113.79", "--wait")
            lab.ok("unban", "203.0.113.77", "203.0.113.79")
            lab.wait_all(set())
            assert failed() == 7
        finally:
            for box in boxes:
                box.close()
            for proc in started:
                proc.kill()
                proc.wait()
