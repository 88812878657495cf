# SPDX-License-Identifier: GPL-2.0-or-later
"""A big log that is there at the start: with one processor and with all, the same
failures and bans in the same order."""
import os
import re
import subprocess
import sys
import time

import pytest

from lab import TOP, Lab, wait_for

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
