# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command with --json: one value on one line, each member named in
banner-control(7), numbers as numbers."""
import json
import os
import re
import select
import subprocess

import pytest

from lab import BUILD, TOP, Lab

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")

BAN = {"id": int, "jail": str, "subject": str, "since_ms": int, "until_ms": int,
       "failures": int, "count": int}
NUMBERS = re.compile(r"(_ms|_us|_bytes)$|^(now|most|gone|lines|tracked|bans|applied|failed"
                     r"|waiting|in_force|repaired|conflicts|refused|line|counted|maxretry)$")

# the words, and the value: a type, a text, or what each member is of
ASKED = [
    ("ping", "pong"), ("version", str), ("echo a b", "a b"), ("help", [{"name": str}]),
    ("status", {"jails": list, "banned": int, "caps": list, "hosts": list,
                "panic": bool, "caught_up": bool}),
    ("status sshd", {"jail": str, "banned": list, "sources": list, "uncounted": dict,
                     "actions": list, "leaks": int}),
    ("stats", [{"jail": str, "tracked": int, "bans": int}]),
    ("list", [{**BAN, "state": str, "manual": bool}]), ("list manual", []),
    ("banned", {"sshd": list}), ("banned 192.0.2.7 192.0.2.8", [["sshd"], []]),
    ("history", [{**BAN, "ended_ms": int, "cause": str}]),
    ("explain 192.0.2.7", {"subject": str, "bans": [BAN], "jails": list, "banned": bool,
                           "history": list}),
    ("doctor", [{"finding": str, "wrong": bool, "text": str}]),
    ("check", [{"action": str, "pass": bool}]), ("fleet", []),
    ("banip 192.0.2.9", {"banned": 1}), ("banip 192.0.2.9", {"banned": 0}),
    ("unbanip 192.0.2.9", {"unbanned": 1}), ("unban 192.0.2.9", {"unbanned": 0}),
    ("allow list", []), ("allow add 192.0.2.99", {"entry": "192.0.2.99", "jails": 2}),
    ("allow del sshd 192.0.2.99", []),
    ("get sshd bantime", 3600), ("get sshd maxretry", 3), ("get sshd usedns", "no"),
    ("get sshd ignoreself", True), ("get sshd logtimezone", None),
    ("get sshd actions", ["route"]), ("get sshd datepattern", []),
    ("get sshd journalmatch", []), ("get sshd failregex", [str]),
    ("get sshd logpath", [str]), ("get sshd banip", ["192.0.2.7"]),
    ("get sshd banned", ["192.0.2.7"]), ("get sshd banned 192.0.2.7 192.0.2.8", [True, False]),
    ("get sshd ignoreip", []), ("get loglevel", "INFO"), ("get dbpurgeage", int),
    ("get dbfile", str), ("get logtarget", str),
    ("set sshd bantime 2h", 7200), ("set sshd maxretry 3", 3), ("set loglevel INFO", "INFO"),
    ("set sshd attempt 192.0.2.66", 1), ("set sshd addignoreip 192.0.2.70", ["192.0.2.70"]),
    ("sync", "OK"), ("panic", "OK"), ("resume", "OK"), ("stop sshd", "OK"),
    ("start sshd", "OK"), ("flushlogs", "OK"), ("reload --confirm 5m", "OK"),
    ("confirm", "OK"), ("reload", "OK"), ("completion bash", str), ("stop", "OK"),
]


def fits(value, want):
    if isinstance(want, type):
        return type(value) is want
    if isinstance(want, dict):
        return isinstance(value, dict) and all(
            k in value and fits(value[k], v) for k, v in want.items())
    if isinstance(want, list) and want and isinstance(want[0], (dict, type)):
        return isinstance(value, list) and value and all(fits(v, want[0]) for v in value)
    return value == want and type(value) is type(want)


def members(value):
    """All names with their values, but those that are jails."""
    if isinstance(value, list):
        return [m for v in value for m in members(v)]
    if not isinstance(value, dict):
        return []
    return list(value.items()) + [m for v in value.values() for m in members(v)]


def test_every_command():
    page = (TOP / "docs/man/banner-control.7").read_text()
    page = page[page.index(".Ss JSON"):page.index(".Ss Rights")]
    told = set(re.findall(r"\b[a-z0-9_]+\b", page))
    with Lab() as lab:
        lab.start()
        lab.fail("192.0.2.7", 3)
        lab.wait_routes("192.0.2.7")
        for words, want in ASKED:
            done = lab.ctl("--json", *words.split())
            assert done.returncode == 0 and not done.stderr, (words, done)
            assert done.stdout.count("\n") == 1, (words, done)
            value = json.loads(done.stdout)
            assert fits(value, want), (words, value)
            for name, v in members(value) if words != "banned" else []:
                assert name in told, (words, name)
                assert not NUMBERS.search(name) or isinstance(v, (int, list)), (words, name)
        asked = {words.split()[0] for words, _ in ASKED}
        names = re.findall(r"^(\w+)", subprocess.run(
            [BUILD / "banctl", "help"], capture_output=True, text=True).stdout, re.M)
        assert set(names) - asked == {"watch", "restart"}


def test_watch():
    with Lab() as lab:
        lab.start()
        watch = subprocess.Popen([BUILD / "banctl", "-s", lab.socket, "--json", "watch"],
                                 stdout=subprocess.PIPE, text=True)
        try:
            # others fail until it listens
            while not select.select([watch.stdout], [], [], 0.3)[0]:
                lab.fail("192.0.2.8", 1)
            lab.fail("192.0.2.7", 3)
            told = (e for e in map(json.loads, watch.stdout)
                    if e["subject"] == "192.0.2.7")
            seen = [next(told) for _ in range(4)]
            assert [e["event"] for e in seen] == ["found"] * 2 + ["found", "ban"]
            assert {e["jail"] for e in seen} == {"sshd"}
            lab.ok("unbanip", "192.0.2.7")
            assert next(told)["event"] == "unban"
        finally:
            watch.kill()
            watch.wait()


def test_errors_leave_no_half_value():
    with Lab() as lab:
        lab.start()
        for words in ("nonsense", "status nosuch", "explain", "banip 1.2.3",
                      "get sshd nosuch", "banip 192.0.2.7 --time never", "unbanip 192.0.2.8",
                      "set sshd nosuch 1", "check nosuch", "list nosuch", "completion fish"):
            done = lab.ctl("--json", *words.split())
            assert done.returncode in (1, 2) and done.stdout == "", (words, done)
            assert done.stderr.startswith("banctl: "), (words, done)
