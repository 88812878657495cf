# SPDX-License-Identifier: GPL-2.0-or-later
"""One call after the other fails: writes of the store, messages to the kernel, memory.

FAULTS_ALL=1 takes every call and error (minutes); else a selection.
"""
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from lab import Lab, wait_for
from shim import FAIL, Shim

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
ALL = bool(os.environ.get("FAULTS_ALL"))


@pytest.fixture
def lab():
    with Lab(maxretry=2) as one:
        one.shim = Shim(one.dir)
        yield one
        one.shim.close()


def ban_fault_ban(lab, n, program, call, skip, err, sticky=False):
    """A ban by the log and one by hand, with the fault in between; both hold."""
    a, b = f"192.0.2.{n}", f"203.0.113.{n}"
    lab.shim.arm(program, call, skip, FAIL, err, sticky)
    began = time.monotonic()
    lab.fail(a, 2)
    lab.ctl("banip", "sshd", b)
    wait_for(lambda: {a, b} <= lab.routes(), 2, f"{call} {skip} {errno.errorcode[err]}: "
             f"routes {lab.routes()}\n{lab.logged()[-2000:]}")
    return time.monotonic() - began


WRITES = [(c, e) for c in ("pwrite64", "fdatasync", "fsync", "ftruncate64")
          for e in (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)]


@pytest.mark.parametrize("call,err", WRITES if ALL else WRITES[:2] + WRITES[5:6])
def test_a_write_of_the_store_fails(lab, call, err):
    lab.start()
    last = 12 if ALL else 3
    for n in range(1, last):
        ban_fault_ban(lab, n, "banner-store", call, n - 1, err)
    lab.shim.disarm()
    wait_for(lambda: lab.ctl_json("status")["store"] == "", 5, "the store to catch up")
    lab.ok("banip", "sshd", "192.0.2.99")
    want = lab.banned()
    assert len(want) == 2 * (last - 1) + 1
    lab.stop()
    lab.start()
    assert lab.banned() == want == lab.routes()


def told_once(lab, bans):
    """Each ban has its one line in the log, and its one row in the history."""
    for addr in bans:
        assert lab.logged().count(f"NOTICE  [sshd] Ban {addr}\n") == 1, addr
    db = sqlite3.connect(lab.dir / "state" / "banner.sqlite3")
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return db.execute("SELECT count(*), sum(ended), sum(nlines > 0) FROM history").fetchone()
    finally:
        db.close()


@pytest.mark.parametrize("call,err", (
    ("pwrite64", errno.ENOSPC), ("pwrite64", errno.EIO), ("pwrite64", errno.EROFS),
    ("pwrite64", errno.EDQUOT), ("fdatasync", errno.EIO), ("fdatasync", errno.ENOSPC)))
def test_the_disk_fails_for_a_while(lab, call, err):
    """Bans go on in memory, status says so within 1 s, 5 s after the end it is written."""
    ours = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.50", "203.0.113.1"}
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.50")
    ban_fault_ban(lab, 1, "banner-store", call, 0, err, sticky=True)
    wait_for(lambda: lab.ctl_json("status")["store"] != "", 1, "status to say so")
    assert "not on disk yet: cannot write: " in lab.ok("banip", "sshd", "192.0.2.3")
    lab.fail("192.0.2.2", 2)
    wait_for(lambda: "192.0.2.2" in lab.routes(), 1)
    time.sleep(0.3)                 # so long for the store to have it, too
    kids = lab.children()
    lab.kill("banner-engine")
    wait_for(lambda: lab.children().get("banner-engine") not in (None, kids["banner-engine"]))
    wait_for(lambda: lab.ctl("ping").returncode == 0)
    assert lab.banned() == ours, "the next engine is told what only the queue holds"
    assert lab.ctl_json("status")["store"] != "", "and that it is not written"
    lab.shim.disarm()
    wait_for(lambda: lab.ctl_json("status")["store"] == "", 5, "the store to catch up")
    time.sleep(1)
    # said at its begin, not at each try
    said = lab.logged()
    assert said.count("; bans stay in force") == 1 == said.count("database is written again")
    lab.stop()
    assert told_once(lab, ours) == (5, 0, 2)
    lab.start()
    assert lab.banned() == ours == lab.routes()


