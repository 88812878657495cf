# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench runs and prints its rows; what the figures are is not judged here."""
import json
import os
import shutil
import subprocess

import pytest

from lab import BUILD, TOP

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")
KEYS = {
    "ban": {"median_us", "p99_us", "least_median_us", "ratio", "missed"},
    "memory": {"pss_mb"}, "flood": {"mb", "banned", "ns_each"}, "start": {"median_ms"}, "bans": {"bans_per_s", "cpu_us", "engine_us", "parent_us"},
    "restart": {"answers_s", "seconds"},
    "fleet": {"bans_per_s", "ratio_ssh", "ratio_controlpersist", "p50_ms", "p99_ms"},
    "resync": {"seconds", "edge_cpu_s", "actor_cpu_s", "answer_max_ms"},
    "hosts": {"kb_per_host", "up_s", "bans_per_s"},
    "scan": {"jails", "fail_share", "mb_per_s", "ratio_lines", "ratio_fail2ban"},
    "hostile": {"worst_us_per_line"},
    "zimbra": {"mb", "mb_per_s", "found"},
}


def bench(*options):
    return subprocess.run([TOP / "scripts/bench", "--short", "-b", BUILD, *options],
                          capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("name", KEYS)
def test_rows(name):
    done = bench(name, "--json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows
    for row in rows:
        assert row["bench"] == name and KEYS[name] <= row.keys()
        numbers = [v for k, v in row.items() if k in KEYS[name] and v is not None]
        assert all(v >= 0 for v in numbers), row


def test_scan_beside_the_tools_there_are():
    rows = [json.loads(line) for line in bench("scan", "--json").stdout.splitlines()]
    assert [r for r in rows if r.get("ratio_loop") and r.get("ratio_best")]
    assert bool(shutil.which("rg")) == any(r.get("ratio_ripgrep") for r in rows)
    if len(os.sched_getaffinity(0)) > 1:
        assert [r for r in rows if r.get("speedup")]


def test_table_and_refusal():
    done = bench("start")
    head, row = done.stdout.splitlines()[:2]
    assert head.split() == ["bench", "case", "median_ms"] and row.startswith("start ")
    assert bench("nothing").returncode == 2


def test_zimbra_finds_what_there_is():
    done = bench("zimbra", "--json")
    together, _ = map(json.loads, done.stdout.splitlines())
    assert together["found"] == together["expected"] > 100
