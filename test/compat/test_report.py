# SPDX-License-Identifier: GPL-2.0-or-later
"""What banregex prints against what fail2ban-regex prints, for every filter of Debian's
package on its sample log, and for generated logs that no sane program would write.

Decided differences (docs/from-fail2ban.md): dates are looked for only in lines that may
matter, so the numbers of "Date template hits" are not compared; a line is matched when
one rule makes it a failure, although another calls it none; a last line without an end
is a line; an id of more than 256 bytes is none.
"""
import os
import pathlib
import random
import re
import subprocess

import pytest

import theirs
from theirs import CONFIG, LOGS

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))

pytestmark = pytest.mark.skipif(not theirs.HAVE,
                                reason="needs the fail2ban package")

# Lines that one rule of sshd counts and another calls no failure.
BOTH = re.compile(rb"Failed publickey for invalid user|Change of username or service")


def filters():
    return [p.stem for p in sorted((CONFIG / "filter.d").glob("*.conf"))
            if not p.stem.endswith("common") and (LOGS / p.stem).is_file()]


def run(*argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True,
                          env=theirs.environment(TZ="UTC", LC_ALL="C.UTF-8"))
    assert done.returncode == 0, (argv, done.stdout[-500:], done.stderr[-500:])
    return done.stdout.decode(errors="replace")


def blocks(text):
    """Title -> lines; the lists sorted, without what is not compared."""
    text = re.sub(r"\[processed in .*\]\n", "", text)
    text = re.sub(r"^Every line is given.*\n", "", text, flags=re.M)
    text = text.replace("?|::){1,7}", "?|:){1,7}").replace("\ufffd", "?")
    text = re.sub(r"\nDate template hits:\n(\|.*\n|`-\n)*", "\n", text)
    head, _, rest = text.partition("Results\n")
    # as fail2ban 1.0 says it
    head = head.replace("Use      filter file :", "Use   failregex filter file :")
    # the pattern as it is written; fail2ban-regex adds its translation
    head = re.sub(r"^(Use +datepattern : (?:.*\n)*?.*?) : .*\n(?=Use )", r"\1\n", head,
                  flags=re.M)
    found = {"head": head}
    for block in re.split(r"\n\n+|(?<=`-)\n", rest):
        title = block.partition("\n")[0]
        lines = block.splitlines()
        found[title] = sorted(lines) if "line(s)" in title else lines
    return found


def both(log, spec, *options):
    want = run(*theirs.program("fail2ban-regex"), "-r", "--print-all-missed", "--print-all-ignored",
               *options, log, spec)
    have = run(BUILD / "banregex", "-c", CONFIG, "-r", "--no-prefilter",
               "--print-all-missed", "--print-all-ignored", *options, log, spec)
    return blocks(want), blocks(have)


@pytest.mark.parametrize("name", filters())
def test_report_of_every_filter(name, tmp_path):
    log = tmp_path / name
    log.write_bytes(b"".join(line + b"\n" for line in (LOGS / name).read_bytes().split(b"\n")
                             if line and not BOTH.search(line)))
    want, have = both(log, CONFIG / "filter.d" / (name + ".conf"))
    assert have == want


def test_a_regex_and_a_line(tmp_path):
    line = "Nov 22 01:02:03 host prog: bad 192.0.2.1 x"
    want, have = both(line, r"^\s*\S+ prog: bad <HOST>")
    assert have == want
    want, have = both(line, r"^\s*\S+ prog: good <HOST>")
    assert have == want


REMOTE = pathlib.Path("/lib/systemd/systemd-journal-remote")


def journal_entry(number, comm):
    us = (1763773323 + number) * 1000000
    return (f"__REALTIME_TIMESTAMP={us}\n__MONOTONIC_TIMESTAMP={number}\n"
            f"_BOOT_ID={'ab' * 16}\n_HOSTNAME=box\n_PID={number}\n_COMM={comm}\n"
            f"SYSLOG_IDENTIFIER=sshd\n_SYSTEMD_UNIT={comm}.service\nMESSAGE=Failed "
            f"password for root from 192.0.2.{number} port 22 ssh2\n\n")


@pytest.mark.skipif(not REMOTE.exists(), reason="needs systemd-journal-remote")
@pytest.mark.parametrize("options, found", [
    ((), 5), (("-m", "_COMM=other"), 3), (("-m", "PRIORITY=9"), 0),
    (("-m", "_COMM=other + _COMM=sshd _PID=3"), 4)])
