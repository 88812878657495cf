# SPDX-License-Identifier: GPL-2.0-or-later
"""bannerd from end to end: lines in a log, routes in a kernel, banctl in between."""
import ast
import ctypes
import errno
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import time

import pytest

from lab import BUILD, Lab, wait_for

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


@root
def test_lines_become_a_route(lab):
    lab.start()
    lab.fail("192.0.2.7", 2)
    time.sleep(0.3)
    assert lab.routes() == set()
    lab.fail("192.0.2.7")
    lab.wait_routes("192.0.2.7")
    status = lab.ok("status", "sshd").split("\n\n")[0]
    assert status == (
        "Status for the jail: sshd\n|- Filter\n|  |- Currently failed:\t0\n"
        f"|  |- Total failed:\t3\n|  `- File list:\t{lab.auth}\n`- Actions\n"
        "   |- Currently banned:\t1\n   |- Total banned:\t1\n"
        "   `- Banned IP list:\t192.0.2.7")
    lab.ok("unbanip", "192.0.2.7")
    lab.wait_routes()


@root
def test_log_has_the_shape_of_fail2ban(lab):
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    wait_for(lambda: re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} fail2ban\.actions "
        r"       \[\d+\]: NOTICE  \[sshd\] Ban 192\.0\.2\.7$", lab.logged(), re.M),
             5, (lab.proc.pid, lab.logged()))
    assert re.search(r"fail2ban\.filter         \[\d+\]: INFO    \[sshd\] Found 192\.0\.2\.7"
                     r" - \d{4}-", lab.logged())
    lab.ok("set", "sshd", "unbanip", "192.0.2.7")
    assert re.search(r"fail2ban\.actions        \[\d+\]: NOTICE  \[sshd\] Unban 192\.0\.2\.7$",
                     lab.logged(), re.M)


@root
def test_what_is_stored_of_a_ban(lab):
    """Its lines and captures; no rows of attempts, which only reports take."""
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    lab.stop()
    with sqlite3.connect(lab.dir / "state" / "banner.sqlite3") as db:
        (nlines, lines, fields), = db.execute("SELECT nlines, lines, fields FROM history")
    assert nlines == 3 and lines.count(b"from 192.0.2.7") == 3
    assert b"admin" in fields and b"attempts" not in fields


@root
def test_restart_keeps_bans_and_counters(lab):
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.fail("192.0.2.8", 2)
    lab.wait_routes("192.0.2.7")
    wait_for(lambda: lab.ctl_json("status", "sshd")["total_failed"] == 5)
    assert lab.stop() == 0
    assert lab.routes() == {"192.0.2.7"}, "an orderly stop opens no door"
    lab.fail("192.0.2.9", 3)
    lab.start()
    lab.wait_routes("192.0.2.7", "192.0.2.9")
    lab.fail("192.0.2.8")
    lab.wait_routes("192.0.2.7", "192.0.2.8", "192.0.2.9")
    lab.says("Restore Ban 192.0.2.7")


@root
def test_reboot_restores_the_kernel(lab):
    lab.start()
    for i in range(1, 20):
        lab.ok("banip", "sshd", f"192.0.2.{i}")
    lab.stop()
    lab.ip("route", "flush", "proto", "98")
    lab.start()
    lab.wait_routes(*(f"192.0.2.{i}" for i in range(1, 20)))


@root
@pytest.mark.parametrize("role", ["banner-engine", "banner-store", "banner-actor"])
def test_kill_of_a_process_recovers(lab, role):
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.fail("192.0.2.8", 2)
    lab.wait_routes("192.0.2.7")
    wait_for(lambda: lab.ctl_json("status", "sshd")["total_failed"] == 5)
    time.sleep(0.2)
    old = lab.kill(role)
    wait_for(lambda: lab.children().get(role) not in (None, old), 5, role + " again")
    lab.fail("192.0.2.9", 3)
    lab.fail("192.0.2.8", 1)
    lab.wait_routes("192.0.2.7", "192.0.2.8", "192.0.2.9", seconds=10)
    lab.ok("unbanip", "192.0.2.7")
    lab.wait_routes("192.0.2.8", "192.0.2.9")
    lab.stop()
    lab.start()
    assert lab.banned() == {"192.0.2.8", "192.0.2.9"}


@root
@pytest.mark.parametrize("how", ["kill", "reload"])
def test_what_cannot_be_started_is_tried_again(how):
    """No program for a moment, as while a package is exchanged."""
    with Lab() as lab:
        lab.make_accounts()
        lab.start()
        lab.fail("192.0.2.7", 2)
        wait_for(lambda: "Total failed:\t2" in lab.ok("status", "sshd"))
        (lab.programs / "banner-engine").rename(lab.dir / "engine")
        lab.kill("banner-engine") if how == "kill" else lab.ok("reload")
        wait_for(lambda: "is neither beside" in lab.logged(), 5, "that it is said")
        (lab.dir / "engine").rename(lab.programs / "banner-engine")
        wait_for(lambda: lab.ctl("ping").returncode == 0, 10, "another engine")
        lab.fail("192.0.2.7", 1)
        lab.wait_routes("192.0.2.7")


