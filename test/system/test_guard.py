# SPDX-License-Identifier: GPL-2.0-or-later
"""What must never be banned, by lines, by hand, by an engine gone mad."""
import ipaddress
import os
import random
import socket
import struct
import subprocess
import time
from pathlib import Path

import pytest

from harness import Drive
from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
NEVER = ["198.51.100.1", "127.0.0.1", "127.9.9.9", "0.0.0.0", "255.255.255.255",
         "224.0.0.1", "239.1.2.3", "169.254.1.1", "198.51.100.254", "203.0.113.77",
         "::1", "::", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:198.51.100.1",
         "::ffff:127.0.0.1"]
FRAMES = int(os.environ.get("GUARD_FRAMES", "20000"))
LINES = int(os.environ.get("GUARD_LINES", "10000"))
PART = 5000
LAST = 10 ** 9          # above the id of every other ban
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
    resolv = lab.dir / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\n")
    lab.mounts = {"/etc/resolv.conf": resolv}
    lab.start()
    lab.ok("banip", "sshd", *(f"192.0.2.{n}" for n in range(10, 15)), "--wait")
    lab.ip("addr", "add", "192.0.2.10/32", "dev", "lo")
    wait_for(lambda: "192.0.2.10" not in lab.banned() | lab.routes(), 1, "own address")
    lab.ip("route", "del", "blackhole", "192.0.2.11", "proto", "98")
    lab.ip("route", "replace", "192.0.2.11/32", "dev", "v0")
    lab.ip("route", "add", "10.9.0.0/16", "via", "192.0.2.11", "dev", "v0")
    wait_for(lambda: "192.0.2.11" not in lab.banned() | lab.routes(), 1, "gateway")
    resolv.write_text("nameserver 192.0.2.12\n")
    wait_for(lambda: "192.0.2.12" not in lab.banned() | lab.routes(), 1, "resolver")
    lab.daemon_conf("trusted = 192.0.2.13")
    lab.ok("reload")
    wait_for(lambda: lab.routes() == {"192.0.2.14"}, 5, "trusted")
    assert lab.banned() == {"192.0.2.14"}


def logged_in(*hosts):
    """utmp(5): somebody is there from each of these addresses."""
    out = b""
    for n, host in enumerate(hosts):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        addr = socket.inet_pton(family, host).ljust(16, b"\0")
        out += struct.pack("=hxxi32s4s32s256shhiii16s20x", 7, 100 + n, b"pts/%d" % n, b"ts/%d" % n,
                           b"anna", host.encode(), 0, 0, 0, 0, 0, addr)
    return out


@pytest.fixture
def places():
    """Something to mount over; a machine without it gets it for the moment."""
    file, folder = Path("/run/utmp"), Path("/run/systemd/sessions")
    made = [p for p in (file, folder) if not p.exists()]
    if file in made:
        file.touch()
    if folder in made:
        folder.mkdir(parents=True)
    yield
    for p in made:
        p.unlink() if p == file else p.rmdir()


def test_the_peer_of_a_live_session(lab, places):
    """An administrator who is logged in is not banned: there before, or logged in later;
    after the end of the session he may be. By utmp and by logind's files."""
    utmp, sessions = lab.dir / "utmp", lab.dir / "sessions"
    utmp.write_bytes(logged_in("192.0.2.20", "2001:db8:77::20"))
    sessions.mkdir()
    (sessions / "3").write_text("UID=0\nREMOTE=1\nREMOTE_HOST=192.0.2.23\nSTATE=active\n")
    lab.mounts = {"/run/utmp": utmp, "/run/systemd/sessions": sessions}
    lab.start()
    for host in ("192.0.2.20", "2001:db8:77::20", "192.0.2.23"):
        lab.fail(host, 5)
        done = lab.ctl("banip", "sshd", host)
        assert done.returncode == 1 and "live session" in done.stderr, done.stderr
    lab.fail("192.0.2.21", 1)
    lab.ok("banip", "sshd", "192.0.2.22", "192.0.2.24", "--wait")
    lab.wait_routes("192.0.2.21", "192.0.2.22", "192.0.2.24")
    lab.says("live session")
    utmp.write_bytes(logged_in("192.0.2.20", "192.0.2.22"))
    (sessions / "4").write_text("REMOTE_HOST=192.0.2.24\n")
    wait_for(lambda: lab.banned() == lab.routes() == {"192.0.2.21"}, 1, "the new sessions")
    utmp.write_bytes(logged_in("192.0.2.22"))
    time.sleep(0.3)
    lab.fail("192.0.2.20", 1)
    lab.wait_routes("192.0.2.20", "192.0.2.21")


def test_places_that_come_later(lab, tmp_path):
    """A machine whose utmp and logind's folder are made after bannerd was started, go, and
    are made again."""
    run, inside = tmp_path / "run", Path("/run") / lab.dir.name
    (run / lab.dir.name).mkdir(parents=True)
    # all of /run is another one, in which the lab has its usual place
    lab.mounts = {"/mnt": lab.dir, "/run": run, str(inside): "/mnt"}
    lab.start()
    hosts = [f"192.0.2.{n}" for n in range(30, 35)]
    lab.ok("banip", "sshd", *hosts, "--wait")
    for _ in range(2):
        (tmp_path / "new").write_bytes(logged_in(hosts[0]))
        (tmp_path / "new").rename(run / "utmp")
        wait_for(lambda: lab.banned() == lab.routes() == set(hosts[1:]), 1, "utmp")
        (run / "utmp").unlink()
        time.sleep(0.3)
        lab.ok("banip", "sshd", hosts[0], "--wait")
    (run / "systemd" / "sessions").mkdir(parents=True)
    (run / "systemd" / "sessions" / "4").write_text(f"REMOTE_HOST={hosts[1]}\n")
    wait_for(lambda: lab.banned() == lab.routes() == {hosts[0], *hosts[2:]}, 1, "logind")
    (run / "systemd" / "sessions" / "5").write_text(f"REMOTE_HOST={hosts[2]}\n")
    wait_for(lambda: lab.banned() == lab.routes() == {hosts[0], *hosts[3:]}, 1, "the next")


