# SPDX-License-Identifier: GPL-2.0-or-later
"""Own proxies: never banned, and said when nothing else is in the log."""
import os
import time

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
JAIL = """[web]
enabled = true
filter = zimbra-web
logpath = {log}
maxretry = 3
findtime = 10m
bantime = 1h
action = route
"""


@pytest.fixture
def lab():
    with Lab(jails=()) as lab:
        (lab.dir / "jails.d" / "web.conf").write_text(JAIL.format(log=lab.auth))
        lab.daemon_conf("trusted = 192.0.2.0/28")
        lab.shipped("filters")
        lab.auth.touch()
        lab.start()
        yield lab


def fail(lab, number, context):
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with open(lab.auth, "a") as f:
        f.write(f"{stamp},{number:03d} WARN  [qtp1-2:https://mail/service/soap/AuthRequest] "
                f"[name=anna;{context};ua=x;soapId={number:x};] security - cmd=Auth; "
                "account=anna; protocol=soap; error=authentication failed for [anna], "
                "invalid password;\n")


def doctor(lab):
    """Its report, and whether the exit code tells what it says."""
    done = lab.ctl("doctor")
    assert done.returncode in (0, 1), done
    assert (done.returncode == 1) == ("WRONG" in done.stdout), done
    return done.stdout


def test_no_originating_address(lab):
    for i in range(30):
        fail(lab, i, "ip=192.0.2.1")
    wait_for(lambda: "originating address" in lab.logged(), 5, "the warning")
    assert "zimbraMailTrustedIP" in doctor(lab)
    assert "originating address is not configured" in lab.ok("status", "web")
    assert lab.logged().count("originating address") == 1
    assert lab.routes() == set()


def test_proxy_is_believed(lab):
    """The client behind the proxy is banned, never the proxy; a forged list changes
    nothing."""
    for i in range(3):
        fail(lab, i, "ip=192.0.2.1;oip=192.0.2.2, 198.51.100.9, 192.0.2.3")
    lab.wait_routes("198.51.100.9")
    for i in range(3, 9):
        fail(lab, i, "ip=198.51.100.8;oip=203.0.113.5")
    lab.wait_routes("198.51.100.9", "198.51.100.8")
    assert lab.ctl("banip", "web", "192.0.2.1").returncode != 0
    assert "originating" not in lab.logged()


def test_doctor_looks_into_the_log(lab):
    """Per jail what was found; failed logins that no filter knows; two files of the same
    lines."""
    other = lab.dir / "other.log"
    other.touch()
    text = JAIL.format(log=f"{lab.auth}\n          {other}")
    (lab.dir / "jails.d" / "web.conf").write_text(text)
    lab.ok("reload")
    wait_for(lambda: "other.log: no line so far" in doctor(lab), 10, "the new engine")
    for log in lab.auth, other:
        with open(log, "a") as f:
            for i in range(9):
                f.write(f"Mar  5 10:00:0{i} mx other[7]: Login Failed for anna\n")
            f.write("Mar  5 10:00:09 mx other[7]: nothing\n")
    wait_for(lambda: "counted twice: jail web finds them in" in doctor(lab), 10,
             "the second file")
    wait_for(lambda: "matches nothing although 18 of the last 20 lines speak of" in
             doctor(lab), 10, "the lines of both")
    lab.ok("reload")        # nothing was read by the new engine yet
    wait_for(lambda: "speak of" not in doctor(lab), 10, "a new start")
    assert "counted twice" in doctor(lab)
    for i in range(5):
        fail(lab, i, "ip=198.51.100.8")
        fail(lab, i, "ip=192.0.2.1")
    wait_for(lambda: "speak of failed logins" not in doctor(lab), 10, "matches")
    report = doctor(lab)
    assert "50 % of the failures name a trusted peer alone" in report, report


def test_doctor_knows_filters_of_the_same_attempts(lab):
    jail = "[%s]\nenabled = true\nlogpath = " + str(lab.auth) + "\naction = route\n"
    (lab.dir / "jails.d" / "smtp.conf").write_text(
        jail % "postfix-sasl" + jail % "postfix-auth0")
    lab.ok("reload")
    wait_for(lambda: "counted twice" in doctor(lab), 10, "the finding")
    assert "web: " in doctor(lab)
