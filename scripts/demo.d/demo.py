# SPDX-License-Identifier: GPL-2.0-or-later
"""demo.py BUILD - starts the show in namespaces of its own, and ends it with them.

Network, mounts and processes of the show live in new namespaces: its tmpfs on /run and
/var/log, its interfaces and routes, its servers. When its first process ends, by itself,
by a signal or because this one was killed, the kernel takes all of it away.
"""
import os
import signal
import subprocess
import sys
from pathlib import Path


def main(build):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    show = Path(__file__).with_name("show.py")
    # In a session of its own, so that ^C on the terminal reaches this process alone.
    proc = subprocess.Popen([
        "setpriv", "--pdeathsig", "KILL",
        "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        sys.executable, "-B", str(show), str(Path(build).resolve())],
        start_new_session=True)
    try:
        return proc.wait()
    finally:
        proc.kill()
        proc.wait()


def interrupted(number, _):
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)
    os.write(2, b"\ndemo: interrupted; what it made goes with it\n")
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
