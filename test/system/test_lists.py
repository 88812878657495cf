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
    lab.says("3 entries, 1 not understood, 1 refused")
    with open(block, "a") as f:
        f.write("2001:db8:1::/48\n")
    lab.wait_routes("192.0.2.1", "192.0.2.2", "2001:db8:1::/48")
    replace(block, "192.0.2.2\n192.0.2.3\n")
    lab.wait_routes("192.0.2.2", "192.0.2.3")
    block.unlink()
    lab.says("stays in force")
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
    lab.says("No such file")
    block.parent.mkdir()
    block.write_text("192.0.2.1\n")
    lab.wait_routes("192.0.2.1")
    assert lab.logged().count("No such file") == 1


def test_a_folder_of_the_path_is_a_link(lab):
    for name, addr in (("v1", "192.0.2.1"), ("v2", "192.0.2.2")):
        (lab.dir / name).mkdir()
        (lab.dir / name / "block").write_text(addr + "\n")
    (lab.dir / "lists").mkdir()
    os.symlink("../v1", lab.dir / "lists" / "current")
    lab.jail("sshd", more=f"blocklist = file:{lab.dir}/lists/current/block\n")
    lab.start()
    lab.wait_routes("192.0.2.1")
    os.symlink("../v2", lab.dir / "lists" / "next")
    os.rename(lab.dir / "lists" / "next", lab.dir / "lists" / "current")
    lab.wait_routes("192.0.2.2")


def test_a_ban_that_the_list_has_for_a_while(lab):
    """It ends when it would have ended, not never."""
    block = lab.dir / "block"
    block.write_text("")
    lab.jail("sshd", bantime="6s", more=f"blocklist = file:{block}\n")
    lab.start()
    for addr in "192.0.2.1", "192.0.2.2":
        lab.fail(addr, 3)
    lab.wait_routes("192.0.2.1", "192.0.2.2")
    replace(block, "192.0.2.1\n192.0.2.2\n")
    wait_for(lambda: lab.ok("list").count("for ever") == 2)
    replace(block, "192.0.2.2\n")
    wait_for(lambda: lab.ok("list").count("for ever") == 1)
    old = lab.kill("banner-engine")
    wait_for(lambda: lab.children().get("banner-engine") not in (None, old))
    lab.wait_routes("192.0.2.2", seconds=15)
    replace(block, "")
    lab.wait_routes()


def test_a_list_that_is_none(lab):
    """Neither waited for nor read into memory; its mistakes are named."""
    block, allow = lab.dir / "block", lab.dir / "allow"
    os.mkfifo(block)
    allow.write_text(f"# {'x' * 3000} 192.0.2.1\n192.0.2.0/240\n192.0.2.2 {'x' * 3000}\n")
    lab.jail("sshd", more=f"blocklist = file:{block}\nignoreip = file:{allow}\n")
    lab.start()
    lab.says(f"blocklist {block}: not a regular file")
    lab.says(f'{allow}:2: found "192.0.2.0/240", expected an address')
    lab.says(f"ignoreip {allow}: 2 entries")
    block.unlink()
    with open(block, "w") as f:
        f.truncate(1 << 30)
    lab.says(f"blocklist {block}: File too large")
    replace(block, "192.0.2.1\n192.0.2.2\n\n#\n300.0.0.1\nx\n")
    lab.wait_routes("192.0.2.1")
    lab.says(f'{block}:5: found "300.0.0.1"')
    lab.says("other lines are wrong, too")
