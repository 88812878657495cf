# SPDX-License-Identifier: GPL-2.0-or-later
"""A big log that is there at the start: with one processor and with all, the same
failures and bans in the same order; and more bans than the store can take."""
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from lab import TOP, Lab, wait_for
from shim import SLEEP, Shim

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
GENERATOR = TOP / "scripts/bench.d/genlog.py"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    path = tmp_path_factory.mktemp("backlog") / "big.log"
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 3600))
    subprocess.run([sys.executable, GENERATOR, "--kind", "sshd", "--size", "36M",
                    "--fail", "0.005", "--attackers", "200", "--rate", "400", "--start",
                    began, "-o", path], check=True, capture_output=True)
    return path


def read_by(processors, log):
    ours = os.sched_getaffinity(0)
    with Lab(jails=()) as lab:
        lab.jail("sshd", log=log, maxretry=5, action="null")
        jail = lab.dir / "jails.d/sshd.conf"
        jail.write_text(jail.read_text().replace("findtime = 10m", "findtime = 1d"))
        try:
            os.sched_setaffinity(0, processors)
            lab.start()
        finally:
            os.sched_setaffinity(0, ours)
        wait_for(lambda: "all sources have read" in lab.logged(), 60, "the backlog")
        lines = re.findall(r"\] ((?:Found|Ban) .*)", lab.logged())
        status = lab.ok("status", "sshd")
        assert lab.ctl_json("status")["backlog_bytes"] == 0
        return lines, re.search(r"^lines:.*", status, re.M)[0]


def test_the_same_by_all_processors(log):
    ours = os.sched_getaffinity(0)
    alone = read_by({min(ours)}, log)
    assert sum(line.startswith("Found") for line in alone[0]) > 1000
    assert sum(line.startswith("Ban") for line in alone[0]) > 50
    assert read_by(ours, log) == alone


BANS = 40000            # with their lines: twice what the engine keeps for the store


@pytest.fixture(scope="module")
def attacks(tmp_path_factory):
    path = tmp_path_factory.mktemp("attacks") / "auth.log"
    stamp, user = time.strftime("%b %e %H:%M:%S"), "x" * 1200
    with open(path, "w") as f:
        for i in range(BANS):
            f.write(f"{stamp} host sshd[1]: Failed password for invalid user {user} from "
                    f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} port 4000 ssh2\n")
    return path


@pytest.fixture
def lab(attacks):
    with Lab(jails=()) as one:
        one.jail("old", log=attacks, maxretry=1, bantime="10h",
                 action="null")
        one.jail("sshd", maxretry=1)
        one.shim = Shim(one.dir)
        yield one
        one.shim.close()


def start(lab):
    lab.start(ready=False)
    wait_for(lambda: lab.socket.exists() and lab.ctl("ping").returncode == 0, 20)
    return lab.children()


def memory(pid):
    """MB that it needed at most."""
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) >> 10


def stored(lab):
    """Bans in the database, those of them with evidence, and how many are told twice."""
    db = sqlite3.connect(lab.dir / "state" / "banner.sqlite3")
    try:
        return db.execute("SELECT count(*), count(DISTINCT subject), sum(nlines > 0) "
                          "FROM history WHERE jail = 'old'").fetchone()
    finally:
        db.close()


def read_all(lab):
    """All is decided and on disk, and nothing of it was lost on the way."""
    wait_for(lambda: lab.ctl_json("status")["caught_up"], 60, "the backlog")
    lab.ok("banip", "sshd", "192.0.2.99")
    status = lab.ctl_json("status")
    assert status["told_anew"] == 0 and not status["backlog_waits"]
    assert "the backlog waited" in lab.ok("status")
    assert memory(lab.children()["banner-engine"]) < 160
    assert lab.stop() == 0
    assert stored(lab) == (BANS, BANS, BANS)


def test_a_store_that_stops_for_a_moment(lab):
    """Old lines wait for it; new ones do not, nor does the administrator."""
    store = start(lab)["banner-store"]
    os.kill(store, signal.SIGSTOP)
    try:
        wait_for(lambda: lab.ctl_json("status")["backlog_waits"], 20, "the backlog to wait")
        assert "the backlog waits for it " in lab.ok("status")
        lab.fail("192.0.2.1")
        lab.wait_routes("192.0.2.1", seconds=2)
        assert lab.ctl_json("status")["backlog_waits"]
    finally:
        os.kill(store, signal.SIGCONT)
    read_all(lab)


def test_a_slow_disk(lab):
    lab.shim.arm("banner-store", "fdatasync", 0, SLEEP, 40, sticky=True)
    start(lab)
    wait_for(lambda: lab.ctl_json("status")["backlog_waits"], 20, "the backlog to wait")
    lab.fail("192.0.2.1")
    lab.wait_routes("192.0.2.1", seconds=2)
    read_all(lab)


def test_a_store_that_hangs(lab):
    """It is not waited for, and told everything when it is back."""
    store = start(lab)["banner-store"]
    os.kill(store, signal.SIGSTOP)
    try:
        wait_for(lambda: lab.ctl_json("status")["caught_up"], 60, "the backlog")
        assert lab.ctl_json("status")["banned"] == BANS
        assert 1000 < lab.ctl_json("status")["backlog_waited_ms"] < 30000
        assert memory(lab.children()["banner-engine"]) < 160
    finally:
        os.kill(store, signal.SIGCONT)
    wait_for(lambda: lab.ctl_json("status")["told_anew"] == 1, 30, "all to be told")
    lab.ok("banip", "sshd", "192.0.2.99")
    lab.stop()
    assert stored(lab)[:2] == (BANS, BANS)