@root
def test_kill_of_the_parent_then_start(lab):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7")
    lab.wait_routes("192.0.2.7")
    kids = lab.children()
    lab.stop(signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists(f"/proc/{p}") for p in kids.values()), 10,
             "children to follow their parent")
    assert lab.routes() == {"192.0.2.7"}
    lab.start()
    assert lab.banned() == {"192.0.2.7"}


@root
def test_ban_ends_in_time(lab):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--time", "1s", "--wait")
    assert lab.routes() == {"192.0.2.7"}
    lab.wait_routes(seconds=4)


@root
def test_expire_while_the_daemon_is_down(lab):
    lab.start()
    beside = subprocess.run(
        lab.inside([lab.programs / "bannerd", "-c", lab.dir, "--expire"]),
        capture_output=True, text=True)
    assert beside.returncode == 0, beside.stderr
    lab.ok("ping")
    lab.ok("banip", "sshd", "192.0.2.7", "--time", "1s", "--wait")
    lab.ok("banip", "sshd", "192.0.2.8", "--wait")
    lab.stop()
    time.sleep(1.2)
    assert lab.routes() == {"192.0.2.7", "192.0.2.8"}
    lab.start("--expire", ready=False)
    assert lab.proc.wait(25) == 0
    lab.wait_routes("192.0.2.8")


@root
def test_reload_adds_a_jail_and_keeps_bans(lab):
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    kids = lab.children()
    other = lab.dir / "other.log"
    other.touch()
    lab.jail("other", maxretry=1, log=other)
    assert lab.ok("reload") == "OK\n"
    wait_for(lambda: lab.ctl("status", "other").returncode == 0, 5, "jail other")
    after = lab.children()
    assert after["banner-engine"] != kids["banner-engine"]
    assert after["banner-store"] == kids["banner-store"]
    assert after["banner-actor"] == kids["banner-actor"], "its options did not change"
    lab.fail("192.0.2.8", 1, log=other)
    lab.wait_routes("192.0.2.7", "192.0.2.8")


@root
def test_skip_if_nologs(lab):
    """A jail waits for its log, unless it is told not to; a reload looks again."""
    for name, more in ("waits", ""), ("skips", "skip_if_nologs = true\n"):
        lab.jail(name, maxretry=1, log=lab.dir / f"{name}.log", more=more)
    lab.start()
    assert "[skips] is skipped" in lab.log.read_text()
    lab.fail("192.0.2.7", 1, log=lab.dir / "skips.log")
    lab.fail("192.0.2.8", 1, log=lab.dir / "waits.log")
    lab.wait_routes("192.0.2.8")
    lab.ok("reload")
    lab.wait_routes("192.0.2.7", "192.0.2.8")


@root
def test_reload_with_errors_changes_nothing(lab):
    lab.start()
    kids = lab.children()
    (lab.dir / "filters" / "sshd.conf").write_text("[Definition]\nfailregex = ([<HOST>\n")
    done = lab.ctl("reload")
    assert done.returncode == 1
    assert "no enabled jail can run" in done.stderr and done.stdout == ""
    assert lab.children() == kids
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")


@root
def test_reload_loses_no_jail(lab):
    """An error that would take a jail away changes nothing, and is told; one of a jail
    that does not run yet is no reason."""
    lab.jail("other", maxretry=1, log=lab.dir / "other.log")
    (lab.dir / "other.log").touch()
    other = lab.dir / "jails.d/other.conf"
    good = other.read_text()
    lab.start()
    lab.ok("banip", "other", "192.0.2.66")
    kids = lab.children()
    for bad, words in (("maxretry = many\n", "other.conf:8: [other] maxretry"),
                       ("failregex = ([<HOST>\n", "other.conf:8: [other] failregex 1: column"),
                       ("filter = x\n", '"filter" is in [other] twice')):
        other.write_text(good.replace("maxretry = 1\n", "") + bad)
        done = lab.ctl("reload")
        assert done.returncode == 1 and done.stdout == "", done
        assert "nothing was changed" in done.stderr and words in done.stderr, done
        assert lab.logged().count("reload refused: " + done.stderr[len("banctl: "):]) == 1
        assert lab.children() == kids and lab.banned("other") == {"192.0.2.66"}
    other.write_text(good)
    (lab.dir / "banner.local").write_text("[bannerd]\nhold = maybe\n")
    assert "banner.local:2: hold" in lab.ctl("reload").stderr
    (lab.dir / "banner.local").unlink()
    lab.jail("third", more="findtime = soon\n")
    lab.jail("fourth", more="failregex = ([<HOST>\n")
    lab.ok("reload")
    lab.says("[fourth] does not run: ")
    lab.says(f"{lab.dir}/jails.d/fourth.conf:9: failregex 1: column")
    lab.ok("reload")
    wait_for(lambda: lab.children().get("banner-engine") not in (
        None, kids["banner-engine"]))
    lab.fail("192.0.2.7", 1, log=lab.dir / "other.log")
    wait_for(lambda: lab.banned("other") == {"192.0.2.66", "192.0.2.7"})


