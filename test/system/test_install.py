# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/install into another root: what it finds, writes, says, and takes away."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lab import BUILD, TOP, wait_for
from machine import ATTACKER, Machine, cannot

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make users")
INSTALL = TOP / "scripts/install"


@pytest.fixture
def machine(tmp_path):
    """A root with sshd and its log, Dovecot without a log, and no Postfix."""
    for folder in ("etc", "usr/sbin", "var/log"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("passwd", "group", "shadow", "gshadow"):
        lines = Path("/etc", name).read_text().splitlines(True)
        (tmp_path / "etc" / name).write_text(
            "".join(n for n in lines if not re.match("_?banner", n)))
    shutil.copy("/etc/login.defs", tmp_path / "etc")
    for name in ("sshd", "dovecot"):
        (tmp_path / "usr/sbin" / name).touch()
    (tmp_path / "var/log/auth.log").write_text("a line\n")
    return tmp_path


def tree(root):
    return sorted(str(p.relative_to(root)) for p in root.rglob("*"))


def install(root, *options, env=None):
    done = subprocess.run([INSTALL, "-b", BUILD, "--root", root, *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env={**os.environ, "SSH_CONNECTION": "", **(env or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_install_and_uninstall(machine):
    before = tree(machine)
    said = install(machine)
    assert re.search(r"jail sshd: reads \S*/var/log/auth\.log, last line \d+ seconds ago",
                     said)
    found = (machine / "etc/banner/jails.d/00-found.local").read_text()
    assert re.findall(r"^\[(.*)\]", found, re.M) == ["sshd"]
    users = (machine / "etc/passwd").read_text()
    for user in ("_banner", "_bannerssh", "_bannermail"):
        assert re.search(rf"^{user}:.*nologin$", users, re.M)
    assert re.search("^banner:", (machine / "etc/group").read_text(), re.M)
    assert (machine / "var/lib/banner").stat().st_mode & 0o777 == 0o700
    assert (machine / "usr/libexec/banner/actions/route.so").exists()
    assert "98\tbanner" in (machine / "etc/iproute2/rt_protos.d/banner.conf").read_text()
    uninstall = [INSTALL, "--uninstall", "--root", machine]
    own = machine / "etc/banner/jails.d/mine.local"
    own.write_text("[sshd]\nmaxretry = 4\n")
    subprocess.run(uninstall, check=True)
    assert own.exists() and not (machine / "usr/sbin/bannerd").exists()
    install(machine)
    subprocess.run([*uninstall, "--purge"], check=True)
    left = [n for n in set(tree(machine)) - set(before) if "banner" in n]
    assert left == []
    assert "banner" not in (machine / "etc/passwd").read_text()
    assert subprocess.run(uninstall, capture_output=True).returncode == 1


@pytest.mark.skipif(cannot() is not None, reason=str(cannot()))
def test_installed_programs_work(tmp_path):
    """On a whole machine, without systemd: what was installed is all that is used."""
    with Machine(tmp_path / "m") as m:
        m.path("/var/log/auth.log").touch()
        before = m.changes()
        assert "jail sshd: reads /var/log/auth.log" in m.ok(INSTALL, "-b", BUILD)
        assert "action route: route: plugin route" in m.ok("bannerd", "-t")
        m.path("/etc/banner/jails.d/bad.local").write_text("[sshd]\naction = nothing\n")
        assert "nothing" in m.run("bannerd", "-t").stdout
        m.path("/etc/banner/jails.d/bad.local").unlink()
        golden = TOP / "test/filters/sshd.log"
        assert re.search(r"Lines: .* [1-9]\d* matched", m.ok("banregex", golden, "sshd"))
        assert "_banctl" in m.ok("bash", "-c", "banctl completion bash")
        assert m.path("/usr/share/bash-completion/completions/banctl.bash").exists()
        pages = [(p.suffix[1:], p.stem) for p in TOP.glob("docs/man/*")]
        pages += [("7", "banner-" + p.stem) for p in TOP.glob("actions/*/*.7")]
        for page in pages:
            assert m.run("man", "-w", *page).returncode == 0, page
        use(m)
        # Also when it is not there to lift its bans itself.
        m.run("pkill", "-KILL", "-x", "bannerd")
        wait_for(lambda: m.run("pgrep", "-f", "libexec/banner").returncode == 1)
        assert m.routes() != ""
        m.ok(INSTALL, "--uninstall", "--purge")
        assert m.routes() == ""
        assert not m.path("/run/banner").exists()
        left = m.changes() - before
        assert [n for n in left if not os.path.exists(n)] == []
        for name in ("passwd", "group", "shadow", "subuid"):
            assert m.path(f"/etc/{name}").read_text() == Path("/etc", name).read_text()


def use(m):
    """A ban, what can be asked about it, and its end, by the installed programs."""
    m.cable()
    m.ok("bannerd")
    wait_for(lambda: m.run("banctl", "ping").returncode == 0)
    with open(m.path("/var/log/auth.log"), "a") as log:
        for i in range(5):
            log.write(f"{time.strftime('%b %e %H:%M:%S')} victim sshd[{100 + i}]: Failed "
                      f"password for root from {ATTACKER} port {4000 + i} ssh2\n")
    wait_for(lambda: f"blackhole {ATTACKER}" in m.routes())
    assert ATTACKER in m.ok("banctl", "status", "sshd")
    assert "in force since" in m.ok("banctl", "explain", ATTACKER)
    assert m.run("banctl", "doctor").returncode == 0
    m.ok("banctl", "check")
    m.ok("banctl", "unbanip", ATTACKER)
    wait_for(lambda: m.routes() == "")
    m.ok("banctl", "banip", ATTACKER, "--wait")


def test_this_session_is_offered(machine):
    where = {"SSH_CONNECTION": "192.0.2.77 50000 192.0.2.1 22"}
    assert "--ignore 192.0.2.77" in install(machine, env=where)
    found = machine / "etc/banner/jails.d/00-found.local"
    assert "192.0.2.77" not in found.read_text()
    install(machine, "--ignore", "192.0.2.77", env=where)
    assert "ignoreip = 127.0.0.1/8 ::1 192.0.2.77\n" in found.read_text()


def test_what_was_said_once_stays_said(machine):
    """A second installation neither forgets who is never banned, nor loses an edit."""
    install(machine, "--ignore", "192.0.2.77")
    shipped = machine / "etc/banner/banner.conf"
    text = shipped.read_text()
    shipped.write_text(text + "#edited\n")
    said = install(machine, "--ignore", "2001:db8::1")
    found = (machine / "etc/banner/jails.d/00-found.local").read_text()
    assert "ignoreip = 127.0.0.1/8 ::1 192.0.2.77 2001:db8::1\n" in found
    saved = machine / "etc/banner/banner.conf.saved"
    assert "banner.conf was edited; saved as banner.conf.saved" in said
    assert saved.read_text() == text + "#edited\n" and shipped.read_text() == text
    saved.unlink()
    assert "edited" not in install(machine) and not saved.exists()
    shipped.write_text("#edited again\n")
    subprocess.run([INSTALL, "--uninstall", "--root", machine], check=True)
    assert saved.read_text() == "#edited again\n" and not shipped.exists()


def test_commands_relax_the_unit(machine):
    drop_in = machine / "etc/systemd/system/bannerd.service.d/exec.conf"
    install(machine)
    assert not drop_in.exists()
    actions = machine / "etc/banner/actions"
    (actions / "tell.conf").write_text("[Definition]\nactionban = /bin/true <ip>\n")
    own = machine / "etc/banner/jails.d/mine.local"
    own.write_text("[sshd]\naction = tell\n")
    assert "unit: less strict, for actions of exec" in install(machine)
    assert drop_in.exists()
    own.write_text("[dovecot-login]\nenabled = true\n")
    assert "unit: less strict, for actions of login" in install(machine)
    assert not drop_in.exists() and drop_in.with_name("network.conf").exists()
    own.unlink()
    install(machine)
    assert not drop_in.with_name("network.conf").exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_units(machine):
    """systemd understands every line of the units, and likes what they give up."""
    install(machine)
    units = machine / "usr/lib/systemd/system"
    for folder in ("sysinit.target", "basic.target", "shutdown.target", "network.target",
                   "timers.target", "nss-lookup.target", "multi-user.target",
                   "time-sync.target", "time-set.target"):
        (units / folder).write_text("[Unit]\nDescription=a stand-in\n")
    (machine / "bin").mkdir(exist_ok=True)
    for name in ("kill", "true"):
        shutil.copy("/bin/" + name, machine / "bin" / name)
    for name in ("bannerd.service", "banner-expire.service", "banner-expire.timer"):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--root", machine, name],
            capture_output=True, text=True)
        ours = [n for n in done.stderr.splitlines() if "banner" in n]
        assert ours == [], done.stderr
    for name in ("bannerd.service", "banner-expire.service"):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true",
                               "--no-pager", "--root", machine, "--threshold=23", name],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
