# SPDX-License-Identifier: GPL-2.0-or-later
"""banner-store: cuts, restarts, a damaged file, a full disk."""
import os
import sqlite3
import subprocess
import time

import pytest

from harness import Drive

DB = "banner.sqlite3"


def store(state, **kw):
    d = Drive("banner-store", state=state, **kw)
    d.engine()
    return d


def restored(d):
    return [r for r in d.until("end") if r[0] in
            ("ban", "history", "count", "session", "place")]


def test_roundtrip(tmp_path):
    d = store(tmp_path)
    assert restored(d) == []
    d.send("putban", 5, "192.0.2.0/24", "jail=sshd", "since=1000", "until=99000",
           "failures=7", "count=2", "manual", "comment=by hand", "line=a\tline",
           "field=user:root")
    d.send("putban", 6, "bob", "jail=web")
    d.send("putban", 7, "id:x y", "jail=web")
    d.send("count", "sshd", "k1", "rec")
    d.send("count", "sshd", "k2", "rec")
    d.send("count", "sshd", "k2", "")
    d.send("session", "sshd", "s", "open")
    d.send("place", "/var/log/x", "123")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    d.send("putunban", 6, "bob", "jail=web")
    d.send("mark", 2)
    d.expect("committed", 2, 0)
    assert d.stop() == 0
    d = store(tmp_path)
    got = restored(d)
    assert ["ban", "0", "5", "sshd", "192.0.2.0/24", "1000", "99000", "7", "2", "1"] in got
    assert [r[2] for r in got if r[0] == "ban"] == ["5", "7"]
    assert ["history", "sshd", "192.0.2.0/24", "2", "1000"] in got
    assert ["count", "sshd", "k1", "rec"] in got
    assert len([r for r in got if r[0] == "count"]) == 1
    assert ["session", "sshd", "s", "open"] in got
    assert ["place", "/var/log/x", "123"] in got
    # History: by subject, the latest, and one with its evidence.
    d.send("query", 1, 0, "", "192.0.2.0/24")
    rows = [r for r in d.until("end") if r[0] == "row"]
    assert [r[5] for r in rows] == ["5"] and "line=" not in " ".join(rows[0])
    d.send("query", 2, 1, "web", "none")
    rows = [r for r in d.until("end") if r[0] == "row"]
    assert {r[5] for r in rows} == {"6", "7"}
    assert {r[2] == "0" for r in rows if r[5] == "6"} == {False}    # it ended
    d.send("query", 3, 2, "", "192.0.2.7")     # with the networks around it
    row, = [r for r in d.until("end") if r[0] == "row"]
    assert "field=user:root" in row and any(f.startswith("line=a") for f in row)
    assert d.stop() == 0


def test_older_index(tmp_path):
    """An index that older versions wrote goes; the latest come in order without it."""
    d = store(tmp_path)
    restored(d)
    for ident, since in ((5, 3000), (6, 5000), (7, 4000)):
        d.send("putban", ident, f"192.0.2.{ident}", f"since={since}")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    assert d.stop() == 0
    db = sqlite3.connect(tmp_path / DB)
    db.execute("CREATE INDEX history_since ON history(since)")
    db.commit()
    db.close()
    d = store(tmp_path)
    restored(d)
    d.send("query", 1, 1, "", "none")
    rows = [r for r in d.until("end") if r[0] == "row"]
    assert [r[5] for r in rows] == ["6", "7", "5"]
    assert d.stop() == 0
    db = sqlite3.connect(tmp_path / DB)
    indexes = db.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
    db.close()
    assert ("history_subject",) in indexes and ("history_since",) not in indexes


def test_only_whole_cuts(tmp_path):
    """What follows the last MARK of a dead engine is dropped, all before it is kept."""
    d = store(tmp_path)
    restored(d)
    d.send("putban", 1, "192.0.2.1")
    d.send("place", "log", "10")
    d.send("mark", 1)
    d.send("putban", 2, "192.0.2.2")
    d.send("place", "log", "20")
    d.send("engine")
    got = restored(d)
    assert [r[2] for r in got if r[0] == "ban"] == ["1"]
    assert ["place", "log", "10"] in got
    assert d.stop() == 0


def test_kill(tmp_path):
    """kill -9 at any moment: what was acknowledged is there."""
    acked = 0
    for n in range(1, 9):
        d = store(tmp_path)
        have = {int(r[2]) for r in restored(d) if r[0] == "ban"}
        assert set(range(1, acked + 1)) <= have
        for i in range(30):
            acked_now = n * 1000 + i
            d.send("putban", acked + 1 + i, "192.0.2.1", f"jail=j{acked_now}")
            d.send("mark", i + 1)
        seq = 0
        while seq < 30:
            seq = int(d.expect("committed", "*", 0)[1])
            if seq > 3 * n:
                break
        pid = subprocess.run(["pgrep", "-P", str(d.p.pid)], capture_output=True,
                             text=True, check=True).stdout.strip()
        os.kill(int(pid), 9)
        d.expect("exit", -9)
        d.kill()
        acked += seq
    db = sqlite3.connect(tmp_path / DB)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


def test_group_commit(tmp_path):
    d = store(tmp_path)
    restored(d)
    start = time.monotonic()
    for i in range(1, 20001):
        d.send("putban", i, f"10.0.{i // 256}.{i % 256}")
        d.send("mark", i)
    d.expect("committed", 20000, 0, timeout=30)
    took = time.monotonic() - start
    assert d.stop() == 0
    assert took < 15
    d = store(tmp_path)
    assert len([r for r in restored(d) if r[0] == "ban"]) == 20000
    d.stop()