@root
def test_reload_is_taken_back_unless_confirmed(lab):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    lab.jail("other", maxretry=1, log=lab.dir / "other.log")
    assert "confirm" in lab.ok("reload", "--confirm", "2s")
    wait_for(lambda: lab.ctl("status", "other").returncode == 0, 5, "jail other")
    wait_for(lambda: lab.ctl("status", "other").returncode == 1, 5, "the old configuration")
    assert lab.routes() == lab.banned() == {"192.0.2.7"}
    assert lab.ctl("confirm").returncode == 1
    lab.ok("reload", "--confirm", "2s")
    wait_for(lambda: lab.ctl("status", "other").returncode == 0, 5, "jail other")
    lab.ok("confirm")
    time.sleep(2.5)
    lab.ok("status", "other")
    assert lab.ctl("reload", "--confirm", "nonsense").returncode == 2
    assert lab.ctl("reload", "--confirm").returncode == 2


@root
def test_a_full_disk_under_the_log(lab):
    """Bans go on; what the log lacks is counted in it, and its lines stay whole."""
    disk = lab.dir / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", disk], check=True)
    try:
        lab.log = disk / "banner.log"
        lab.daemon_conf()
        lab.jail("sshd", maxretry=1)
        lab.start()
        with open(disk / "fill", "wb", buffering=0) as f:
            while True:
                try:
                    f.write(bytes(1024))
                except OSError:
                    break
        addrs = [f"192.0.2.{n}" for n in range(1, 60)]
        for addr in addrs:
            lab.fail(addr)
        lab.wait_routes(*addrs)
        (disk / "fill").unlink()
        lab.ok("banip", "192.0.2.99")
        wait_for(lambda: "could not be written: No space left" in lab.logged(), 5)
        lines = lab.log.read_text().splitlines()
        lost = int(re.search(r"(\d+) lines of the log could", lab.log.read_text())[1])
        # one of each ban is cut, the others are there or counted
        found = sum("Found 192.0.2." in line for line in lines)
        assert 3 * (59 - found) - 2 <= lost <= 3 * (59 - found) + 2, (lost, found)
        glued = [line for line in lines if len(re.findall(r":\d\d,\d{3} ", line)) > 1]
        assert not glued
        assert "No space left" in (lab.dir / "stderr").read_text()
    finally:
        lab.stop()
        subprocess.run(["umount", disk], check=True)


