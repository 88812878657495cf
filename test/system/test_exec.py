# SPDX-License-Identifier: GPL-2.0-or-later
"""banner-actor with the exec action: action files' commands, and words for execve."""
import errno
import os
import re
import shutil
import subprocess
import time

import pytest

from harness import Drive
from lab import Lab, wait_for


def spec(label="x", /, **options):
    parts = [label, "exec", ""]
    for key, value in options.items():
        value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
        key = key.replace("=", "\x02")
        parts.append(f"{key}={value}".replace(",", "\x01"))
    return ",".join(parts)


def actor(*specs):
    d = Drive("banner-actor", ["0"], actions=specs)
    d.engine()
    d.empty(1)
    return d


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def said(d):
    return [r[2] for r in d.seen if r[0] == "log" and int(r[1]) <= 1]


def gone(pid):
    try:
        stat = open(f"/proc/{pid}/stat", encoding="ascii").read()
    except FileNotFoundError:
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "Z"


def test_order_and_tags(tmp_path):
    log = tmp_path / "log"
    d = actor(spec(
        actionstart=f"echo start >>{log}", actionstop=f"echo stop >>{log}",
        actionban=f"echo ban <ip> <family> <failures> <bantime> <bancount> <restored>"
                  f" <ip-rev> <time> <F-USER>. >>{log}",
        actionunban=f"echo unban <ip> >>{log}"))
    d.send("ban", 0, 1, "192.0.2.1", "since=5000", "until=65000", "failures=4",
           "field=user:bob")
    d.expect("done", 0, 1, 0, "", 0)
    d.ban(0, 2, "2001:db8::1", "jail=b")
    d.unban(0, 1, "192.0.2.1")
    assert lines(log) == [
        "start", "ban 192.0.2.1 inet4 4 60 1 0 1.2.0.192. 5 bob.",
        "ban 2001:db8::1 inet6 3 -1 1 0 " + "1." + "0." * 23 + "8.b.d.0.1.0.0.2. 1 .",
        "unban 192.0.2.1"]
    assert d.stop() == 0
    assert "stop" not in lines(log)     # bans stay in force


HOSTILE = [
    "$(touch {w})", "`touch {w}`", "; touch {w} #", "\n touch {w}\n", "' touch {w} '",
    "\" ; touch {w} \"", "&& touch {w}", "| touch {w}", "> {w}", "\\\"; touch {w}",
    "${{IFS}}touch${{IFS}}{w}", "\r touch {w}", "<matches>", "<ip>", "~!touch {w}", "*",
    "%n$0", "f2bV_matches=x", "-e x", "\x1b[2J",
]


def test_hostile_text(tmp_path):
    """What an attacker writes into a log reaches the command, and never the shell."""
    witness, log = tmp_path / "w", tmp_path / "log"
    d = actor(spec(
        actionban=f'printf "%s\\0" "<matches>" "<F-USER>" "<matches>" >>{log}',
        actionunban='printf "%s" <F-USER> "<F-USER>" >/dev/null'))
    want = b""
    for i, text in enumerate(HOSTILE, 1):
        text = text.format(w=witness)
        d.ban(0, i, f"192.0.2.{i}", f"line=a {text}", f"field=user:{text}")
        want += b"\0".join([f"a {text}".encode(), text.encode(),
                            f"a {text}".encode()]) + b"\0"
        d.unban(0, i, f"192.0.2.{i}")
    d.ban(0, 999, "id:" + HOSTILE[0].format(w=witness))
    assert not witness.exists()
    assert log.read_bytes().startswith(want)
    assert d.stop() == 0


def test_words(tmp_path):
    """argv_ban runs without a shell: every value stays one word."""
    prog, log = tmp_path / "prog", tmp_path / "log"
    prog.write_text(f'#!/bin/sh\nfor a; do printf "[%s]" "$a"; done >>{log}\n')
    prog.chmod(0o755)
    d = actor(spec(argv_ban=f'{prog} add <ip> "two words" <F-USER>',
                   argv_unban=f"{prog} del <ip>"))
    d.ban(0, 1, "192.0.2.1", "field=user:a b;$(c)\n*")
    assert log.read_text() == "[add][192.0.2.1][two words][a b;$(c)\n*]"
    assert d.stop() == 0


def test_two_jails_one_command(tmp_path):
    """The same commands for two jails: one ban, one unban, no error."""
    place = tmp_path / "entry"
    same = dict(actionban=f"mkdir {place}-<ip>", actionunban=f"rmdir {place}-<ip>")
    d = actor(spec("x", name="a", **same), spec("x", name="b", **same))
    d.ban(0, 1, "192.0.2.1", "jail=a")
    d.ban(1, 2, "192.0.2.1", "jail=b")
    d.unban(0, 1, "192.0.2.1", "jail=a")
    assert (tmp_path / "entry-192.0.2.1").exists()
    d.unban(1, 2, "192.0.2.1", "jail=b")
    assert not (tmp_path / "entry-192.0.2.1").exists()
    assert d.stop() == 0