def test_newer_version(tmp_path):
    """It is left as it is, and bans go on; another file in its place is used."""
    d = store(tmp_path)
    d.stop()
    db = sqlite3.connect(tmp_path / DB)
    db.execute("PRAGMA user_version = 2")
    db.close()
    before = (tmp_path / DB).read_bytes()
    d = Drive("banner-store", state=tmp_path)
    d.send("engine")
    assert "newer banner" in d.expect("log", 1)[2]
    assert "newer banner" in d.expect("lost", 1)[2]
    d.expect("end")
    d.send("putban", 5, "192.0.2.1", "jail=sshd")
    d.send("mark", 1)
    time.sleep(1.5)
    assert (tmp_path / DB).read_bytes() == before
    (tmp_path / DB).rename(tmp_path / "newer")
    d.expect("committed", 1, 0)
    assert d.stop() == 0
    assert (tmp_path / "newer").read_bytes() == before


def test_foreign_database(tmp_path):
    db = sqlite3.connect(tmp_path / DB)
    db.execute("CREATE TABLE x(y)")
    db.commit()
    db.close()
    before = (tmp_path / DB).read_bytes()
    d = Drive("banner-store", state=tmp_path)
    d.send("engine")
    assert "not a database of banner" in d.expect("log", 1)[2]
    d.expect("lost", 1)
    d.expect("end")
    d.stop()
    assert (tmp_path / DB).read_bytes() == before


def test_anew(tmp_path):
    """An engine that was not heard for a while tells everything; nothing else stays."""
    d = store(tmp_path)
    restored(d)
    for i in (1, 2):
        d.send("putban", i, f"192.0.2.{i}")
        d.send("count", "sshd", f"k{i}", "rec")
        d.send("session", "sshd", f"s{i}", "rec")
    d.send("place", "/var/log/x", "1")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    d.send("anew")
    d.send("putban", 2, "192.0.2.2")
    d.send("putban", 3, "192.0.2.3")
    d.send("count", "sshd", "k2", "rec")
    d.send("mark", 2)
    d.expect("committed", 2, 0)
    d.stop()
    d = store(tmp_path)
    got = restored(d)
    assert [r[2] for r in got if r[0] == "ban"] == ["2", "3"]
    assert [r[2] for r in got if r[0] == "count"] == ["k2"]
    assert not [r for r in got if r[0] == "session"]
    assert [r for r in got if r[0] == "place"]
    d.send("query", 1, 1, "", "none")
    rows = {r[5]: r for r in d.until("end") if r[0] == "row"}
    assert rows["1"][2] != "0", "the ban that went has ended"
    assert rows["2"][2] == "0" and rows["3"][2] == "0"
    d.stop()


def test_waits_for_a_store_that_still_ends(tmp_path):
    """Its file is locked for a moment; an empty state must not be told meanwhile."""
    d = store(tmp_path)
    d.send("putban", 1, "192.0.2.1")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    second = store(tmp_path)
    time.sleep(0.3)
    d.stop()
    assert [r[2] for r in restored(second) if r[0] == "ban"] == ["1"]
    second.stop()


@pytest.mark.parametrize("how", ["garbage", "page", "short"])
def test_damaged(tmp_path, how):
    d = store(tmp_path)
    for i in range(1, 2000):
        d.send("putban", i, f"10.0.{i // 256}.{i % 256}", "line=" + "x" * 200)
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    d.stop()
    data = bytearray((tmp_path / DB).read_bytes())
    if how == "garbage":
        data[:] = b"no database at all" * 100
    elif how == "page":
        data[len(data) // 2:len(data) // 2 + 40960] = os.urandom(40960)
    else:
        del data[len(data) // 2:]
    (tmp_path / DB).write_bytes(data)
    d = store(tmp_path)
    got = [r for r in restored(d) if r[0] == "ban"]
    assert ["lost", "0"] in [r[:2] for r in d.seen]
    assert how != "page" or len(got) > 500, "what can be read is kept"
    d.says("damaged")
    assert [p for p in tmp_path.iterdir() if ".corrupt-" in p.name]
    d.send("putban", 1, "192.0.2.1")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    assert d.stop() == 0


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_disk_full(small_disk):
    """It says so, keeps the rows, tells a new engine of them, and catches up."""
    d = store(small_disk)
    restored(d)
    d.send("putban", 1, "192.0.2.1")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    filler = small_disk / "filler"
    fd = os.open(filler, os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(fd, b"x" * 4096):
            pass
    except OSError:
        os.close(fd)
    for i in range(2, 600):
        d.send("putban", i, f"10.0.{i // 256}.{i % 256}", "line=" + "y" * 500)
    d.send("mark", 2)
    rec = d.expect("committed", 2, "*", timeout=5)
    assert int(rec[2]) == 28
    d.says("disk is full")
    d.send("engine")
    assert len([r for r in restored(d) if r[0] == "ban"]) == 599
    d.send("putban", 1000, "192.0.2.9")
    d.send("mark", 1)
    filler.unlink()
    d.expect("committed", 1, 0, timeout=5)
    assert d.stop() == 0
    d = store(small_disk)
    assert len([r for r in restored(d) if r[0] == "ban"]) == 600
    d.stop()


def test_garbage(tmp_path):
    d = store(tmp_path)
    restored(d)
    d.send("putban", 1, "192.0.2.1", "until=100000")
    d.send("putban", 2, "192.0.2.2")
    d.send("mark", 1)
    d.expect("committed", 1, 0)
    d.send("garbage", "this is no mark")
    d.expect("engine socket closed")
    d.send("engine")
    ends = {r[2]: r[6] for r in restored(d) if r[0] == "ban"}
    assert ends == {"1": "100000", "2": "0"}
    assert d.stop() == 0
