# SPDX-License-Identifier: GPL-2.0-or-later
"""found.py - which of the shipped jails suit this machine, and what they would read."""
import configparser
import glob
import os
import re
import subprocess
import sys
import time
from pathlib import Path

# Jail -> what is there when its service is. Of jails that see the same lines only those
# are listed that suit everybody; the others are the administrator's choice.
SERVICES = {
    "sshd": "usr/sbin/sshd",
    "dovecot": "usr/sbin/dovecot", "dovecot-slow": "usr/sbin/dovecot",
    "postfix-sasl": "usr/sbin/postfix", "postfix-sasl-slow": "usr/sbin/postfix",
    "exim": "usr/sbin/exim4",
    "courier-auth": "usr/sbin/couriertcpd",
    "cyrus-imap": "usr/sbin/cyrmaster",
    "opensmtpd": "usr/sbin/smtpd",
    "nginx-http-auth": "usr/sbin/nginx", "nginx-mail": "usr/sbin/nginx",
    "roundcube-auth": "usr/share/roundcube",
    "sogo-auth": "usr/sbin/sogod",
    "zimbra-web": "opt/zimbra/bin", "zimbra-imap-pop": "opt/zimbra/bin",
    "zimbra-admin": "opt/zimbra/bin", "zimbra-smtp": "opt/zimbra/bin",
    "zimbra-audit": "opt/zimbra/bin", "zimbra-unknown": "opt/zimbra/bin",
}
# Services that are read from the journal where they have no log file.
UNITS = {"sshd": ("ssh", "sshd"), "dovecot": ("dovecot",),
         "postfix": ("postfix", "postfix@-"), "exim": ("exim4",)}

FILE = "etc/banner/jails.d/00-found.local"
OURSELVES = ["127.0.0.1/8", "::1"]
HEAD = """# Written by scripts/install: the jails whose service and log it found. It writes this
# file anew each time and keeps only ignoreip. Put settings of your own into another
# *.local file here; all others are read after this one.
"""


class Jail:
    def __init__(self, name, source, last, journal=False):
        self.name, self.source, self.last, self.journal = name, source, last, journal

    def reads(self):
        if self.last is None:
            return f"reads {self.source}, no line yet"
        age = max(0, int(time.time() - self.last))
        return f"reads {self.source}, last line {age} seconds ago"


def log_of(root, name, patterns):
    """The jail of the files that a logpath names below root; None without any."""
    files = [f for p in patterns.split() if p.startswith("/")
             for f in glob.glob(os.path.join(root, p[1:])) if os.path.isfile(f)]
    if not files:
        return None
    written = [os.stat(f).st_mtime for f in files if os.path.getsize(f)]
    return Jail(name, " ".join(files), max(written, default=None))


def journal_of(root, name):
    """The jail of a service that the journal of this machine knows; else None."""
    units = UNITS.get(name.split("-")[0])
    if root != Path("/") or not units or \
            not glob.glob("/run/log/journal/*") + glob.glob("/var/log/journal/*"):
        return None
    done = subprocess.run(["journalctl", "-q", "-n1", "-o", "short-unix",
                           *(f"--unit={u}.service" for u in units)],
                          capture_output=True, text=True)
    stamp = re.match(r"(\d+)\.\d+ ", done.stdout)
    last = int(stamp[1]) if stamp else None
    return Jail(name, f"the journal of {units[0]}", last, journal=True)


def shipped(root):
    for path in sorted((root / "etc/banner/jails.d").glob("*.conf")):
        conf = configparser.RawConfigParser(strict=False)
        conf.read(path)
        for name in conf.sections():
            yield name, conf[name]


def jails(root):
    """The jails whose service is installed and whose log is there."""
    result = []
    for name, options in shipped(root):
        service = SERVICES.get(name)
        if service and (root / service).exists():
            jail = log_of(root, name, options.get("logpath", "")) or journal_of(root, name)
            result += [jail] if jail else []
    return result


def session_address():
    """Where the session comes from: by our environment or a parent's, if sudo hid it."""
    pid = os.getpid()
    while pid > 1:
        try:
            env = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        for entry in env:
            name, _, value = entry.partition(b"=")
            if name == b"SSH_CONNECTION":
                return value.decode().split()[0] if value.split() else None
        pid = int(stat.rsplit(")", 1)[1].split()[1])
    return None


def ignored_before(root):
    """What ignoreip of an earlier installation says, but for this machine itself."""
    conf = configparser.RawConfigParser(strict=False)
    conf.read(root / FILE)
    return [a for a in conf.defaults().get("ignoreip", "").split() if a not in OURSELVES]


def ask_for_this_session(already):
    address = session_address()
    if not address or address in already:
        return []
    if not sys.stdin.isatty():
        print(f"note: this session comes from {address}; with --ignore {address} it "
              "would never be banned")
        return []
    answer = input(f"Never ban {address}, where this session comes from? [Y/n] ")
    return [] if answer.strip().lower().startswith("n") else [address]


def write(root, jails_found, ignore):
    text = HEAD
    if ignore:
        text += f"\n[DEFAULT]\nignoreip = {' '.join(OURSELVES + ignore)}\n"
    for jail in jails_found:
        text += f"\n[{jail.name}]\nenabled = true\n"
        if jail.journal:
            text += "backend = systemd\n"
    (root / FILE).write_text(text)
