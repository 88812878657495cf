# SPDX-License-Identifier: GPL-2.0-or-later
"""The login action, asked by a real Dovecot in a network namespace: an account that is
guessed at from ten addresses is open only to those who logged in there before."""
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from lab import BUILD, TOP, Lab, wait_for

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("dovecot") or
    not (BUILD / "actions/login.so").exists(), reason="needs root, dovecot and login.so")

DOVECOT = """
protocols = imap
listen = *, ::
base_dir = {top}/run-dovecot
state_dir = {top}/state-dovecot
log_path = {log}
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:{top}/mail/%u
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = {top}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={top}/mail/%u
}}
auth_policy_server_url = http://127.0.0.1:9145/
auth_policy_hash_nonce = a
{more}
"""
LEAN = """
auth_policy_request_attributes = login=%{requested_username} remote=%{rip}
auth_policy_check_after_auth = no
auth_policy_report_after_auth = no
"""
JAIL = """
count = user
distinct = host
known = 30d
[DEFAULT]
ignoreself = false
"""
HOME, HOME6, HOTEL6 = "203.0.113.1", "2001:db8:5::1", "2001:db8:6::1"
OFFICE, LUCKY, ELSEWHERE = "203.0.113.2", "203.0.113.3", "203.0.113.99"
GUESSERS = ["203.0.113.%d" % n for n in range(10, 20)]
# Logs in as each line of standard input says, from its address, all at once; prints
# who got in.
CLIENT = r"""
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def log_in(line):
    addr, user, password, ident = json.loads(line)
    six = ":" in addr
    s = socket.create_connection(("2001:db8::1" if six else "198.51.100.1", 143), 20,
                                 source_address=(addr, 0))
    f = s.makefile("rb")
    f.readline()
    if ident:
        s.sendall(b'a ID ("name" "' + ident.encode("latin1") + b'")\r\n')
        while not f.readline().startswith(b"a "):
            pass
    s.sendall(f'b LOGIN "{user}" "{password}"\r\n'.encode())
    while not (said := f.readline()).startswith(b"b ") and said:
        pass
    s.close()
    return json.dumps(said.startswith(b"b OK"))
print(*ThreadPoolExecutor(20).map(log_in, sys.stdin), sep="\n")
"""


