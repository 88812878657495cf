# SPDX-License-Identifier: GPL-2.0-or-later
"""bannerd -c on folders that were written for fail2ban: the packaged one, and the public
article's configuration for Zimbra; from the lines in the logs to the kernel's routes."""
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from lab import BUILD, TOP, Lab, wait_for

ARTICLE = TOP / "test/fixtures/zimbra"
PACKAGED = Path("/etc/fail2ban")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


class FolderLab(Lab):
    """A lab whose configuration is a copy of a folder of fail2ban's layout; its own
    settings are in banner.conf, which fail2ban never reads."""

    def __init__(self, folder, **moved):
        super().__init__(jails=())
        for sub in ("jails.d", "filters", "actions"):
            shutil.rmtree(self.dir / sub)
        shutil.copytree(folder, self.dir, dirs_exist_ok=True)
        for file in self.dir.rglob("jail*/*.local"), self.dir.glob("jail.*"):
            for path in file:
                if path.is_file():
                    self.move(path, moved)
        (self.dir / "fail2ban.local").write_text(
            f"[Definition]\nlogtarget = {self.dir}/banner.log\nloglevel = INFO\n")
        (self.dir / "banner.conf").write_text(
            f"[bannerd]\nstate = {self.dir}/state\nsocket = {self.socket}\n")

    def move(self, path, moved):
        text = path.read_text()
        for name, old in moved.items():
            text = text.replace(old, str(self.dir / name))
            (self.dir / name).touch()
        path.write_text(text)

    def add(self, log, *lines):
        with open(self.dir / log, "a") as f:
            f.writelines(line + "\n" for line in lines)


def syslog(text):
    return f"{time.strftime('%b %e %H:%M:%S')} mail {text}"


def zimbra(text):
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')},123 {text}"


def article():
    return FolderLab(ARTICLE, auth_log="/var/log/auth.log",
                     zimbra_log="/var/log/zimbra.log",
                     mailbox_log="/opt/zimbra/log/mailbox.log")


def test_article_end_to_end():
    with article() as lab:
        lab.start()
        assert "Jail list:\tsshd, zimbra-smtp, zimbra-web" in lab.ok("status")
        lab.add("auth_log", *[syslog("sshd[7]: Failed password for root from 192.0.2.1 "
                                     "port 22 ssh2")] * 3)
        lab.add("zimbra_log", *[syslog(
            "postfix/submission/smtpd[9]: warning: unknown[192.0.2.2]: SASL LOGIN "
            "authentication failed: authentication failure")] * 3)
        lab.add("mailbox_log", *[zimbra(
            "INFO  [qtp1-99] [name=a@example.org;ip=192.0.2.3;ua=x;] SoapEngine - handler "
            "exception: authentication failed for [a@example.org], invalid password")] * 5)
        # ignoreip of the article
        lab.add("auth_log", *[syslog("sshd[7]: Failed password for root from 10.1.2.3 "
                                     "port 22 ssh2")] * 3)
        lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3")
        shown = lab.ip("route", "show", "table", "all", "proto", "98")
        assert shown.count("unreachable") == 3, shown
        # what its reader types every day
        assert "Banned IP list:\t192.0.2.1" in lab.ok("status", "sshd")
        lab.ok("set", "sshd", "banip", "192.0.2.9", "--wait")
        assert "192.0.2.9" in lab.routes()
        lab.ok("set", "sshd", "unbanip", "192.0.2.9")
        lab.wait_routes("192.0.2.1", "192.0.2.2", "192.0.2.3")
        assert lab.ok("get", "loglevel") == "Current logging level is 'INFO'\n"
        assert lab.ok("get", "logtarget").endswith(f"`- {lab.dir}/banner.log\n")
        lab.ok("unban", "--all")
        lab.wait_routes()


def test_article_with_two_jails_and_one_address():
    """File exists and No such process, which the article's readers met: two jails ban
    one address, and the first unban opens the door for both."""
    with article() as lab:
        lab.start()
        for jail in ("sshd", "zimbra-web"):
            lab.ok("set", jail, "banip", "192.0.2.7")
        lab.wait_routes("192.0.2.7")
        lab.ok("set", "sshd", "unbanip", "192.0.2.7")
        time.sleep(0.3)
        assert lab.routes() == {"192.0.2.7"}
        lab.ok("set", "zimbra-web", "unbanip", "192.0.2.7")
        lab.wait_routes()
        assert not re.search("File exists|No such process|failed", lab.logged()), \
            lab.logged()


