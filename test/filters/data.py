# SPDX-License-Identifier: GPL-2.0-or-later
"""Log lines with verdicts, and banregex to judge them.

A verdict is "# expect: fail host=ADDR user=NAME" or "# expect: nofail" in front of a
line; "# filter:" and "# trusted:" say which filter, and whom it trusts. See banregex(1).
"""
import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))
BANREGEX = str(BUILD / "banregex")


def filters():
    """Names of the shipped filters; files named *common are only included."""
    return sorted(p.stem for p in (TOP / "filters").glob("*.conf")
                  if not p.stem.endswith("common"))


class Line:
    def __init__(self, keys, text):
        self.filter = keys.get("filter", "")
        self.trusted = keys.get("trusted")
        self.expect = keys["expect"]
        self.event = keys.get("event")
        self.text = text

    @property
    def fails(self):
        return self.expect.startswith("fail")

    @property
    def host(self):
        return self.expect.split("host=", 1)[1].split(" ", 1)[0]

    @property
    def user(self):
        parts = self.expect.split(" user=", 1)
        return parts[1] if len(parts) > 1 else "-"

    def agrees(self, failure):
        if not self.fails:
            return failure is None
        return (failure is not None and failure["host"] == self.host and
                (self.user == "-" or (failure["user"] or "") == self.user))


def _key(text):
    name, sep, value = text[2:].partition(":")
    if not sep or name not in ("filter", "trusted", "expect", "event", "kind"):
        return None
    return name, value.strip()


def read(path, keep_filter=True):
    """The lines of a file. A golden file's filter and trusted hold until the next
    empty line, or to the end when no line follows them before it."""
    lines, whole, group, seen = [], {}, {}, False
    for raw in path.read_bytes().split(b"\n"):
        text = raw.decode("utf-8", "surrogateescape")
        if "expect" in group:
            lines.append(Line({**whole, **group}, raw))
            del group["expect"]
            if not keep_filter:
                group = {}
            seen = True
        elif not text:
            if not seen and keep_filter:
                whole.update(group)
            group, seen = {}, False
        elif text.startswith("# ") and _key(text):
            name, value = _key(text)
            group[name] = value
    return lines


def judge(name, trusted, lines):
    """First failure of each line, or None, by one run over all of them."""
    args = [BANREGEX, "-c", str(TOP), "--json"]
    if trusted:
        args += ["--trusted", trusted]
    run = subprocess.run(args + ["-", name], input=b"".join(l + b"\n" for l in lines),
                         capture_output=True)
    assert run.returncode in (0, 1), run.stderr.decode()
    found = {}
    for text in filter(None, run.stdout.decode("utf-8", "replace").split("\n")):
        failure = json.loads(text)
        if "line" in failure:
            found.setdefault(failure["line"], failure)
    return [found.get(i) for i in range(1, len(lines) + 1)]
