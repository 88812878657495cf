# SPDX-License-Identifier: GPL-2.0-or-later
"""The mail action against a real Postfix in a network namespace, with and without TLS."""
import email
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

from harness import BUILD, Drive
from lab import Lab, wait_for

NS = "banner-mail-test"
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("postfix") or
    not (BUILD / "actions/mail.so").exists(), reason="needs root, postfix and mail.so")

MAIN = """compatibility_level = 3.6
queue_directory = {top}/queue
data_directory = {top}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
mydestination =
inet_interfaces = loopback-only
smtpd_peername_lookup = no
virtual_mailbox_domains = example.com
virtual_mailbox_base = {top}/box
virtual_mailbox_maps = static:in/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
maillog_file = {top}/data/log
maillog_file_prefixes = {top}
smtpd_tls_cert_file = {top}/cert.pem
smtpd_tls_key_file = {top}/key.pem
smtpd_tls_security_level = {tls}
smtpd_recipient_restrictions = reject_unauth_destination
"""
MASTER = """smtp inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
"""


class Postfix:
    def __init__(self, top, tls):
        self.top = top
        for name in "conf", "queue", "data", "box":
            (top / name).mkdir()
        shutil.chown(top / "data", "postfix")
        shutil.chown(top / "box", 65534)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", top / "key.pem",
                        "-out", top / "cert.pem"], check=True, capture_output=True)
        (top / "conf/main.cf").write_text(MAIN.format(top=top, tls=tls))
        (top / "conf/master.cf").write_text(MASTER)
        self.do("start")

    def do(self, what):
        run = subprocess.run(["ip", "netns", "exec", NS, "postfix", "-c",
                              self.top / "conf", what], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr

    def mails(self, n, timeout=15):
        end = time.monotonic() + timeout
        while True:
            found = sorted(self.top.glob("box/in/new/*"))
            if len(found) >= n:
                return [email.message_from_bytes(p.read_bytes()) for p in found]
            log = self.top / "data/log"
            assert time.monotonic() < end, log.read_text() if log.exists() else "no log"
            time.sleep(0.1)


@pytest.fixture
def place(request):
    subprocess.run(["ip", "netns", "del", NS], capture_output=True)
    subprocess.run(["ip", "netns", "add", NS], check=True)
    subprocess.run(["ip", "-n", NS, "link", "set", "lo", "up"], check=True)
    top = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/banner-mail.XXXXXX"],
                                      check=True, capture_output=True,
                                      text=True).stdout.strip())
    top.chmod(0o755)
    yield top
    subprocess.run(["ip", "netns", "del", NS], check=True)
    shutil.rmtree(top)


@pytest.fixture
def postfix(place):
    p = Postfix(place, "may")
    yield p
    p.do("stop")


def actor(**options):
    words = ",".join(f"{k}={v}" for k, v in options.items())
    d = Drive("banner-actor", ["0"], actions=["x,mail,," + words], netns=NS)
    d.engine()
    d.empty(1)
    return d


def row(ms, addr, user):
    return f"{ms}\t{addr}\timap\t{user}\n"


def ban(d, number, addr, user, rows):
    d.send("ban", 0, number, addr, "since=1790000000000", "until=1790003600000",
           "failures=%d" % rows.count("\n"), "jail=zimbra-web",
           "field=user:" + user, "field=attempts:" + rows)
    d.expect("done", 0, number, 0, "", 0)


def text_of(mail):
    return mail.get_payload()


def test_digest(postfix):
    """One message for many bans, then the rest after the interval; nothing of a client
    becomes a header or a line."""
    d = actor(to="root@example.com admin@example.com", delay=1, every=4)
    evil = "x\r\nBcc: victim@example.org\r\n\r\n.\r\nMAIL FROM:<e@example.org>\u202e"
    ban(d, 1, "192.0.2.1", evil, row(1789999000000, "192.0.2.1", "anna")
        + row(1789999001000, "192.0.2.1", "bob"))
    ban(d, 2, "2001:db8::1", "anna", row(1789999002000, "2001:db8::1", "anna"))
    first = postfix.mails(2)            # a copy for each of the two
    time.sleep(1)
    for i in range(3, 303):
        ban(d, i, f"198.51.100.{i % 250}", "anna", "")
    assert len(postfix.mails(2)) == 2   # silent meanwhile
    later = postfix.mails(4)
    assert len(later) == 4
    m = first[0]
    assert m.keys().count("Bcc") == 0 and m["Auto-Submitted"] == "auto-generated"
    assert m["Subject"] == "[banner] zimbra-web: 192.0.2.1, 3 failures (and 1 more)"
    body = text_of(m)
    assert "2 reached a limit, with 3 failures" in body
    assert "    2  192.0.2.1" in body and "    2  anna" in body
    assert body.count("imap") == 3
    last = [text_of(m) for m in later if "300 reached" in text_of(m)]
    assert len(last) == 2 and "and 100 more" in last[0]
    assert d.stop() == 0


def test_subject_of_zmauditswatch(postfix):
    evil = "anna\r\nBcc: victim@example.org"
    d = actor(to="root@example.com", delay=0, every=0,
              subject="ABUSE: IP:Acct threshold exceeded: <ip> <user>")
    ban(d, 1, "192.0.2.1", evil, row(1789999000000, "192.0.2.1", "anna"))
    m, = postfix.mails(1)
    assert m["Subject"].replace("\n", "") == (
        "ABUSE: IP:Acct threshold exceeded: 192.0.2.1 anna??Bcc: victim@example.org")
    assert "Bcc" not in m
    assert d.stop() == 0


