# SPDX-License-Identifier: GPL-2.0-or-later
"""fail2ban's action files, run by the exec action, against the shell lines that the tests
of the installed fail2ban package expect for its stock set-ups. They are read from there
when this runs; nothing of them is kept here.

In place of the shell stands a program that writes down what it was given, so no firewall
is touched; it is mounted over /bin/sh in the namespace of the lab alone.
"""
import ast
import hashlib
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from lab import BUILD, wait_for
from test_f2b_folder import FolderLab

PACKAGED = Path("/etc/fail2ban")
TESTS = Path("/usr/lib/python3/dist-packages/fail2ban/tests/servertestcase.py")
ADDRESS = {"ip4": "192.0.2.1", "ip6": "2001:db8::"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not TESTS.is_file(),
                                reason="needs root and the fail2ban package")

# A check says no, so that everything is started as on a fresh machine.
FAKE_SHELL = """#!/bin/bash
printf '%s\\n\\0' "$2" >>{dir}/ran
sum=$(printf %s "$2" | md5sum)
! grep -q "^${{sum%% *}}" {dir}/checks
"""


def expectations():
    """[(jail, action, {phase: lines})] of testCheckStockCommandActions."""
    warnings.simplefilter("ignore")         # escapes that Python will refuse one day
    for node in ast.walk(ast.parse(TESTS.read_text())):
        if isinstance(node, ast.FunctionDef) and \
                node.name == "testCheckStockCommandActions":
            for part in node.body:
                if isinstance(part, ast.Assign) and \
                        part.targets[0].id == "testJailsActions":
                    return eval(compile(ast.Expression(part.value), str(TESTS), "eval"),
                                {"os": os})
    raise AssertionError("the package's test looks different now")


class StockLab(FolderLab):
    def __init__(self, setups):
        super().__init__(PACKAGED)
        for path in (self.dir / "jail.d").iterdir():
            path.unlink()
        text = "[DEFAULT]\nbackend = auto\nusedns = no\n"
        for jail, action, _ in setups:
            action = action.replace("\n", "\n ")
            text += (f"[{jail}]\nenabled = true\nfilter = sshd\nlogpath = {self.auth}\n"
                     f"action = {action}\n")
        (self.dir / "jail.local").write_text(text)
        with open(self.dir / "banner.conf", "a") as conf:
            conf.write("native = no\n")
        shell = self.dir / "shell"
        shell.write_text(FAKE_SHELL.format(dir=self.dir))
        shell.chmod(0o755)
        self.ran = self.dir / "ran"
        self.ran.touch()
        self.plain = self.inside
        self.inside = self.with_shell
        (self.dir / "checks").write_text("".join(
            hashlib.md5(text.encode()).hexdigest() + "\n" for text in self.checks()))

    def checks(self):
        done = subprocess.run([BUILD / "bannerd", "-c", self.dir, "--dump"], check=True,
                              capture_output=True, text=True)
        found, inside = [], False
        for line in done.stdout.splitlines():
            if line.startswith("option actioncheck"):
                found.append(line.partition(" = ")[2])
                inside = True
            elif inside and line.startswith("    |"):
                found[-1] += "\n" + line[6:]
            else:
                inside = False
        return [text.strip() for text in found if text.strip()]

    def with_shell(self, argv):
        return self.plain(["/bin/bash", "-c", f"mount --bind {self.dir}/shell "
                           + os.path.realpath("/bin/sh") + ' && exec "$@"', "bash", *argv])

    def lines(self):
        """The shell lines since the last take(), as the package's test logs them."""
        text = self.ran.read_text().replace("\0", "")
        return "".join(f" `{line}`\n" for line in text.splitlines())

    def take(self):
        text = self.lines()
        self.ran.write_text("")
        return text


def missing(text, wanted):
    return [line for line in wanted if line not in text]


def check_family(lab, jail, tests, family, problems):
    other = "ip6" if family == "ip4" else "ip4"

    def look(phase, text, wanted, unwanted=()):
        for line in missing(text, wanted):
            problems.append(f"{jail} {phase} {family}: not run: {line}\n{text}")
        for line in unwanted:
            if line in text:
                problems.append(f"{jail} {phase} {family}: run: {line}\n{text}")

    both = tests.get("*-start-stop-check", ())
    start = (tests.get("*-start", both) + tests[family + "-start"]
             if family + "-start" in tests else ())
    check = tests[family + "-check"] if family + "-check" in tests else ()
    lab.ok("set", jail, "banip", ADDRESS[family], "--wait")
    text = lab.take()
    # what the other family starts is started by it alone
    look("ban", text, start + tests[family + "-ban"],
         tests[other] + tests.get(other + "-start", ()))
    if check and start:
        look("check", text, check)
    lab.ok("set", jail, "unbanip", ADDRESS[family])
    wait_for(lambda: not missing(lab.lines(), tests[family + "-unban"]), 5,
             f"{jail} unban {family}: {tests[family + '-unban']}\n{lab.lines()}")
    look("unban", lab.take(), (), tests[other])


def test_stock_actions_run_as_their_own_tests_expect():
    setups = expectations()
    assert len(setups) >= 20
    with StockLab(setups) as lab:
        lab.start()
        problems = []
        at_start = [line for _, _, tests in setups for line in tests.get("start", ())]
        wait_for(lambda: not missing(lab.lines(), at_start), 5,
                 f"{at_start} to run\n{lab.lines()}")
        text = lab.take()
        for jail, _, tests in setups:
            if "start" not in tests and "ip4-start" in tests:
                for line in tests["ip4-start"] + tests["ip6-start"]:
                    if line in text:
                        problems.append(f"{jail}: started too early: {line}")
        for jail, _, tests in setups:
            for family in ADDRESS:
                check_family(lab, jail, tests, family, problems)
        for i, (jail, _, _) in enumerate(setups):
            for family in ADDRESS.values():
                lab.ok("set", jail, "banip", family, "--wait")
        lab.take()
        lab.ok("stop", "--unban")
        lab.proc.wait(20)
        text = lab.take()
        for jail, _, tests in setups:
            both = tests.get("*-start-stop-check", ()) if "stop" in tests else ()
            for phase, wanted in (("flush", tests.get("flush", ())),
                                  ("stop", both + tests.get("stop", ()))):
                for line in missing(text, wanted):
                    problems.append(f"{jail} {phase}: not run: {line}")
        assert not problems, "\n".join(problems) + "\n" + lab.logged()[-2000:]


def test_fake_shell_stays_inside():
    assert not Path(os.path.realpath("/bin/sh")).read_bytes().startswith(b"#!"), \
        "the shell of this machine was replaced"
    assert shutil.which("sh")
