# SPDX-License-Identifier: GPL-2.0-or-later
"""Moving house: the database of a real fail2ban-server, taken over by banctl import."""
import os
import subprocess
import time

import pytest

from lab import BUILD, wait_for
from twins import HAVE_F2B, Twins

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not HAVE_F2B,
                                reason="needs root and the fail2ban package")

JAILS = """[sshd]
enabled = true
logpath = {dir}/auth.log
maxretry = 3
findtime = 10m
bantime = 1h
[brief]
enabled = true
filter = sshd
logpath = {dir}/other.log
maxretry = 1
bantime = 1
[always]
enabled = true
filter = sshd
logpath = {dir}/other.log
maxretry = 9
bantime = -1
"""


def run_import(twins, db="f2b.sqlite3"):
    return subprocess.run([str(BUILD / "banctl"), "import", str(twins.dir / db),
                           str(twins.dir / "state")], capture_output=True, text=True)


def test_bans_history_and_places_go_on():
    with Twins(JAILS) as twins:
        other = twins.dir / "other.log"
        other.touch()
        twins.start_fail2ban()
        twins.fail("192.0.2.7", 3)
        wait_for(lambda: "192.0.2.7" in twins.theirs("status", "sshd")[0], 20, "the ban")
        twins.theirs("set", "always", "banip", "2001:db8::9")
        twins.theirs("set", "brief", "banip", "192.0.2.66")
        time.sleep(1.5)
        twins.theirs("stop")
        twins.f2b.wait(20)
        # what comes while nobody runs
        twins.fail("192.0.2.8", 3)
        done = run_import(twins)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("imported: 2 running bans, 1 past ones, the places "
                                      "in 1 logs"), done.stdout
        assert run_import(twins).stdout.startswith(
            "imported: 0 running bans, 0 past ones, the places in 0 logs; 4 were there")
        twins.start_banner()
        wait_for(lambda: "192.0.2.8" in twins.ours("status", "sshd")[0], 20,
                 twins.log_of("banner.log"))
        log = twins.log_of("banner.log")
        assert "NOTICE  [sshd] Restore Ban 192.0.2.7" in log
        assert "Found 192.0.2.7" not in log, "its lines were read by fail2ban"
        assert log.count("[sshd] Found 192.0.2.8") == 3
        assert "2001:db8::9" in twins.ours("get", "always", "banip")[0]
        times = twins.ours("get", "sshd", "banip", "--with-time")[0]
        assert "192.0.2.7 \t" in times and " + 3600 = " in times
        why = subprocess.run([str(BUILD / "banctl"), "-s", str(twins.dir / "banner.sock"),
                              "explain", "192.0.2.7"], capture_output=True,
                             text=True).stdout
        assert why.count("Failed password for admin from 192.0.2.7 port") == 3, why
        history = subprocess.run([str(BUILD / "banctl"), "-s",
                                  str(twins.dir / "banner.sock"), "history", "brief"],
                                 capture_output=True, text=True).stdout
        assert "192.0.2.66" in history and "ended" in history
        assert run_import(twins).returncode == 1, "not while bannerd runs"


def test_what_is_there_stays():
    """bannerd has run before: numbers of bans do not meet, and whom it has let go since
    an import stays free."""
    with Twins(JAILS) as twins:
        (twins.dir / "other.log").touch()
        twins.start_fail2ban()
        for addr in ("192.0.2.7", "192.0.2.8"):
            twins.theirs("set", "always", "banip", addr)
        time.sleep(1.5)
        twins.theirs("stop")
        twins.f2b.wait(20)
        twins.start_banner()
        twins.ours("set", "always", "banip", "192.0.2.50")
        twins.ours("stop")
        twins.banner.wait(20)
        assert run_import(twins).stdout.startswith("imported: 2 running bans")
        twins.start_banner()

        def banned():
            return set(twins.ours("get", "always", "banip")[0].split())

        wait_for(lambda: banned() == {"192.0.2.7", "192.0.2.8", "192.0.2.50"}, 20, "all")
        twins.ours("set", "always", "unbanip", "192.0.2.8")
        twins.ours("stop")
        twins.banner.wait(20)
        assert run_import(twins).stdout.startswith("imported: 0 running bans")
        twins.start_banner()
        wait_for(lambda: banned() == {"192.0.2.7", "192.0.2.50"}, 20, "the two")


def test_what_is_no_database():
    with Twins(JAILS) as twins:
        (twins.dir / "junk").write_text("junk " * 1000)
        done = run_import(twins, "junk")
        assert done.returncode == 1 and "import:" in done.stderr
        assert run_import(twins, "nothing").returncode == 1
        done = run_import(twins, "")
        assert done.returncode == 1 and "not a file" in done.stderr
