# SPDX-License-Identifier: GPL-2.0-or-later
"""Which fail2ban is the oracle: Debian's package, or the unpacked source of any other
version, named by FAIL2BAN_SOURCE (its folders config, fail2ban and bin are used)."""
import os
import pathlib
import shutil
import sys

SOURCE = os.environ.get("FAIL2BAN_SOURCE")
ROOT = pathlib.Path(SOURCE or "/usr/lib/python3/dist-packages").absolute()
CONFIG = ROOT / "config" if SOURCE else pathlib.Path("/etc/fail2ban")
TESTS = ROOT / "fail2ban/tests"
LOGS = TESTS / "files/logs"
HAVE = LOGS.is_dir() and CONFIG.is_dir() and (
    bool(SOURCE) or shutil.which("fail2ban-client") is not None)

sys.path[:0] = [str(ROOT)] if SOURCE else []
sys.path += [] if SOURCE else [str(ROOT)]


def program(name):
    """The words that start one of fail2ban's programs."""
    return ["/usr/bin/python3", ROOT / "bin" / name] if SOURCE else [name]


def environment(**more):
    """For such a program: it must find its own modules, not the package's."""
    path = {"PYTHONPATH": str(ROOT)} if SOURCE else {}
    return dict(os.environ, **path, **more)


def version():
    """(1, 0, 2) and the like."""
    if not HAVE:
        return ()
    text = (ROOT / "fail2ban/version.py").read_text().split('version = "')[1]
    return tuple(int(part) for part in text.split('"')[0].split(".")[:3])
