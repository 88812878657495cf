# SPDX-License-Identifier: GPL-2.0-or-later
"""backend = stdin: a pipe into bannerd -f."""
import os
import subprocess
import time

import pytest

from lab import BUILD, Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

JAIL = """[{name}]
enabled = true
backend = stdin
filter = sshd
maxretry = {maxretry}
findtime = 10m
bantime = 1h
action = route
"""


def fail(pipe, addr, times=1):
    now = time.strftime("%b %e %H:%M:%S")
    for _ in range(times):
        os.write(pipe, f"{now} mail sshd[7]: Failed password for root from {addr} port 7 "
                 "ssh2\n".encode())


@pytest.fixture
def lab():
    with Lab(jails=()) as lab:
        lab.shipped("filters")
        (lab.dir / "jails.d" / "in.conf").write_text(
            JAIL.format(name="three", maxretry=3) + JAIL.format(name="six", maxretry=6))
        yield lab


def failed(lab, jail):
    return lab.ctl_json("status", jail)["total_failed"]


def test_two_jails_read_the_same_pipe(lab):
    """Also a new engine, whether the old one was killed or a reload replaced it."""
    out, pipe = os.pipe()
    lab.start(stdin=out)
    os.close(out)
    fail(pipe, "192.0.2.1", 2)
    wait_for(lambda: failed(lab, "three") == failed(lab, "six") == 2, 10, "two failures")
    assert lab.routes() == set()
    time.sleep(1)  # they are stored
    lab.kill("banner-engine")
    fail(pipe, "192.0.2.1", 2)
    lab.wait_routes("192.0.2.1", seconds=15)
    wait_for(lambda: lab.ctl("ping").returncode == 0, 10, "the new engine")
    lab.ok("reload")
    fail(pipe, "192.0.2.2", 3)
    lab.wait_routes("192.0.2.1", "192.0.2.2")
    os.write(pipe, b"the last line has no end")
    os.close(pipe)
    wait_for(lambda: "stdin: is gone: end of input" in lab.logged(), 10, "the end")
    assert "192.0.2.2" in lab.ok("status", "three")


def test_a_file_is_read_to_its_end(lab):
    log = lab.dir / "log"
    with open(log, "wb") as f:
        fail(f.fileno(), "192.0.2.1", 6)
    with open(log, "rb") as f:
        lab.start(stdin=f)
    lab.wait_routes("192.0.2.1")
    assert failed(lab, "six") == 6


def test_what_it_says(lab):
    done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"], capture_output=True,
                          text=True)
    assert "reads the standard input of bannerd -f" in done.stdout, done
    done = subprocess.run([BUILD / "bannerd", "-c", lab.dir], capture_output=True,
                          text=True, stdin=subprocess.PIPE)
    assert done.returncode == 1
    assert "backend = stdin, which there is with -f alone" in done.stderr, done
