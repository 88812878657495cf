# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs on a network file system: sshfs on a real SFTP server, whose other side writes.

The kernel tells nothing of such changes, and the inode number there is that of the name:
a rotated file and its successor have the same.
"""
import os
import shutil
import socket
import subprocess
import time

import pytest

from lab import Lab, wait_for

SERVER = "/usr/lib/openssh/sftp-server"
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not shutil.which("sshfs")
    or not os.path.exists(SERVER), reason="needs root, /dev/fuse, sshfs, sftp-server")


@pytest.fixture
def remote(tmp_path):
    """(the folder as its server has it, as we see it)"""
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    a, b = socket.socketpair()
    with a, b:
        server = subprocess.Popen([SERVER], stdin=a, stdout=a)
        mount = subprocess.Popen(["sshfs", "-f", "-o", "passive,allow_other,dir_cache=no",
                                  f"server:{there}", here], stdin=b, stdout=b)
    try:
        wait_for(lambda: os.path.ismount(here), 10, "sshfs")
        yield there, here
    finally:
        subprocess.run(["umount", "-l", here], check=True)
        for p in (mount, server):
            p.terminate()
            p.wait(10)


def test_each_second(remote):
    there, here = remote
    log = there / "a.log"
    log.touch()
    with Lab(jails=()) as lab:
        lab.jail("sshd", log=here / "*.log", maxretry=4)
        lab.start()
        began = time.monotonic()
        lab.fail("192.0.2.1", 4, log=log)
        lab.wait_routes("192.0.2.1")
        assert time.monotonic() - began < 4
        # rename and create, with a late line in the old file
        lab.fail("192.0.2.2", 3, log=log)
        log.rename(there / "a.log.1")
        lab.fail("192.0.2.3", 3, log=log)
        lab.fail("192.0.2.2", 1, log=there / "a.log.1")
        lab.wait_routes("192.0.2.1", "192.0.2.2")
        lab.fail("192.0.2.3", 1, log=log)
        lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3")
        # a file that comes later, and one truncated in place
        lab.fail("192.0.2.4", 4, log=there / "b.log")
        log.write_text("")
        lab.fail("192.0.2.5", 4, log=log)
        wait_for(lambda: {"192.0.2.4", "192.0.2.5"} <= lab.routes(), 8)
        time.sleep(1.5)
        assert lab.logged().count("] Found ") == 20, lab.logged()