class Place(Lab):
    def __init__(self, bantime="1h", dovecot=LEAN, options=""):
        super().__init__(jails=())
        self.dir.chmod(0o755)
        shutil.rmtree(self.dir / "filters")
        (self.dir / "filters").symlink_to(TOP / "filters")
        # clients of this machine whose addresses are not its own
        self.ip("route", "add", "local", "203.0.113.0/24", "dev", "lo")
        self.ip("route", "add", "local", "2001:db8:4::/46", "dev", "lo")
        self.run_host(*self.inside(["sysctl", "-qw", "net.ipv6.ip_nonlocal_bind=1"]))
        self.mail_log = self.dir / "mail.log"
        self.mail_log.touch()
        self.jail("imap", maxretry=10, bantime=bantime, action="login" + options,
                  log=self.mail_log, more=JAIL)
        text = (self.dir / "jails.d/imap.conf").read_text()
        (self.dir / "jails.d/imap.conf").write_text(
            text.replace("filter = sshd", "filter = dovecot[mode=auth]"))
        (self.dir / "mail").mkdir()
        shutil.chown(self.dir / "mail", "nobody", "nogroup")
        (self.dir / "users").write_text("".join(
            f"{u}:{{PLAIN}}right\n" for u in ("paul", "dora")))
        (self.dir / "dovecot.conf").write_text(
            DOVECOT.format(top=self.dir, log=self.mail_log, more=dovecot))
        self.dovecot = subprocess.Popen(
            self.inside(["dovecot", "-F", "-c", self.dir / "dovecot.conf"]))
        wait_for(lambda: "starting up" in self.mail_log.read_text(), 20, "Dovecot")
        wait_for(lambda: self.listens(143), 20, "port 143")

    def listens(self, port):
        return self.run_host("ip", "netns", "exec", self.ns, "ss", "-Hltn", "sport", "=",
                             str(port)) != ""

    def begin(self):
        self.start()
        wait_for(lambda: self.listens(9145), 10, "the action to listen")

    def log_in(self, *tries):
        """Of tries (address, user[, password[, IMAP ID]]): who got in?"""
        text = "".join(json.dumps((*t, *("right", "")[len(t) - 2:])) + "\n" for t in tries)
        run = subprocess.run(self.inside([sys.executable, "-c", CLIENT]), input=text,
                             capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stderr + self.mail_log.read_text()[-2000:]
        return [json.loads(l) for l in run.stdout.splitlines()]

    def learn(self, *pairs):
        assert all(self.log_in(*pairs)), self.mail_log.read_text()
        wait_for(lambda: self.ctl_json("status")["known_logins"] >= len(pairs), 10, "known")

    def attack(self, user="paul"):
        assert not any(self.log_in(*[(a, user, "wrong") for a in GUESSERS]))
        wait_for(lambda: user in self.banned("imap"), 10, "the ban")
        wait_for(lambda: self.action()["in_force"] >= 1, 10, "it to be in force")

    def action(self):
        return self.ctl_json("status", "imap")["actions"][0]

    def ask(self, user, addr, path="/?command=allow", headers="", body=None):
        """What the action answers, byte by byte."""
        body = body if body is not None else json.dumps({"login": user, "remote": addr})
        script = ("import socket,sys\ns=socket.create_connection(('127.0.0.1',9145),20)\n"
                  "s.sendall(sys.stdin.buffer.read())\n"
                  "d=b''\nwhile (p:=s.recv(4096)): d+=p\nsys.stdout.buffer.write(d)")
        text = (f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
                f"Content-Length: {len(body)}\r\n\r\n{body}")
        return subprocess.run(self.inside([sys.executable, "-c", script]), text=True,
                              input=text, capture_output=True, timeout=60).stdout

    def close(self):
        self.dovecot.terminate()
        self.dovecot.wait(20)
        super().close()


@pytest.fixture
def place():
    with Place() as p:
        yield p


def test_attacked_account(place):
    """The right password opens only from where it did before; a restart forgets nothing."""
    place.begin()
    place.learn((HOME, "paul"), (HOME6, "paul"), (OFFICE, "dora"))
    assert all(place.log_in((ELSEWHERE, "dora")))
    place.attack()
    # from the office another account is known; paul is closed there
    for _ in range(2):
        assert place.log_in((ELSEWHERE, "paul"), (OFFICE, "paul"), (HOTEL6, "paul"),
                            (ELSEWHERE, "PAUL")) == [False] * 4
        assert all(place.log_in((HOME, "paul"), ("2001:db8:5::2", "paul"), (HOME, "Paul")))
        assert all(place.log_in((ELSEWHERE, "dora"), (GUESSERS[0], "dora")))
        place.stop()
        # nobody listens: Dovecot lets in, as it is told to
        assert place.log_in((LUCKY, "paul")) == [True]
        place.begin()
        wait_for(lambda: place.action()["in_force"] == 1, 10, "the ban to be back")
    # that login was read: now he is known there; who was refused is not
    assert place.log_in((LUCKY, "paul"), (OFFICE, "paul")) == [True, False]
    assert "policy server refusal" in place.mail_log.read_text()
    place.ok("unbanip", "imap", "paul")
    wait_for(lambda: place.log_in((OFFICE, "paul")) == [True], 10, "the end")


SASL = LEAN + """
service auth {
  unix_listener sasl {
    mode = 0666
  }
}
"""
MAIN = """compatibility_level = 3.6
queue_directory = {top}/postfix/queue
data_directory = {top}/postfix/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
mydestination =
smtpd_peername_lookup = no
maillog_file = {top}/postfix/data/log
maillog_file_prefixes = {top}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {top}/run-dovecot/sasl
smtpd_recipient_restrictions = reject_unauth_destination
"""
MASTER = """smtp inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
"""
SMTP = r"""
import smtplib, sys
s = smtplib.SMTP("198.51.100.1", 25, source_address=(sys.argv[1], 0), timeout=20)
try:
    s.login(sys.argv[2], "right")
    print("in")
except smtplib.SMTPAuthenticationError:
    print("out")
"""


@pytest.mark.skipif(not shutil.which("postfix"), reason="needs postfix")
def test_postfix():
    """Postfix asks Dovecot, and Dovecot asks banner."""
    with Place(dovecot=SASL) as place:
        top = place.dir / "postfix"
        for name in "conf", "queue", "data":
            (top / name).mkdir(parents=True)
        shutil.chown(top / "data", "postfix")
        (top / "conf/main.cf").write_text(MAIN.format(top=place.dir))
        (top / "conf/master.cf").write_text(MASTER)
        postfix = place.inside(["postfix", "-c", top / "conf"])
        subprocess.run([*postfix, "start"], check=True, capture_output=True)
        try:
            place.begin()
            place.learn((HOME, "paul"))
            place.attack()
            said = {(a, u): place.run_host(*place.inside([sys.executable, "-c", SMTP, a, u]))
                    for a, u in ((HOME, "paul"), (ELSEWHERE, "paul"), (ELSEWHERE, "dora"))}
            assert [v.strip() for v in said.values()] == ["in", "out", "in"], said
        finally:
            subprocess.run([*postfix, "stop"], check=True, capture_output=True)


def test_end_of_ban():
    with Place(bantime="3s") as place:
        place.begin()
        place.attack()
        wait_for(lambda: place.log_in((ELSEWHERE, "paul")) == [True], 20, "bantime")
        assert place.banned("imap") == set()


def test_default_attributes():
    """As Dovecot asks by default: hash, device and reports; a client's own bytes in them
    open no door."""
    with Place(dovecot="") as place:
        place.begin()
        place.attack()
        for ident in ("", "x\xff\xfe", 'a","login":"dora', "\x01\x7f"):
            assert place.log_in((ELSEWHERE, "paul", "right", ident)) == [False], ident
        assert place.log_in((ELSEWHERE, "dora", "right", "x\xff")) == [True]


def test_addresses(place):
    """A ban of an address or a prefix holds for all accounts."""
    place.begin()
    place.ok("banip", "imap", ELSEWHERE)
    place.ok("banip", "imap", "203.0.113.16/30")
    wait_for(lambda: place.action()["in_force"] == 2, 10, "two bans")
    assert place.log_in((ELSEWHERE, "dora"), ("203.0.113.15", "dora"),
                        ("203.0.113.16", "dora"), ("203.0.113.19", "dora")) == \
        [False, True, False, False]
    assert "refused" in place.ask("x", "::ffff:203.0.113.99")


def test_account_banned_by_hand(place):
    """Nobody is excepted, known or not; the name may be written in any case."""
    place.begin()
    place.learn((HOME, "paul"))
    place.ok("banip", "imap", "Paul", "--wait")
    assert place.log_in((HOME, "paul"), (ELSEWHERE, "PAUL"), (HOME, "dora")) == \
        [False, False, True]
    place.ok("unbanip", "imap", "Paul")
    wait_for(lambda: place.log_in((HOME, "paul")) == [True], 10, "the end")


def test_fails_open(place):
    """What cannot be known lets in."""
    place.begin()
    place.learn((HOME, "dora"))
    place.attack()
    assert '"status":-1' in place.ask("paul", ELSEWHERE)
    assert "imap: banned: user paul" in place.ok("explain", "paul"), place.ok("explain", "paul")
    engine = place.children()["banner-engine"]
    os.kill(engine, signal.SIGSTOP)
    try:
        assert place.log_in((ELSEWHERE, "paul"), (HOME, "dora")) == [True, True]
    finally:
        os.kill(engine, signal.SIGCONT)
    wait_for(lambda: "1 let in because" in place.ok("status"), 10, place.ok("status"))
    place.kill("banner-actor")
    assert place.log_in((HOME, "dora")) == [True]
    wait_for(lambda: '"status":-1' in place.ask("paul", HOME), 20, "a new actor")


def test_requests(place):
    """Requests that are none, too large or too many cost nothing but themselves."""
    place.begin()
    place.attack()
    assert " 200 " in place.ask("", "", body='{"login":"paul"}')
    assert '"status":0' in place.ask("paul", "no address")
    assert '"status":0' in place.ask("paul", ELSEWHERE, path="/?command=report")
    for size in 5000, 12000, 16000:     # more than is read at once
        body = json.dumps({"x": "y" * size, "login": "paul", "remote": ELSEWHERE})
        assert '"status":-1' in place.ask("", "", body=body), size
    for answer in (place.ask("", "", body="{"), place.ask("", "", body="[" * 16000),
                   place.ask("paul", ELSEWHERE, path="/"),
                   place.ask("", "", body="x" * 20000),
                   place.ask("paul", ELSEWHERE, headers="X: " + "y" * 9000 + "\r\n")):
        assert "refused" not in answer and " 200 " not in answer, answer
    flood = ("import socket,sys,time\n"
             "v=[socket.create_connection(('127.0.0.1',9145)) for _ in range(300)]\n"
             "print('there',flush=True)\nsys.stdin.read()\n")
    many = subprocess.Popen(place.inside([sys.executable, "-c", flood]), text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert many.stdout.readline() == "there\n"
    wait_for(lambda: "ALL CONNECTIONS TAKEN" in place.ok("status"), 10, "the limit")
    pid = place.children()["banner-actor"]
    assert 256 <= len(os.listdir(f"/proc/{pid}/fd")) < 280
    many.communicate("")
    assert '"status":-1' in place.ask("paul", ELSEWHERE)
    wait_for(lambda: "listening" in place.ok("status"), 10, "the end of them")


def test_key():
    with Place(options='[key="a b"]', dovecot="auth_policy_server_api_header = X-API-Key:a b") \
            as place:
        place.begin()
        place.attack()
        assert " 403 " in place.ask("paul", ELSEWHERE)
        assert " 403 " in place.ask("paul", ELSEWHERE, headers="X-API-Key: a c\r\n")
        assert '"status":-1' in place.ask("paul", ELSEWHERE, headers="X-API-Key: a b\r\n")
        assert place.log_in((ELSEWHERE, "paul")) == [False]


def test_listen_beyond_loopback():
    with Place(options="[listen=198.51.100.1:9145]") as place:
        place.start()
        wait_for(lambda: "only with a key" in place.logged(), 10, "the refusal")
