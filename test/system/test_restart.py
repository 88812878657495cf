# SPDX-License-Identifier: GPL-2.0-or-later
"""Restarts and reloads, seen by an attacker who pings all the time: no reply ever."""
import os
import re
import signal
import subprocess
import time

import pytest

from lab import BUILD, Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
ROLES = ("banner-engine", "banner-store", "banner-actor")


class Pinger:
    """Two addresses beside the lab: one is to be banned, the other shows that the way
    is open."""
    EVIL, GOOD = "198.51.100.66", "198.51.100.67"

    def __init__(self, lab):
        self.ns = lab.ns + "p"
        lab.run_host("ip", "netns", "add", self.ns)
        lab.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", self.ns)
        lab.ip("addr", "add", "198.51.100.65/26", "dev", "v0")
        lab.ip("link", "set", "v0", "up")
        for addr in (self.EVIL, self.GOOD):
            lab.run_host("ip", "-n", self.ns, "addr", "add", f"{addr}/26", "dev", "v1")
        lab.run_host("ip", "-n", self.ns, "link", "set", "v1", "up")
        self.pings = {}

    def start(self):
        for addr in (self.EVIL, self.GOOD):
            self.pings[addr] = subprocess.Popen(
                ["ip", "netns", "exec", self.ns, "ping", "-n", "-q", "-i", "0.003", "-I", addr,
                 "198.51.100.65"], stdout=subprocess.PIPE, text=True)

    def stop(self):
        """Address -> (sent, replies)"""
        got = {}
        for addr, p in self.pings.items():
            p.send_signal(signal.SIGINT)
            m = re.search(r"(\d+) packets transmitted, (\d+) received", p.communicate()[0])
            got[addr] = int(m[1]), int(m[2])
        self.pings = {}
        return got

    def close(self):
        for p in self.pings.values():
            p.kill()
        subprocess.run(["ip", "netns", "del", self.ns], check=False)


@pytest.fixture
def lab():
    with Lab(maxretry=2) as one:
        yield one


@pytest.fixture
def pinger(lab):
    p = Pinger(lab)
    yield p
    p.close()


def in_force(lab):
    """By which actions anything is in force."""
    tables = lab.run_host("ip", "netns", "exec", lab.ns, "nft", "list", "tables")
    return {name for name, there in (("route", lab.routes()), ("nft", tables)) if there}


def test_no_reply_ever(lab, pinger):
    """Orderly restarts, reloads, another action, kill -9 of each process and of all."""
    lab.start()
    pinger.start()
    time.sleep(0.3)
    before = pinger.stop()
    assert all(replies > 10 for _, replies in before.values()), before
    lab.fail(pinger.EVIL, 2)
    lab.wait_routes(pinger.EVIL)
    pinger.start()
    time.sleep(0.2)
    for _ in range(2):
        lab.stop()
        lab.start()
        lab.ok("reload")
        wait_for(lambda: lab.ctl("status").returncode == 0)
        time.sleep(0.2)
    if (BUILD / "actions/nft.so").exists():
        for action in ("nft", "route"):
            lab.jail("sshd", maxretry=2, action=action)
            lab.ok("reload")
            wait_for(lambda: in_force(lab) == {action}, 10, action)
    for role in ROLES:
        old = lab.kill(role)
        wait_for(lambda: lab.children().get(role) not in (None, old), 5, role)
        time.sleep(0.3)
    lab.stop(signal.SIGKILL)
    lab.start()
    lab.ok("sync")
    time.sleep(0.3)
    got = pinger.stop()
    print(got)
    assert got[pinger.EVIL][0] > 100 and got[pinger.EVIL][1] == 0, got
    sent, replies = got[pinger.GOOD]
    assert sent > 100 and replies > 0.9 * sent, got
    lab.ok("unbanip", pinger.EVIL, "--wait")
    pinger.start()
    time.sleep(0.3)
    assert pinger.stop()[pinger.EVIL][1] > 10, "and without the ban it is heard"


def complaints(lab):
    """What is an error, or a warning other than that there are no users of banner here."""
    return [line for line in lab.logged().splitlines()
            if re.search(r"\] *: (WARNING|ERROR|CRITICAL) ", line)
            and "there is no user" not in line]


def test_nothing_is_an_error(lab):
    """Restarts and reloads in order, with bans that go on, end and ended meanwhile."""
    lab.start()
    lab.fail("192.0.2.1", 2)
    lab.fail("192.0.2.2", 1)
    lab.ok("banip", "sshd", "192.0.2.3", "--time", "1s", "--wait")
    lab.wait_routes("192.0.2.1", "192.0.2.3")
    lab.ok("reload")
    wait_for(lambda: lab.ctl("status").returncode == 0)
    lab.stop()
    time.sleep(1)
    lab.start()
    lab.wait_routes("192.0.2.1")
    lab.stop()
    lab.ip("route", "flush", "proto", "98")
    lab.start()
    lab.wait_routes("192.0.2.1")
    lab.stop()
    lab.start("--expire", ready=False)
    assert lab.proc.wait(25) == 0
    assert complaints(lab) == []
    assert (lab.dir / "stderr").read_text() == ""


@pytest.mark.parametrize("action", ["route", "nft"])
def test_killed_again_and_again(action):
    """All of bannerd at once, with bans in force: what is in the kernel stays as it is,
    nothing is an error, and in the end nothing is left."""
    if not (BUILD / f"actions/{action}.so").exists():
        pytest.skip(f"built without {action}")
    show = {"route": ("ip", "route", "show", "proto", "98"), "nft": ("nft", "list", "ruleset")}

    def there():
        """Without the time of each."""
        out = lab.run_host("ip", "netns", "exec", lab.ns, *show[action])
        return sorted(re.sub(r" (timeout|expires) [^ ,]*", "", out).split(","))

    with Lab(maxretry=2, action=action) as lab:
        lab.start()
        ours = [f"192.0.2.{n}" for n in range(1, 101)]
        lab.ok("banip", "sshd", *ours, "--wait")
        before = there()
        assert all(any(a in part for part in before) for a in ours)
        for _ in range(int(os.environ.get("RESTARTS", "5"))):
            lab.stop(signal.SIGKILL)
            assert there() == before
            lab.start()
            lab.ok("sync")
            assert there() == before
        assert complaints(lab) == []
        lab.ok("stop", "--unban")
        assert lab.proc.wait(15) == 0
        assert not any("192.0.2." in part for part in there())


def test_expired_while_down(lab):
    """1,000 bans ended meanwhile: all gone within a second, what goes on stays."""
    lab.start()
    gone = [f"10.0.{i // 250}.{i % 250}" for i in range(1000)]
    stay = {f"10.9.{i // 250}.{i % 250}" for i in range(1000)}
    for addrs, length in ((gone, "4s"), (sorted(stay), "1h")):
        for i in range(0, 1000, 250):
            lab.ok("banip", "sshd", *addrs[i:i + 250], "--time", length)
    ends = time.monotonic() + 4
    wait_for(lambda: len(lab.routes()) == 2000, 3, "2000 routes")
    lab.stop(signal.SIGKILL)
    time.sleep(max(0, ends - time.monotonic()) + 0.2)
    assert len(lab.routes()) == 2000
    lab.start()
    wait_for(lambda: lab.routes() == stay, 1, "the rest to stay")
