# SPDX-License-Identifier: GPL-2.0-or-later
"""Bans on proxies: bannerd, the ssh action, real sshd, banner-edge, real kernels.

After every trouble the kernel of every proxy must equal the wanted set: no ban lost,
doubled or left behind.
"""
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet_lab import BUILD, Fleet
from lab import wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")

NETS = [f"192.0.2.{i}" for i in range(1, 40)]


def many(n, first=0):
    return [f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(first, first + n)]


def ban(lab, addrs):
    addrs = list(addrs)
    for i in range(0, len(addrs), 1000):
        lab.ok("banip", "sshd", *addrs[i:i + 1000])


@pytest.fixture
def three():
    with Fleet(3) as lab:
        lab.start()
        ban(lab, NETS[:10])
        lab.wait_all(NETS[:10])
        yield lab


def host(lab, proxy):
    return {h["host"]: h for h in lab.ctl_json("fleet")}[proxy.name]


def wait_state(lab, proxy, state, seconds=10):
    wait_for(lambda: host(lab, proxy)["state"] == state, seconds,
             f"{proxy.name} to be {state}: {host(lab, proxy)}")


def test_a_ban_appears_on_eight_proxies_and_goes():
    with Fleet(8) as lab:
        lab.start()
        lab.fail("192.0.2.7", 3)
        lab.wait_all({"192.0.2.7"})
        ban(lab, ["2001:db8:7::/64", "203.0.113.0/24"])
        lab.wait_all({"192.0.2.7", "2001:db8:7::/64", "203.0.113.0/24"})
        assert "on 8/8 proxies" in lab.ok("banip", "sshd", "192.0.2.8", "--wait")
        lab.ok("unban", "192.0.2.7", "192.0.2.8")
        lab.wait_all({"2001:db8:7::/64", "203.0.113.0/24"})
        ban(lab, many(3000))
        lab.wait_all({"2001:db8:7::/64", "203.0.113.0/24", *many(3000)})
        lab.ok("unban", "--all")
        lab.wait_all(set())


def test_ends_in_time(three):
    three.ok("banip", "sshd", "192.0.2.50", "--time", "2s", "--wait")
    assert "192.0.2.50" in three.proxies[0].routes()
    three.wait_all(NETS[:10], seconds=5)


def test_rebooted_and_away_while_things_change(three):
    gone, here = three.proxies[0], three.proxies[1:]
    gone.stop()
    wait_state(three, gone, "down")
    ban(three, NETS[10:20])
    three.ok("unban", *NETS[:5])
    three.wait_all(NETS[5:20], here)
    assert "2/3 proxies (proxy1: Connection re" in three.ok("list")
    gone.flush()
    gone.start()
    gone.wait_routes(NETS[5:20], 20)
    wait_for(lambda: "proxies" not in three.ok("list"), 5, "nothing to be missing")
    gone.reboot()
    gone.wait_routes(NETS[5:20], 20)


