# SPDX-License-Identifier: GPL-2.0-or-later
"""banctl explain, asked for everything an address can have been through."""
import os
import time

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")

JAILS = """[users]
enabled = true
filter = sshd
logpath = {log}
count = user
maxretry = 50
action = null
[few]
enabled = true
filter = sshd
logpath = {log}
maxretry = 50
maxmatches = 2
action = null
[listed]
enabled = true
filter = sshd
logpath = {dir}/none.log
blocklist = file:{dir}/bad.txt
action = null
[recidive]
enabled = true
filter = again
logpath = {log}.bans
maxretry = 2
action = null
"""
AGAIN = r"""[Definition]
failregex = ^\s*NOTICE Ban <HOST>$
"""


@pytest.fixture(scope="module")
def lab():
    with Lab(jails=(), extra="max_line = 2K") as lab:
        lab.jail("sshd", more="ignoreip = 192.0.2.64/26\n")
        (lab.dir / "filters/again.conf").write_text(AGAIN)
        (lab.dir / "bad.txt").write_text("192.0.2.30\n192.0.2.32/28\n")
        (lab.dir / "jails.d/z.conf").write_text(
            JAILS.format(log=lab.auth, dir=lab.dir))
        (lab.dir / "auth.log.bans").touch()
        lab.start()
        yield lab


def words(lab, subject):
    done = lab.ctl("explain", subject)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def data(lab, subject):
    found = lab.ctl_json("explain", subject)
    found["jails"] = {j["jail"]: j for j in found["jails"]}
    return found


def test_banned_by_failures(lab):
    lab.fail("192.0.2.7", 3, user="anna")
    lab.wait_routes("192.0.2.7")
    now = time.time() * 1000
    wait_for(lambda: "in force" in words(lab, "192.0.2.7"))
    x = data(lab, "192.0.2.7")
    ban, = [b for b in x["bans"] if b["jail"] == "sshd"]
    assert x["subject"] == ban["subject"] == "192.0.2.7" and x["banned"] is True
    assert ban["failures"] == 3 and not ban["manual"] and ban["leaks"] == 0
    assert abs(ban["since_ms"] - now) < 60000
    assert ban["until_ms"] == ban["since_ms"] + 3600000
    assert [line["log"] for line in ban["lines"]] == [str(lab.auth)] * 3
    assert [line["rule"] for line in ban["lines"]] == [1] * 3
    assert "from 192.0.2.7 port 4000 ssh2" in ban["lines"][0]["text"]
    action, = ban["actions"]
    assert action["action"] == "route" and action["state"] == "in force"
    assert x["jails"]["sshd"]["file"] == str(lab.dir / "jails.d/sshd.conf")
    assert x["jails"]["sshd"]["line"] == 1
    # however it is written
    for other in ("::ffff:192.0.2.7", "::FFFF:c000:207", "[::ffff:192.0.2.7]",
                  "192.0.2.7/32"):
        assert data(lab, other)["bans"][0]["id"] == ban["id"], other
    # in the network that is asked for
    assert ban["id"] in [b["id"] for b in data(lab, "192.0.2.0/24")["bans"]]
    # no more lines than a jail keeps
    assert len(x["jails"]["few"]["lines"]) == 2


def test_ipv6_in_any_spelling(lab):
    lab.fail("2001:db8:9:8::a", 3)
    wait_for(lambda: data(lab, "2001:db8:9:8::a")["banned"])
    for other in ("2001:DB8:9:8:0:0:0:a", "[2001:db8:9:8::000a]", "2001:db8:9:8::b",
                  "2001:db8:9:8::/64", "2001:db8:9:8::/80"):
        ban, = data(lab, other)["bans"]
        assert ban["subject"] == "2001:db8:9:8::/64", other
    assert not data(lab, "2001:db8:9:9::a")["banned"]
    lab.ok("unbanip", "2001:db8:9:8::/64")
    # the history of an address is that of its network
    row, = data(lab, "2001:db8:9:8::c")["history"]
    assert row["subject"] == "2001:db8:9:8::/64" and row["end_cause"] == "admin"
    assert "was banned: 2001:db8:9:8::/64" in words(lab, "2001:db8:9:8::c")


def test_counted_but_not_enough(lab):
    lab.fail("192.0.2.8", 2)
    wait_for(lambda: data(lab, "192.0.2.8")["jails"]["sshd"]["counted"] == 2)
    j = data(lab, "192.0.2.8")["jails"]["sshd"]
    assert (j["maxretry"], j["findtime_ms"], j["counts"]) == (3, 600000, "failures")
    assert 0 < j["first_ms"] <= j["last_ms"] and len(j["lines"]) == 2
    assert "sshd: 2 of 3 failures within 10m" in words(lab, "192.0.2.8")


def test_an_account(lab):
    lab.fail("192.0.2.9", 2, user="Berta")
    for name in ("berta", "user:berta", "BERTA"):
        wait_for(lambda: data(lab, name)["jails"]["users"]["counted"] == 2, 5, name)
    assert "users: 2 of 50 failures of the user" in words(lab, "berta")


