# SPDX-License-Identifier: GPL-2.0-or-later
"""Freezing accounts as docs/zimbra.md says: its own words, bannerd, exec and the script;
only zmprov is a stand-in, which takes the words of the real one and no others."""
import json
import os
import re
import textwrap
import time
from pathlib import Path

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
TOP = Path(__file__).resolve().parents[2]
JAIL = """[accounts]
enabled = true
filter = zimbra-audit
logpath = {log}
count = user
maxretry = 3
findtime = 10m
bantime = 1h
action = freeze
"""
# zmprov -l ga|getAccount NAME|ID [ATTR...]; zmprov -l ma|modifyAccount NAME|ID ATTR VALUE
ZMPROV = """#!/usr/bin/python3
import json, os, sys
path = %r
accounts = json.load(open(path))
words = sys.argv[1:]
if words[:1] != ["-l"] or len(words) < 3: sys.exit("usage: zmprov [args] [cmd]")
cmd, name, rest = words[1], words[2], words[3:]
found = [n for n, a in accounts.items() if name in (n, a["zimbraId"])]
if not found: sys.exit("ERROR: account.NO_SUCH_ACCOUNT (no such account: " + name + ")")
account = accounts[found[0]]
if cmd in ("ga", "getAccount"):
    print("# name " + found[0])
    for key, value in account.items():
        if key in rest: print(key + ": " + value)
    print()
elif cmd in ("ma", "modifyAccount") and len(rest) == 2:
    if rest[0] != "zimbraAccountStatus" or rest[1] not in ("active", "locked"):
        sys.exit("ERROR: account.INVALID_ATTR_VALUE")
    account[rest[0]] = rest[1]
    with open(path + ".new", "w") as f: json.dump(accounts, f)
    os.replace(path + ".new", path)
else:
    sys.exit("ERROR: unknown command " + cmd)
"""


def documented(script):
    """The section of the guide, with the place of the script on this machine."""
    text = (TOP / "docs/zimbra.md").read_text()
    section = re.search(r"^    \[action freeze\]\n(?:    .*\n)+", text, re.M).group(0)
    section = textwrap.dedent(section)
    assert "/usr/local/sbin/zimbra-account" in section and "user = zimbra\n" in section
    section = section.replace("/usr/local/sbin/zimbra-account", str(script))
    return section.replace("user = zimbra", "user = root")


class Site:
    def __init__(self, lab):
        self.lab, self.path, self.n = lab, lab.dir / "accounts.json", 0
        self.path.write_text(json.dumps({
            name + "@example.com": {"zimbraId": "id-" + name, "zimbraAccountStatus": status,
                                    "zimbraIsAdminAccount": admin}
            for name, status, admin in (
                ("anna", "active", "FALSE"), ("bert", "active", "FALSE"),
                ("carl", "active", "FALSE"), ("boss", "active", "FALSE"),
                ("root", "active", "TRUE"), ("gone", "locked", "FALSE"))}))
        zmprov = lab.dir / "zmprov"
        zmprov.write_text(ZMPROV % str(self.path))
        zmprov.chmod(0o755)
        conf = lab.dir / "zimbra-account.conf"
        conf.write_text(f"zmprov = {zmprov}\nstate = {lab.dir}/frozen\n"
                        "never = boss@example.com\ncap = 2\n")
        script = lab.dir / "zimbra-account"
        script.write_text((TOP / "scripts/zimbra-account").read_text().replace(
            "/etc/banner/zimbra-account.conf", str(conf)))
        script.chmod(0o755)
        lab.daemon_conf(documented(script))
        (lab.dir / "jails.d" / "accounts.conf").write_text(JAIL.format(log=lab.auth))
        lab.shipped("filters")
        lab.auth.touch()
        lab.start()

    def attack(self, name):
        """Three guesses, from an address each."""
        with open(self.lab.auth, "a") as f:
            for i in range(3):
                self.n += 1
                f.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')},{self.n:03d} WARN  "
                        f"[ImapServer-{self.n}] [ip=192.0.2.{i + 101};cid={self.n};] "
                        f"security - cmd=Auth; account={name}@example.com; protocol=imap; "
                        f"error=authentication failed for [{name}], invalid password;\n")
        wait_for(lambda: name + "@example.com" in self.lab.ok("list", "accounts"), 5, name)

    def status(self, name, new=None):
        accounts = json.loads(self.path.read_text())
        if new:
            accounts[name + "@example.com"]["zimbraAccountStatus"] = new
            self.path.write_text(json.dumps(accounts))
        return accounts[name + "@example.com"]["zimbraAccountStatus"]

    def release(self, name):
        self.lab.ok("unbanip", "accounts", name + "@example.com")


@pytest.fixture
def site():
    with Lab(jails=()) as lab:
        yield Site(lab)


def test_frozen_and_thawed(site):
    site.attack("anna")
    wait_for(lambda: site.status("anna") == "locked", 10, "the freeze")
    site.release("anna")
    wait_for(lambda: site.status("anna") == "active", 10, "the thaw")


def test_whom_it_leaves_alone(site):
    """Named accounts and administrators; what an administrator has locked, before or
    since; and no more than the cap within an hour."""
    for name in "boss", "root", "gone", "anna", "bert", "carl":
        site.attack(name)
    wait_for(lambda: site.status("bert") == "locked", 10, "the freezes")
    wait_for(lambda: "within an hour" in site.lab.logged(), 10, "the cap")
    assert [site.status(n) for n in ("boss", "root", "gone", "anna", "carl")] == [
        "active", "active", "locked", "locked", "active"]
    site.status("anna", "closed")
    for name in "gone", "anna", "bert":
        site.release(name)
    wait_for(lambda: site.status("bert") == "active", 10, "the thaw")
    assert (site.status("gone"), site.status("anna")) == ("locked", "closed")