def test_one_proxy_is_named_in_every_answer(three):
    """down, or in the way of somebody else's route: by list, explain, wait and json."""
    foreign, gone, here = three.proxies
    foreign.ip("route", "add", "unreachable", NETS[10], "proto", "static")
    gone.stop()
    wait_state(three, gone, "down")
    ban(three, NETS[10:12])
    here.wait_routes(NETS[:12])
    wait_for(lambda: "1/3 proxies" in three.ok("explain", NETS[10]), 5, "both to be named")
    text = three.ok("explain", NETS[10])
    assert "proxy1: somebody else's entry is in the way" in text, text
    assert "proxy2: Connection re" in text and "2/3 proxies (proxy2" in three.ok("list")
    said = three.ctl("banip", "sshd", NETS[12], "--wait")
    assert said.returncode == 1, said
    assert "in force on 2/3 proxies (proxy2: " in said.stdout + said.stderr, said
    said = three.ctl("banip", "sshd", "--wait", NETS[13], NETS[14])
    assert said.returncode == 1, said
    assert all(f"{a} in force on 2/3" in said.stdout + said.stderr for a in NETS[13:15])
    assert 'no option "--tiem"' in three.ctl("banip", "sshd", NETS[15], "--tiem", "3s").stderr
    rows = {h["host"]: h for h in three.ctl_json("status")["hosts"]}
    assert {n: h["state"] for n, h in rows.items()} == {
        "proxy1": "up", "proxy2": "down", "proxy3": "up"}
    assert rows["proxy3"]["in_force"] >= 10 and rows["proxy2"]["behind"] == 5
    assert rows["proxy1"]["refused"] == 1 and rows["proxy2"]["error"]
    one = {h["host"]: h["state"] for h in three.ctl_json("fleet", NETS[10])}
    assert one["proxy3"] == "in force" and "conflict" in one["proxy1"], one
    foreign.ip("route", "del", "unreachable", NETS[10])
    gone.flush()
    gone.start()
    three.ok("sync")
    three.wait_all(NETS[:15], seconds=40)
    wait_for(lambda: "proxies" not in three.ok("list"), 30, "nothing to be missing")
    assert "on 3/3 proxies" in three.ok("banip", "sshd", *NETS[15:17], "--wait")


@pytest.mark.parametrize("who", ["banner-edge", None])
def test_hung_proxy_delays_nobody(three, who):
    hung, here = three.proxies[0], three.proxies[1:]
    hung.signal(signal.SIGSTOP, who)
    began = time.monotonic()
    ban(three, NETS[10:20])
    three.wait_all(NETS[:20], here, 2)
    three.ok("unban", *NETS[10:15])
    three.wait_all(NETS[:10] + NETS[15:20], here, 3)
    assert time.monotonic() - began < 4
    if who is None:
        wait_state(three, hung, "down", 20)
    hung.signal(signal.SIGCONT)
    three.wait_all(NETS[:10] + NETS[15:20], seconds=30)
    wait_for(lambda: len(hung.pids("banner-edge")) == 1, 20, "one connection, not two")
    wait_state(three, hung, "up")
    three.wait_all(NETS[:10] + NETS[15:20])


def test_unreachable_proxy(three):
    gone, here = three.proxies[0], three.proxies[1:]
    gone.ip("link", "set", "eth0", "down")
    ban(three, NETS[10:20])
    three.wait_all(NETS[:20], here, 2)
    wait_state(three, gone, "down", 15)
    gone.ip("link", "set", "eth0", "up")
    three.ok("sync")
    three.wait_all(NETS[:20], seconds=40)


def test_changed_host_key_gets_no_authentication(three):
    p = three.proxies[0]
    p.stop()
    p.keygen()
    (p.dir / "sshd.log").write_text("")
    p.start()
    wait_for(lambda: "THE HOST KEY HAS CHANGED" in host(three, p)["error"], 15,
             "the changed key to be named")
    log = (p.dir / "sshd.log").read_text()
    assert "KEX done" in log and "userauth-request" not in log and "Accepted" not in log
    ban(three, NETS[10:12])
    three.wait_all(NETS[:12], three.proxies[1:])
    assert "Key was rejected" in three.ok("list")
    three.trust()
    three.ok("sync")
    three.wait_all(NETS[:12])


def test_unknown_and_hashed_host_keys():
    with Fleet(2) as lab:
        known = lab.dir / "ssh" / "known_hosts"
        known.write_text(lab.proxies[0].known_host())
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True,
                       capture_output=True)
        assert "|1|" in known.read_text()
        lab.start()
        ban(lab, NETS[:3])
        lab.proxies[0].wait_routes(NETS[:3])
        assert "no key is recorded" in host(lab, lab.proxies[1])["error"]
        assert "userauth" not in (lab.proxies[1].dir / "sshd.log").read_text()
        known.write_text(known.read_text() + lab.proxies[1].known_host())
        lab.ok("sync")
        lab.wait_all(NETS[:3])
        revoked = lab.proxies[1].known_host()
        known.write_text(known.read_text() + "@revoked " + revoked)
        lab.proxies[1].signal(signal.SIGKILL, "banner-edge")
        wait_for(lambda: "is revoked" in host(lab, lab.proxies[1])["error"], 10, "revoked")