NETLINK = [(c, e) for c in ("sendto", "recvmsg")
           for e in (errno.ENOBUFS, errno.EINTR, errno.EAGAIN, errno.ENOMEM, errno.EPERM)]


@pytest.mark.parametrize("call,err", NETLINK if ALL else NETLINK[:2] + NETLINK[5:8])
def test_a_netlink_call_fails(lab, call, err):
    lab.start()
    for n in range(1, 8 if ALL else 4):
        ban_fault_ban(lab, n, "banner-actor", call, n - 1, err)
        lab.shim.disarm()
        lab.ok("unbanip", f"192.0.2.{n}")
        wait_for(lambda n=n: f"192.0.2.{n}" not in lab.routes(), 2)
    lab.ip("route", "flush", "proto", "98")
    wait_for(lambda: lab.routes() == lab.banned(), 2)


def serves(lab):
    """It answers, and has read its sources: the process may end in the middle of that."""
    if lab.proc.poll() is not None:
        raise AssertionError(f"bannerd ended: {lab.proc.returncode}\n{lab.logged()[-3000:]}")
    if not lab.socket.exists():
        return False
    try:
        done = lab.ctl("--json", "status", timeout=3)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and json.loads(done.stdout)["caught_up"]


def start_in_need(lab, program, skip):
    """True: that allocation was made, and failed."""
    lab.shim.arm(program, "malloc", skip, FAIL, errno.ENOMEM)
    lab.start(ready=False)
    try:
        wait_for(lambda: serves(lab), 15, f"an answer after allocation {skip} of {program}")
    except AssertionError as e:
        raise AssertionError(f"{e}, hits {lab.shim.hits()}, {lab.children()}\n"
                             + lab.logged()[-5000:]) from None
    end = time.monotonic() + 0.5
    while not lab.shim.hits() and time.monotonic() < end:
        time.sleep(0.01)
    lab.shim.disarm()
    return lab.shim.hits() == 1


def allocations(lab, program):
    """How many of them a start makes that nothing disturbs."""
    lab.shim.arm(program, "malloc", 10 ** 6, FAIL, errno.ENOMEM)
    lab.start()
    lab.wait_routes("192.0.2.1")
    time.sleep(0.3)
    n = 10 ** 6 - lab.shim.left()
    lab.shim.disarm()
    lab.stop()
    return n


