# SPDX-License-Identifier: GPL-2.0-or-later
"""fleet_rows.py - the rows that need proxies: bannerd, real sshd, banner-edge.

Every proxy has a namespace of its own on this machine, so both ends of every connection
share its processors: the ratios and the processor time say more than the rates.
"""
import ctypes
import importlib
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rig

GROUPS = 1 << 6 | 1 << 10       # RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE


def fleet_of(build, proxies):
    """A detector and proxies, connected; the same laboratory as the tests have."""
    os.environ["BANNER_BUILD"] = str(build)
    sys.path.insert(0, str(rig.TOP / "test/system"))
    lab = importlib.import_module("fleet_lab").Fleet(proxies)
    for p in lab.proxies:
        p.policy("max_bans = 1000000\nrate = 0\n")
    lab.start()
    rig.until(lambda: settled(lab), 120)
    return lab


def settled(lab):
    hosts = lab.ctl_json("fleet")
    return all(h["state"] == "up" and h["behind"] == 0 for h in hosts)


def many(count, net):
    return [f"{net}.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(count)]


def ban(lab, addrs):
    for i in range(0, len(addrs), 2000):
        lab.ok("banip", "sshd", *addrs[i:i + 2000])


def rate(lab, count):
    """Bans a second, from the first order until the last proxy has the last one."""
    addrs = many(count, 12)
    began = time.monotonic()
    ban(lab, addrs)
    rig.until(lambda: settled(lab), 300)
    took = time.monotonic() - began
    for p in lab.proxies:
        assert len(p.routes() & set(addrs)) == count
    return count / took


def ssh_rate(lab, bans, *options):
    """What people do without a channel: one ssh for each ban and proxy, all at once."""
    key = lab.dir / "ssh" / "plain"
    if not key.exists():
        lab.run_host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        for p in lab.proxies:
            with open(p.dir / "authorized_keys", "a") as f:
                f.write("\n" + key.with_suffix(".pub").read_text())

    def one(p, addr):
        subprocess.run(lab.inside(
            ["ssh", "-T", "-F", "none", "-oBatchMode=yes", "-oIdentitiesOnly=yes",
             f"-oUserKnownHostsFile={lab.dir}/ssh/known_hosts", "-i", key, *options,
             "-l", "root", p.addr, f"ip route replace blackhole {addr}"]), check=True,
            stderr=subprocess.DEVNULL)

    with ThreadPoolExecutor(len(lab.proxies)) as pool:
        list(pool.map(one, lab.proxies, ["13.255.0.1"] * len(lab.proxies)))  # masters
        began = time.monotonic()
        for addr in many(bans, 13):
            list(pool.map(one, lab.proxies, [addr] * len(lab.proxies)))
    return bans / (time.monotonic() - began)


def listener(ns):
    """A socket that hears of new routes in another namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/ns/net") as home, open(f"/run/netns/{ns}") as there:
        if libc.setns(there.fileno(), 0) < 0:
            raise OSError(ctypes.get_errno(), "setns")
        s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        libc.setns(home.fileno(), 0)
    s.bind((0, GROUPS))
    return s


def ask(lab, words):
    """A request to the control socket, without a program of its own."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(str(lab.socket))
    s.sendall(words.encode() + b"\n")
    return s


def latencies(lab, count):
    """ms from the order until the kernel of a proxy tells of the route."""
    took, heard = [], selectors.DefaultSelector()
    for p in lab.proxies:
        heard.register(listener(p.ns), selectors.EVENT_READ)
    for addr in many(count, 11):
        wanted, missing = socket.inet_aton(addr), set(heard.get_map())
        began = time.monotonic()
        # The answer comes when the ban is on the disk too: not waited for.
        with ask(lab, f"banip sshd {addr}") as s:
            while missing:
                for key, _ in heard.select(10):
                    if wanted in key.fileobj.recv(65536) and key.fd in missing:
                        missing.discard(key.fd)
                        took.append((time.monotonic() - began) * 1e3)
            s.makefile().readline()
    for key in list(heard.get_map().values()):
        key.fileobj.close()
    return sorted(took)


def fleet(build, short):
    """Rates and latency, beside one ssh for each ban."""
    for proxies in (2,) if short else (8, 16):
        with fleet_of(build, proxies) as lab:
            took = latencies(lab, 20 if short else 500)
            bans = rate(lab, 500 if short else 20000)
            kept = ssh_rate(lab, 2 if short else 10, "-oControlMaster=auto",
                            "-oControlPersist=60", f"-oControlPath={lab.dir}/ssh/%h")
            each = ssh_rate(lab, 1 if short else 3)
        yield {"case": f"{proxies} proxies", "bans_per_s": bans, "ssh_per_s": each,
               "controlpersist_per_s": kept, "ratio_ssh": bans / each,
               "ratio_controlpersist": bans / kept, "p50_ms": statistics.median(took),
               "p99_ms": took[int(len(took) * 0.99)],
               "goal": "ratio_ssh 10000 at 16, p50 2 ms"}


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lose_all(lab):
    """All proxies are off, forget what they held, and come back."""
    for p in lab.proxies:
        p.reboot()
    rig.until(lambda: all(listens(p) for p in lab.proxies), 20)


def listens(p):
    return ":22 " in p.lab.run_host("ip", "netns", "exec", p.ns, "ss", "-Hltn")


def answer_times(lab):
    """Ask until all proxies are up; how long the engine took for each answer, ms."""
    took = []
    while not took or not settled(lab):
        began = time.monotonic()
        with ask(lab, "ping") as s:
            s.makefile().readline()
        took.append((time.monotonic() - began) * 1e3)
        time.sleep(0.01)
    return sorted(took)


def resync(build, short):
    """A whole set into empty kernels, logins included."""
    count = 1000 if short else 100000
    for proxies in (1, 2) if short else (1, 8):
        with fleet_of(build, proxies) as lab:
            ban(lab, many(count, 15))
            rig.until(lambda: settled(lab), 300)
            lose_all(lab)
            actor = lab.children()["banner-actor"]
            before, began = cpu_seconds(actor), time.monotonic()
            lab.ok("sync")
            asked = answer_times(lab)
            took = time.monotonic() - began
            edges = [cpu_seconds(q) for p in lab.proxies for q in p.pids("banner-edge")]
            assert all(len(p.routes()) == count for p in lab.proxies)
            yield {"case": f"{count} bans, {proxies} proxies", "seconds": took,
                   "seconds_per_proxy": took / proxies,
                   "edge_cpu_s": statistics.mean(edges),
                   "actor_cpu_s": cpu_seconds(actor) - before,
                   "answer_max_ms": asked[-1], "goal": "1 s a proxy"}


def private(lab):
    """kB of memory of the action's process that it shares with nobody."""
    text = Path(f"/proc/{lab.children()['banner-actor']}/smaps_rollup").read_text()
    return sum(int(l.split()[1]) for l in text.splitlines() if l.startswith("Private_"))


def hosts(build, short):
    """Memory for each more host, with the same bans, and whether all are served."""
    base = None
    for proxies in (1, 3) if short else (1, 16, 50):
        began = time.monotonic()
        with fleet_of(build, proxies) as lab:
            up = time.monotonic() - began
            bans = rate(lab, 200 if short else 5000)
            used = private(lab)
        if base is None:
            base = used
            continue
        yield {"case": f"{proxies} hosts", "kb_per_host": (used - base) / (proxies - 1),
               "up_s": up, "bans_per_s": bans, "goal": "150 kB"}
