# SPDX-License-Identifier: GPL-2.0-or-later
"""What must never be banned, by lines, by hand, by an engine gone mad."""
import os
import random
import subprocess
import time

import pytest

from harness import Drive
from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
NEVER = ["198.51.100.1", "127.0.0.1", "127.9.9.9", "0.0.0.0", "255.255.255.255",
         "224.0.0.1", "239.1.2.3", "169.254.1.1", "198.51.100.254", "203.0.113.77",
         "::1", "::", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:198.51.100.1",
         "::ffff:127.0.0.1"]
WIDE = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::/32", "198.51.100.0/24"]


@pytest.fixture
def lab():
    with Lab(maxretry=1, extra="trusted = 203.0.113.77 192.0.2.128/25") as one:
        one.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        one.ip("link", "set", "v0", "up")
        one.ip("link", "set", "v1", "up")
        one.ip("route", "add", "198.51.100.254/32", "dev", "v0")
        one.ip("route", "add", "default", "via", "198.51.100.254", "dev", "v0")
        yield one


def test_never(lab):
    lab.start()
    resolvers = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")]
    for addr in NEVER + resolvers + ["192.0.2.200"]:
        lab.fail(addr, 3)
        done = lab.ctl("banip", "sshd", addr)
        assert done.returncode == 1 and done.stderr.strip(), addr
    for addr in WIDE:
        assert lab.ctl("banip", addr).returncode == 1, addr
    lab.fail("192.0.2.1", 1)
    lab.wait_routes("192.0.2.1")
    assert lab.banned() == {"192.0.2.1"}


def test_changed_at_run_time(lab):
    """A ban of what becomes an address or a gateway of ours is lifted within a second."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.10", "192.0.2.11", "--wait")
    lab.ip("addr", "add", "192.0.2.10/32", "dev", "lo")
    wait_for(lambda: "192.0.2.10" not in lab.banned() | lab.routes(), 1, "own address")
    lab.ip("route", "del", "blackhole", "192.0.2.11", "proto", "98")
    lab.ip("route", "replace", "192.0.2.11/32", "dev", "v0")
    lab.ip("route", "add", "10.9.0.0/16", "via", "192.0.2.11", "dev", "v0")
    wait_for(lambda: "192.0.2.11" not in lab.banned() | lab.routes(), 1, "gateway")


def test_a_mad_engine_cannot():
    """Whatever it sends, the actor puts no guarded address into the kernel."""
    ns = "banner-guard-test"
    r = random.Random(9)
    subprocess.run(["ip", "netns", "del", ns], capture_output=True)
    subprocess.run(["ip", "netns", "add", ns], check=True)
    try:
        subprocess.run(["ip", "-n", ns, "link", "set", "lo", "up"], check=True)
        d = Drive("banner-actor", ["0"], actions=["route,route,,"], netns=ns)
        d.send("guard", "own", *NEVER[:1], "203.0.113.0/24", "2001:db8::/48")
        time.sleep(0.1)
        d.send("engine")
        d.expect("ready")
        d.send("begin", 1)
        bad = ["198.51.100.1", "198.51.100.0/24", "203.0.113.5", "203.0.113.0/24", "203.0.0.0/16",
               "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "127.0.0.1", "224.0.0.0/4", "::/0",
               "2001:db8::/32", "2001:db8:0:5::1", "fe80::/64", "ff02::1", "255.255.255.255"]
        for i in range(int(os.environ.get("GUARD_FRAMES", "20000"))):
            words = ["ban", 0, i + 1, r.choice(bad)]
            words += [w for w in ("manual", "restored") if r.random() < 0.5]
            if r.random() < 0.3:
                words[0] = r.choice(("unban", "prolong"))
            d.send(*words)
        d.send("ban", 0, 10 ** 7, "192.0.2.1")
        d.send("complete", 1)
        d.expect("done", 0, 10 ** 7, timeout=60)
        out = "".join(subprocess.run(["ip", "-n", ns, f, "route", "show", "table", "all",
                                      "proto", "98"], capture_output=True, text=True).stdout
                      for f in ("-4", "-6"))
        assert [l.split()[1] for l in out.splitlines()] == ["192.0.2.1"]
        d.stop()
    finally:
        subprocess.run(["ip", "netns", "del", ns], check=True)