GUARDED = [ipaddress.ip_network(n) for n in (
    "198.51.100.1/32", "203.0.113.0/24", "2001:db8::/48", "0.0.0.0/8", "127.0.0.0/8",
    "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128", "fe80::/10",
    "ff00::/8")]


def spelled(r, a):
    """One of the ways to write an address, or not quite."""
    ways = [str(a), a.exploded, str(a).upper(), a.exploded.upper()]
    if a.version == 4:
        ways += [f"::ffff:{a}", f"::FFFF:{a}", str(ipaddress.ip_address((0xffff << 32) + int(a))),
                 f"[::ffff:{a}]", f"{a}.", f"0{a}", f"{a}/32"]
    else:
        ways += [f"[{a}]", f"{a}%v0", f"{a}/128"]
    return r.choice(ways)


def addr_parses(text):
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def test_lines_that_name_guarded_addresses(lab):
    """Failures of any of them, however written: none is banned, and others still are."""
    r = random.Random(11)
    lab.start()
    nets = [*GUARDED, *(ipaddress.ip_network(n) for n in (
        "203.0.113.77/32", "192.0.2.128/25", "198.51.100.254/32", "2001:db8::/64"))]
    nets = [n for n in nets if str(n) not in ("203.0.113.0/24", "2001:db8::/48")]
    for _ in range(LINES // 1000):
        for _ in range(1000):
            net = r.choice(nets)
            a = net.network_address + r.randrange(min(net.num_addresses, 1 << 32))
            lab.fail(spelled(r, a))
        wait_for(lambda: lab.ctl("ping").returncode == 0)
    lab.fail("192.0.2.1")
    lab.wait_routes("192.0.2.1", seconds=60)
    # what is not an address by the letter ("0127.0.0.1") is a raw id, for other actions
    assert [b for b in lab.banned() if addr_parses(b)] == ["192.0.2.1"]


@pytest.fixture
def ns():
    name = "banner-guard-test"
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


def kernel(ns):
    """The prefixes that the actor has put there."""
    out = "".join(subprocess.run(["ip", "-n", ns, f, "route", "show", "table", "all", "proto",
                                  "98"], capture_output=True, text=True, check=True).stdout
                  for f in ("-4", "-6"))
    return [line.split()[1] for line in out.splitlines()]


def mad_engine(ns):
    d = Drive("banner-actor", ["0"], actions=["route,route,,"], netns=ns)
    d.send("guard", "own", "198.51.100.1", "203.0.113.0/24", "2001:db8::/48")
    time.sleep(0.1)
    d.engine()
    d.send("begin", 1)
    return d


BAD = ["198.51.100.1", "198.51.100.0/24", "203.0.113.5", "203.0.113.0/24", "203.0.0.0/16",
       "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "127.0.0.1", "224.0.0.0/4", "::/0",
       "2001:db8::/32", "2001:db8:0:5::1", "fe80::/64", "ff02::1", "255.255.255.255"]


def test_a_mad_engine_cannot(ns):
    """Whatever it sends, the actor puts no guarded address into the kernel."""
    r = random.Random(9)
    d = mad_engine(ns)
    for part in range(FRAMES // PART):
        if part:                        # another wanted set, so that nothing piles up
            d.send("begin", part + 1)
        for i in range(PART):
            words = ["ban", 0, i + 1, r.choice(BAD)]
            words += [w for w in ("manual", "restored") if r.random() < 0.5]
            if r.random() < 0.3:
                words[0] = r.choice(("unban", "prolong"))
            d.send(*words)
        d.send("ban", 0, LAST + part, "192.0.2.1")
        d.send("complete", part + 1)
        d.expect("done", 0, LAST + part, timeout=60)
        assert kernel(ns) == ["192.0.2.1"]
        d.seen.clear()
    d.stop()


def test_frames_that_are_broken(ns):
    """Orders with bytes changed: refused, or for another address; the actor lives on."""
    r = random.Random(int(os.environ.get("GUARD_SEED", "10")))
    d = mad_engine(ns)
    for i in range(FRAMES // 10):
        d.send("mutant", r.randrange(1 << 32), i + 1, r.choice([*BAD, "192.0.2.9"]))
        if i % 1000 == 999:             # the end of what was sent so far
            d.send("beat")
            d.expect("beat", timeout=60)
    d.send("engine")
    d.send("begin", 9)
    d.send("ban", 0, LAST, "192.0.2.1")
    d.expect("done", 0, LAST, timeout=60)
    there = [ipaddress.ip_network(p) for p in kernel(ns)]
    print(len(there), "other addresses")
    assert ipaddress.ip_network("192.0.2.1") in there and len(there) > 10
    assert [p for p in there for g in GUARDED if p.version == g.version and p.overlaps(g)] == []
    d.says("makes no sense")
    assert d.stop() == 0
