# SPDX-License-Identifier: GPL-2.0-or-later
"""The real logrotate, while a program writes: each line counts, and counts once."""
import os
import shutil
import subprocess
import time

import pytest

from lab import Lab, wait_for

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not LOGROTATE,
                                reason="needs root and logrotate")
LINES, EACH = 3000, 200


def line(i):
    """Two failures of each address; the jail allows three."""
    return (f"{time.strftime('%b %e %H:%M:%S')} host sshd[1]: Failed password for root "
            f"from 10.0.{i // 2 >> 8}.{i // 2 & 255} port {i} ssh2\n")


def rotate(lab, how):
    conf, state = lab.dir / "rotate.conf", lab.dir / "rotate.state"
    conf.write_text(f"{lab.auth} {{\nrotate 50\n{how}\n}}\n")
    done = subprocess.run([LOGROTATE, "-f", "-s", state, conf], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr


def failed(lab):
    return lab.ctl_json("status", "sshd")["total_failed"]


@pytest.mark.parametrize("how", ["create", "create\ncompress", "copytruncate\ncompress",
                                 "copy"])
def test_rotation(how):
    with Lab() as lab:
        os.chmod(lab.dir, 0o755)
        lab.start()
        log = open(lab.auth, "a")
        for i in range(LINES):
            log.write(line(i))
            if i % 20 == 19:
                log.flush()
            if i % EACH == EACH - 1:
                # what is packed before anybody opened or read it is lost by nature
                if "compress" in how:
                    seen = i + 1 if "copy" in how else i - 20
                    wait_for(lambda n=seen: failed(lab) >= n, 20)
                rotate(lab, how)
            # until then its lines go into the old file
            if i % EACH == 40:
                log.close()
                log = open(lab.auth, "a")
        log.close()
        wait_for(lambda: failed(lab) >= LINES, 20, "all lines")
        assert failed(lab) == LINES
        assert not lab.banned() and "lines were lost" not in lab.logged()
