# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/deps brings packages, and no service: not now, and not at the next boot."""
import shutil
import subprocess

import pytest

from lab import TOP
from machine import Machine, cannot

pytestmark = [
    pytest.mark.skipif(cannot() is not None, reason=str(cannot())),
    pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="not a Debian")]

DEPS = TOP / "scripts/deps"
POLICY = "/usr/sbin/policy-rc.d"
# What apt-get would bring: a package with a service, started and enabled as Debian does.
CONTROL = """Package: dovecot-imapd
Version: 99
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: a stand-in
"""
POSTINST = """#!/bin/sh
set -e
systemctl enable standin.service standin.timer 2> /dev/null
if invoke-rc.d --query standin start; then touch /started; fi
"""
UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
TIMER = "[Timer]\nOnBootSec=1\n[Install]\nWantedBy=timers.target\n"
# In place of the network: whatever is asked for, it is the stand-in that comes.
APT = """#!/bin/sh
echo "$*" >> /asked
[ ! -e /slow ] || sleep 60
[ ! -e /fails ] || { rm /fails; exit 100; }
dpkg -i /standin.deb
[ ! -e /late ] || { touch /installed; sleep 60; }
"""


@pytest.fixture(scope="module")
def m(tmp_path_factory):
    top = tmp_path_factory.mktemp("deps")
    package = top / "standin"
    units = package / "lib/systemd/system"
    units.mkdir(parents=True)
    (package / "DEBIAN").mkdir()
    (package / "DEBIAN/control").write_text(CONTROL)
    (package / "DEBIAN/postinst").write_text(POSTINST)
    (package / "DEBIAN/postinst").chmod(0o755)
    (units / "standin.service").write_text(UNIT)
    (units / "standin.timer").write_text(TIMER)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", package, top / "standin.deb"],
                   check=True, stdout=subprocess.DEVNULL)
    with Machine(top / "m") as one:
        one.run("dpkg", "--force-depends", "-P", "dovecot-imapd")
        one.ok("systemctl", "enable", "ssh")
        shutil.copy(top / "standin.deb", one.path("/standin.deb"))
        one.path("/usr/local/bin/apt-get").write_text(APT)
        one.path("/usr/local/bin/apt-get").chmod(0o755)
        yield one


@pytest.fixture(autouse=True)
def removed(m):
    yield
    m.run("dpkg", "-P", "dovecot-imapd")
    for name in ("/asked", "/slow", "/late", "/installed", "/started", POLICY):
        m.path(name).unlink(missing_ok=True)


def enabled(m, unit):
    return m.run("systemctl", "is-enabled", unit).stdout.strip() == "enabled"


def test_nothing_is_started_now_or_later(m):
    m.path(POLICY).write_text("#!/bin/sh\n# mine\nexit 0\n")
    assert "installing dovecot-imapd" in m.ok(DEPS, "imap")
    assert "dovecot-imapd" in m.path("/asked").read_text()
    assert not m.path("/started").exists()
    for unit in ("standin.service", "standin.timer"):
        assert m.path(f"/lib/systemd/system/{unit}").exists()
        assert not enabled(m, unit), unit
    assert enabled(m, "ssh"), "what was enabled stays"
    assert "# mine" in m.path(POLICY).read_text()
    assert m.ok(DEPS, "imap") == "", "nothing to do"


def test_interrupted_it_leaves_nothing(m):
    """Not even what the package has enabled by then."""
    m.path("/late").touch()
    before = sorted(m.path("/tmp").iterdir())
    m.ok("bash", "-c", f"setsid '{DEPS}' imap & until [ -e /installed ]; do sleep 0.1; done; "
         "kill -TERM -- -$!; wait $!; [ $? = 1 ]")
    assert not enabled(m, "standin.service") and enabled(m, "ssh")
    assert not m.path(POLICY).exists()
    assert sorted(m.path("/tmp").iterdir()) == before


def test_a_mirror_that_fails_is_asked_again(m):
    m.path("/fails").touch()
    m.ok("env", "PATH=/usr/local/bin:/usr/bin:/bin", DEPS, "imap")
    asked = m.path("/asked").read_text().splitlines()
    assert [n.split(" ")[4] for n in asked] == ["install", "update", "install"]
    assert not m.path(POLICY).exists()


def test_killed_it_forbids_nothing(m):
    m.path("/slow").touch()
    m.ok("sh", "-c", f"'{DEPS}' imap & until [ -e /asked ]; do sleep 0.1; done; kill -9 $!")
    assert m.path(POLICY).exists()
    m.path(POLICY).chmod(0o755)
    assert m.run(POLICY).returncode == 0
    m.path("/slow").unlink()
    m.ok(DEPS, "imap")
    assert not m.path("/started").exists()
    assert not m.path(POLICY).exists()
