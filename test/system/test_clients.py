# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients of the control socket at once, and such that ask and do not read: the
daemon goes on deciding, answers the others, and its memory stays bounded."""
import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from lab import BUILD, Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
CAP = 128 << 20         # REPLIES_BYTES in client.h
BANS = 50000


@pytest.fixture
def lab():
    with Lab(extra="hold = no\n") as one:
        yield one


def resident(lab):
    text = Path(f"/proc/{lab.children()['banner-engine']}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) << 10


def connect(lab):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(str(lab.socket))          # waits while the backlog is full
    s.settimeout(20)
    return s


def test_hundred_at_once(lab):
    lab.start()
    argv = [BUILD / "banctl", "-s", lab.socket, "status", "sshd"]
    procs = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
             for _ in range(100)]
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7")
    for p in procs:
        out, err = p.communicate(timeout=60)
        assert p.returncode == 0 and b"Status for the jail: sshd" in out, err


def many_bans(lab):
    """So many, with so long addresses, that a list of them is large; action null."""
    for i in range(0, BANS, 1000):
        addrs = [f"2001:db8:{n:x}:1111:2222:3333:4444:5555" for n in range(i, i + 1000)]
        lab.ok("banip", "big", *addrs)


def test_who_does_not_read(lab):
    lab.jail("big", action="null", log=lab.dir / "none.log")
    lab.start()
    many_bans(lab)
    before = resident(lab)
    # a list waits for its reader
    lists = [connect(lab) for _ in range(30)]
    for i, s in enumerate(lists):
        s.sendall((b"list big\n", b"banned\n", b"json status big\n")[i % 3] * 20)
    assert lab.ok("ping")
    time.sleep(0.5)
    assert resident(lab) - before < 32 << 20
    assert " 0 given up unread" in lab.ok("status")
    # all other replies wait whole
    slow = [connect(lab) for _ in range(45)]
    for s in slow:
        s.sendall(b"get big banip --with-time\n" * 20)
    began = time.monotonic()
    lab.fail("192.0.2.7", 3)
    lab.wait_routes("192.0.2.7", seconds=20)
    assert lab.ok("ping")
    took = time.monotonic() - began
    assert took < 15, took
    grown = resident(lab) - before
    # what is being rendered, and copied, lies beside what waits
    assert grown < CAP + (64 << 20), f"{grown >> 20} MiB"
    assert re.search(r"control:.* [1-9]\d* given up unread", lab.ok("status"))
    # one that reads slowly, and asks on meanwhile, gets everything
    for last, word in ((slow[-1], b" 2001:"), (lists[-3], b" in force"),
                       (lists[-2], b"'2001:"), (lists[-1], b'"2001:')):
        seen = b""
        while seen.count(b"\nok\n") < 2:
            seen += last.recv(1 << 20)
        assert seen.count(word) >= 2 * BANS
    for s in slow + lists:
        s.close()
    wait_for(lambda: json.loads(lab.ok("--json", "status"))["caught_up"])


@pytest.mark.parametrize("asked", ["banip 192.0.2.1 192.0.2.2\nping\nhistory\nping\n",
                                   "history\n", "ping\nlist", "nonsense\n", ""])
def test_who_asks_no_more_still_reads(lab, asked):
    """The whole request, then the end of what is written, as socat and nc -N do it."""
    lab.start()
    with connect(lab) as s:
        s.sendall(asked.encode())
        s.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    ends = [line for line in said.splitlines() if not line.startswith(" ")]
    assert [e.split()[0] for e in ends] == \
        ["error" if line == "nonsense" else "ok" for line in asked.split("\n")[:-1]], said
    clients = [c for c in lab.ctl_json("status")["caps"] if c["name"] == "clients"]
    assert clients[0]["now"] == 1       # who asks this