def test_revoked_key(three):
    p = three.proxies[0]
    p.revoke()
    p.signal(signal.SIGKILL, "banner-edge")
    wait_for(lambda: "refuses our login" in host(three, p)["error"], 15, "the refusal")
    ban(three, NETS[10:12])
    three.wait_all(NETS[:12], three.proxies[1:])
    p.allow()
    three.ok("sync")
    three.wait_all(NETS[:12])


def test_full_disk_costs_only_the_expiry_file(three):
    p = three.proxies[0]
    p.stop()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", p.state], check=True)
    try:
        (p.state / "fill").write_bytes(b"x" * 4096)
        p.start()
        wait_for(lambda: p.pids("banner-edge"), 20, "a connection")
        ban(three, NETS[10:20])
        three.wait_all(NETS[:20])
        wait_for(lambda: "No space left" in host(three, p)["error"], 5, "the warning")
        (p.state / "fill").unlink()
        ban(three, NETS[20:21])
        wait_for(lambda: NETS[20] in (p.state / "bans").read_text(), 5, "the file")
    finally:
        p.stop()
        subprocess.run(["umount", p.state], check=True)


HOSTILE = """
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], 22)); s.listen()
kind = sys.argv[2]
kept = []
while True:
    c, _ = s.accept()
    try:
        if kind == "silent":
            kept.append(c)
        elif kind == "drip":
            for b in b"SSH-2.0-" + b"x" * 100:
                c.sendall(bytes([b])); time.sleep(0.3)
        elif kind == "lines":
            while True: c.sendall(b"hello\\r\\n" * 4096)
        elif kind == "noise":
            while True: c.sendall(b"x" * 65536)
        else:
            c.sendall(b"SSH-2.0-x\\r\\n")
            packet = bytes.fromhex("0000000c0a02000000000000") + bytes(4)
            while True: c.sendall(packet * 4096)
    except OSError:
        pass
"""


@pytest.mark.parametrize("kind", ["silent", "drip", "lines", "noise", "packets"])
def test_hostile_server_delays_nobody(three, kind):
    bad, here = three.proxies[0], three.proxies[1:]
    bad.stop()
    server = subprocess.Popen(["ip", "netns", "exec", bad.ns, sys.executable, "-c",
                               HOSTILE, bad.addr, kind])
    try:
        wait_state(three, bad, "down")
        three.ok("sync")
        actor = three.children()["banner-actor"]
        cpu, took = cpu_seconds(actor), []
        for i in range(10, 30):
            began = time.monotonic()
            ban(three, [NETS[i]])
            three.wait_all(NETS[:i + 1], here, 2)
            took.append(time.monotonic() - began)
            time.sleep(0.1)
        assert statistics.median(took) < 1, took
        time.sleep(2)
        assert cpu_seconds(actor) - cpu < 2
        assert host(three, bad)["state"] in ("down", "connecting")
    finally:
        server.kill()
        server.wait()
    bad.start()
    three.ok("sync")
    # The sync may meet a connection to the bad server that is still being given up:
    # then the next try comes when the back-off ends, at most 60 s later.
    three.wait_all(NETS[:30], seconds=70)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_rekey_under_load():
    with Fleet(2) as lab:
        for p in lab.proxies:
            p.stop()
            p.start("RekeyLimit 64K")
        lab.start()
        ban(lab, NETS[:1])
        lab.wait_all(NETS[:1])
        wanted = NETS[:1] + many(20000)
        ban(lab, wanted[1:])
        lab.wait_all(wanted, seconds=60)
        lab.ok("unban", *many(500))
        lab.wait_all(wanted[:1] + wanted[501:], seconds=30)


def test_edge_killed_again_and_again(three):
    for i in range(10, 25):
        three.proxies[i % 3].signal(signal.SIGKILL, "banner-edge")
        ban(three, [NETS[i]])
        three.ok("unban", NETS[i - 10])
        time.sleep(0.1)
    three.ok("sync")
    three.wait_all(NETS[15:25], seconds=40)