@root
def test_socket_that_was_removed(lab):
    """A reload, which then is SIGHUP alone, makes it anew."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    shutil.rmtree(lab.socket.parent)
    assert lab.ctl("ping").returncode == 3
    lab.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: lab.ctl("ping").returncode == 0, 5, "the socket")
    assert lab.banned() == {"192.0.2.7"}
    assert lab.socket.stat().st_mode & 0o777 == 0o660


@root
def test_sighup_and_log_rotation(lab):
    lab.start()
    old = lab.children()["banner-engine"]
    lab.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: lab.children().get("banner-engine") not in (None, old))
    wait_for(lambda: lab.ctl("ping").returncode == 0)
    os.rename(lab.log, str(lab.log) + ".1")
    lab.ok("flushlogs")
    lab.ok("banip", "sshd", "192.0.2.7")
    lab.says("Ban 192.0.2.7")
    first, lab.log = lab.log, lab.dir / "other.log"
    lab.daemon_conf("purge_age = 1d")
    lab.ok("reload")
    wait_for(lambda: "the log goes on in" in first.read_text())
    wait_for(lambda: "all sources have read" in lab.logged(), 10)
    assert "another purge_age: that acts at the next start" in first.read_text()
    assert lab.ok("get", "logtarget").endswith(f"{lab.log}\n")
    assert "all sources" not in first.read_text().split("the log goes on")[1]



@root
def test_long_lists_come_in_slices():
    """More bans than are shown at a time, in two of three jails: nothing is left out, nor
    told twice, and the shapes are as of few."""
    with Lab(jails=("a", "b", "sshd"), action="null") as lab:
        lab.start()
        many = [f"10.{i >> 8}.{i & 255}.1" for i in range(5000)]
        for jail in ("a", "sshd"):
            for at in range(0, len(many), 1000):
                lab.ok("banip", jail, *many[at:at + 1000])
        lab.ok("banip", "sshd", "192.0.2.1")
        want = {"a": set(many), "b": set(), "sshd": {*many, "192.0.2.1"}}
        for told in (ast.literal_eval(lab.ok("banned")), [lab.ctl_json("banned")]):
            told = {jail: bans for part in told for jail, bans in part.items()}
            assert {jail: set(bans) for jail, bans in told.items()} == want
            assert sum(map(len, told.values())) == 10001
        for jail, bans in want.items():
            told = lab.ctl_json("status", jail)
            assert set(told["banned"]) == bans and len(told["banned"]) == len(bans)
            assert told["currently_banned"] == len(bans) and told["actions"]
        client = lab.dir / "fail2ban-client"
        client.symlink_to(BUILD / "banctl")
        told = subprocess.run([client, "-s", lab.socket, "status", "sshd"], check=True,
                              capture_output=True, text=True).stdout
        assert set(told.rsplit("list:\t", 1)[1].split()) == want["sshd"]
        assert "5001, see: banctl list sshd\n" in lab.ok("status", "sshd")
        lab.ok("unbanip", "10.0.1.1")
        assert "10.0.1.1" not in lab.banned("a") | lab.banned("sshd")


@root
def test_stop_unban_and_panic(lab):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    lab.ok("panic")
    lab.wait_routes()
    lab.fail("192.0.2.8", 3)
    wait_for(lambda: lab.banned() == {"192.0.2.7", "192.0.2.8"})
    assert lab.routes() == set()
    lab.ok("resume")
    lab.wait_routes("192.0.2.7", "192.0.2.8")
    lab.ok("stop", "--unban")
    assert lab.proc.wait(15) == 0
    lab.wait_routes()


@root
def test_panic_holds(lab):
    """Nothing but resume ends it: no crash, no reload, no other bannerd; and an engine that
    is just dead does not keep anybody from it."""
    ours = [f"192.0.2.{n}" for n in range(1, 101)]
    lab.start()
    lab.ok("banip", "sshd", *ours, "--wait")
    lab.kill("banner-engine")
    began = time.monotonic()
    lab.ok("panic")
    lab.wait_routes(seconds=1 - (time.monotonic() - began))
    for role in ("banner-engine", "banner-actor", "banner-store"):
        old = lab.kill(role)
        wait_for(lambda: lab.children().get(role) not in (None, old), 5, role)
        wait_for(lambda: lab.ctl_json("status")["caught_up"])
    old = lab.children()["banner-engine"]
    lab.ok("reload")
    wait_for(lambda: lab.children().get("banner-engine") not in (None, old))
    for sig in (signal.SIGTERM, signal.SIGKILL):
        lab.stop(sig)
        lab.start()
    lab.fail("203.0.113.1", 3)
    wait_for(lambda: lab.banned() == {*ours, "203.0.113.1"})
    time.sleep(0.5)
    assert lab.routes() == set() and lab.ctl_json("status")["panic"]
    lab.ok("resume")
    lab.wait_routes(*ours, "203.0.113.1")
    lab.stop()
    lab.start()
    lab.wait_routes(*ours, "203.0.113.1")
    assert lab.ctl("resume").returncode == 1


@root
@pytest.mark.parametrize("many", (False, True))
def test_panic_with_an_engine_that_hangs(lab, many):
    """bannerd itself takes everything out of force, also when so many wait for an answer
    that nobody can ask any more."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    hung = lab.kill("banner-engine", signal.SIGSTOP)
    waiting = []
    while many and len(waiting) < 100:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].settimeout(0.2)
        if waiting[-1].connect_ex(str(lab.socket)):
            break
    done = lab.ctl("panic")
    lab.wait_routes(seconds=1)
    assert done.returncode == 0 and "does not answer" in done.stderr, done
    assert "all bans are taken out of force" in done.stdout, done
    assert lab.children()["banner-engine"] != hung
    lab.fail("192.0.2.8", 3)
    wait_for(lambda: {"192.0.2.7", "192.0.2.8"} <= lab.banned())
    assert lab.routes() == set() and lab.ctl_json("status")["panic"]
    lab.ok("resume")
    lab.wait_routes("192.0.2.7", "192.0.2.8")
    assert not panic_file(lab).exists()
    for s in waiting:
        s.close()


def panic_file(lab):
    return lab.socket.with_name(lab.socket.name + ".panic")


@root
def test_panic_by_its_file(lab):
    """root's alone."""
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "--wait")
    made = lab.dir / "made"
    made.touch()
    os.chown(made, 65534, 65534)
    made.rename(panic_file(lab))
    time.sleep(0.3)
    assert not lab.ctl_json("status")["panic"] and lab.routes() == {"192.0.2.7"}
    panic_file(lab).unlink()
    panic_file(lab).touch()
    lab.wait_routes(seconds=2)
    wait_for(lambda: lab.ctl_json("status")["panic"])
    lab.ok("resume")
    lab.wait_routes("192.0.2.7")


def test_panic_is_asked_again(tmp_path):
    """The engine that hung had taken the question when bannerd ended it."""
    path = tmp_path / "sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        ctl = subprocess.Popen([str(BUILD / "banctl"), "-s", str(path), "panic"],
                               stdout=subprocess.PIPE, text=True)
        first, _ = listener.accept()
        wait_for(lambda: (tmp_path / "sock.panic").exists())
        first.close()
        again, _ = listener.accept()
        assert again.recv(100) == b"'panic'\n"
        again.sendall(b" done\nok\n")
        assert ctl.communicate(timeout=10)[0] == "done\n" and ctl.returncode == 0
        again.close()


@root
def test_never_banned(lab):
    lab.start()
    lab.fail("198.51.100.1", 5)
    for addr in ("198.51.100.1", "127.0.0.1", "255.255.255.255", "224.0.0.1", "0.0.0.0/0"):
        done = lab.ctl("banip", addr)
        assert done.returncode == 1 and done.stderr.strip(), addr
    assert lab.routes() == set()


