# SPDX-License-Identifier: GPL-2.0-or-later
"""Lists in files, ignoreip = file:PATH and blocklist = file:PATH, while bannerd runs."""
import os

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


def replace(path, text):
    """As careful programs write: a new file, renamed over the old one."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.rename(path)


def test_blocklist_follows_its_file(lab):
    block = lab.dir / "block"
    block.write_text("# bad ones\n192.0.2.1\n192.0.2.2  seen often\nnonsense\n"
                     "127.0.0.1\n")
    lab.jail("sshd", more=f"blocklist = file:{block}\n")
    lab.start()
    lab.wait_routes("192.0.2.1", "192.0.2.2")
    assert "3 entries, 1 not understood, 1 refused" in lab.logged()
    with open(block, "a") as f:
        f.write("2001:db8:1::/48\n")
    lab.wait_routes("192.0.2.1", "192.0.2.2", "2001:db8:1::/48")
    replace(block, "192.0.2.2\n192.0.2.3\n")
    lab.wait_routes("192.0.2.2", "192.0.2.3")
    block.unlink()
    wait_for(lambda: "stays in force" in lab.logged())
    assert lab.routes() == {"192.0.2.2", "192.0.2.3"}
    block.write_text("192.0.2.3\n")
    lab.wait_routes("192.0.2.3")
    old = lab.kill("banner-engine")
    wait_for(lambda: lab.children().get("banner-engine") not in (None, old))
    replace(block, "192.0.2.4\n")
    lab.wait_routes("192.0.2.4")


def test_allow_list_follows_its_file(lab):
    allow = lab.dir / "allow"
    allow.write_text("192.0.2.0/28\n")
    lab.jail("sshd", more=f"ignoreip = file:{allow} 198.51.100.200\n")
    lab.start()
    lab.fail("192.0.2.7", 3)
    lab.fail("192.0.2.77", 3)
    lab.wait_routes("192.0.2.77")
    replace(allow, "192.0.2.64/26\n")
    lab.wait_routes()                   # an entry added releases what it covers
    lab.fail("192.0.2.7", 3)
    lab.fail("198.51.100.200", 3)
    lab.wait_routes("192.0.2.7")


def test_the_file_is_a_link_that_is_turned(lab):
    """As configuration management does: a folder per version, a link to it."""
    for name, addr in (("v1", "192.0.2.1"), ("v2", "192.0.2.2")):
        (lab.dir / name).mkdir()
        (lab.dir / name / "block").write_text(addr + "\n")
    os.symlink("v1", lab.dir / "current")
    os.symlink("current/block", lab.dir / "block")
    lab.jail("sshd", more=f"blocklist = file:{lab.dir}/block\n")
    lab.start()
    lab.wait_routes("192.0.2.1")
    os.symlink("v2", lab.dir / "next")
    os.rename(lab.dir / "next", lab.dir / "current")
    lab.wait_routes("192.0.2.2")


def test_a_list_that_comes_later(lab):
    block = lab.dir / "lists" / "block"
    lab.jail("sshd", more=f"blocklist = file:{block}\n")
    lab.start()
    assert "No such file" in lab.logged()
    block.parent.mkdir()
    block.write_text("192.0.2.1\n")
    lab.wait_routes("192.0.2.1")
    assert lab.logged().count("No such file") == 1