@pytest.mark.parametrize("program", ["banner-engine", "banner-store", "banner-actor"])
def test_no_memory_at_the_start(program):
    """Each allocation fails once: the process ends or copes, the next one serves."""
    with Lab(maxretry=2) as lab:
        lab.shim = Shim(lab.dir)
        lab.start()
        lab.ok("banip", "sshd", "192.0.2.1")
        lab.fail("192.0.2.2", 1)
        time.sleep(0.2)
        lab.stop()
        n = allocations(lab, program)
        skips = list(range(n)) if ALL else [0, 1, *(n * i // 10 for i in range(1, 10))]
        seen = 0
        for skip in skips:
            seen += start_in_need(lab, program, skip)
            # a store that could not read its file at first tells it a second later
            wait_for(lambda: lab.banned() == {"192.0.2.1"}, 5, f"the ban, {skip}")
            wait_for(lambda: lab.routes() == {"192.0.2.1"}, 3, f"the route, {skip}")
            assert lab.stop() == 0
            lab.log.write_text("")
        print(f"{program}: {seen} of {n} allocations failed")
        assert seen >= len(skips) * 0.8
        lab.start()
        # of all of them that takes longer than findtime
        lab.fail("192.0.2.2", 2 if ALL else 1)
        lab.wait_routes("192.0.2.1", "192.0.2.2")
        lab.shim.close()


def test_damaged_beyond_reading(lab):
    """What is in force is kept, as bans that end and that the next start knows."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "192.0.2.2", "2001:db8:9::/64", "--wait")
    lab.ip("route", "add", "blackhole", "203.0.113.9", "proto", "static")
    lab.stop()
    db = lab.dir / "state" / "banner.sqlite3"
    db.write_bytes(os.urandom(db.stat().st_size))
    # lines that came meanwhile are read as always
    lab.fail("192.0.2.3", 2)
    # what became an address of ours is let go
    lab.ip("addr", "add", "192.0.2.2/32", "dev", "lo")
    lab.start()
    want = {"192.0.2.1", "2001:db8:9::/64"}
    wait_for(lambda: want <= lab.banned() and lab.banned() == lab.routes(), 5, "the bans")
    assert "192.0.2.2" not in lab.banned()
    ends = [b for b in lab.ctl_json("list") if b["subject"] in want]
    assert len(ends) == 2 and all(0 < b["until_ms"] for b in ends), ends
    lab.ok("reload")
    wait_for(lambda: lab.ctl("ping").returncode == 0 and lab.ctl_json("status")["caught_up"])
    lab.stop()
    lab.start()
    time.sleep(0.3)
    assert want <= lab.banned() == lab.routes()
    lab.ok("unbanip", "192.0.2.1", "--wait")
    assert "192.0.2.1" not in lab.routes()
    assert "203.0.113.9" in lab.ip("route", "show", "proto", "static")


def test_damaged_while_running(lab):
    """The file is moved aside and the new one is told everything."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.1", "192.0.2.2")
    lab.fail("192.0.2.3", 1)
    time.sleep(0.3)
    # errno cannot say "damaged": the file is, and the store reads it again
    db = lab.dir / "state" / "banner.sqlite3"
    lab.ctl("list")
    data = bytearray(db.read_bytes())
    wal = lab.dir / "state" / "banner.sqlite3-wal"
    for path in (db, wal):
        if path.exists():
            size = path.stat().st_size
            with open(path, "r+b") as f:
                f.write(os.urandom(size))
    assert data
    lab.kill("banner-store")
    wait_for(lambda: list(db.parent.glob("*.corrupt-*")), 5, "the file to be moved aside")
    wait_for(lambda: lab.ctl_json("status")["store"] == "", 5)
    lab.ok("banip", "sshd", "192.0.2.4")
    lab.stop()
    lab.start()
    assert lab.banned() == {"192.0.2.1", "192.0.2.2", "192.0.2.4"} == lab.routes()
    lab.fail("192.0.2.3", 1)
    lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")


@pytest.mark.parametrize("how", ["file", "folder", "another"])
def test_the_state_is_taken_away(lab, how):
    """What is acknowledged afterwards is in a file that the next start finds."""
    lab.start()
    lab.ok("banip", "192.0.2.1")
    state = lab.dir / "state"
    if how == "folder":
        shutil.rmtree(state)
    else:
        (state / "banner.sqlite3").unlink()
    if how == "another":
        (state / "banner.sqlite3").touch()
    lab.fail("192.0.2.2", 1)
    lab.ok("banip", "192.0.2.3")
    wait_for(lambda: "removed or replaced" in lab.logged(), 5, "that it is said")
    wait_for(lambda: lab.ctl_json("status")["store"] == "", 5)
    lab.stop()
    lab.start()
    assert lab.banned("manual") == {"192.0.2.1", "192.0.2.3"} == lab.routes()
    lab.fail("192.0.2.2", 1)
    lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3")


def test_files_may_not_grow(lab):
    """RLIMIT_FSIZE ends nobody: what cannot be written is told as with a full disk."""
    lab.start()
    for pid in [lab.proc.pid, *lab.children().values()]:
        subprocess.run(["prlimit", "--pid", str(pid), "--fsize=4096:"], check=True)
    kids = lab.children()
    addrs = [f"192.0.2.{n}" for n in range(1, 40)]
    for addr in addrs:
        lab.fail(addr, 2)
    lab.wait_routes(*addrs)
    wait_for(lambda: lab.ctl_json("status")["store"], 5, "that it is told")
    for pid in [lab.proc.pid, *kids.values()]:
        subprocess.run(["prlimit", "--pid", str(pid), "--fsize=unlimited:"], check=True)
    wait_for(lambda: lab.ctl_json("status")["store"] == "", 5, "the store to catch up")
    assert lab.children() == kids
    lab.stop()
    lab.start()
    assert lab.banned() == set(addrs)