def test_two_jails_and_one_address_by_the_commands():
    """The same with the commands of the file itself (native = no)."""
    with article() as lab:
        with open(lab.dir / "banner.conf", "a") as conf:
            conf.write("native = no\n")
        lab.start()

        def routes():
            return "192.0.2.7" in lab.ip("route", "show", "type", "unreachable")

        for jail in ("sshd", "zimbra-web"):
            lab.ok("set", jail, "banip", "192.0.2.7", "--wait")
        assert routes()
        lab.ok("set", "sshd", "unbanip", "192.0.2.7")
        time.sleep(0.5)
        assert routes(), "zimbra-web still bans it"
        lab.ok("set", "zimbra-web", "unbanip", "192.0.2.7")
        wait_for(lambda: not routes(), 5, "the route to go")
        assert not re.search("File exists|No such process", lab.logged()), lab.logged()


def test_commands_find_ip_without_a_path():
    """ip: command not found: it does not matter what PATH the service was given."""
    with article() as lab:
        with open(lab.dir / "banner.conf", "a") as conf:
            conf.write("native = no\n")
        plain = lab.inside
        lab.inside = lambda argv: plain(["/usr/bin/env", "PATH=/nowhere", *argv])
        lab.start()
        lab.ok("set", "sshd", "banip", "192.0.2.7", "--wait")
        assert "192.0.2.7" in lab.ip("route", "show", "type", "unreachable")
        assert "not found" not in lab.logged()


def test_a_command_that_fails_is_tried_with_patience():
    with article() as lab:
        (lab.dir / "action.d/route.local").write_text(
            f"[Definition]\nactionban = echo x >>{lab.dir}/tries; exit 1\n")
        lab.start()
        lab.ok("set", "sshd", "banip", "192.0.2.7")
        time.sleep(2)
        tries = (lab.dir / "tries").read_text().count("x")
        assert 2 <= tries <= 5, tries
        assert "FAILED" in lab.ok("explain", "192.0.2.7")


def jail_local(lab, maxretry, more):
    """Jail sshd by the log in the lab, and what follows; nothing else is enabled."""
    (lab.dir / "jail.d/defaults-debian.conf").unlink(missing_ok=True)
    (lab.dir / "jail.local").write_text(
        f"[DEFAULT]\nbanaction = route\nbanaction_allports = route\nbackend = auto\n"
        f"[sshd]\nenabled = true\nlogpath = {lab.auth}\nmaxretry = {maxretry}\n{more}")


@pytest.mark.skipif(not PACKAGED.is_dir(), reason="needs the fail2ban package")
def test_packaged_folder_with_a_jail_local():
    with FolderLab(PACKAGED) as lab:
        jail_local(lab, 3, "action = %(action_)s\n")
        told = lab.run_host(str(BUILD / "bannerd"), "-c", str(lab.dir), "-t")
        for name in ("dbfile", "socket", "pidfile"):
            assert re.search(rf"fail2ban\.conf:\d+: note: {name} is not used", told), told
        assert "action route: route: plugin route" in told
        lab.start()
        lab.fail("192.0.2.7", 3)
        lab.wait_routes("192.0.2.7")
        lab.says("NOTICE  [sshd] Ban 192.0.2.7")
        lab.ok("set", "sshd", "unbanip", "192.0.2.7")
        lab.wait_routes()
        lab.says("NOTICE  [sshd] Unban 192.0.2.7")


@pytest.mark.skipif(not PACKAGED.is_dir(), reason="needs the fail2ban package")
def test_recidive_reads_our_log():
    with FolderLab(PACKAGED) as lab:
        jail_local(lab, 2, f"[recidive]\nenabled = true\nmaxretry = 2\n"
                   f"logpath = {lab.dir}/banner.log\n")
        lab.start()
        for _ in range(2):
            lab.fail("192.0.2.7", 2)
            wait_for(lambda: lab.banned() == {"192.0.2.7"}, 5, lab.logged)
            lab.ok("set", "sshd", "unbanip", "192.0.2.7")
        wait_for(lambda: lab.banned("recidive") == {"192.0.2.7"}, 5,
                 "recidive\n" + lab.logged())
        assert lab.ok("flushlogs") == "logs: rolled over\n"
        (lab.dir / "banner.log").rename(lab.dir / "banner.log.1")
        lab.ok("flushlogs")
        lab.ok("set", "sshd", "banip", "192.0.2.8")
        wait_for(lambda: "Ban 192.0.2.8" in lab.logged(), 5, "the new file")
