# SPDX-License-Identifier: GPL-2.0-or-later
"""Nobody can be framed by what a client writes into a log.

Each golden failure is taken apart at the fields that the client chooses. Into each field
go whole lines of the same filter about a victim, their ends (as if the field ended
there), and their beginnings, escaped as the program that writes the log escapes them.
The victim must never be reported.
"""
import json
import re
import subprocess

import pytest

import data

VICTIM = "203.0.113.250"
MOST = 6000		# mutated lines of one filter


def zimbra(text):
    return text.replace(";", ";;")


def until_colon(text):
    return text.split(":", 1)[0]


def quotes_escaped(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def nginx_access(text):
    return text.replace('"', "\\x22")


def word(text):
    return text.replace(" ", "_")


def csv(text):
    return text.replace('"', '""')


def xml(text):
    return text.replace("<", "&lt;").replace('"', "&quot;")


def as_is(text):
    return text


ZIMBRA = [(r"\bua=([^;\]]+);", zimbra), (r"via=[^;(]*\(([^;)]*)\)", zimbra),
          (r"authentication failed for \[([^\]]+)\], [^;]*;$", zimbra)]
MAILBOX = [(r"(?:exception|authentication): authentication failed for \[([^\]]+)\]", as_is),
           (r"(?:imap|pop|soap) - authentication failed for \[([^\]]+)\]", as_is),
           (r"authentication failed for (\S+) \(no such", as_is)]
URL = [(r"\[qtp[\d\-]+:https?://[^/\s]+(/[^\] ]*)\]", word)]
MAIL = [(r"helo=<([^<>]*)>", as_is), (r"from=<([^<>]*)>", as_is), (r"\bto=<([^<>]*)>", as_is)]

FIELDS = {
    "sshd": [(r"(?:[Ii]nvalid|[Ii]llegal) user (\S+) from ", as_is),
             (r"offer: (.*) \[preauth\]$", as_is), (r"identification '(.*?)' from", as_is)],
    "nginx-http-auth": [(r'user "(\w+)"', until_colon), (r'request: "([^"]*)"', as_is),
                        (r'referrer: "([^"]*)"', as_is), (r'host: "([^"]*)"', as_is),
                        (r'remote_user":"(\w+)"', quotes_escaped),
                        (r"^\S+ - (\w+) \[", nginx_access), (r'"([^"]*)"$', nginx_access)],
    "postfix-sasl": [(r"sasl_username=(\S+)$", as_is)],
    "postfix-reject": MAIL + [(r"<([^<>]*)>: (?:Helo|Sender|Relay)", as_is)],
    "postfix-rcpt": MAIL + [(r"<([^<>]*)>: Recipient", as_is)],
    "postfix-errors": [(r"\]: (\S.*)$", as_is)],
    "postfix-postscreen": MAIL + [(r"EHLO (\S+)$", as_is), (r"after EHLO: (.*)$", as_is)],
    "dovecot": [(r"user=<(\w+)>", as_is), (r"\w+\((\w+),\d", as_is),
                (r"ruser=(\w+) rhost", as_is)],
    "zimbra-audit": ZIMBRA + URL,
    "zimbra-web": ZIMBRA + MAILBOX + URL,
    "zimbra-admin": ZIMBRA + MAILBOX,
    "zimbra-imap-pop": ZIMBRA + MAILBOX,
    "zimbra-smtp": ZIMBRA + MAILBOX + [(r"sasl_username=(\S+)$", as_is)],
    "zimbra-nginx": [(r'login: "([^"]*)"$', as_is)],
    "zimbra-probe": [(r'"([^"]*)"$', nginx_access), (r'"[A-Z]+ (\S+) HTTP', word)],
    "zimbra-dosfilter": [(r"user=(\w+)$", as_is)],
    "nginx-mail": [(r'login: "([^"]*)"$', as_is)],
    "courier-auth": [(r"user=(\S+), ip", as_is)],
    "courier-smtp": [(r"from=<([^>]*)>", as_is), (r"to=<([^>]*)>", as_is),
                     (r"cmd: (.*)$", as_is), (r"ident=(\w+),", as_is)],
    "cyrus-imap": [(r"plaintext (\S+) SASL", as_is)],
    "exim": [(r"set_id=(\S+)\)$", as_is), (r"\((.*?)\) \[", as_is)],
    "exim-abuse": [(r"\((\S+)\) \[", word), (r'input="([^"]*)"$', as_is),
                   (r'command was "([^"]*)"', as_is), (r"<([^<>]*)>: ", as_is),
                   (r'error in "([^"]*)" H', as_is)],
    "sogo-auth": [(r"for user '(\w+)' might", as_is)],
    "roundcube-auth": [(r"ogin for (\w+) from", as_is)],
    "sendmail-reject": [(r"arg1=<([^<>]*)>", as_is)],
    "sendmail-auth": [(r"user=(\w+), relay", as_is)],
    "squirrelmail": [(r"\[LOGIN_ERROR\] (\w+) ", as_is)],
    "perdition": [(r'authentication_id="(\w+)"', as_is)],
    "uwimap-auth": [(r"user=(\w+) ", as_is), (r"auth=(\w+) ", as_is)],
    "horde": [(r"LOGIN for (\w+) \[", as_is)],
    "kerio": [(r"<([^<>]*)>", as_is), (r"for user (\S+)\. ", as_is)],
    "mailu-admin": [(r"for (x) from", as_is)],
    "mailcow-netfilter": [(r"\((.*)\)$", as_is)],
    "vpopmail": [(r" (\S+)@example.com:", as_is)],
    "oracleims": [(r'us="([^"]*)"', xml)],
    "exchange": [(r',"([^"]*)",\d', csv), (r"User: (\w+)", csv)],
    "opensmtpd": [(r"user=(\w+) result", as_is), (r'command="AUTH ([^"]*)"', as_is)],
}


def payloads(lines):
    """Of each line about the victim: all of it, its end, its beginning, both."""
    made = []
    for text, match in lines:
        head, tail = text[:match.start(1)], text[match.end(1):]
        made += [text, "x" + tail, "x" + tail + " " + head + "y", head + "y",
                 "x" + tail + " " + text]
    return made


def about_victim(line):
    text = line.text.decode("utf-8", "replace")
    hosts = {line.host, "[0:0:0:0:0:0:0:1]"} - {"-"}
    for host in hosts:
        text = text.replace(host, VICTIM)
    return text


def mutants(lines, fields):
    for pattern, escape in fields:
        found = [(about_victim(l), l.text.decode("utf-8", "replace")) for l in lines]
        bad = [(v, m) for v, m in ((v, re.search(pattern, v)) for v, _ in found) if m]
        everything = payloads(bad) + [v for v, _ in found]
        for _, text in found:
            match = re.search(pattern, text)
            for payload in everything if match else []:
                yield text[:match.start(1)] + escape(payload) + text[match.end(1):]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_nobody_is_framed(name):
    lines = [l for l in data.read(data.TOP / "test" / "filters" / (name + ".log"))
             if l.fails and VICTIM not in l.text.decode("utf-8", "replace")]
    modes = {}
    for line in lines:
        modes.setdefault((line.filter, line.trusted), []).append(line)
    count = 0
    for (spec, trusted), group in modes.items():
        made = list(dict.fromkeys(mutants(group, FIELDS[name])))[:MOST]
        made = [m for m in made if len(m) < 8000 and "\n" not in m]
        count += len(made)
        args = [data.BANREGEX, "-c", str(data.TOP), "--json"]
        run = subprocess.run(args + (["--trusted", trusted] if trusted else []) +
                             ["-", spec], input="\n".join(made) + "\n",
                             capture_output=True, text=True)
        assert run.returncode in (0, 1), run.stderr
        framed = [f for f in map(json.loads, run.stdout.splitlines())
                  if "line" in f and VICTIM in (f["host"] or "", f["id"] or "")]
        assert not framed, "%s: %d of %d\n%s" % (
            spec, len(framed), len(made), "\n".join(made[f["line"] - 1]
                                                    for f in framed[:5]))
    assert count > 0


def test_probe_covers_filters():
    """A filter whose lines hold nothing that a client chooses is named here."""
    assert sorted(set(data.filters()) - set(FIELDS)) == [
        "dovecot-abuse", "mdaemon-notice", "postfix-auth0", "recidive", "sieve"]