def test_ended_and_before(lab):
    lab.ok("banip", "sshd", "192.0.2.10", "--time", "1s", "--comment", "so it goes")
    wait_for(lambda: not data(lab, "192.0.2.10")["banned"])
    wait_for(lambda: data(lab, "192.0.2.10")["history"][0]["ended_ms"])
    row, = data(lab, "192.0.2.10")["history"]
    assert row["cause"] == "admin" and row["end_cause"] == "expired"
    assert row["comment"] == "so it goes" and row["since_ms"] < row["ended_ms"]
    text = words(lab, "192.0.2.10")
    assert "not banned now\n" in text
    assert "sshd: was banned: 192.0.2.10 from" in text and "its time was over" in text


def test_ignored(lab):
    x = data(lab, "192.0.2.70")
    assert x["jails"]["sshd"]["spared"] == "ignoreip"
    assert x["jails"]["sshd"]["entry"] == "192.0.2.64/26"
    assert x["jails"]["users"]["spared"] is None
    assert "ignoreip has 192.0.2.64/26" in words(lab, "192.0.2.70")
    x = data(lab, "198.51.100.1")
    assert x["jails"]["sshd"]["spared"] == "ignoreself"
    assert "own address" in x["never_banned"]
    assert "never banned: own address" in words(lab, "198.51.100.1")
    assert data(lab, "224.0.0.1")["never_banned"].startswith("multicast")


def test_never_seen_and_no_address(lab):
    assert words(lab, "203.0.113.77").startswith("not banned: no failures known")
    text = words(lab, "300.1.1.1")
    assert text.startswith('"300.1.1.1" is no address; taken for a name\n')
    x = data(lab, "300.1.1.1")
    assert x["kind"] == "name" and not x["banned"] and x["history"] == []
    assert lab.ctl("explain", "").returncode == 2
    assert lab.ctl("explain").returncode == 2


def test_by_prefix_by_hand_by_list(lab):
    lab.ok("banip", "203.0.113.0/24", "--time", "2h", "--comment", "\x1b[31mred")
    ban, = data(lab, "203.0.113.9")["bans"]
    assert ban["subject"] == "203.0.113.0/24" and ban["manual"]
    assert ban["jail"] == "manual" and ban["failures"] == 0 and ban["lines"] == []
    text = words(lab, "203.0.113.9")
    assert "by an administrator" in text and "comment: \\x1b[31mred" in text
    wait_for(lambda: data(lab, "192.0.2.33")["banned"])
    ban, = data(lab, "192.0.2.33")["bans"]
    assert ban["blocklist"] and ban["until_ms"] == 0
    assert "by the blocklist" in words(lab, "192.0.2.33")


def test_recidive(lab):
    with open(f"{lab.auth}.bans", "a") as f:
        for _ in range(2):
            f.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} NOTICE Ban 192.0.2.11\n")
    wait_for(lambda: data(lab, "192.0.2.11")["banned"])
    ban, = data(lab, "192.0.2.11")["bans"]
    assert ban["jail"] == "recidive" and ban["lines"][0]["log"].endswith(".bans")


def test_lines_that_counted_nothing(lab):
    """A line that is too long, too old, without a date: said with its jail, for nobody
    can know whose it was; a date from the future counts as of now."""
    text = "host sshd[1]: Failed password for x from 192.0.2.12 port 1 ssh2"
    with open(lab.auth, "a") as f:
        f.write(f"{time.strftime('%b %e %H:%M:%S')} {text} {'x' * 3000}\n")
        f.write(f"2019-03-05 10:00:00 {text}\n")
        f.write(f"2036-03-05 10:00:00 {text}\n")
    wait_for(lambda: data(lab, "192.0.2.12")["jails"]["sshd"]["counted"] == 1)
    j = data(lab, "192.0.2.12")["jails"]["sshd"]
    assert j["uncounted"]["too_long"] == 1
    assert abs(j["last_ms"] - time.time() * 1000) < 60000
    assert "not counted since the start, of anybody: 1 lines too long" in \
        words(lab, "192.0.2.12")


def test_panic_and_a_stopped_jail(lab):
    lab.ok("panic")
    assert words(lab, "192.0.2.7").startswith("panic: nothing is in force")
    assert data(lab, "192.0.2.7")["panic"] is True
    lab.ok("resume")
    assert data(lab, "192.0.2.7")["panic"] is False
    lab.ok("stop", "sshd")
    assert data(lab, "192.0.2.8")["jails"]["sshd"]["spared"] == "stopped"
    assert "the jail is stopped" in words(lab, "192.0.2.8")
    lab.ok("start", "sshd")


def test_after_a_restart(lab):
    lab.fail("192.0.2.13", 3)
    wait_for(lambda: data(lab, "192.0.2.13")["banned"])
    lab.stop()
    lab.start()
    x = data(lab, "192.0.2.13")
    ban, = [b for b in x["bans"] if b["jail"] == "sshd"]
    assert ban["restored"] and ban["lines"] == []
    assert [len(r["lines"]) for r in x["history"] if r["id"] == ban["id"]] == [3]
    assert words(lab, "192.0.2.13").count("sshd: line: ") == 3
