# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/demo does its job, and the machine is the same before, after, and when cut off."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from lab import BUILD, TOP

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root for namespaces")


def machine():
    """What the demo must leave alone."""
    seen = {}
    for what in (["ip", "route", "show", "table", "all"], ["ip", "-6", "route"],
                 ["ip", "rule"], ["ip", "-o", "link"], ["findmnt", "-rno", "TARGET"],
                 ["nft", "list", "ruleset"]):
        lines = subprocess.run(what, capture_output=True, text=True).stdout.splitlines()
        seen[" ".join(what)] = [n for n in lines if not n.startswith("/run/netns")]
    for folder in ("/run", "/var/log"):
        seen[folder] = sorted(n for n in os.listdir(folder)
                              if not n.startswith("banner-lab-"))
    return seen


def listeners():
    out = subprocess.run(["ss", "-Hltun"], capture_output=True, text=True).stdout
    return {line.split()[4] for line in out.splitlines()}


def left_over():
    """Processes that still run a program of the demo."""
    out = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [a for a in out.splitlines() if "/run/demo/" in a]


def group_of(script):
    """The process group of the one that runs it."""
    out = subprocess.run(["ps", "-eo", "pgid=,args="], capture_output=True, text=True)
    pgid, = {int(n.split()[0]) for n in out.stdout.splitlines()
             if f"/{script} " in n and "unshare" not in n}
    return pgid


@pytest.fixture
def same_machine():
    before, ports = machine(), listeners()
    yield
    end = time.monotonic() + 5
    while left_over() and time.monotonic() < end:
        time.sleep(0.1)
    assert left_over() == []
    assert machine() == before
    assert listeners() - ports == set()


def demo():
    return subprocess.Popen([TOP / "scripts/demo", "-b", BUILD], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def test_demo(same_machine):
    text, _ = demo().communicate(timeout=180)
    for part in ("Failed password for root from 198.51.100.66",
                 "[sshd] Ban 198.51.100.66",
                 "blackhole 198.51.100.66 proto",
                 "Connection timed out",
                 "Banned IP list:\t198.51.100.66",
                 "in force since",
                 "[sshd] Unban 198.51.100.66",
                 "nothing of it is left"):
        assert part in text, text
    if shutil.which("dovecot"):
        assert "[dovecot] Ban 2001:db8:bad:1::/64" in text, text
        assert "blackhole 2001:db8:bad:1::/64" in text, text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_cut_off(same_machine, number):
    """In the middle of it: by ^C, which all on the terminal get, or one process by force."""
    show = demo()
    for line in show.stdout:
        if " Ban " in line:
            break
    else:
        pytest.fail("no ban")
    assert left_over() != []
    assert group_of("show.py") != show.pid, "^C is not for the show"
    if number == signal.SIGINT:
        os.killpg(show.pid, number)
    else:
        show.send_signal(number)
    show.communicate(timeout=10)
    assert show.returncode == (-9 if number == signal.SIGKILL else 128 + number)