@pytest.mark.parametrize("role", [None, "banner-actor", "banner-engine"])
def test_killed_in_the_middle_of_a_batch(three, role):
    words = ["banip", "sshd", *many(3000)]
    client = subprocess.Popen([str(BUILD / "banctl"), "-s", str(three.socket), *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(three.proxies[0].routes()) > 20, 10, "the batch to begin")
    if role is None:
        three.stop(signal.SIGKILL)
        client.wait()
        time.sleep(0.5)
        three.start()
    else:
        three.kill(role)
        client.wait()
        wait_for(three.answers, 15, "bannerd")
    wait_for(lambda: three.ctl_json("status")["caught_up"], 10, "sources")
    # what was told and not yet stored may be most of it, which goes only by force
    three.ok("sync", "--force")
    wanted = three.banned()
    assert set(NETS[:10]) <= wanted
    three.wait_all(wanted, seconds=40)


def test_asked_when_the_actor_dies(three):
    """Whoever asks about hosts at that moment gets an answer all the same."""
    actor = three.children()["banner-actor"]
    os.kill(actor, signal.SIGSTOP)
    argv = [str(BUILD / "banctl"), "-s", str(three.socket)]
    asked = [subprocess.Popen([*argv, *words], stdout=subprocess.PIPE, text=True)
             for words in (["--json", "status"], ["--json", "fleet"], ["fleet"])]
    time.sleep(0.5)
    os.kill(actor, signal.SIGKILL)
    status, fleet, text = [p.communicate(timeout=5)[0] for p in asked]
    assert json.loads(status)["hosts"] == json.loads(fleet) == []
    assert "ended while it was asked" in text


def edge(proxy, *lines):
    """Talk to banner-edge as the forced command would let a controller."""
    done = subprocess.run(
        ["ip", "netns", "exec", proxy.ns, str(BUILD / "banner-edge"), "--config",
         str(proxy.dir / "edge.conf")], input="".join(l + "\n" for l in lines),
        capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def digest(addrs):
    total = 0
    for a in addrs:
        h = 0xcbf29ce484222325
        for b in bytes([4, 32, *map(int, a.split("."))]) + bytes(12):
            h = (h ^ b) * 0x100000001b3 & (1 << 64) - 1
        total += h
    return f"{total & (1 << 64) - 1:x}"


def test_edge_refuses_damaged_and_shrunken_sets():
    with Fleet(1) as lab:
        p = lab.proxies[0]
        full, few = NETS[:30], NETS[:10]
        said = edge(p, "HELLO 1 x", f"S 1 30 {digest(full)} exact", *full, "E 1", "P 1")
        assert "SYNCED 1 added=30 removed=0 kept=0" in said, said
        assert p.routes() == set(full)
        said = edge(p, "HELLO 1 x", f"S 1 30 {digest(full)} exact", *few, "E 1", "P 1")
        assert "REFUSED 1 damaged" in said, said
        said = edge(p, "HELLO 1 x", f"S 1 10 {digest(full)} force", *few, "E 1")
        assert "REFUSED 1 damaged" in said, said
        said = edge(p, "HELLO 1 x", f"S 1 30 {digest(full)} exact", *few)
        assert "SYNCED" not in said and "REFUSED" not in said
        said = edge(p, "HELLO 1 x", f"S 1 10 {digest(few)} exact", *few, "E 1", "P 1")
        assert "REFUSED 1 half: would remove 20 of 30" in said, said
        assert p.routes() == set(full)
        said = edge(p, "HELLO 1 x", f"S 1 10 {digest(few)} force", *few, "E 1", "P 1")
        assert "SYNCED 1 added=0 removed=20 kept=10" in said, said
        assert p.routes() == set(few)


def test_edge_has_a_policy_of_its_own():
    with Fleet(1) as lab:
        p = lab.proxies[0]
        p.policy("max_bans = 5\nshortest4 = 28\n")
        said = edge(p, "HELLO 1 x", "A 1 192.0.2.200", "A 2 192.0.2.192/28",
                    "A 3 203.0.113.0/24", "A 4 10.99.1.2", "A 5 nonsense",
                    *(f"A {i} 192.0.2.{i}" for i in range(10, 16)), "D 20 192.0.2.99",
                    "P 1")
        for line in ("ERR 1 192.0.2.200 refused: protected", "ERR 2 192.0.2.192/28 refused",
                     "ERR 3 203.0.113.0/24 prefix too short",
                     "ERR 4 10.99.1.2 refused: own address", "ERR 5 nonsense syntax",
                     "limit", "OK 20"):
            assert line in said, (line, said)
        assert len(p.routes()) <= 5
        assert "HELLO comes first" in edge(p, "A 1 192.0.2.1")
        assert "version 1" in edge(p, "HELLO 2 x")
        os.chmod(p.dir / "edge.conf", 0o666)
        assert "must belong to root" in edge(p, "HELLO 1 x")


def test_edge_protects_gateways_and_all_that_is_named():
    with Fleet(1) as lab:
        p = lab.proxies[0]
        p.ip("-6", "addr", "add", "2001:db8:5::2/64", "dev", "eth0", "nodad")
        p.ip("-6", "route", "add", "2001:db8:9::/48", "via", "2001:db8:5::1")
        (p.dir / "edge.conf").write_text(
            f"[edge]\nstate = {p.state}\nshortest6 = 64\nprotected = " + " ".join(
                f"10.{n // 250}.{n % 250}.1" for n in range(1500)) + "\n")
        said = edge(p, "HELLO 1 x", "A 1 2001:db8:5::1", "A 2 2001:db8:5::/64",
                    "A 3 10.5.249.1", "A 4 10.5.249.2", "P 1")
        assert "ERR 1 2001:db8:5::1 refused: gateway" in said, said
        assert "ERR 2 2001:db8:5::/64 refused" in said, said
        assert "ERR 3 10.5.249.1 refused: protected" in said, said
        assert p.routes() == {"10.5.249.2"}
        assert "exact, force or add" in edge(p, "HELLO 1 x", "S 1 0 0 all")


@pytest.mark.parametrize("more, said", [
    ("sandbox = on\n", "edge.conf:2: sandbox = on: auto, required or off"),
    ("state = here\n", "edge.conf:2: state = here: a path that begins with /"),
    ("rate = many\n", "edge.conf:2: rate = many: a number up to"),
    ("shortest4 = 33\n", "edge.conf:2: shortest4 = 33: a number up to 32"),
    ("protected = 192.0.2.300\n", "edge.conf:2: protected: \"192.0.2.300\""),
    ("protect = 192.0.2.3\n", "edge.conf:2: unknown option protect"),
])
def test_edge_says_what_is_wrong_with_the_policy(more, said):
    with Fleet(1) as lab:
        p = lab.proxies[0]
        (p.dir / "edge.conf").write_text("[edge]\n" + more)
        assert said in edge(p, "HELLO 1 x")


def test_edge_has_a_rate():
    """Two seconds' worth at once, then so many a second; the rest is refused by name."""
    with Fleet(1) as lab:
        p = lab.proxies[0]
        p.policy("rate = 10\n")
        said = edge(p, "HELLO 1 x", *(f"A {i} 192.0.2.{i}" for i in range(1, 151)), "P 1")
        refused = [line for line in said.splitlines() if line.endswith(" rate")]
        assert 20 <= len(p.routes()) <= 60, said
        assert len(refused) == 150 - len(p.routes())
        assert refused[-1] == "ERR 150 192.0.2.150 rate"


def test_bans_end_while_the_controller_is_gone(three):
    three.ok("banip", "sshd", "192.0.2.50", "--time", "3s", "--wait")
    three.stop(signal.SIGKILL)
    p = three.proxies[0]
    wait_for(lambda: not p.pids("banner-edge"), 10, "the connection to end")
    time.sleep(3)
    assert p.routes() == {*NETS[:10], "192.0.2.50"}
    expire = ["ip", "netns", "exec", p.ns, str(BUILD / "banner-edge"), "--config",
              str(p.dir / "edge.conf"), "--expire"]
    policy = (p.dir / "edge.conf").read_text()
    (p.dir / "edge.conf").write_text(policy + "[action]\nblocktype = none\n")
    done = subprocess.run(expire, capture_output=True, text=True)
    assert done.returncode == 1 and "plugin route: cannot start" in done.stderr, done
    (p.dir / "edge.conf").write_text(policy)
    subprocess.run(expire, check=True)
    assert p.routes() == set(NETS[:10])


def test_new_controller_may_not_remove_most(three):
    ban(three, NETS[10:30])
    three.wait_all(NETS[:30])
    three.stop()
    for f in (three.dir / "state").iterdir():
        f.unlink()
    three.start()
    ban(three, NETS[:2] + ["192.0.2.60"])
    p = three.proxies[0]
    wait_for(lambda: "would remove" in host(three, p)["error"], 15, "the refusal")
    three.wait_all({*NETS[:30], "192.0.2.60"})
    three.ok("sync", "--force")
    three.wait_all({*NETS[:2], "192.0.2.60"})


@pytest.mark.parametrize("key_type", ["ed25519", "rsa"])
def test_carrier_openssh(key_type):
    with Fleet(2, more="carrier = openssh", key_type=key_type) as lab:
        lab.start()
        ban(lab, NETS[:10])
        lab.wait_all(NETS[:10])
        lab.proxies[0].signal(signal.SIGKILL, "banner-edge")
        ban(lab, NETS[10:12])
        lab.ok("unban", NETS[0])
        lab.wait_all(NETS[1:12], seconds=20)
        lab.proxies[1].keygen()
        lab.proxies[1].stop()
        lab.proxies[1].start()
        wait_for(lambda: "erification failed" in host(lab, lab.proxies[1])["error"], 15,
                 "the changed key to be named")


def test_key_from_an_agent():
    with Fleet(2) as lab:
        sock = lab.dir / "agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)],
                                 stdout=subprocess.DEVNULL)
        try:
            wait_for(sock.exists, 5, "the agent")
            key = lab.dir / "ssh" / "key"
            subprocess.run(["ssh-add", "-q", key], check=True,
                           env=dict(os.environ, SSH_AUTH_SOCK=str(sock)))
            conf = (lab.dir / "banner.conf").read_text()
            (lab.dir / "banner.conf").write_text(
                conf.replace(f"key = {key}", f"key = agent\nagent = {sock}"))
            key.unlink()
            lab.start()
            ban(lab, NETS[:3])
            lab.wait_all(NETS[:3])
            lab.proxies[0].signal(signal.SIGKILL, "banner-edge")
            ban(lab, NETS[3:5])
            lab.wait_all(NETS[:5])
        finally:
            agent.kill()
            agent.wait()


DELAY = """
import socket, sys, threading, time
def pump(a, b, delay):
    queue = []
    def out():
        while True:
            if not queue: time.sleep(0.005); continue
            when, data = queue.pop(0)
            time.sleep(max(0, when - time.monotonic()))
            try: b.sendall(data)
            except OSError: return
            if not data: return
    threading.Thread(target=out, daemon=True).start()
    while True:
        try: data = a.recv(65536)
        except OSError: data = b""
        queue.append((time.monotonic() + delay, data))
        if not data: return
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 2222)); s.listen()
while True:
    c, _ = s.accept()
    d = socket.create_connection((sys.argv[1], 22))
    for a, b in (c, d), (d, c):
        threading.Thread(target=pump, args=(a, b, 0.3), daemon=True).start()
"""


def test_slow_proxy_delays_nobody():
    with Fleet(2) as lab:
        slow, fast = lab.proxies
        known = lab.dir / "ssh" / "known_hosts"
        known.write_text(known.read_text()
                         + slow.known_host().replace(slow.addr, "[127.0.0.1]:2222"))
        conf = (lab.dir / "banner.conf").read_text()
        (lab.dir / "banner.conf").write_text(conf.replace(
            f"proxy1={slow.addr}", "proxy1=127.0.0.1:2222").replace(
            "connect_timeout = 3", "connect_timeout = 20"))
        relay = subprocess.Popen(lab.inside([sys.executable, "-c", DELAY, slow.addr]))
        try:
            lab.start()
            ban(lab, NETS[:5])
            fast.wait_routes(NETS[:5], 2)
            slow.wait_routes(NETS[:5], 20)
            took = []
            for i in range(5, 15):
                began = time.monotonic()
                ban(lab, [NETS[i]])
                fast.wait_routes(NETS[:i + 1], 2)
                took.append(time.monotonic() - began)
            assert statistics.median(took) < 0.5, took
            slow.wait_routes(NETS[:15])
            wait_for(lambda: host(lab, slow)["p50_us"] > 500000, 10, "its latency")
            assert host(lab, fast)["p50_us"] < 100000
        finally:
            relay.kill()
            relay.wait()


NAME_SERVER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("198.51.100.1", 53))
while True:
    q, who = s.recvfrom(512)
    end = q.index(0, 12) + 1
    try:
        addr = socket.inet_aton(open(sys.argv[1]).read())
    except OSError:
        continue
    four = q[end:end + 2] == bytes([0, 1])
    s.sendto(q[:2] + bytes([0x81, 0x80, 0, 1, 0, four, 0, 0, 0, 0]) + q[12:end + 4]
             + four * (bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]) + addr), who)
