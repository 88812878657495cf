# SPDX-License-Identifier: GPL-2.0-or-later
"""The daily commands of fail2ban-client, asked of a real fail2ban-server and of bannerd
that read the same configuration and the same log: the answers are the same bytes."""
import os
import re
import subprocess

import pytest

from lab import BUILD, wait_for
from twins import HAVE_F2B, Twins

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not HAVE_F2B,
                                reason="needs root and the fail2ban package")

JAILS = """[sshd]
enabled = true
logpath = {dir}/auth.log
maxretry = 3
maxmatches = %(maxretry)s
findtime = 10m
bantime = 1h
ignoreip = 127.0.0.1/8 ::1 10.0.0.0/8
[other]
enabled = true
filter = sshd
logpath = {dir}/auth.log
maxretry = 10
bantime = -1
ignorecommand =
logencoding = utf-8
"""

COMMANDS = """status
status sshd
status other
status sshd basic
status sshd short
status nojail
status sshd extra words
ping
banned
banned 192.0.2.7 192.0.2.99
get sshd banned
get sshd banned 192.0.2.7
get sshd banned 192.0.2.7 192.0.2.99
get sshd banip
get sshd banip ,
get sshd banip --with-time
get nojail banip
get other banip
get other banip --with-time
set sshd banip 198.51.100.7 198.51.100.8
set sshd banip 2001:DB8::1
set sshd banip 203.0.113.0/24
set sshd banip myname
set sshd banip
set nojail banip 198.51.100.7
set other banip 198.51.100.9
get other banip --with-time
get sshd banip --with-time
set sshd banip 198.51.100.7
status sshd
banned
set sshd unbanip 198.51.100.7
set sshd unbanip 198.51.100.7
set sshd unbanip --report-absent 198.51.100.7
set sshd unbanip 198.51.100.8 198.51.100.66
set nojail unbanip 192.0.2.4
unban 2001:db8::1
unban 192.0.2.4
unban
get sshd ignoreip
get other ignoreip
set sshd addignoreip 203.0.113.5
set sshd addignoreip 203.0.113.6 203.0.113.7/32 198.18.0.0/15
get sshd ignoreip
set sshd delignoreip 203.0.113.5
set sshd delignoreip 203.0.113.55
set other addignoreip 203.0.113.5
set other delignoreip 203.0.113.5
get sshd findtime
get sshd bantime
get other bantime
get sshd maxretry
get sshd maxmatches
get sshd maxlines
get sshd failregex
get sshd ignoreregex
get sshd prefregex
get sshd logpath
get sshd logencoding
get other logencoding
get sshd usedns
get sshd ignoreself
get sshd ignorecommand
get other ignorecommand
get sshd ignorecache
get sshd datepattern
get sshd logtimezone
get sshd journalmatch
get sshd actions
get sshd bantime.increment
get sshd bogus
get sshd
get
set
set sshd
set sshd bogus 1
get loglevel
get logtarget
get syslogsocket
get dbpurgeage
get dbmaxmatches
set loglevel INFO
set loglevel DEBUG
get loglevel
set loglevel BOGUS
set loglevel INFO
flushlogs
echo hello world
bogus
set sshd bantime 2h
get sshd bantime
set sshd bantime 1200
set sshd bantime -1
get sshd bantime
set sshd bantime 1h
set sshd banip 198.51.100.77
get sshd banip --with-time
set sshd findtime 20m
get sshd findtime
set sshd maxretry 7
get sshd maxretry
set sshd maxretry many
set sshd maxretry
set sshd maxmatches 4
get sshd maxmatches
set nojail maxretry 7
set sshd attempt 198.51.100.70
set sshd attempt 198.51.100.70 one two
status sshd
set sshd attempt 198.51.100.70 one two three four
set nojail attempt 198.51.100.70
start nojail
stop nojail
reload --bogus
reload nojail
reload sshd
status
status sshd
unban --all
banned
status sshd
reload
status sshd
status other
stop other
status
status other
banned
set other banip 192.0.2.8
get other bantime
reload
status
stop""".splitlines()


