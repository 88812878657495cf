# SPDX-License-Identifier: GPL-2.0-or-later
"""The trial: bannerd beside a live fail2ban, and what banctl compare makes of it."""
import json
import os
import re
import subprocess
import time

import pytest

from lab import BUILD
from twins import HAVE_F2B, Twins

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not HAVE_F2B,
                                reason="needs root and the fail2ban package")

JAILS = """[sshd]
enabled = true
logpath = {dir}/auth.log
maxretry = 3
findtime = 10m
bantime = 1h
backend = auto
"""


def compare(*logs):
    options = ["--json"] if "--json" in logs else []
    logs = [str(log) for log in logs if log != "--json"]
    return subprocess.run([str(BUILD / "banctl"), *options, "compare", *logs],
                          capture_output=True, text=True)


def test_no_start_beside_fail2ban():
    with Twins(JAILS) as twins:
        twins.start_fail2ban()
        p = twins.spawn("banner", BUILD / "bannerd", "-c", twins.etc, "-f")
        assert p.wait(20) == 1
        said = (twins.dir / "banner.err").read_text()
        assert re.search(r"fail2ban runs \(process \d+\).*--dry-run.*--force", said), said
        assert not (twins.dir / "banner.sock").exists()


def test_dry_run_beside_fail2ban():
    with Twins(JAILS) as twins:
        twins.start_fail2ban()
        twins.start_banner("--dry-run")
        shadow = twins.dir / "state/dry-run/bans.log"
        for i in range(1, 6):
            twins.fail(f"192.0.2.{i}", 3)
        twins.settle("sshd", 15, banned=5)
        twins.theirs("set", "sshd", "banip", "198.51.100.1")
        time.sleep(1.2)
        done = compare(twins.dir / "f2b.log", shadow)
        assert done.returncode == 1, done.stdout
        assert re.search(r"the same:\t5, banner earlier by \d+\.\d s", done.stdout), done.stdout
        assert "only banner:\t0" in done.stdout
        assert re.search(r"only fail2ban:\t1\n.*198\.51\.100\.1: no failure before it: by "
                         r"hand", done.stdout), done.stdout
        assert not list(twins.dir.glob("*.done")) or all(
            "192.0.2.1" in p.read_text() for p in twins.dir.glob("*.done")
            if "192.0.2" in p.read_text())
        assert twins.log_of("f2b.log").count("Ban 192.0.2.1\n") == 1, "its log is its own"


def log(path, *lines):
    path.write_text("".join(
        f"2026-11-22 {when},000 fail2ban.{'actions' if 'an ' in text else 'filter':<16}"
        f"[1]: NOTICE  [{jail}] {text}\n" for when, jail, text in lines))
    return path


def test_reasons(tmp_path):
    edge = [("00:00:00", "x", "Found 203.0.113.1 - then"),
            ("23:00:00", "x", "Found 203.0.113.1 - then")]
    found = [("10:00:00", "a", "Found 192.0.2.1 - then")] * 3
    theirs = log(tmp_path / "theirs", edge[0], *found, ("10:00:05", "a", "Ban 192.0.2.1"),
                 ("11:00:00", "a", "Found 192.0.2.2 - then"),
                 ("11:00:01", "a", "Ban 192.0.2.2"),
                 ("12:00:00", "a", "Found 192.0.2.3 - then"),
                 ("12:00:01", "a", "Ban 192.0.2.3"),
                 ("13:00:00", "a", "Ban 192.0.2.4"),
                 ("15:00:00", "a", "Restore Ban 192.0.2.8"), edge[1])
    ours = log(tmp_path / "ours", edge[0], *found, ("10:00:03", "a", "Ban 192.0.2.1"),
               ("11:00:00", "a", "Ignore 192.0.2.2 by ip"),
               ("14:00:00", "a", "Found 192.0.2.5 - then"),
               ("14:00:00", "a", "Ban 192.0.2.5"), edge[1])
    text = compare(theirs, ours).stdout
    assert "the same:\t1, banner earlier by 2.0 s in the middle, at most 2.0 s" in text
    assert "[a] 192.0.2.2: banner ignored it by ip\n" in text
    assert "[a] 192.0.2.3: banner found no failure" in text
    assert "[a] 192.0.2.4: no failure before it: by hand" in text
    assert "only fail2ban:\t3\n" in text and "only banner:\t1\n" in text
    assert "[a] 192.0.2.5: fail2ban found no failure" in text
    rows = [json.loads(row) for row in compare("--json", theirs, ours).stdout.splitlines()]
    assert [(r["only"], r["subject"]) for r in rows[:-1]] == [
        ("fail2ban", "192.0.2.2"), ("fail2ban", "192.0.2.3"), ("fail2ban", "192.0.2.4"),
        ("banner", "192.0.2.5")]
    assert rows[0]["reason"] == "banner ignored it by ip" and rows[0]["jail"] == "a"
    assert (rows[-1]["same"], rows[-1]["only_fail2ban"], rows[-1]["only_banner"]) == (1, 3, 1)
    assert rows[-1]["earlier_ms"]["middle"] == 2000
    assert compare(theirs, theirs).returncode == 0
    assert compare(tmp_path / "none", ours).returncode == 2
