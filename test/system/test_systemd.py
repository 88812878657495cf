# SPDX-License-Identifier: GPL-2.0-or-later
"""The installed units under a living systemd and journald, with a real sshd.

One machine for all of it (machine.py): scripts/install puts banner there as it would on
any, and each test goes on where the one before ended.
"""
import json
import os
import re
import shutil
import time

import pytest

from lab import BUILD, TOP, wait_for
from machine import ATTACKER, Machine, cannot

pytestmark = pytest.mark.skipif(cannot(boot=True) is not None,
                                reason=str(cannot(boot=True)))
INSTALL = TOP / "scripts/install"


@pytest.fixture(scope="module")
def m(tmp_path_factory):
    with Machine(tmp_path_factory.mktemp("systemd") / "m", boot=True) as one:
        one.cable()
        one.ok("systemctl", "start", "ssh")
        yield one


def show(m, *names, unit="bannerd"):
    out = m.ok("systemctl", "show", unit, "-p", ",".join(names))
    return dict(line.split("=", 1) for line in out.splitlines())


def drop_in(m, unit, text):
    folder = m.path(f"/etc/systemd/system/{unit}.d")
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    m.ok("systemctl", "daemon-reload")


def journal(m, *match):
    return m.ok("journalctl", "-q", "--no-pager", "-o", "cat", *match)


def status(m, *words):
    return json.loads(m.ok("banctl", "--json", "status", *words))


def failed(m):
    return m.ok("systemctl", "list-units", "--failed", "--no-legend", "*banner*")


def test_nothing_is_started_beside_fail2ban(m):
    """Only its name counts here: the program would have to be set up first."""
    m.ok("cp", "/bin/sleep", "/run/fail2ban-server")
    m.ok("systemd-run", "--unit=other", "/run/fail2ban-server", "infinity")
    assert "start: not beside fail2ban" in m.ok(INSTALL, "-b", BUILD)
    assert failed(m) == "" and show(m, "ActiveState")["ActiveState"] == "inactive"
    m.ok("systemctl", "stop", "other")
    m.ok(INSTALL, "--uninstall", "--purge")


def test_install_starts_it(m):
    assert not m.path("/var/log/auth.log").exists()
    said = m.ok(INSTALL, "-b", BUILD)
    assert "jail sshd: reads the journal of ssh" in said
    assert "bannerd runs, and will after a reboot" in said
    assert m.ok("stat", "-c", "%U", "/run/banner/log") == "_banner\n"
    seen = show(m, "ActiveState", "SubState", "StatusText", "Type", "WatchdogUSec")
    assert seen == {"ActiveState": "active", "SubState": "running", "Type": "notify",
                    "StatusText": "serving", "WatchdogUSec": "30s"}, seen
    for unit in ("bannerd.service", "banner-expire.timer"):
        assert m.ok("systemctl", "is-enabled", unit) == "enabled\n"
    for role in ("store", "actor", "engine"):
        assert f"banner-{role}" in m.ok("systemctl", "status", "bannerd")
    wait_for(lambda: status(m)["caught_up"])
    assert failed(m) == "", "the timer comes at once on a machine that runs for hours"
    assert "landlock" in m.ok("banctl", "status")


def test_guesses_at_sshd_end_in_a_route(m):
    """Real guesses, told to journald by sshd, and no configuration but the shipped."""
    assert m.knock() == 0
    m.guesses(5)
    wait_for(lambda: f"blackhole {ATTACKER}" in m.routes(), 20, "the route\n"
             + journal(m, "-u", "bannerd"))
    assert m.knock() != 0
    assert f"NOTICE  [sshd] Ban {ATTACKER}" in journal(m, "-u", "bannerd")


def test_reload(m):
    m.path("/etc/banner/jails.d/mine.local").write_text("[sshd]\nmaxretry = 4\n")
    before = show(m, "MainPID")
    m.ok("systemctl", "reload", "bannerd")
    # A command that comes in the middle of it may find the connection closed.
    wait_for(lambda: m.run("banctl", "get", "sshd", "maxretry").stdout.strip() == "4")
    assert show(m, "MainPID") == before
    assert show(m, "ActiveState", "StatusText") == {"ActiveState": "active",
                                                    "StatusText": "serving"}
    assert status(m, "sshd")["banned"] == [ATTACKER]
    assert f"blackhole {ATTACKER}" in m.routes()


