# SPDX-License-Identifier: GPL-2.0-or-later
"""Log folders that are replaced while the engine sits in its sandbox."""
import os
import resource
import subprocess

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab(jails=()) as one:
        (one.dir / "logs").mkdir()
        yield one


def sandboxed(lab):
    return "landlock" in lab.logged()


def fresh(lab):
    return lab.logged().count("a fresh engine takes over")


def test_folder_made_anew(lab):
    for name, glob in (("plain", "app.log"), ("many", "*.txt")):
        lab.jail(name, log=lab.dir / "logs" / glob)
    (lab.dir / "logs" / "app.log").touch()
    lab.start()
    if not sandboxed(lab):
        pytest.skip("no Landlock here")
    lab.fail("192.0.2.1", 3, log=lab.dir / "logs" / "app.log")
    lab.wait_routes("192.0.2.1")
    os.rename(lab.dir / "logs", lab.dir / "old")
    (lab.dir / "logs").mkdir()
    lab.fail("192.0.2.2", 3, log=lab.dir / "logs" / "app.log")
    lab.fail("192.0.2.3", 3, log=lab.dir / "logs" / "a.txt")
    lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3", seconds=20)
    assert fresh(lab) == 1
    lab.fail("192.0.2.4", 3, log=lab.dir / "logs" / "b.txt")
    lab.wait_routes(*(f"192.0.2.{i}" for i in range(1, 5)))
    assert fresh(lab) == 1


def test_glob_alone_in_a_folder_made_anew(lab):
    lab.jail("many", log=lab.dir / "logs" / "*.txt")
    lab.start()
    if not sandboxed(lab):
        pytest.skip("no Landlock here")
    (lab.dir / "logs").rmdir()
    (lab.dir / "logs").mkdir()
    lab.fail("192.0.2.3", 3, log=lab.dir / "logs" / "a.txt")
    lab.wait_routes("192.0.2.3", seconds=20)
    assert fresh(lab) == 1


def test_link_to_another_folder(lab):
    (lab.dir / "logs" / "real.log").touch()
    os.symlink("logs/real.log", lab.dir / "link.log")
    lab.jail("sshd", log=lab.dir / "link.log")
    elsewhere = lab.dir / "elsewhere"
    elsewhere.mkdir()
    lab.start()
    if not sandboxed(lab):
        pytest.skip("no Landlock here")
    (elsewhere / "x").touch()
    os.symlink("elsewhere/x", lab.dir / "new")
    os.rename(lab.dir / "new", lab.dir / "link.log")
    lab.fail("192.0.2.3", 3, log=elsewhere / "x")
    lab.wait_routes("192.0.2.3", seconds=20)


def test_no_permission_is_no_reason(lab):
    """A file that may not be read does not lead to one engine after another."""
    link = lab.dir / "logs" / "a.log"
    os.symlink(lab.auth, link)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    lab.jail("linked", log=link)
    lab.jail("sshd")
    lab.start()
    engine = lab.children()["banner-engine"]
    lab.says("a link of another user")
    lab.fail("192.0.2.3", 3)
    lab.wait_routes("192.0.2.3")
    assert lab.children()["banner-engine"] == engine and fresh(lab) == 0
    assert lab.logged().count("a link of another user") == 1


def test_more_logs_than_descriptors_are_usual(lab):
    """A glob with a log for each host, where a process has 1,024 descriptors at first."""
    folder = lab.dir / "hosts"
    folder.mkdir()
    logs = [folder / f"host{i}.log" for i in range(1500)]
    for log in logs:
        log.touch()
    lab.jail("sshd", maxretry=1, action="null", log=folder / "*.log")
    was = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, was[1]))
    try:
        lab.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, was)
    for i, log in enumerate(logs):
        lab.fail(f"10.0.{i // 250}.{i % 250}", log=log)
    wait_for(lambda: len(lab.banned()) == len(logs), 20)
    assert "Too many open files" not in lab.logged()


def test_mounted_over():
    """What inotify does not tell: another file system takes the place of the folder."""
    with Lab(jails=(), extra="sandbox = off") as lab:
        log = lab.dir / "logs" / "app.log"
        log.parent.mkdir()
        log.touch()
        lab.jail("plain", log=log)
        lab.start()
        lab.fail("192.0.2.1", 3, log=log)
        lab.wait_routes("192.0.2.1")
        want = ["192.0.2.1"]
        for addr in ("192.0.2.2", "192.0.2.3"):
            lines = log.read_text().replace("192.0.2.1 ", f"{addr} ")
            subprocess.run(["nsenter", "-t", str(lab.proc.pid), "-m", "sh", "-c",
                            f"mount -t tmpfs none {log.parent} && cat > {log}"],
                           input=lines, text=True, check=True)
            want.append(addr)
            lab.wait_routes(*want, seconds=10)
