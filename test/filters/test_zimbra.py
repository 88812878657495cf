# SPDX-License-Identifier: GPL-2.0-or-later
"""The alarms of zmauditswatch, and the scripts for sites that run Zimbra."""
import json
import os
import subprocess

import pytest

import data

IMPORT, ACCOUNT = data.TOP / "scripts/zimbra-import", data.TOP / "scripts/zimbra-account"
LINE = ("2026-03-01 10:%02d:%02d,%03d WARN  [qtp1-2:https://mail/service/soap/AuthRequest] "
        "[name=%s;ip=%s;ua=x;soapId=%x;] security - cmd=Auth; account=%s; protocol=soap; "
        "error=authentication failed for [%s], invalid password;\n")


def attempt(at, ip, user):
    at, ms = divmod(int(at * 1000), 1000)
    return LINE % (at // 60, at % 60, ms, user, ip, hash((at, ms, ip, user)) & 0xffffffff,
                   user, user)


def folder(path):
    for name in "filters", "banner.conf":
        (path / name).symlink_to(data.TOP / name)
    (path / "jails.d").mkdir()
    for name in (data.TOP / "jails.d").glob("*.conf"):
        (path / "jails.d" / name.name).symlink_to(name)
    return path


def bans(conf, jails, lines):
    run = subprocess.run([data.BANREGEX, "-c", str(conf), "--json", "--simulate", "-", jails],
                         input="".join(lines), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = [json.loads(l) for l in run.stdout.splitlines()]
    return [(f["jail"].partition("-")[2], f["ban"]) for f in found if "ban" in f]


ALL = "zmauditswatch-ipacct,zmauditswatch-acct,zmauditswatch-ip,zmauditswatch-total"


@pytest.mark.parametrize("n, want", [
    (9, []), (10, ["ipacct"]), (14, ["ipacct"]), (15, ["ipacct", "acct"]),
    (20, ["ipacct", "acct", "ip"]), (40, ["ipacct", "acct", "ip"])])
def test_alarms(tmp_path, n, want):
    """Documented defaults; each alarm once, at its limit, whatever the others did."""
    lines = [attempt(i, "198.51.100.7", "anna") for i in range(n)]
    assert [j for j, _ in bans(folder(tmp_path), ALL, lines)] == want


def test_total(tmp_path):
    lines = [attempt(i * 0.05, "198.51.%d.%d" % divmod(i, 250), "u%d" % i)
             for i in range(1000)]
    assert bans(folder(tmp_path), ALL, lines[:-1]) == []
    again = tmp_path / "again"
    again.mkdir()
    assert bans(folder(again), ALL, lines) == [("total", "total")]


@pytest.mark.parametrize("what", ["one address", "many addresses"])
def test_told_before_the_lockout(tmp_path, what):
    """Zimbra locks at the tenth failure within an hour (zimbraPasswordLockoutMaxFailures);
    the alarm comes at the seventh."""
    lines = [attempt(i * 300, "203.0.113.%d" % (9 if what == "one address" else i + 1),
                     "anna") for i in range(10)]
    conf = folder(tmp_path)
    assert bans(conf, "screening-lockout", lines[:6]) == []
    assert bans(conf, "screening-lockout", lines[:7]) == [("lockout", "anna")]


def test_account_from_many_addresses(tmp_path):
    lines = [attempt(i * 29, "203.0.%d.9" % i, "anna") for i in range(10)]
    assert bans(folder(tmp_path), "distributed-account", lines) == [("account", "anna")]


def test_net(tmp_path):
    lines = [attempt(i * 60, "203.0.113.%d" % (10 + i), "u%d" % i) for i in range(10)]
    conf = folder(tmp_path)
    assert bans(conf, "screening-net", lines) == [("net", "203.0.113.0/24")]
    same = [attempt(i * 60, "203.0.113.9", "u%d" % i) for i in range(10)]
    assert bans(conf, "screening-net", same) == []


def test_import(tmp_path):
    (tmp_path / "conf").mkdir()
    conf = folder(tmp_path / "conf")
    (tmp_path / "lc").write_text(
        "zimbra_home = /opt/zimbra\nzimbra_swatch_ipacct_threshold = 5\n"
        "zimbra_swatch_acct_threshold = 5\nzimbra_swatch_threshold_seconds = 3600\n"
        "zimbra_swatch_notice_user = admin@example.com\n")
    (tmp_path / "gs").write_text("# name mail.example.com\nzimbraMailTrustedIP: 127.0.0.1\n"
                                 "zimbraMailTrustedIP: 10.1.0.0/16\n")
    run = subprocess.run([IMPORT, "-o", conf, tmp_path / "lc", tmp_path / "gs"],
                         capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    assert (conf / "banner.local").read_text() == (
        "[bannerd]\ntrusted = 127.0.0.1 10.1.0.0/16\n")
    lines = [attempt(i * 600, "198.51.100.7", "anna") for i in range(5)]
    assert [j for j, _ in bans(conf, "all", lines)] == ["ipacct", "acct"]
    again = subprocess.run([IMPORT, "-o", conf, tmp_path / "lc"], capture_output=True,
                           text=True)
    assert again.returncode == 1 and "exists" in again.stderr


@pytest.mark.parametrize("text", [
    "zimbra_swatch_ip_threshold = 5; rm\n", "zimbra_swatch_ip_threshold = 0\n",
    "zimbra_swatch_notice_user = a@b.c, x\n", "zimbraMailTrustedIP: proxy.example.com\n"])
def test_import_refuses(text):
    run = subprocess.run([IMPORT, "-"], input=text, capture_output=True, text=True)
    assert run.returncode == 1 and run.stdout == ""


ZMPROV = """#!/usr/bin/python3
import json, sys
path = %r
accounts = json.load(open(path))
words = sys.argv[2:]
open(path + ".log", "a").write(json.dumps(words) + "\\n")
if words[0] == "ga":
    if words[1] not in accounts: sys.exit("no such account")
    for key, value in accounts[words[1]].items(): print(key + ": " + value)
else:
    for a in accounts.values():
        if a["zimbraId"] == words[1]: a[words[2]] = words[3]
    json.dump(accounts, open(path, "w"))
"""


class Zimbra:
    def __init__(self, path):
        self.path = path / "accounts"
        self.accounts = {}
        (path / "zmprov").write_text(ZMPROV % str(self.path))
        (path / "zmprov").chmod(0o755)
        (path / "conf").write_text(f"zmprov = {path}/zmprov\nstate = {path}/state\n"
                                   "never = boss@example.com\ncap = 2\n")
        self.env = {**os.environ, "ZIMBRA_ACCOUNT_CONF": str(path / "conf")}

    def add(self, name, status="active", **more):
        self.accounts[name] = {"zimbraId": "id-" + name, "zimbraAccountStatus": status, **more}
        self.path.write_text(json.dumps(self.accounts))

    def do(self, what, name):
        return subprocess.run([ACCOUNT, what, name], env=self.env, capture_output=True,
                              text=True).returncode == 0

    def status(self, name):
        return json.loads(self.path.read_text())[name]["zimbraAccountStatus"]


@pytest.fixture
def zimbra(tmp_path):
    return Zimbra(tmp_path)


def test_freeze_and_thaw(zimbra):
    zimbra.add("anna@example.com")
    assert zimbra.do("freeze", "anna@example.com")
    assert zimbra.status("anna@example.com") == "locked"
    assert zimbra.do("thaw", "anna@example.com")
    assert zimbra.status("anna@example.com") == "active"
    assert not zimbra.do("thaw", "anna@example.com")


def test_never_touched(zimbra):
    zimbra.add("boss@example.com")
    zimbra.add("root@example.com", zimbraIsAdminAccount="TRUE")
    zimbra.add("gone@example.com", status="locked")
    for name in zimbra.accounts:
        before = zimbra.status(name)
        assert not zimbra.do("freeze", name) and not zimbra.do("thaw", name)
        assert zimbra.status(name) == before


def test_left_to_the_administrator(zimbra):
    zimbra.add("anna@example.com")
    assert zimbra.do("freeze", "anna@example.com")
    zimbra.add("anna@example.com", status="closed")
    assert not zimbra.do("thaw", "anna@example.com")
    assert zimbra.status("anna@example.com") == "closed"


def test_cap(zimbra):
    for i in range(3):
        zimbra.add(f"u{i}@example.com")
    assert [zimbra.do("freeze", f"u{i}@example.com") for i in range(3)] == [
        True, True, False]


@pytest.mark.parametrize("name", ["-l", "a@b c", "anna", "$(id)@example.com", "a@b\nc",
                                  "'@example.com", "*@example.com"])
def test_strange_names(zimbra, name):
    zimbra.add("anna@example.com")
    assert not zimbra.do("freeze", name)
    assert not os.path.exists(str(zimbra.path) + ".log")


def right(at, ip, user):
    head, _, _ = attempt(at, ip, user).partition(" error=")
    return head + "\n"


def test_known_login_is_excused(tmp_path):
    """A phone with an old password; but another account from there counts."""
    conf = folder(tmp_path)
    phone = [right(0, "62.1.1.1", "dora")] + [
        attempt(60 + i, "62.1.1.1", "Dora") for i in range(20)]
    assert bans(conf, "screening-address", phone) == []
    assert bans(conf, "screening-address", phone[1:]) == [("address", "62.1.1.1")]
    guess = phone[:1] + [attempt(60 + i, "62.1.1.1", "anna") for i in range(10)]
    assert bans(conf, "screening-address", guess) == [("address", "62.1.1.1")]
    elsewhere = phone[:1] + [attempt(60 + i, "62.1.1.2", "dora") for i in range(10)]
    assert bans(conf, "screening-address", elsewhere) == [("address", "62.1.1.2")]


def test_success_that_quotes_a_failure_or_forges_a_host(tmp_path):
    """A login is known by the rules of a failure: whose address our proxy wrote."""
    conf = folder(tmp_path)
    forged = right(0, "62.1.1.1", "dora").replace("ip=62.1.1.1;", "ip=62.9.9.9;oip=62.1.1.1;")
    lines = [forged] + [attempt(60 + i, "62.1.1.1", "dora") for i in range(10)]
    assert bans(conf, "screening-address", lines) == [("address", "62.1.1.1")]


def test_check_says_what_is_counted(tmp_path):
    conf = folder(tmp_path)
    for name in ("screening", "zmauditswatch", "distributed"):
        path = conf / "jails.d" / (name + ".conf")
        text = path.read_text().replace("enabled = false", "enabled = true").replace(
            "/opt/zimbra/log/audit.log", str(conf / "audit.log"))
        path.unlink()
        path.write_text(text)
    (conf / "audit.log").touch()
    run = subprocess.run([data.BUILD / "bannerd", "-c", conf, "-t"], capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    for part in ("counts for each address and account, and bans the address",
                 "counts for each account", "counts all together",
                 "counts for each network, IPv4 /24 and IPv6 /56",
                 "counts different addresses", "counts different accounts",
                 "where it logged in well within 30d"):
        assert part in run.stdout, run.stdout
    assert "without known" not in run.stdout, run.stdout
    path = conf / "jails.d" / "distributed.conf"
    path.write_text(path.read_text().replace("\nknown = 30d", ""))
    run = subprocess.run([data.BUILD / "bannerd", "-c", conf, "-t"], capture_output=True,
                         text=True)
    assert run.stdout.count("warning: without known nobody can log in") == 1, run.stdout


@pytest.mark.parametrize("jail, service", [
    ("web", "soap"), ("audit", "soap"), ("admin", "soap"), ("imap-pop", "imap")])
@pytest.mark.parametrize("reason", ["account lockout",
                                    "account(or domain) status is locked"])
def test_lockout_bans_nobody(tmp_path, jail, service, reason):
    """Zimbra says it to the right password too: it is found, and counts nothing."""
    conf = folder(tmp_path)
    wrong = [attempt(i, "62.1.1.1", "dora").replace("protocol=soap", "protocol=" + service)
             for i in range(30)]
    if jail == "imap-pop":
        wrong = [l.replace("qtp1-2:https://mail/service/soap/AuthRequest", "ImapServer-%d" % i)
                 for i, l in enumerate(wrong)]
    if jail == "admin":
        wrong = [l.replace("//mail/service/soap", "//mail:7071/service/admin/soap") for l in wrong]
    held = [l.replace("invalid password", reason) for l in wrong]
    limit = {"web": 5, "imap-pop": 5, "admin": 3, "audit": 10}[jail]
    jail = "zimbra-" + jail
    assert bans(conf, jail, wrong[:limit - 1] + held[limit - 1:]) == []
    assert len(bans(conf, jail, wrong[:limit])) == 1
    found = subprocess.run([data.BANREGEX, "-c", str(conf), "--json", held[0], jail],
                           capture_output=True, text=True)
    first = json.loads(found.stdout.splitlines()[0])
    assert (first["host"], first["user"]) == ("62.1.1.1", "dora"), found.stdout


def attacks(*options):
    """Who got through, in percent; how many logins of whom were refused."""
    run = subprocess.run([data.TOP / "scripts/attacks", *options, "mail"],
                         capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    return ({l[2:34].strip(): float(l.split("attempts,")[1].split("%")[0])
             for l in lines if "through" in l},
            {l[2:34].strip(): int(l.split()[-2]) for l in lines if l.endswith("refused")})


def test_attacks():
    """The shipped mail jails refuse no honest login, and stop who comes from one place."""
    through, refused = attacks("-d", "4")
    assert len(refused) == 7 and not any(refused.values()), refused
    for who in ("one address, fast", "IPv6, a new address of a /64",
                "a /24, 1 to 2 an hour each", "botnet of 15, under each limit"):
        assert through[who] < 1, through


def test_slow_and_distributed_attacks():
    """The same of those who take thirty days, and one attempt from each address."""
    through, refused = attacks("-a", "single_slow", "-a", "spray", "-a", "pool",
                               "-a", "new_address_each")
    assert len(refused) == 7 and not any(refused.values()), refused
    assert through["one address, 9 to 45 minutes"] <= 1, through
    assert through["slow spray, a name each"] <= 1, through
    assert through["a new address every 29 s"] <= 20, through
    assert through["2000 addresses in turn, 29 s"] <= 20, through