@root
def test_an_address_of_ours_that_comes_later_is_released(lab):
    lab.start()
    lab.ok("banip", "sshd", "198.51.100.77", "--wait")
    lab.wait_routes("198.51.100.77")
    lab.ip("addr", "add", "198.51.100.77/32", "dev", "lo")
    wait_for(lambda: lab.banned() == set(), 2, "the ban to be lifted")
    lab.wait_routes(seconds=2)


@root
def test_foreign_flush_is_repaired(lab):
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7", "192.0.2.8", "--wait")
    lab.ip("route", "flush", "proto", "98")
    lab.wait_routes("192.0.2.7", "192.0.2.8")


@root
def test_whoever_waits_is_told_what_failed(lab):
    lab.jail("sshd", action="route\n  null[fail=100]")
    lab.start()
    done = lab.ctl("banip", "sshd", "192.0.2.7", "--wait")
    assert done.returncode == 1 and "not every action" in done.stderr
    assert "action null: 192.0.2.7 FAILED: Input/output error" in done.stdout
    done = lab.ctl("--json", "banip", "sshd", "192.0.2.8", "--wait")
    assert done.returncode == 1 and json.loads(done.stdout) == {"banned": 1}
    lab.wait_routes("192.0.2.7", "192.0.2.8")


@root
def test_explain_list_history(lab):
    lab.start()
    lab.fail("192.0.2.7", 2)
    wait_for(lambda: lab.ctl_json("status", "sshd")["total_failed"] == 2)
    assert "2" in lab.ok("explain", "192.0.2.7")
    lab.fail("192.0.2.7", 1)
    lab.wait_routes("192.0.2.7")
    text = lab.ok("explain", "192.0.2.7")
    assert "in force since" in text and "Failed password" in text
    ban, = lab.ctl_json("explain", "192.0.2.7")["bans"]
    assert [line["text"] in text for line in ban["lines"]] == [True] * 3, ban
    assert "192.0.2.7" in lab.ok("list")
    assert lab.ok("banned") == "[{'sshd': ['192.0.2.7']}]\n"
    assert lab.ok("get", "sshd", "banip") == "192.0.2.7\n"
    assert lab.ok("get", "sshd", "banned", "192.0.2.7") == "1\n"
    lab.stop()
    lab.start()
    assert "Failed password" in lab.ok("explain", "192.0.2.7"), "the store has the lines"
    row, = lab.ctl_json("explain", "192.0.2.7")["history"]
    assert len(row["lines"]) == 3 and row["ended_ms"] == 0, row
    assert lab.ok("unbanip", "sshd", "192.0.2.7") == "1 ban lifted\n"
    assert "ended" in lab.ok("history", "192.0.2.7")
    lab.stop()
    lab.start()
    assert "ended" in lab.ok("history", "sshd")


@root
def test_reload_of_one_jail_lifts_only_its_bans(lab):
    lab.jail("other", log=lab.dir / "other.log")
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7")
    lab.ok("banip", "other", "192.0.2.8")
    lab.ok("reload", "--unban", "other")
    wait_for(lambda: lab.banned() == {"192.0.2.7"})
    lab.ok("reload", "--unban", "--if-exists", "nosuch")
    wait_for(lambda: lab.ctl("ping").returncode == 0)
    assert lab.banned() == {"192.0.2.7"}
    # one that is refused lifts nothing
    lab.jail("other", maxretry="nonsense", log=lab.dir / "other.log")
    done = lab.ctl("reload", "--unban")
    assert done.returncode == 1 and "nothing was changed" in done.stderr, done
    assert done.stdout == "" and lab.banned() == lab.routes() == {"192.0.2.7"}
    lab.jail("other", log=lab.dir / "other.log")
    assert lab.ok("reload", "--unban") == "OK\n"
    wait_for(lambda: lab.banned() == set())


@root
def test_allow_list_at_run_time(lab):
    lab.start()
    lab.ok("set", "sshd", "addignoreip", "192.0.2.0/24")
    assert "192.0.2.0/24" in lab.ok("get", "sshd", "ignoreip")
    lab.fail("192.0.2.7", 5)
    time.sleep(0.3)
    assert lab.routes() == set()
    lab.ok("allow", "del", "sshd", "192.0.2.0/24")
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    assert "not here" in lab.ctl("allow", "add", "sshd", "file:/etc/hosts").stderr


@root
@pytest.mark.parametrize("how", ["file", "allow"])
def test_host_names_that_come_later_are_looked_up(lab, how):
    """A helper is started for them, after a reload too."""
    lab.hosts(friend_example=["192.0.2.7"])
    friends = lab.dir / "friends"
    friends.write_text("192.0.2.1\n")
    lab.jail("sshd", more=f"ignoreip = file:{friends}\n")
    lab.start()
    assert "banner-helper" not in lab.children()
    for again in (False, True):
        if how == "file" and not again:
            friends.write_text("192.0.2.1\nfriend.example\n")
        elif how == "file":
            lab.ok("reload")
        else:
            lab.ok("reload")
            lab.ok("allow", "add", "sshd", "friend.example")
        wait_for(lambda: "banner-helper" in lab.children())
        wait_for(lambda: len(re.findall("banner.helper .* ready", lab.logged())) > again)
        time.sleep(0.2)
        lab.fail("192.0.2.7", 3)
        lab.fail(f"192.0.2.{8 + again}", 3)
        wait_for(lambda: f"192.0.2.{8 + again}" in lab.banned())
        assert "192.0.2.7" not in lab.banned()