def test_log_into_the_journal(m):
    own = m.path("/etc/banner/banner.local")
    own.write_text("[bannerd]\nlog = SYSTEMD-JOURNAL\n")
    m.ok("systemctl", "restart", "bannerd")
    m.ok("banctl", "banip", "192.0.2.1")
    rows = [json.loads(line) for line in m.ok(
        "journalctl", "-q", "-u", "bannerd", "-o", "json").splitlines()]
    ban = [r for r in rows if "Ban 192.0.2.1" in r["MESSAGE"]][-1]
    assert ban["PRIORITY"] == "5" and ban["_SYSTEMD_UNIT"] == "bannerd.service"


def test_watchdog_replaces_it(m):
    """A parent that stands still is ended by systemd; its bans stay and come back."""
    drop_in(m, "bannerd.service", "[Service]\nWatchdogSec=2\n")
    m.ok("systemctl", "restart", "bannerd")
    time.sleep(2.5)
    before = show(m, "MainPID", "NRestarts")
    assert before["NRestarts"] == "0", "it is fed"
    m.ok("systemctl", "kill", "--kill-whom=main", "-s", "STOP", "bannerd")
    wait_for(lambda: show(m, "NRestarts")["NRestarts"] == "1", 20)
    assert f"blackhole {ATTACKER}" in m.routes()
    wait_for(lambda: show(m, "SubState")["SubState"] == "running", 20)
    assert show(m, "MainPID")["MainPID"] != before["MainPID"]
    assert "Watchdog timeout" in journal(m, "UNIT=bannerd.service", "_PID=1")
    wait_for(lambda: m.run("banctl", "ping").returncode == 0)
    assert status(m, "sshd")["banned"] == [ATTACKER]


def test_expire_timer(m):
    """While bannerd is down the timer takes the bans that end out of the kernel."""
    m.ok("banctl", "banip", "192.0.2.2", "--time", "3s", "--wait")
    assert "192.0.2.2" in m.routes()
    m.ok("systemctl", "stop", "bannerd")
    assert "192.0.2.2" in m.routes(), "an orderly stop opens no door"
    drop_in(m, "banner-expire.timer",
            "[Timer]\nOnUnitActiveSec=\nOnActiveSec=1s\nOnUnitActiveSec=1s\n"
            "AccuracySec=100ms\n")
    m.ok("systemctl", "restart", "banner-expire.timer")
    wait_for(lambda: "192.0.2.2" not in m.routes(), 20,
             "the timer\n" + journal(m, "-u", "banner-expire"))
    assert f"blackhole {ATTACKER}" in m.routes(), "its time is not over"
    assert show(m, "Result", unit="banner-expire.service")["Result"] == "success"
    m.ok("systemctl", "start", "bannerd")
    assert status(m, "sshd")["banned"] == [ATTACKER]


def test_crash_is_followed_by_a_start(m):
    before = show(m, "MainPID")["MainPID"]
    m.ok("systemctl", "kill", "--kill-whom=main", "-s", "KILL", "bannerd")
    wait_for(lambda: show(m, "MainPID")["MainPID"] not in ("0", before), 20)
    wait_for(lambda: m.run("banctl", "ping").returncode == 0)
    assert status(m, "sshd")["banned"] == [ATTACKER]


def test_uninstall(m):
    for name in ("etc/systemd/system/bannerd.service.d",
                 "etc/systemd/system/banner-expire.timer.d"):
        shutil.rmtree(m.path("/" + name))
    m.run("systemctl", "start", "banner-expire")
    m.run("systemctl", "kill", "-s", "KILL", "bannerd")
    m.ok(INSTALL, "--uninstall", "--purge")
    assert m.routes() == "" and failed(m) == ""
    assert m.run("systemctl", "cat", "bannerd").returncode != 0
    assert m.run("pgrep", "banner").returncode == 1
    left = [n for n in m.changes() if "banner" in n and not os.path.exists(n)]
    assert left == []
    assert re.findall("banner", m.path("/etc/passwd").read_text()) == []
