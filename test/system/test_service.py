# SPDX-License-Identifier: GPL-2.0-or-later
"""bannerd as a service: sd_notify, the watchdog, syslog and the journal as log targets,
the admin group."""
import os
import socket
import stat
import subprocess
import time

import pytest

from lab import BUILD, Lab, wait_for

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.fixture
def lab():
    with Lab() as one:
        yield one


def listen(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(str(path))
    os.chmod(path, 0o777)
    s.settimeout(5)
    return s


def drain(s, seconds):
    got, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            got.append(s.recv(65536).decode(errors="replace"))
        except socket.timeout:
            break
    return got


@root
def test_tells_systemd(lab, monkeypatch):
    with listen(lab.dir / "notify") as s:
        monkeypatch.setenv("NOTIFY_SOCKET", str(lab.dir / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        lab.start()
        got = drain(s, 1.5)
        assert any(m.startswith("READY=1") for m in got), got
        assert 3 <= got.count("WATCHDOG=1") <= 6, got
        lab.ok("reload")
        got = "\n".join(drain(s, 1))
        assert "RELOADING=1\nMONOTONIC_USEC=" in got and "READY=1" in got, got
        lab.stop()
        assert "STOPPING=1" in "\n".join(drain(s, 0.5))


@root
def test_a_process_that_hangs_is_replaced(lab, monkeypatch):
    """The beat that feeds the watchdog also finds a child that stands still."""
    with listen(lab.dir / "notify"):
        monkeypatch.setenv("NOTIFY_SOCKET", str(lab.dir / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        lab.start()
        lab.ok("banip", "sshd", "192.0.2.7", "--wait")
        old = lab.kill("banner-engine", 19)     # SIGSTOP
        wait_for(lambda: lab.children().get("banner-engine") not in (None, old), 30)
        wait_for(lambda: lab.ctl("ping").returncode == 0)
        assert lab.banned() == {"192.0.2.7"}


def log_to(lab, target):
    conf = lab.dir / "banner.conf"
    conf.write_text(conf.read_text().replace(f"log = {lab.log}", f"log = {target}"))
    lab.start()
    lab.ok("banip", "sshd", "192.0.2.7")


@root
def test_log_to_syslog(lab):
    """A /dev of its own, in which log is ours."""
    dev = lab.dir / "dev"
    dev.mkdir()
    for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
        os.mknod(dev / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    with listen(dev / "log") as s:
        lab.mounts["/dev"] = dev
        log_to(lab, "SYSLOG")
        got = drain(s, 1)
        assert any("[sshd] Ban 192.0.2.7" in m for m in got), got
        assert all(m.startswith("<") for m in got), got


@root
def test_log_to_the_journal(lab):
    where = "/run/systemd"
    if not os.path.isdir(where):
        pytest.skip("nothing to mount over: no " + where)
    (lab.dir / "systemd/journal").mkdir(parents=True)
    with listen(lab.dir / "systemd/journal/socket") as s:
        lab.mounts[where] = lab.dir / "systemd"
        log_to(lab, "SYSTEMD-JOURNAL")
        got = "\n".join(drain(s, 1))
        assert "[sshd] Ban 192.0.2.7" in got and "PRIORITY=" in got, got


@root
def test_admin_group(lab):
    """A member may change things, another user of the socket may only look."""
    lab.daemon_conf("admin-group = daemon\n")
    for folder in (lab.dir, lab.dir / "run"):
        os.chmod(folder, 0o755)
    lab.start()
    os.chmod(lab.socket, 0o666)

    def run(gid, *words):
        argv = ["setpriv", "--reuid=65534", f"--regid={gid}", "--clear-groups",
                str(BUILD / "banctl"), "-s", str(lab.socket), *words]
        return subprocess.run(argv, capture_output=True, text=True)
    if run(65534, "--version").returncode:
        pytest.skip("the build folder is closed to others")
    assert run(65534, "status").returncode == 0
    done = run(65534, "banip", "192.0.2.7")
    assert done.returncode == 1 and "may not change" in done.stderr
    done = run(1, "banip", "sshd", "192.0.2.7")
    assert done.returncode == 0, done
    lab.wait_routes("192.0.2.7")
    assert "nobody (pid" in lab.logged() or "uid 65534" in lab.logged(), lab.logged()