@root
def test_ipv6_counts_by_64(lab):
    lab.start()
    for i in range(3):
        lab.fail(f"2001:db8:1:2::{i + 1}")
    lab.wait_routes("2001:db8:1:2::/64")


@root
def test_check_and_doctor(lab):
    lab.start()
    assert lab.ok("check").startswith("route: pass\n")
    lab.wait_routes()
    assert lab.ok("doctor").endswith("nothing wrong found\n")


@root
def test_dry_run_changes_nothing(lab):
    lab.start("--dry-run")
    lab.fail("192.0.2.7", 3)
    wait_for(lambda: lab.banned() == {"192.0.2.7"})
    told = lab.dir / "state/dry-run/bans.log"
    wait_for(lambda: "NOTICE  [sshd] Ban 192.0.2.7" in told.read_text())
    assert lab.logged() == "", "the real log is not touched"
    assert lab.routes() == set()
    assert "banner-actor" not in lab.children()
    lab.ok("banip", "sshd", "192.0.2.99")
    lab.stop()
    lab.start()
    assert "192.0.2.99" not in lab.banned(), "nor is the real state"


def ask(lab, data, seconds=8):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(seconds)
        s.connect(str(lab.socket))
        s.sendall(data)
        got = b""
        try:
            while True:
                part = s.recv(65536)
                if not part:
                    return got, True
                got += part
                if re.search(rb"^(ok|error .*)\n", got, re.M) and not got.startswith(b" "):
                    return got, False
                if re.search(rb"^(ok|error .*)\n\Z", got, re.M):
                    return got, False
        except socket.timeout:
            return got, False


@root
def test_protocol(lab):
    lab.start()
    assert ask(lab, b"ping\n")[0] == b" Server replied: pong\nok\n"
    assert ask(lab, b"f2b ping\n")[0] == b" Server replied: pong\nok\n"
    assert ask(lab, b"'ping'\n")[0] == b" Server replied: pong\nok\n"
    assert ask(lab, b"nonsense\n")[0].startswith(b"error usage ")
    assert ask(lab, b"\n")[0].startswith(b"error usage ")
    assert ask(lab, b"'ping\n")[0].startswith(b"error usage ")
    assert ask(lab, b"banip sshd 300.1.1.1\n")[0].startswith((b"error ", b" "))
    for end in (b"", b"\n"):
        assert ask(lab, b"x" * 70000 + end)[0].startswith(b"error usage the request is too long")
    assert b"ok\n" in ask(lab, b"echo " + b"x" * 60000 + b"\n")[0]
    got, _ = ask(lab, b"pi", seconds=8)
    assert got.startswith(b"error usage ") and b"long" in got, "5 s to send a request"


@root
def test_many_clients_are_refused_kindly(lab):
    lab.start()
    held = []
    try:
        for _ in range(130):
            s = socket.socket(socket.AF_UNIX)
            s.connect(str(lab.socket))
            held.append(s)
        time.sleep(0.2)
        held[-1].settimeout(2)
        assert held[-1].recv(100).startswith(b"error busy")
    finally:
        for s in held:
            s.close()
    wait_for(lambda: lab.ctl("ping").returncode == 0)


@root
def test_others_may_not_connect_or_change(lab):
    lab.start()
    assert oct(lab.socket.stat().st_mode & 0o777) == "0o660"
    os.chmod(lab.dir, 0o755)
    os.chmod(lab.dir / "run", 0o755)
    # A copy, because the build folder may be closed to others.
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            shutil.copy(BUILD / "banctl", lab.dir), "-s", str(lab.socket)]
    done = subprocess.run(argv + ["ping"], capture_output=True, text=True)
    assert done.returncode == 3, done
    os.chmod(lab.socket, 0o666)
    assert subprocess.run(argv + ["ping"], capture_output=True).returncode == 0
    for words in (["banip", "192.0.2.7"], ["unban", "--all"], ["reload"], ["stop"],
                  ["panic"], ["allow", "add", "192.0.2.7"], ["set", "sshd", "banip", "1.2.3.4"]):
        done = subprocess.run(argv + words, capture_output=True, text=True)
        assert done.returncode == 1 and "may not change" in done.stderr, (words, done)
    assert lab.routes() == set()


def test_exit_codes_of_banctl():
    def run(*words):
        return subprocess.run([str(BUILD / "banctl"), *words], capture_output=True).returncode
    assert run() == 2
    assert run("--nonsense") == 2
    assert run("-s", "/nonexistent/x", "ping") == 3
    assert run("--version") == 0


