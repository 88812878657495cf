# SPDX-License-Identifier: GPL-2.0-or-later
"""The completion of banctl as bash and zsh do it at a terminal, on the files that are
installed; and what banctl says without a daemon."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from lab import BUILD, TOP, Lab

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SETUP = {
    "bash": f"bind 'set show-all-if-ambiguous on'; bind 'set page-completions off';"
            f" . '{BUILD}/banctl.bash'",
    "zsh": f"fpath=('{BUILD}' $fpath); autoload -U compinit; compinit -u -D;"
           f" LISTMAX=9999; unsetopt beep",
}


class Terminal:
    """A shell at a terminal of 200 columns."""

    def __init__(self, shell, **env):
        path = f"{BUILD}:{os.environ['PATH']}"
        env = {**os.environ, "PATH": path, "TERM": "dumb", "COLUMNS": "200",
               "LINES": "500", "PS1": "> ", "HOME": "/nonexistent", **env}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(shell, START[shell], env)
        self.type(SETUP[shell] + "; echo rea''dy\n", "ready")

    def type(self, keys, until, seconds=20):
        """Send keys; what comes back, which must match until."""
        os.write(self.fd, keys.encode())
        seen, end = "", time.monotonic() + seconds
        while not re.search(until, seen):
            left = end - time.monotonic()
            assert left > 0 and select.select([self.fd], [], [], left)[0], (keys, seen)
            seen += os.read(self.fd, 65536).decode(errors="replace")
        return seen

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture(params=["bash", "zsh"])
def shell(request):
    if not shutil.which(request.param):
        pytest.skip(f"no {request.param}")
    return request.param


@root
def test_completion(shell):
    with Lab(jails=("sshd", "sshd-slow")) as lab:
        lab.start()
        t = Terminal(shell, BANNER_SOCKET="/nonexistent")
        try:
            t.type("banctl expl\t", "ain $")
            t.type("\x15banctl stat\t\t", r"status[\s\S]*stats|stats[\s\S]*status")
            t.type("\x15banctl completion z\t", "sh $")
            t.type("\x15banctl reload --u\t", "nban $")
            # the daemon that the line names is asked for its jails
            t.type(f"\x15banctl -s {lab.socket} status sshd-\t", "slow $")
            t.type(f"\x15banctl -s {lab.socket} set sshd-slow unb\t", "anip $")
            build = re.sub(r"([^\w/.-])", r"\\\1", str(BUILD))     # as one types it
            t.type(f"\x15banctl import {build}/banctl.ba\t", "sh $")
            # and for the addresses that are banned there
            for addr in ("192.0.2.77", "2001:db8:7::/64", "2001:db8:7:1::/64"):
                lab.ok("banip", "sshd", addr)
            ask = f"\x15banctl --timeout 9 -s {lab.socket} "
            t.type(f"{ask}unbanip 192.0.2.\t", "77 $")
            t.type(f"{ask}explain 2001:db8:7::\t", "/64 $")
            t.type(f"{ask}explain 2001:db8:7:\t\t", r":/64[\s\S]*1::/64")
            t.type(f"{ask}set sshd unbanip 19\t", r"2\.0\.2\.77 $")
        finally:
            t.close()


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_script_is_the_installed_one(name):
    done = subprocess.run([BUILD / "banctl", "completion", name],
                          capture_output=True, text=True,
                          env={**os.environ, "BANNER_SOCKET": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    installed = BUILD / {"bash": "banctl.bash", "zsh": "_banctl"}[name]
    assert done.stdout == installed.read_text()


def test_without_a_daemon():
    def banctl(*words):
        return subprocess.run([BUILD / "banctl", "-s", "/nonexistent", *words],
                              capture_output=True, text=True)
    for words in (["fish"], [], ["bash", "zsh"]):
        done = banctl("completion", *words)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, words
    said = banctl("help")
    assert said.returncode == 0
    names = [n.split()[0] for n in said.stdout.splitlines() if n[0] not in " ("]
    script = banctl("completion", "zsh").stdout
    page = (TOP / "docs/man/banctl.1").read_text()
    for name in names:
        assert f'\t"{name}:' in script, name
        assert re.search(rf"^\.It Cm {name}\b", page, re.M), f"{name} in banctl(1)"
    assert banctl("status").returncode == 3