def test_the_journal(options, found, tmp_path):
    """systemd-journal as a log; fail2ban-regex needs python3-systemd for it. It puts the
    time before the lines it shows."""
    pytest.importorskip("systemd.journal")
    file = tmp_path / "x.journal"
    subprocess.run([REMOTE, "-o", file, "-"], check=True, capture_output=True, text=True,
                   input="".join(journal_entry(i, comm) for i, comm in
                                 enumerate(["sshd"] * 5 + ["other"] * 3, 1)))
    log = f"systemd-journal[journalfiles={file}]"
    want, have = both(log, "sshd", "-c", CONFIG, "--print-all-matched", *options)
    want = {k: [re.sub(r"\d{4}-\S+ ", "", line) for line in v] if "line(s)" in k else v
            for k, v in want.items()}
    assert have == want
    formats = ("-c", CONFIG, "-r", "-o", "<fid> <F-USER>", *options, log, "sshd")
    want = run(*theirs.program("fail2ban-regex"), *formats)
    assert run(BUILD / "banregex", *formats) == want
    assert len(want.splitlines()) == found


# Generated logs.

GOOD = [
    "{d} host sshd[{n}]: Failed password for invalid user {u} from {ip} port {n} ssh2",
    "{d} host sshd[{n}]: Invalid user {u} from {ip}",
    "{d} host sshd[{n}]: Connection closed by authenticating user {u} {ip} port {n} "
    "[preauth]",
    "{d} host postfix/smtpd[{n}]: warning: unknown[{ip}]: SASL LOGIN authentication "
    "failed: {u}",
    "{d} host dovecot: imap-login: Disconnected (auth failed, 2 attempts in 4 secs): "
    "user=<{u}>, method=PLAIN, rip={ip}, lip=192.0.2.200",
    "{ip} - - [{c}] \"GET /{u} HTTP/1.1\" 404 12",
    "{i} ERROR [1]: [{u}] login from {ip} failed",
]
DATES = ["%b %d %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.123456+00:00",
         "%d/%b/%Y:%H:%M:%S +0000", "%m/%d/%Y:%H:%M:%S", "%s"]
USERS = ["root", "a b", "x from 203.0.113.9 port 1 ssh2", "\\'\"`$(id)", "j\u00fcrgen",
         "<HOST>", "%s", "", "\u202e", "a" * 400, "from " * 30, "[1.2.3.4]: bad"]
IPS = ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8", "999.1.1.1", "192.0.2.7:22",
       "host.example", "fe80::1%eth0", "0x7f.1"]


def generated(seed):
    import time
    chance = random.Random(seed)
    now, lines = 1763773323, []
    for i in range(400):
        when = time.gmtime(now + i)
        date = time.strftime(chance.choice(DATES[:3]), when)
        line = chance.choice(GOOD).format(
            d=date, c=time.strftime(DATES[3], when), i=time.strftime(DATES[1], when),
            n=chance.randrange(65536), u=chance.choice(USERS),
            ip=chance.choice(IPS)).encode()
        kind = chance.randrange(12)
        if kind == 0:
            line = line[:chance.randrange(len(line))]               # cut off
        elif kind == 1:
            at = chance.randrange(len(line))
            line = line[:at] + bytes([chance.randrange(128, 256)]) + line[at:]
        elif kind == 2:
            line += b" " + bytes([chance.randrange(33, 127)]) * 9000
        elif kind == 3:
            line = line.replace(b" ", b"  ", 1)
        elif kind == 4:
            line = b"\xff\xfe" + line
        elif kind == 5:
            line = time.strftime(chance.choice(DATES), when).encode() + b" " + line
        lines.append(line.strip() or b"x")
    return b"\n".join(line for line in lines if not line.startswith(b"#")) + b"\n"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["sshd", "sshd[mode=aggressive]", "postfix[mode=auth]",
                                  "dovecot", "nginx-botsearch", "apache-badbots"])
def test_generated_logs(seed, name, tmp_path):
    log = tmp_path / "log"
    log.write_bytes(generated(seed))
    options = ("--no-check-all", "-o", "<fid> <time> <F-USER>")

    def out(*program):
        text = run(*program, "-c", CONFIG, "-r", *options, log, name)
        return [re.sub(r"\.0\b", "", line) for line in text.splitlines()
                if len(line.split(" ")[0]) <= 256]
    want, have = out(*theirs.program("fail2ban-regex")), out(BUILD / "banregex")
    assert have == want