@root
def test_a_second_daemon_is_refused(lab):
    lab.start()
    for words, said in ((["-f"], "another bannerd uses the state folder"),
                        ([], "another bannerd uses the state folder"),
                        (["--state", lab.dir / "other"], "another bannerd answers on"),
                        (["--dry-run"], "another bannerd answers on")):
        done = subprocess.run(lab.inside([BUILD / "bannerd", "-c", lab.dir, *words]),
                              capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and said in done.stderr, words
        lab.ok("ping")


@root
def test_in_the_background(lab):
    """It leaves the terminal when its socket is there; paths may be relative."""
    where = lab.dir.parent
    done = subprocess.run(
        lab.inside([BUILD / "bannerd", "-c", lab.dir.name, "--state",
                    f"{lab.dir.name}/other", "--socket", f"{lab.dir.name}/sock"]),
        cwd=where, timeout=10)
    assert done.returncode == 0
    lab.socket = lab.dir / "sock"
    lab.ok("reload")
    assert (lab.dir / "other" / "banner.sqlite3").exists()
    lab.ok("stop")
    wait_for(lambda: lab.logged().endswith("bannerd ended\n"), 10, "the end")


def test_a_report_that_cannot_be_written():
    with Lab(user=True) as lab, open("/dev/full", "w") as full:
        for word in ("-t", "--dump"):
            assert subprocess.run([BUILD / "bannerd", "-c", lab.dir, word], stdout=full,
                                  stderr=subprocess.PIPE).returncode == 1


def test_bad_configuration_is_told():
    with Lab(user=True) as lab:
        (lab.dir / "jails.d" / "bad.conf").write_text(
            "[bad]\nenabled = true\nfilter = nosuch\nlogpath = /x\n")
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"],
                              capture_output=True, text=True)
        assert done.returncode == 1
        assert "nosuch" in done.stdout and "bad.conf" in done.stdout
        assert "jail sshd: filter sshd, 1 rules" in done.stdout
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir / "none", "-t"],
                              capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.strip()
        assert subprocess.run([BUILD / "bannerd", "--nonsense"],
                              capture_output=True).returncode == 2


def test_refuses_to_start_when_nothing_can_run():
    with Lab(user=True) as lab:
        (lab.dir / "filters" / "sshd.conf").write_text("[Definition]\nfailregex = ([<HOST>\n")
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-f"],
                              capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and "no enabled jail can run" in done.stderr


def without_landlock():
    """This process, and what it becomes, gets ENOSYS for landlock_create_ruleset(2)."""
    code = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 444,
                       0x06, 0, 0, 0x00050000 | errno.ENOSYS, 0x06, 0, 0, 0x7fff0000)
    program = ctypes.create_string_buffer(code)
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0                  # no new privileges
    fprog = struct.pack("HxxxxxxP", 4, ctypes.addressof(program))
    assert libc.prctl(22, 2, fprog, 0, 0) == 0              # seccomp, a filter


def test_a_required_sandbox_that_the_kernel_lacks():
    with Lab(user=True, extra="sandbox = required") as lab:
        for options in (["-f"], ["-t"]):
            done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, *options],
                                  capture_output=True, text=True, timeout=10,
                                  preexec_fn=without_landlock)
            assert done.returncode == 1, options
            assert "sandbox = required, but there is only: no landlock" in \
                done.stdout + done.stderr


def test_unprivileged_in_a_user_namespace():
    with Lab(user=True, action="null") as lab:
        lab.start()
        lab.fail("192.0.2.7", 3)
        wait_for(lambda: lab.banned() == {"192.0.2.7"})
        lab.ok("unbanip", "192.0.2.7")
        assert lab.stop() == 0


@root
def test_idle_means_idle(lab):
    """No process wakes up while nothing happens (the parent's beat is once a minute)."""
    lab.start()
    time.sleep(1)

    def switches():
        total = 0
        for pid in list(lab.children().values()) + [lab.proc.pid]:
            with open(f"/proc/{pid}/status") as f:
                total += sum(int(l.split()[1]) for l in f
                             if l.startswith("voluntary_ctxt_switches"))
        return total

    def window():
        before = switches()
        time.sleep(3)
        return switches() - before
    # A busy machine may be late with what the start left to do, and whoever mounts
    # something, as other tests do, wakes who looks for logs.
    assert any(window() <= 6 for _ in range(8))


@root
def test_ignorecommand_and_names(lab):
    """The helper asks; log text never becomes part of a command."""
    script = lab.dir / "ask"
    script.write_text(f"#!/bin/sh\nprintf '%s|' \"$@\" >> {lab.dir}/asked\n"
                      "[ \"$1\" = 192.0.2.7 ]\n")
    script.chmod(0o755)
    os.chmod(lab.dir, 0o777)
    lab.jail("sshd", more=f"ignorecommand = {script} <ip> <F-USER>\n")
    lab.jail("names", log=lab.dir / "names.log", more="ignoreip = localhost\n")
    (lab.dir / "names.log").touch()
    lab.start()
    assert "banner-helper" in lab.children()
    lab.fail("192.0.2.7", 3, user="$(touch${IFS}/tmp/banner-pwned)")
    wait_for(lambda: (lab.dir / "asked").exists(), 5, "the command to run" + lab.logged())
    lab.fail("192.0.2.8", 3)
    lab.wait_routes("192.0.2.8")
    asked = (lab.dir / "asked").read_text()
    assert "192.0.2.7|$(touch${IFS}/tmp/banner-pwned)|" in asked, asked
    assert not os.path.exists("/tmp/banner-pwned")
    old = lab.kill("banner-helper")
    wait_for(lambda: lab.children().get("banner-helper") not in (None, old))
    lab.fail("192.0.2.9", 3)
    lab.wait_routes("192.0.2.8", "192.0.2.9")


