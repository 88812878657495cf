# SPDX-License-Identifier: GPL-2.0-or-later
"""Every shipped filter against its golden lines, and against an external set of log
lines of mail systems if there is one (BANNER_MAIL_DATA names its file)."""
import collections
import json
import os
import pathlib
import re
import subprocess

import pytest

import data

MAIL_DATA = pathlib.Path(os.environ.get(
    "BANNER_MAIL_DATA", data.TOP.parent / "shared" / "data" / "zimbra-logs.txt"))


@pytest.mark.parametrize("name", data.filters())
def test_golden(name):
    path = data.TOP / "test" / "filters" / (name + ".log")
    assert path.exists(), "a filter without golden lines"
    lines = data.read(path)
    assert any(l.fails for l in lines) and any(not l.fails for l in lines)
    run = subprocess.run([data.BANREGEX, "-c", str(data.TOP), "--test", str(path)],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_golden_without_filter():
    known = set(data.filters())
    assert [p.name for p in (data.TOP / "test" / "filters").glob("*.log")
            if p.stem not in known] == []


@pytest.mark.parametrize("name, text, weight", [
    ("dovecot[mode=login]", "dovecot: imap-login: Disconnected (auth failed, 7 attempts in "
     "9 secs): user=<anna>, method=PLAIN, rip=192.0.2.5, lip=203.0.113.1", 7),
    ("dovecot", "dovecot: imap-login: Disconnected (auth failed, 7 attempts in "
     "9 secs): user=<anna>, method=PLAIN, rip=192.0.2.5, lip=203.0.113.1", 1),
    ("dovecot[mode=login]", "dovecot: imap-login: Disconnected (auth failed, 70000 attempts "
     "in 9 secs): user=<anna>, method=PLAIN, rip=192.0.2.5, lip=203.0.113.1", 100),
    ("postfix-sasl", "postfix/smtpd[7]: message repeated 3 times: [ warning: "
     "unknown[192.0.2.5]: SASL LOGIN authentication failed: x]", 3),
    ("sshd", "sshd[7]: message repeated 3 times: [ Failed password for anna from 192.0.2.5 "
     "port 22 ssh2]", 3),
])
def test_weight(name, text, weight):
    """A line that speaks of several attempts counts as several."""
    failure, = data.judge(name, None, [("Mar  5 10:00:00 mx " + text).encode()])
    assert (failure["host"], failure["weight"]) == ("192.0.2.5", weight)


HEAD = re.compile(rb"^(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\S+T\S+) "
                  rb"(?P<host>[\w.\-]+) (?P<app>[\w./\-]+)(?:\[(?P<pid>\d+)\])?: ")


def repeated(line, times):
    """What rsyslog writes of further equal lines."""
    head = HEAD.match(line).end()
    return line[:head] + b"message repeated %d times: [ %s]" % (times, line[head:])


def modern(line, number):
    """The same message by RFC 5424."""
    head = HEAD.match(line)
    return b"<22>1 2026-03-05T10:00:%02dZ %s %s %s - [a b=\"\\]\"] %s" % (
        number % 60, head["host"], head["app"], head["pid"] or b"-", line[head.end():])


@pytest.mark.parametrize("name", data.filters())
def test_other_forms(name):
    """The line that stands for three others counts three times, for every filter of
    syslog, and for the same host and user; that of RFC 5424 counts as the older one."""
    for (rule, trusted, _), group in batches(
            data.read(data.TOP / "test" / "filters" / (name + ".log"))).items():
        lines = [l.text for l in group
                 if HEAD.match(l.text) and b": message repeated" not in l.text]
        once = data.judge(rule, trusted, lines) if lines else []
        both = [f for l, f in zip(lines, data.judge(
            rule, trusted, [repeated(l, 3) for l in lines]) if lines else [])]
        new = data.judge(rule, trusted, [modern(l, i) for i, l in enumerate(lines)]
                         ) if lines else []
        for line, a, b, c in zip(lines, once, both, new):
            want = a and (a["host"], a["user"], min(3 * a["weight"], 100))
            assert (b and (b["host"], b["user"], b["weight"])) == want, line
            assert (c and (c["host"], c["user"], c["weight"])) == (
                a and (a["host"], a["user"], a["weight"])), line


@pytest.mark.parametrize("text, weight", [
    ("mx postfix/smtpd[7]: message repeated 3 times: [ %s]", 3),
    ("mx postfix/smtpd[7]: message repeated 3 times: [%s]", 3),
    ("mx postfix/smtpd[7]: message repeated 70000 times: [ %s]", 100),
    ("postfix/smtpd[7]: message repeated 2 times: [ %s] ", 2),
    ("mx postfix/smtpd[7]: message repeated 0 times: [ %s]", None),
    ("mx postfix/smtpd[7]: message repeated x times: [ %s]", None),
    ("mx postfix/smtpd[7]: message repeated 3 times: [ %s", None),
    ("mx app: postfix/smtpd[7]: message repeated 3 times: [ %s]", None),
    ("mx postfix/smtpd[7]: x: message repeated 3 times: [ %s]", None),
    ("mx postfix/smtpd[7]: message repeated 3 times: [ message repeated 9 times: [ %s]]",
     None),
])
def test_repeated_forms(text, weight):
    line = "Mar  5 10:00:00 " + text % (
        "warning: unknown[192.0.2.5]: SASL LOGIN authentication failed: x")
    failure, = data.judge("postfix-sasl", None, [line.encode()])
    assert (failure and failure["weight"]) == weight


def jails():
    return sorted(name for p in (data.TOP / "jails.d").glob("*.conf")
                  for name in re.findall(r"(?m)^\[(.+)\]$", p.read_text()))


@pytest.mark.parametrize("name", jails())
def test_jail(name):
    """Every shipped jail is complete, off, and has a filter that compiles."""
    run = subprocess.run([data.BANREGEX, "-c", str(data.TOP), "-l", "warning", "x", name],
                         capture_output=True, text=True)
    assert run.returncode in (0, 1) and run.stderr == "", run.stderr
    assert re.search(r"Use +jail : ", run.stdout), run.stdout


def test_no_jail_is_on():
    for path in (data.TOP / "jails.d").glob("*.conf"):
        assert re.findall(r"(?m)^enabled = (?!false$)", path.read_text()) == []


def batches(lines):
    """Lines of one filter go through one run. A filter that knows sessions would tie
    lines of different places together, so it gets each line alone."""
    groups = collections.defaultdict(list)
    for number, line in enumerate(lines):
        conf = (data.TOP / "filters" / (line.filter + ".conf"))
        alone = conf.exists() and "MLFID" in conf.read_text()
        groups[line.filter, line.trusted, number if alone else -1].append(line)
    return groups


@pytest.mark.skipif(not MAIL_DATA.exists(), reason="no external set of mail log lines")
def test_mail_data():
    lines = data.read(MAIL_DATA, keep_filter=False)
    wrong = []
    for (name, trusted, _), group in batches(lines).items():
        failures = data.judge(name, trusted, [l.text for l in group])
        wrong += ["%s: expected %s, found %s\n  %s" % (
            name, line.expect, failure and (failure["host"], failure["user"]),
            line.text.decode("utf-8", "replace"))
            for line, failure in zip(group, failures) if not line.agrees(failure)]
    assert lines and not wrong, "%d of %d wrong\n%s" % (len(wrong), len(lines),
                                                        "\n".join(wrong))
    print(len(lines), "lines agree")


KNOWN = """[one]
enabled = true
filter = %s
logpath = /none
maxretry = 3
known = 1d
"""
H = "Mar  5 10:00:0%d mx "
PAIRS = {
    "dovecot": (
        H + "dovecot: imap-login: Login: user=<%s>, method=PLAIN, rip=%s, lip=203.0.113.1",
        H + "dovecot: auth: sql(%s,%s,<a>): Password mismatch"),
    "dovecot[mode=login]": (
        H + "dovecot: imap-login: Logged in: user=<%s>, method=PLAIN, rip=%s, mpid=7, TLS",
        H + "dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): "
        "user=<%s>, method=PLAIN, rip=%s, lip=203.0.113.1"),
    "postfix-sasl": (
        H + "postfix/smtps/smtpd[7]: 3F2A31: client=x[%(ip)s], sasl_method=PLAIN, "
        "sasl_username=%(user)s, sasl_sender=",
        H + "postfix/smtps/smtpd[7]: warning: x[%(ip)s]: SASL LOGIN authentication failed: "
        "x, sasl_username=%(user)s"),
    "sogo-auth": (
        H + "sogod [7]: SOGoRootPage successful login from '%(ip)s' for user '%(user)s' - "
        "expire = -1  grace = -1",
        H + "sogod [7]: SOGoRootPage Login from '%(ip)s' for user '%(user)s' might not "
        "have worked"),
    "roundcube-auth": (
        H + "roundcube: Successful login for %s (ID: 4) from %s in session abc",
        H + "roundcube: Failed login for %s from %s in session abc (error: 0)"),
}


def filled(text, second, user, ip):
    text = text.replace("%d", str(second))
    return text % ({"user": user, "ip": ip} if "%(" in text else (user, ip))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("user, ip, banned", [
    ("anna", "192.0.2.5", []), ("bob", "192.0.2.5", ["192.0.2.5"]),
    ("anna", "192.0.2.6", ["192.0.2.6"])])
def test_known_login(tmp_path, name, user, ip, banned):
    """A line of success excuses this account there, with filters of regexes too."""
    (tmp_path / "jails.d").mkdir()
    (tmp_path / "filters").symlink_to(data.TOP / "filters")
    (tmp_path / "jails.d" / "one.conf").write_text(KNOWN % name)
    good, bad = PAIRS[name]
    lines = [filled(good, 0, "anna", "192.0.2.5")] + [
        filled(bad, i, user, ip) for i in range(1, 10)]
    run = subprocess.run([data.BANREGEX, "-c", str(tmp_path), "--json", "--simulate", "-",
                          "one"], input="\n".join(lines), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = [json.loads(l) for l in run.stdout.splitlines()]
    assert [f["ban"] for f in found if "ban" in f] == banned


# One filter that reads all lines of an event, where the lines name several.
WHOLE = {"zimbra-audit": None, "postfix-sasl": None}
JAIL = "[one]\nenabled = true\nfilter = %s\nlogpath = /none\nmaxretry = 50\nfindtime = 1d\n"


def simulate(tmp_path, name, trusted, lines):
    """Attempts that the engine counts in these lines."""
    (tmp_path / "jails.d").mkdir()
    (tmp_path / "filters").symlink_to(data.TOP / "filters")
    (tmp_path / "jails.d" / "one.conf").write_text(JAIL % name)
    run = subprocess.run([data.BANREGEX, "-c", str(tmp_path), "--json", "--simulate",
                          "--trusted", trusted or "127.0.0.1", "-", "one"],
                         input=b"".join(l + b"\n" for l in lines), capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    total = json.loads(run.stdout.splitlines()[-1])
    return total["failures"] - total["repeats"]


def events():
    groups = collections.defaultdict(list)
    for line in data.read(MAIL_DATA, keep_filter=False) if MAIL_DATA.exists() else []:
        if line.event:
            groups[line.event].append(line)
    return sorted(groups.items())


@pytest.mark.parametrize("event, lines", events(), ids=[e for e, _ in events()])
def test_event_counts_once(tmp_path, event, lines):
    """All traces of one attempt, over all files, count as one."""
    names = {l.filter for l in lines}
    name, = {n for n in names if WHOLE.get(n, n)} or names
    trusted = next((l.trusted for l in lines if l.trusted), None)
    assert simulate(tmp_path, name, trusted, [l.text for l in lines]) == 1


IMAP = ("2026-03-01 10:00:0%d,%03d %s [ImapServer-3] [ip=127.0.0.1;oip=198.51.100.2;cid=%d;] ")


def imap_lines(second, milli, cid):
    head = IMAP % (second, milli, "WARN ", cid), IMAP % (second, milli + 1, "INFO ", cid)
    security = (head[0] + "security - cmd=Auth; account=anna; protocol=imap; "
                "error=authentication failed for [anna], invalid password;")
    return [security, security, head[1] + "imap - authentication failed for [anna] "
            "(invalid password)"]


@pytest.mark.parametrize("attempts", [1, 2, 7])
def test_attempts_of_one_connection(tmp_path, attempts):
    """Who guesses fast in one connection is counted for each guess."""
    lines = [l.encode() for i in range(attempts) for l in imap_lines(1, 100 * i, 7)]
    lines.sort(key=lambda l: b"imap -" in l)        # the other file comes later
    assert simulate(tmp_path, "zimbra-imap-pop", None, lines) == attempts
