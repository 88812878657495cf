# SPDX-License-Identifier: GPL-2.0-or-later
"""Jails with backend = systemd on real journal files, through bannerd: the line as
fail2ban builds it, the options of the backend, and the logtype that follows it."""
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from lab import BUILD, TOP, Lab, wait_for
from test_f2b_folder import PACKAGED, FolderLab

REMOTE = next((p for p in ("/lib/systemd/systemd-journal-remote",
                           "/usr/lib/systemd/systemd-journal-remote")
               if Path(p).exists()), None)
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not REMOTE,
                                reason="needs root and systemd-journal-remote")
packaged = pytest.mark.skipif(not PACKAGED.is_dir(), reason="needs the fail2ban package")


def entry(message, when, ident="sshd", unit="sshd.service", comm="sshd", pid=77):
    us = int(when * 1e6)
    return (f"__REALTIME_TIMESTAMP={us}\n__MONOTONIC_TIMESTAMP={us % 10**9}\n"
            f"_BOOT_ID={'ab' * 16}\n_MACHINE_ID={'cd' * 16}\n_HOSTNAME=box\n_PID={pid}\n"
            f"SYSLOG_IDENTIFIER={ident}\n_COMM={comm}\n_SYSTEMD_UNIT={unit}\n"
            f"_SOURCE_REALTIME_TIMESTAMP={us}\nPRIORITY=6\nMESSAGE={message}\n\n")


def journal(path, *entries):
    subprocess.run([REMOTE, "-o", str(path), "-"], input="".join(entries), text=True,
                   check=True, capture_output=True)


def lab_with(backend, more=""):
    lab = FolderLab(PACKAGED)
    shutil.rmtree(lab.dir / "jail.d")
    (lab.dir / "jail.local").write_text(
        f"[DEFAULT]\nbanaction = route\n[sshd]\nenabled = true\nmaxretry = 3\n"
        f"backend = {backend.replace('DIR', str(lab.dir))}\n{more}")
    return lab


def attempts(addr, n=3, **fields):
    now = time.time()
    return [entry(f"Failed password for root from {addr} port {i} ssh2", now - n + i,
                  pid=100 + i, **fields) for i in range(n)]


@packaged
@pytest.mark.parametrize("options", ["journalfiles=DIR/one.journal",
                                     "journalpath=DIR/j, journalflags=0"])
def test_lines_of_a_journal(options):
    with lab_with(f"systemd[{options}]") as lab:
        (lab.dir / "j").mkdir()
        for name in ("one.journal", "j/one.journal"):
            journal(lab.dir / name, *attempts("192.0.2.7"),
                    *attempts("192.0.2.8", unit="other.service", comm="other"))
        lab.start()
        lab.wait_routes("192.0.2.7")
        status = lab.ok("status", "sshd")
        assert "|  `- Journal matches:\t_SYSTEMD_UNIT=sshd.service + _COMM=sshd" in status
        found = lab.ok("--json", "explain", "192.0.2.7")
        assert "box sshd[102]: Failed password for root from 192.0.2.7" in found, found
        # the journal's own time
        assert lab.logged().count("[sshd] Found 192.0.2.7 - ") == 3


@packaged
def test_namespace_of_a_journal():
    """The journal of a namespace lies beside the machine's own, which is not read."""
    if not Path("/etc/machine-id").exists():
        pytest.skip("this machine has no id, and so no journal namespaces")
    machine = Path("/etc/machine-id").read_text().strip()
    with lab_with("systemd[namespace=site]") as lab:
        for name, addr in (f"{machine}.site", "192.0.2.7"), (machine, "192.0.2.8"):
            (lab.dir / "log/journal" / name).mkdir(parents=True)
            journal(lab.dir / "log/journal" / name / "system.journal", *attempts(addr))
        lab.mounts["/var/log"] = lab.dir / "log"
        lab.start()
        lab.wait_routes("192.0.2.7")
        assert "192.0.2.8" not in lab.logged()


@packaged
def test_logtype_follows_the_backend():
    with lab_with("systemd[journalfiles=DIR/one.journal]", "filter = both\n") as lab:
        (lab.dir / "filter.d/both.conf").write_text(
            "[Definition]\nfailregex = ^<lt_<logtype>/mark> bad <HOST>$\n"
            "journalmatch = SYSLOG_IDENTIFIER=prog\n"
            "[lt_journal]\nmark = box prog\\[\\d+\\]:\n[lt_file]\nmark = file only\n")
        journal(lab.dir / "one.journal",
                *[entry("bad 192.0.2.9", time.time() - i, ident="prog", pid=5 + i)
                  for i in range(3)])
        lab.start()
        lab.wait_routes("192.0.2.9")