def status_of(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@root
def test_rights_are_dropped(lab):
    """Users, capabilities, no_new_privs and seccomp of each process."""
    users = lab.make_accounts()
    lab.auth.chmod(0o600)
    lab.start()
    kids = lab.children()
    want = {"banner-engine": 1 << 2, "banner-store": 0, "banner-actor": 1 << 12}
    if not lab.built_with("bannerd", "libcap-ng"):
        want = {"banner-store": 0}      # who needs a capability stays who it is
    for role, caps in want.items():
        st = status_of(kids[role])
        assert st["Uid"].split()[0] == str(users["_banner"]), (role, st["Uid"])
        assert st["Gid"].split()[1] == str(users["_banner"])
        assert int(st["CapEff"], 16) == caps, (role, st["CapEff"])
        assert int(st["CapPrm"], 16) == caps
        if lab.built_with(role, "libseccomp"):
            assert st["NoNewPrivs"] == "1" and st["Seccomp"] == "2", (role, st)
    assert "runs as the user" not in lab.logged()
    assert lab.socket.stat().st_gid == 61000
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    old = lab.kill("banner-engine")
    wait_for(lambda: lab.children().get("banner-engine") not in (None, old))
    lab.fail("192.0.2.8", 3)
    lab.wait_routes("192.0.2.7", "192.0.2.8")
    lab.stop()
    lab.start()
    assert lab.banned() == {"192.0.2.7", "192.0.2.8"}


@root
def test_watch_shows_decisions(lab):
    lab.start()
    words = [BUILD / "banctl", "-s", lab.socket, "watch"]
    both = [subprocess.Popen(words + more, stdout=subprocess.PIPE)
            for more in ([], ["--json"])]
    try:
        time.sleep(1)
        lab.ok("banip", "sshd", "192.0.2.7")
        assert b"[sshd] Ban 192.0.2.7" in both[0].stdout.readline()
        told = json.loads(both[1].stdout.readline())
        assert told["text"] == "[sshd] Ban 192.0.2.7" and told["time_ms"] > 0, told
    finally:
        for watch in both:
            watch.kill()
            watch.communicate()


@root
def test_many_bans_at_once(lab):
    lab.start()
    addrs = [f"10.{a}.{b}.{c}" for a in range(4) for b in range(10) for c in range(1, 26)]
    begun = time.monotonic()
    for i in range(0, len(addrs), 250):
        lab.ok("banip", "sshd", *addrs[i:i + 250])
    wait_for(lambda: len(lab.routes()) == len(addrs), 20, "all routes")
    assert time.monotonic() - begun < 15
    text = lab.ok("status", "sshd")
    assert f"Currently banned:\t{len(addrs)}" in text
    lab.ok("unban", "--all")
    wait_for(lambda: not lab.routes(), 20, "no routes")


@root
def test_reload_with_another_action_clears_the_old_one(lab):
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    lab.jail("sshd", action="null")
    lab.ok("reload")
    lab.wait_routes()
    assert lab.banned() == {"192.0.2.7"}
    lab.jail("sshd", action="route[blocktype=unreachable]")
    lab.ok("reload")
    lab.wait_routes("192.0.2.7")
    assert "unreachable" in lab.ip("route", "show", "table", "all", "proto", "98")


@root
def test_a_jail_that_is_gone_bans_nobody(lab):
    other = lab.dir / "other.log"
    other.touch()
    lab.jail("other", log=other)
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.fail("192.0.2.8", 3, log=other)
    lab.wait_routes("192.0.2.7", "192.0.2.8")
    (lab.dir / "jails.d" / "other.conf").unlink()
    lab.ok("reload")
    lab.wait_routes("192.0.2.7")


@root
def test_resync_of_many_bans_in_slices(lab):
    """An actor that comes back is told 20,000 bans, while some of them change."""
    def addr(i):
        return f"10.0.{i >> 8 & 255}.{i & 255}"
    block = lab.dir / "block"
    block.write_text("".join(addr(i) + "\n" for i in range(20000)))
    lab.jail("sshd", more=f"blocklist = file:{block}\n")
    lab.start()
    wait_for(lambda: len(lab.routes()) == 20000, 30, "all routes")
    for role in ("banner-actor", "banner-engine", "banner-actor"):
        lab.ip("route", "flush", "proto", "98")
        old = lab.kill(role)
        wait_for(lambda: lab.children().get(role) not in (None, old))
        wait_for(lambda: lab.ctl("ping").returncode == 0)
        lab.ok("unbanip", addr(7), addr(19999))
        lab.ok("banip", "sshd", addr(7), "192.0.2.1", "--wait")
        wait_for(lambda: len(lab.routes()) == 20000, 30, "all routes again")
        assert addr(19999) not in lab.routes()
        lab.ok("unbanip", "192.0.2.1")
        lab.ok("banip", "sshd", addr(19999), "--wait")