def normal(text, twins):
    """Without what must differ: times and processes of errors, each one's own paths,
    the regex of an IPv6 address (fail2ban 1.0 and 1.1 differ), the order of a set."""
    text = re.sub(r"^\d{4}-\S+ \S+ (fail2ban +)\[\d+\]", r"TIME \1[PID]", text, flags=re.M)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)
    text = text.replace("?|::){1,7}", "?|:){1,7}")
    text = text.replace(str(twins.dir / "f2b."), "OWN.")
    text = text.replace(str(twins.dir / "banner."), "OWN.")
    text = re.sub(r"(?<=Banned IP list:\t)(.*)",
                  lambda m: " ".join(sorted(m[1].split())), text)
    if text.startswith("These IP addresses"):
        text = "\n".join(sorted(line[3:] for line in text.splitlines()))
    return text


def answer(reply, twins):
    out, code, err = reply
    return normal(out, twins), code, normal(err, twins)


def test_the_same_bytes():
    with Twins(JAILS) as twins:
        twins.start_fail2ban()
        twins.start_banner()
        twins.fail("192.0.2.7", 3)
        twins.fail("192.0.2.8", 2)
        twins.fail("10.1.1.1", 3)
        twins.fail("2001:db8::5", 3)
        twins.settle("sshd", 8, banned=2)
        different = []
        for command in COMMANDS:
            words = command.split()
            want = answer(twins.theirs(*words), twins)
            have = answer(twins.ours(*words), twins)
            if want != have:
                different.append(f"{command}\n  fail2ban {want}\n  banner   {have}")
        assert not different, "\n".join(different)


def test_a_stopped_jail():
    """What fail2ban cannot do: a jail that was stopped is started again."""
    with Twins(JAILS) as twins:
        twins.start_banner()
        twins.fail("192.0.2.7", 3)
        wait_for(lambda: "192.0.2.7" in twins.ours("banned")[0], 20, "the ban")
        assert twins.ours("stop", "sshd")[:2] == ("Jail stopped\n", 0)
        assert "192.0.2.7" not in twins.ours("banned")[0]
        told = subprocess.run([BUILD / "banctl", "-s", twins.dir / "banner.sock", "status"],
                              capture_output=True, text=True).stdout
        assert "stopped:\tsshd, until" in told
        assert twins.ours("set", "sshd", "maxretry", "1")[1] == 255
        twins.fail("192.0.2.8", 9)
        wait_for(lambda: "failed:\t12" in twins.ours("status", "other")[0], 20, "the lines")
        assert "192.0.2.8" not in twins.ours("banned")[0]
        assert twins.ours("start", "sshd")[:2] == ("Jail started\n", 0)
        assert twins.ours("set", "sshd", "maxretry", "1")[0] == "1\n"
        twins.fail("192.0.2.8", 1)
        wait_for(lambda: "192.0.2.8" in twins.ours("get", "sshd", "banip")[0], 20, "it")


def test_nobody_answers():
    with Twins(JAILS) as twins:
        for socket in ("/nowhere/sock", twins.auth):
            want = twins.theirs("-s", str(socket), "ping")
            have = twins.ours("-s", str(socket), "ping")
            assert have[:2] == want[:2] == ("", 255)
        assert answer(twins.theirs("-s", "/nowhere/sock", "status"), twins) == \
            answer(twins.ours("-s", "/nowhere/sock", "status"), twins)


def test_logs_have_the_same_lines():
    """Found, Ban, Unban, Ignore: the texts that recidive filters and monitors parse."""
    head = re.compile(r"^\S+ \S+ (fail2ban\.\w+ +)\[\d+\](: \w+ +)(\[\w+\] .*)$", re.M)

    def lines(name, jail):
        found = ["".join(m.groups()) for m in head.finditer(twins.log_of(name))]
        return sorted(line for line in found if f"[{jail}] " in line and
                      re.search(r"\] (Found|Ban|Unban|Ignore) ", line))

    with Twins(JAILS) as twins:
        twins.start_fail2ban()
        twins.start_banner()
        twins.fail("192.0.2.7", 3)
        twins.fail("10.1.1.1", 1)
        twins.fail("2001:db8::5", 3)
        twins.settle("sshd", 6, banned=2)
        for side in (twins.theirs, twins.ours):
            side("set", "sshd", "unbanip", "192.0.2.7")
            side("set", "other", "banip", "192.0.2.9")
        assert lines("f2b.log", "sshd") == lines("banner.log", "sshd")
        assert lines("f2b.log", "other") == lines("banner.log", "other")
        assert len(lines("f2b.log", "sshd")) == 6 + 1 + 2 + 1
