# SPDX-License-Identifier: GPL-2.0-or-later
"""Values that an attacker wrote, in the action files of Debian's fail2ban package: what
reaches the shell is what the package's own code would give it, and none of the value is
in the text that the shell reads.

A program that writes down what it was given stands in for the shell, mounted over it for
banner-actor alone.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import BUILD, Drive
from test_exec import HOSTILE, spec

PACKAGED = Path("/etc/fail2ban")
LIBRARY = Path("/usr/lib/python3/dist-packages/fail2ban")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not LIBRARY.is_dir(),
                                reason="needs root and the fail2ban package")
FAKE_SHELL = """#!/bin/bash
{{ printf '%s\\0' "${{@:2}}"; printf '\\1'; }} >>{}
"""
LINES = [h.format(w="/nonexistent/w").strip() for h in HOSTILE]
NASTY = ["\udcff\udc80\udcc3", "\u00e4\u4e2d", "-rf /", "--", "x" * 900, "'\"`$(" * 150,
         "$0", "$1${2}", "f2bV_matches", "\\", "!!", "%s%n"]
VALUES = [h for h in LINES + NASTY if h]


def action_texts(folder):
    """Action -> its actionban and actionunban, all that is fixed put in."""
    shutil.copytree(PACKAGED, folder)
    shutil.rmtree(folder / "jail.d")
    (folder / "jail.local").write_text("[DEFAULT]\nusedns = no\n" + "".join(
        f"[{name}]\nenabled = true\nfilter = sshd\nlogpath = /dev/null\n"
        f"action = {name}[name=x, port=22, protocol=tcp, chain=INPUT]\n"
        for name in sorted(p.stem for p in (folder / "action.d").glob("*.conf"))))
    (folder / "banner.conf").write_text("[bannerd]\nnative = no\n")
    dump = subprocess.run([BUILD / "bannerd", "-c", folder, "--dump"], check=True, text=True,
                          capture_output=True).stdout
    found = {}
    for part in dump.split("[action ")[1:]:
        name = re.search(r"^name = (.*)$", part, re.M)[1]
        options = re.findall(r"^option (actionban|actionunban) = (.*(?:\n    \|.*)*)", part,
                             re.M)
        found[name] = {k: v.replace("\n    |", "\n").strip() for k, v in options}
    return found


def theirs(text, values):
    """What the package's code would have the shell run: [script, value...]."""
    sys.path.insert(0, str(LIBRARY.parent))
    try:
        from fail2ban.server.action import CommandAction
    finally:
        sys.path.pop(0)
    made = CommandAction.replaceDynamicTags(text, values)
    return made if isinstance(made, list) else [made]


def resolved(argv):
    """The script's text, and its variables with their values."""
    script, *values = argv
    head, nl, body = script.partition("\n")
    names = re.findall(r"(f2bV_\w+)=\$\{?(\d+)\}? ", head + " ") if values else []
    if not values:
        return script.strip(), {}
    assert nl and "".join(f"{n}=" for n, _ in names) == re.sub(r"\$\{?\d+\}? ", "", head)
    found = {n.upper(): values[int(i)] for n, i in names}
    body = re.sub(r"\$f2bV_\w+", lambda m: m[0].upper(), body)
    return body.strip(), found


class Shell:
    """banner-actor with one action; its shell only notes."""

    def __init__(self, folder, **options):
        self.ran = folder / "ran"
        fake = folder / "shell"
        fake.write_text(FAKE_SHELL.format(self.ran))
        fake.chmod(0o755)
        self.d = Drive("banner-actor", ["0"], actions=[spec(**options)],
                       mounts={os.path.realpath("/bin/sh"): fake})
        self.d.send("engine")
        self.d.expect("ready")
        self.d.send("begin", 1)
        self.d.send("complete", 1)

    def take(self):
        if not self.ran.exists():
            return []
        data = self.ran.read_bytes()
        self.ran.unlink()
        return [[w.decode(errors="surrogateescape") for w in one.split(b"\0")[:-1]]
                for one in data.split(b"\1")[:-1]]


def same_as_theirs(shell, ident, commands, lines, user):
    line = "\n".join(lines)
    ip = f"192.0.2.{ident % 250 + 1}"
    rev = ".".join(reversed(ip.split("."))) + "."
    values = {"ip": ip, "fid": ip, "ip-host": ip, "ip-rev": rev, "family": "inet4",
              "failures": 4, "time": 5, "bantime": 60, "bancount": 1, "restored": 0,
              "matches": line, "ipmatches": line, "ipjailmatches": line,
              "ipfailures": 4, "ipjailfailures": 4, "fq-hostname": os.uname().nodename,
              "sh-hostname": os.uname().nodename.split(".")[0],
              "F-*": {"user": user}}
    shell.d.send("ban", 0, ident, ip, "since=5000", "until=65000", "failures=4",
                 *(f"line={one}" for one in lines), f"field=user:{user}")
    shell.d.expect("done", 0, ident, 0, "", 0)
    shell.d.send("unban", 0, ident, ip)
    shell.d.expect("done", 0, ident, 1, "", 0)
    ours = [resolved(a) for a in shell.take()]
    want = [resolved(theirs(commands[k], values)) for k in ("actionban", "actionunban")
            if commands.get(k)]
    assert ours == want
    return ours


def test_stock_actions_get_the_same_values(tmp_path):
    found = action_texts(tmp_path / "fail2ban")
    assert len(found) >= 55
    for i, (name, commands) in enumerate(found.items()):
        if not any(commands.values()):
            continue
        shell = Shell(tmp_path, **commands)
        for k in range(2):
            same_as_theirs(shell, 1 + k, commands, VALUES[k::2],
                           VALUES[(2 * i + k) % len(VALUES)])
        assert shell.d.stop() == 0, name


def test_every_value_in_every_tag(tmp_path):
    commands = {"actionban": "a <matches> \"<F-USER>\" '<ipmatches>' <ipjailmatches> "
                             "<F-USER> <F-NONE> <ip> <nothing>",
                "actionunban": "b <F-USER>"}
    shell = Shell(tmp_path, **commands)
    for i, value in enumerate(VALUES):
        ours = same_as_theirs(shell, i + 1, commands, [value], value)
        if re.search(r"[^\w \-!%./:=,@+\u0080-\U0010ffff]", value):
            assert value not in ours[0][0], "it is in the text that the shell reads"
    for i, value in enumerate(["a\ntouch b", "a\rb", "\n"]):
        ours = same_as_theirs(shell, 900 + i, commands, ["x"], value)
        assert value not in ours[0][0], "it is in the text that the shell reads"
    assert shell.d.stop() == 0