@packaged
def test_a_line_feed_in_a_message_ends_no_line():
    with lab_with("systemd[journalfiles=DIR/one.journal]") as lab:
        text = "x\nFailed password for root from 203.0.113.5 port 1 ssh2"
        data = text.encode()
        one = entry("HERE", time.time()).replace(
            "MESSAGE=HERE\n", "").rstrip("\n").encode() + b"\nMESSAGE\n" + \
            len(data).to_bytes(8, "little") + data + b"\n\n"
        subprocess.run([REMOTE, "-o", str(lab.dir / "one.journal"), "-"], check=True,
                       input=one * 4, capture_output=True)
        lab.start()
        lab.ok("banip", "sshd", "192.0.2.1", "--wait")
        wait_for(lambda: lab.ctl_json("status")["caught_up"])
        assert lab.banned() == {"192.0.2.1"}


def own_lab(backend, log="none.log"):
    """Our own filter for sshd; five failures are too many."""
    lab = Lab(jails=())
    for name in ("sshd.conf", "common.conf"):
        shutil.copy(TOP / "filters" / name, lab.dir / "filters" / name)
    lab.journals = lab.dir / "j" / ("cd" * 16)
    lab.journals.mkdir(parents=True)
    lab.jail("sshd", maxretry=5, log=lab.dir / log,
             more=f"backend = {backend.replace('DIR', str(lab.dir / 'j'))}\n")
    return lab


def found(lab, addr):
    return lab.logged().count(f"[sshd] Found {addr} - ")


def test_goes_on_at_the_cursor():
    """After a restart nothing counts twice and nothing is lost."""
    with own_lab("systemd[journalpath=DIR]") as lab:
        one = lab.journals / "system.journal"
        journal(one, *attempts("192.0.2.7", 4), *attempts("192.0.2.8", 3))
        lab.start()
        wait_for(lambda: found(lab, "192.0.2.8") == 3)
        time.sleep(1)                   # the place is in the store
        for i in range(3):
            lab.stop()
            lab.start()
        assert found(lab, "192.0.2.7") == 4 and found(lab, "192.0.2.8") == 3
        assert lab.banned() == lab.routes() == set()
        lab.stop()
        journal(one, *attempts("192.0.2.7", 1))         # while nobody looks
        lab.start()
        lab.wait_routes("192.0.2.7")
        journal(lab.journals / "system@2.journal", *attempts("192.0.2.8", 1))
        wait_for(lambda: found(lab, "192.0.2.8") == 4)
        assert lab.routes() == {"192.0.2.7"}
        journal(lab.journals / "system@3.journal", *attempts("192.0.2.8", 1))
        lab.wait_routes("192.0.2.7", "192.0.2.8")


@pytest.mark.parametrize("backend, file", [("systemd", False), ("auto", True)])
def test_check_names_what_is_read(backend, file):
    """bannerd -t speaks of a log file only where one may be read."""
    with own_lab(backend) as lab:
        told = lab.run_host(str(BUILD / "bannerd"), "-c", str(lab.dir), "-t")
        assert "reads the journal" in told
        assert ("none.log, which is not there now" in told) == file


def test_auto_without_a_log_reads_the_journal():
    """The journal of the system, until the log comes; what it told counts once."""
    if not Path("/var/log/journal").is_dir():
        pytest.skip("nothing to mount over: no /var/log/journal")
    with own_lab("auto") as lab:
        lab.mounts["/var/log/journal"] = lab.dir / "j"
        journal(lab.journals / "system.journal", *attempts("192.0.2.7", 5),
                *attempts("192.0.2.8", 3), *attempts("192.0.2.9", 4))
        lab.start()
        lab.wait_routes("192.0.2.7")
        lab.says("[sshd] has no log yet and reads the journal")
        assert "Journal matches:\t_SYSTEMD_UNIT=ssh.service" in lab.ok("status", "sshd")
        log = lab.dir / "none.log"
        date = time.strftime("%b %e %H:%M:%S", time.localtime(time.time() - 5))
        with open(log, "w") as f:
            for i in range(3):          # the same failures again
                f.write(f"{date} box sshd[{100 + i}]: Failed password for root from "
                        "192.0.2.8 port 1 ssh2\n")
        lab.says(f"[sshd] reads {log}, no more the journal")
        assert f"File list:\t{log}" in lab.ok("status", "sshd")
        time.sleep(1.1)
        for _ in range(2):
            lab.fail("192.0.2.8", log=log)
        lab.wait_routes("192.0.2.7", "192.0.2.8")
        assert found(lab, "192.0.2.8") == 5
        journal(lab.journals / "system@2.journal", *attempts("192.0.2.9", 1))
        time.sleep(0.5)
        assert found(lab, "192.0.2.9") == 4


def test_auto_with_a_log_reads_it_alone():
    with own_lab("auto[journalpath=DIR]", log="auth.log") as lab:
        journal(lab.journals / "system.journal", *attempts("192.0.2.7", 5))
        lab.fail("192.0.2.8", 5)
        lab.start()
        lab.wait_routes("192.0.2.8")
        assert "File list:\t" in lab.ok("status", "sshd")
        assert found(lab, "192.0.2.7") == 0 and "journal" not in lab.logged()