def test_tls_is_checked(postfix):
    """With the right certificate it goes out, with a strange one it waits."""
    good = actor(to="root@example.com", delay=0, server="smtp://localhost:25",
                 tls="required", ca=postfix.top / "cert.pem")
    ban(good, 1, "192.0.2.1", "anna", row(1789999000000, "192.0.2.1", "anna"))
    postfix.mails(1)
    assert "ESMTPS" in postfix.mails(1)[0]["Received"]
    bad = actor(to="root@example.com", delay=0, server="smtp://localhost:25",
                tls="required")
    ban(bad, 1, "192.0.2.1", "anna", row(1789999000000, "192.0.2.1", "anna"))
    time.sleep(2)
    assert len(postfix.mails(1)) == 1
    good.stop()
    bad.stop()


def test_sendmail(place):
    """The program gets fixed words and the message, no shell."""
    out = place / "out"
    script = place / "sendmail"
    script.write_text(f"#!/bin/sh\nprintf '%s|' \"$@\" >{out}\ncat >>{out}\n")
    script.chmod(0o755)
    d = actor(to="root@example.com", delay=0, sendmail=script, **{"from": "b@example.com"})
    ban(d, 1, "192.0.2.1", "$(touch /tmp/x)", row(1789999000000, "192.0.2.1", "`id`"))
    for _ in range(50):
        if out.exists() and "explain" in out.read_text():
            break
        time.sleep(0.1)
    text = out.read_text()
    assert text.startswith("-oi|-f|b@example.com|--|root@example.com|From: b@example.com\n")
    assert "`id`" in text
    assert d.stop() == 0


def test_attempts_of_the_engine(place):
    """From log lines to the table of attempts; no line of the log goes out."""
    with Lab(jails=()) as lab:
        out, script = place / "out", place / "sendmail"
        place.chmod(0o777)
        script.write_text(f"#!/bin/sh\ncat >>{out}\n")
        script.chmod(0o755)
        (lab.dir / "jails.d" / "x.conf").write_text(
            f"[x]\nenabled = true\nfilter = zimbra-audit\nlogpath = {lab.auth}\n"
            "count = user\nmaxretry = 3\nfindtime = 60\nbantime = 60\n"
            f'action = mail[to="root@example.com", delay=0, sendmail={script}]\n')
        lab.shipped("filters")
        lab.auth.touch()
        lab.start()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        with open(lab.auth, "a") as f:
            for i in range(3):
                f.write(f"{stamp},00{i} WARN  [ImapServer-1] [ip=192.0.2.{i + 1};ua=secret;"
                        f"cid={i};] security - cmd=Auth; account=anna; protocol=imap; "
                        "error=authentication failed for [anna], invalid password;\n")
        wait_for(lambda: out.exists() and "explain" in out.read_text(), 10, "the message")
        text = out.read_text()
        assert "Subject: [banner] x: anna, 3 failures" in text
        for i in range(3):
            assert f"  192.0.2.{i + 1} " in text
        assert text.count("imap") == 3 and "secret" not in text
        assert "1 sent" in lab.ok("status")


SMTP = r"""import base64, socket, sys
listener = socket.create_server(("127.0.0.1", 2525))
print("here", flush=True)
conn = listener.accept()[0]
lines = conn.makefile("rw", newline="\r\n")
def say(text):
    lines.write(text + "\r\n")
    lines.flush()
say("220 test")
for line in lines:
    verb = line.split()[0].upper()
    if verb == "EHLO":
        say("250-test\r\n250 AUTH PLAIN")
    elif verb == "AUTH":
        words = line.split()
        if len(words) < 3:
            say("334 ")
            words.append(lines.readline().strip())
        print(base64.b64decode(words[2]), flush=True)
        say("235 yes")
    elif verb == "DATA":
        say("354 go on")
        while lines.readline() != ".\r\n":
            pass
        say("250 yes")
        break
    else:
        say("250 yes")
"""


def test_login_from_a_section():
    """As in the manual page: the name to log in with is not the user of the process; the
    password is read by the latter."""
    with Lab() as lab:
        uid = lab.make_accounts()["_bannermail"]
        secret = lab.dir / "mail.password"
        secret.write_text("s e c\n")
        os.chown(secret, 0, uid)
        secret.chmod(0o640)
        lab.daemon_conf("[action notice]\nplugin = mail\nto = root@example.com\n"
                        "server = smtp://127.0.0.1:2525\nlogin = banner\ndelay = 0\n"
                        f"password_file = {secret}")
        lab.jail("sshd", action="notice")
        server = subprocess.Popen(lab.inside([sys.executable, "-c", SMTP]),
                                  stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout.readline() == "here\n"
            lab.start()
            status = pathlib.Path(f"/proc/{lab.children()['banner-actor']}/status").read_text()
            assert f"Uid:\t{uid}\t" in status
            lab.fail("192.0.2.1", 3)
            assert server.stdout.readline() == repr(b"\0banner\0s e c") + "\n", lab.logged()
            wait_for(lambda: "1 sent" in lab.ok("status"), 10, "the message")
            assert "proxies" not in lab.ok("banip", "sshd", "192.0.2.9", "--wait")
        finally:
            server.kill()
            server.wait()