"""


def test_names_delay_nobody_and_may_move(tmp_path):
    with Fleet(2, names="proxy1=one.test proxy2=10.99.2.2") as lab:
        named, other = lab.proxies
        known = lab.dir / "ssh" / "known_hosts"
        known.write_text(known.read_text()
                         + named.known_host().replace(named.addr, "one.test"))
        (lab.dir / "resolv").write_text("nameserver 198.51.100.1\n")
        lab.mounts["/etc/resolv.conf"] = lab.dir / "resolv"
        answer = tmp_path / "answer"
        server = subprocess.Popen(["ip", "netns", "exec", lab.ns, sys.executable, "-c",
                                   NAME_SERVER, answer])
        try:
            lab.start()
            ban(lab, NETS[:3])
            other.wait_routes(NETS[:3], 2)
            wait_for(lambda: "look-up of one.test" in host(lab, named)["error"], 5, "why")
            ban(lab, NETS[3:5])
            other.wait_routes(NETS[:5], 2)
            answer.write_text("10.99.1.2")
            named.wait_routes(NETS[:5], 40)
            named.stop()
            named.ip("addr", "del", "10.99.1.2/24", "dev", "eth0")
            named.ip("addr", "add", "10.99.1.7/24", "dev", "eth0")
            answer.write_text("10.99.1.7")
            named.start("ListenAddress 10.99.1.7")
            ban(lab, NETS[5:7])
            lab.wait_all(NETS[:7], seconds=40)
        finally:
            server.kill()
            server.wait()


def test_hardened_server_names_the_other_carrier():
    with Fleet(1) as lab:
        p = lab.proxies[0]
        p.stop()
        p.start("Ciphers chacha20-poly1305@openssh.com")
        lab.start()
        wait_for(lambda: "carrier = openssh" in host(lab, p)["error"], 10, "the hint")
        lab.stop()
        lab.configure("carrier = openssh")
        lab.start()
        ban(lab, NETS[:2])
        lab.wait_all(NETS[:2])


def test_secrets_are_in_no_log_and_no_argument(three):
    key = (three.dir / "ssh" / "key").read_text().splitlines()[2]
    assert key not in three.logged()
    for pid in three.children().values():
        assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    actor = three.children()["banner-actor"]
    limits = resource.prlimit(actor, resource.RLIMIT_CORE)
    assert limits == (0, 0)
    dump = subprocess.run([str(BUILD / "bannerd"), "-c", str(three.dir), "--dump"],
                          capture_output=True, text=True)
    assert key not in dump.stdout