def test_hanging_command(tmp_path):
    """It is ended with its group, and delays no other instance."""
    pid = tmp_path / "pid"
    d = actor(spec("slow", actionban=f"sleep 60 & echo $! >{pid}; wait", timeout="1",
                   actionunban="true"),
              spec("quick", actionban="true", actionunban="true"))
    start = time.monotonic()
    d.send("ban", 0, 1, "192.0.2.1")
    d.ban(1, 2, "192.0.2.2")
    assert time.monotonic() - start < 0.9
    d.expect("done", 0, 1, 0, "", 110)
    child = pid.read_text().strip()

    wait_for(lambda: gone(child))
    d.kill()


def test_check_and_restart(tmp_path):
    """Somebody removed the surroundings: they are made again, and so are all bans."""
    log, chain = tmp_path / "log", tmp_path / "chain"
    d = actor(spec(
        actionstart=f"mkdir {chain}; echo start >>{log}",
        actionstop=f"rm -rf {chain}; echo stop >>{log}",
        actioncheck=f"test -d {chain}",
        actionban=f"echo ban <ip> >>{log}; mkdir {chain}/<ip>",
        actionunban=f"rmdir {chain}/<ip>"))
    for i in 1, 2:
        d.ban(0, i, f"192.0.2.{i}")
    for entry in chain.iterdir():
        entry.rmdir()
    chain.rmdir()
    d.ban(0, 3, "192.0.2.3")
    wait_for(lambda: sorted(p.name for p in chain.iterdir()) ==
         ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    assert lines(log).count("start") == 2
    assert d.stop() == 0


def test_adopts_what_is_there(tmp_path):
    """A new process finds the work of the last one and does nothing twice."""
    log, chain = tmp_path / "log", tmp_path / "chain"
    s = spec(actionstart=f"mkdir {chain} && echo start >>{log}",
             actioncheck=f"test -d {chain}", actionban=f"mkdir {chain}/<ip>",
             actionunban=f"rmdir {chain}/<ip>")
    d = actor(s)
    d.ban(0, 1, "192.0.2.1")
    d.kill()
    d = Drive("banner-actor", ["0"], actions=[s])
    d.send("engine")
    d.send("begin", 1)
    d.send("ban", 0, 1, "192.0.2.1", "restored")
    d.send("complete", 1)
    d.expect("done", 0, 1, 0, "", 0)
    assert lines(log) == ["start"]
    assert not [r for r in d.seen if r[0] == "log" and int(r[1]) <= 1]
    assert d.stop() == 0


def test_norestored_and_families(tmp_path):
    log = tmp_path / "log"
    d = actor(spec(**{
        "norestored": "1", "actionban": f"echo four <ip> >>{log}", "actionunban": "",
        "actionban?family=inet6": f"echo six <ip> >>{log}"}))
    d.ban(0, 1, "192.0.2.1", "restored")
    d.ban(0, 2, "2001:db8::2")
    # Nothing takes it back, so it is a message: each jail's ban sends one.
    d.ban(0, 3, "2001:db8::2", "jail=other")
    assert lines(log) == ["six 2001:db8::2"] * 2
    assert d.stop() == 0


def test_prolong_and_flush(tmp_path):
    log = tmp_path / "log"
    d = actor(spec(actionban=f"echo ban <bantime> >>{log}", actionunban=f"echo un >>{log}",
                   actionprolong=f"echo longer <bantime> >>{log}",
                   actionflush=f"echo flush >>{log}", actionstop=f"echo stop >>{log}"))
    d.ban(0, 1, "192.0.2.1", "until=61000")
    d.send("prolong", 0, 1, "192.0.2.1", "until=121000")
    wait_for(lambda: "longer 120" in lines(log))
    d.send("flush", 0)
    d.expect("done", 0, 1, 1, "", 0)
    assert d.stop() == 0
    assert lines(log) == ["ban 60", "longer 120", "flush", "stop"]


def test_failure_is_told_and_tried_again(tmp_path):
    flag = tmp_path / "flag"
    d = actor(spec(actionban=f"echo no luck; test -e {flag}", actionunban="true"))
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", 5)
    d.says("no luck")
    flag.touch()
    d.expect("done", 0, 1, 0, "", 0)
    assert d.stop() == 0


def test_first_output_of_a_command_that_fails():
    d = actor(spec(actionban="i=0; while [ $i -lt 500 ]; do printf '123456789 '; "
                             "i=$((i+1)); done; false", actionunban="true"))
    d.send("ban", 0, 1, "192.0.2.1")
    d.says("it said: " + "123456789 " * 204 + "12345678")      # 2048 bytes
    assert d.stop() == 0


def test_start_with_the_jail(tmp_path):
    log = tmp_path / "log"
    d = actor(spec(actionstart=f"echo start >>{log}", actionban="true",
                   actionunban="true"))
    d.send("jail", 0, "sshd", 1)
    wait_for(lambda: lines(log) == ["start"])
    assert d.stop() == 0


@pytest.mark.parametrize("command", [
    "yes", "trap '' TERM; while :; do sleep 0.1; done", "exec <&- >&- 2>&-; sleep 60",
    "trap '' TERM; (sleep 60 & echo $! >{0}); exec yes",
    "(trap '' TERM; exec sleep 60) & echo $! >{0}; wait"])
def test_ends_at_the_time_limit(tmp_path, command):
    """Whatever it does: writes for ever, ignores the signal, closes its streams."""
    child = tmp_path / "child"
    d = actor(spec(actionban=command.format(child), actionunban="true", timeout="0.5"))
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", errno.ETIMEDOUT)
    d.says("timed out, killed")
    assert "timed out, killed" in said(d)[0]
    if child.exists():
        wait_for(lambda: gone(int(child.read_text())))
    d.kill()


@pytest.mark.parametrize("command", [
    "head -c 1000000000 /dev/zero", "head -c 3000000 /dev/zero >&2", "exec <&-",
    "sleep 5 & true", "exec >&- 2>&-", "read x; test -z \"$x\""])
def test_is_waited_for_alone(command):
    """A gigabyte of output is read; a child that keeps the pipe open is not waited for."""
    d = actor(spec(actionban=command, actionunban="true"))
    d.ban(0, 1, "192.0.2.1")
    assert d.stop() == 0


def test_reload_is_told_once(tmp_path):
    """The same command for both families is one, actionstart and actionreload alike."""
    log = tmp_path / "log"
    d = actor(spec(actionstart=f"echo start >>{log}", actionreload=f"echo reload >>{log}",
                   actionban=f"echo ban >>{log}", actionunban="true"))
    d.send("ban", 0, 1, "192.0.2.1")
    d.send("ban", 0, 2, "2001:db8::1")
    d.expect("done", 0, 1, 0, "", 0)
    d.expect("done", 0, 2, 0, "", 0)
    d.send("jail", 0, "sshd", 1)
    d.ban(0, 3, "192.0.2.3")
    assert lines(log) == ["start", "ban", "ban", "reload", "ban"]
    assert d.stop() == 0


@pytest.mark.parametrize("options,err,text", [
    ({"argv_ban": "/nonexistent/program <ip>"}, errno.ENOENT, "no such command"),
    ({"actionban": "no-such-program <ip>"}, errno.ENOENT, "no such command"),
    ({"argv_ban": "/etc/passwd <ip>"}, errno.EACCES, "Permission denied"),
    ({"actionban": "/etc/passwd <ip>"}, errno.EACCES, "Permission denied"),
    ({"argv_ban": "/bin/false <ip>"}, errno.EIO, "exit code or signal"),
    ({"actionban": "kill -9 $$"}, errno.EIO, "exit code or signal"),
])
def test_cannot_be_run(options, err, text):
    d = actor(spec(**options))
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", err)
    d.says(text)
    assert text in said(d)[0]
    d.kill()


@pytest.mark.parametrize("words", ['/bin/true "<ip>', "/bin/true " + "x " * 200])
def test_words_that_cannot_be_split(words):
    """They are refused, never run in part."""
    d = actor(spec(argv_ban=words))
    d.says("quote has no pair")
    assert "quote has no pair" in said(d)[0]
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", errno.ENOTCONN)
    d.kill()


def test_start_fails(tmp_path):
    """No ban without it; it is tried again with the ban."""
    log, flag = tmp_path / "log", tmp_path / "flag"
    d = actor(spec(actionstart=f"echo start >>{log}; test -e {flag}",
                   actionban=f"echo ban >>{log}", actionunban="true"))
    d.send("ban", 0, 1, "192.0.2.1")
    d.expect("done", 0, 1, 0, "", errno.EIO)
    d.says("actionstart failed")
    assert lines(log) == ["start"] and "actionstart failed" in said(d)[0]
    flag.touch()
    d.expect("done", 0, 1, 0, "", 0)
    assert lines(log) == ["start", "start", "ban"]
    assert d.stop() == 0


@pytest.mark.parametrize("repair", [True, False])
def test_repair(tmp_path, repair):
    """The surroundings are gone: actionrepair if there is one, else stop and start; then
    the command once again and, once each, what was in force before."""
    log, chain = tmp_path / "log", tmp_path / "chain"
    options = dict(
        actionstart=f"mkdir {chain} && echo start >>{log}", actioncheck=f"test -d {chain}",
        actionstop=f"rm -rf {chain}; echo stop >>{log}",
        actionban=f"mkdir {chain}/<ip> && echo ban <ip> >>{log}",
        actionreban=f"mkdir {chain}/<ip> && echo reban <ip> >>{log}",
        actionunban=f"rmdir {chain}/<ip>")
    if repair:
        options["actionrepair"] = f"mkdir {chain} && echo repair >>{log}"
    d = actor(spec(**options))
    for i in 1, 2:
        d.ban(0, i, f"192.0.2.{i}")
    before = lines(log)
    shutil.rmtree(chain)
    d.ban(0, 3, "192.0.2.3")
    wait_for(lambda: len(list(chain.iterdir())) == 3)
    assert d.stop() == 0
    *repaired, one, two = lines(log)[len(before):]
    assert repaired == (["repair"] if repair else ["stop", "start"]) + ["ban 192.0.2.3"]
    assert {one, two} == {"reban 192.0.2.1", "reban 192.0.2.2"}
    assert len(said(d)) == 1            # of the command that found it


def test_many_that_wait(tmp_path):
    """A restart with many bans: little memory for those that wait, and no slower for it."""
    log = tmp_path / "log"
    d = actor(spec(actionban=f"echo <ip> >>{log}", actionunban="true"))
    pid = int(subprocess.run(["pgrep", "-P", str(d.p.pid)], check=True, text=True,
                             capture_output=True).stdout)
    d.send("begin", 2)
    d.send("bulk", 0, 1, 50000, "10.0.0.0")
    d.send("complete", 2)
    d.expect("done", 0, 100, 0, "", 0, timeout=30)
    rss = re.search(r"VmRSS:\s*(\d+)", open(f"/proc/{pid}/status", encoding="ascii").read())
    assert int(rss[1]) < 50000 or Lab.built_with("banner-actor", "libasan")
    assert lines(log)[:100] == [f"10.0.0.{i}" for i in range(100)]
    d.kill()


DIRS = """[Definition]
actionstart = echo start >>{0}/cmds
actionstop = echo stop >>{0}/cmds
actioncheck = grep -q start {0}/cmds
actionban = sleep 0.03; mkdir {0}/place/<ip>
actionunban = rmdir {0}/place/<ip>
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")
@pytest.mark.parametrize("flush", [
    "", "actionflush = rmdir {0}/place/*; echo flush >>{0}/cmds\n"])
@pytest.mark.parametrize("early", [True, False])
def test_stop_unban(flush, early):
    """Every ban is taken back before the end, also when most are not even applied; and
    an ordinary stop takes back none."""
    addrs = [f"192.0.2.{i}" for i in range(1, 41)]
    with Lab(jails=()) as lab:
        place, cmds = lab.dir / "place", lab.dir / "cmds"
        place.mkdir()
        (lab.dir / "actions/dirs.conf").write_text((DIRS + flush).format(lab.dir))
        lab.jail("a", action="dirs")
        lab.start()
        lab.ok("banip", "a", "203.0.113.1", "--wait")
        lab.stop()
        assert [p.name for p in place.iterdir()] == ["203.0.113.1"]
        lab.start()
        lab.ctl("banip", "a", *addrs)
        if not early:
            wait_for(lambda: len(list(place.iterdir())) == 41, 20)
        lab.ok("stop", "--unban")
        assert lab.proc.wait(20) == 0
        assert not list(place.iterdir()), lab.logged()[-2000:]
        assert lines(cmds)[-1] == "stop" and (not flush or "flush" in lines(cmds))
        assert "ERROR" not in lab.logged()


def test_flush_and_on(tmp_path):
    """After a flush that was no end (panic, resume) an end is an ordinary one."""
    log = tmp_path / "log"
    d = actor(spec(actionban=f"echo ban >>{log}", actionunban="true",
                   actionflush=f"echo flush >>{log}", actionstop=f"echo stop >>{log}"))
    d.ban(0, 1, "192.0.2.1")
    d.send("flush", 0)
    d.expect("done", 0, 1, 1, "", 0)
    d.ban(0, 2, "192.0.2.1")
    assert d.stop() == 0
    assert lines(log) == ["ban", "flush", "ban"]
