# SPDX-License-Identifier: GPL-2.0-or-later
"""Real configurations, spoilt a line at a time: each is read as fail2ban reads it, or the
mistake is told with its file and line; never a crash, never a wait."""
import logging
import os
import random
import re
import shutil
import subprocess
import time

import pytest

import theirs

TOP = theirs.pathlib.Path(__file__).resolve().parents[2]
TOOL = os.path.join(os.environ.get("BUILD", "build"), "test/tools/confdump")
PROBLEM = re.compile(r"^(\S.*?|-):(\d+): (error|warning|note): ", re.M)
TIMES = ["", "abc", "1q", "-1", "-5m", "1e3", "0x10", "9" * 30 + "y", "1.5h", "1h 30",
         "2*1h", "1/0", "((1h)", "1d12h", "1 fortnight", "%(bantime)s"]
NUMBERS = ["0", "-1", "99999999999999999999", "2147483648", "5.5", "five", "", "1,000",
           "70000", " 7 "]


def options(lines):
    return [i for i, line in enumerate(lines) if re.match(r"[\w.]+ *[=:]", line)]


def sections(lines):
    return [i for i, line in enumerate(lines) if line.startswith("[")]


def spoil(rng, lines):
    """Changes one thing; its name, and the line (from 1)."""
    what = rng.choice(WAYS)
    at = rng.choice((sections if "section" in what else options)(lines) or [0])
    name = re.split(r" *[=:]", lines[at])[0]
    if what == "option without =":
        lines[at] = re.sub(r" *[=:] *", " ", lines[at], count=1)
    elif what == "section without bracket":
        lines[at] = lines[at].replace(rng.choice("[]"), "")
    elif what == "section renamed":
        lines[at] = "[Nosuch]"
    elif what in ("section twice", "option twice"):
        lines.insert(at + 1, lines[at])
    elif what == "no quote":
        lines[at] = lines[at].replace('"', "", 1)
    elif what == "no bracket":
        lines[at] = lines[at][::-1].replace("]", "", 1)[::-1]
    elif what == "unknown option":
        lines.insert(at, "nosuchoption = 1")
    elif what == "loop":
        lines[at] = f"{name} = %({name})s"
    elif what == "reference to nothing":
        lines[at] = f"{name} = x%(nosuch)sx"
    elif what == "lone percent":
        lines[at] += " 50% off"
    elif what == "time":
        lines.insert(at, f"{rng.choice(('findtime', 'bantime'))} = {rng.choice(TIMES)}")
    elif what == "number":
        lines.insert(at, f"{rng.choice(('maxretry', 'maxmatches'))} = "
                         f"{rng.choice(NUMBERS)}")
    elif what == "indented":
        lines[at] = "   " + lines[at]
    elif what == "gone":
        del lines[at]
    elif what == "long":
        lines[at] += " " + "x" * 100000
    elif what == "NUL":
        lines[at] += "\0"
    elif what == "mark of order":
        lines[0] = "\ufeff" + lines[0]
    elif what == "colon":
        lines[at] = lines[at].replace("=", ":", 1)
    elif what == "end of a line of DOS":
        lines[:] = [line + "\r" for line in lines]
    elif what == "noise":
        lines[at] = "".join(chr(rng.randrange(1, 256)) for _ in range(40)).replace(
            "\n", "x").replace("\r", "y")
    return what, at + 1


WAYS = ["option without =", "section without bracket", "section renamed", "section twice",
        "option twice", "no quote", "no bracket", "unknown option", "loop",
        "reference to nothing", "lone percent", "time", "number", "indented", "gone",
        "long", "NUL", "mark of order", "colon", "end of a line of DOS", "noise"]
# Told at their own line, or behind it (what follows makes no sense any more).
AT_HOME = {"option without =", "section without bracket", "section twice", "option twice"}


def read(folder, *args):
    began = time.monotonic()
    done = subprocess.run([TOOL, *args, folder], capture_output=True, text=True,
                          errors="replace", timeout=60)
    assert done.returncode in (0, 1), (done.returncode, done.stderr[-2000:])
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
    assert time.monotonic() - began < 20
    return done


def places(done, folder):
    """All problems as (file, line, level); every place is one that there is."""
    found = []
    for file, line, level in PROBLEM.findall(done.stderr):
        found.append((file, int(line), level))
        if file != "-":
            assert file.startswith(str(folder)), file
            assert len(file) < 4096 and os.path.exists(file), file[:200]
            if not os.path.isfile(file):
                continue
            with open(file, encoding="latin-1", newline="\n") as f:
                assert int(line) <= f.read().count("\n") + 1, (file, line)
    return found


def files_of(folder):
    return sorted(p for p in folder.rglob("*.conf") if p.is_file())


@pytest.mark.parametrize("source", ["ours", "theirs"])
def test_nothing_crashes(source, tmp_path):
    """Any file of the whole, all jails enabled."""
    folder = tmp_path / "c"
    if source == "ours":
        folder.mkdir()
        for name in ("jails.d", "filters"):
            shutil.copytree(TOP / name, folder / name)
        shutil.copy(TOP / "banner.conf", folder)
    elif theirs.HAVE:
        shutil.copytree(theirs.CONFIG, folder)
    else:
        pytest.skip("needs Debian's fail2ban package")
    rng = random.Random(source)
    clean = {p[:2] for p in places(read(folder, "-a"), folder)}
    told = 0
    for _ in range(60):
        path = rng.choice(files_of(folder))
        text = path.read_bytes()
        lines = text.decode().split("\n")
        what, line = spoil(rng, lines)
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
        found = places(read(folder, "-a"), folder)
        told += bool({p[:2] for p in found} - clean)
        if what in AT_HOME and lines != text.decode().split("\n") and not \
                any(p[0] == str(path) and p[1] >= line for p in found):
            assert path.suffix == ".conf" and not used(path, folder), (what, path, line)
        path.write_bytes(text)
    assert told > 15


def used(path, folder):
    """Is the file of a jail that is there, or of none (then nobody reads it)?"""
    return path.name == "jail.conf" or path.parent.name == "jails.d"


# Options that have a value here when no file gives one, and what takes it from the file.
BUILT_IN = ("filter", "mode")
WITHOUT = ("gone", "option without =")
JAILS = """[INCLUDES]
before = paths-debian.conf

[DEFAULT]
ignorecommand =
bantime = 10m
findtime = 10m
maxretry = 5
backend = auto
usedns = warn
logencoding = auto
enabled = false
mode = normal
filter = %(__name__)s[mode=%(mode)s]
protocol = tcp
chain = <known/chain>
port = 0:65535
banaction = iptables-multiport
action_ = %(banaction)s[port="%(port)s", protocol="%(protocol)s", chain="%(chain)s"]
action = %(action_)s

[sshd]
enabled = true
port = ssh
logpath = %(sshd_log)s
ignoreip = 127.0.0.1/8 ::1

[postfix]
enabled = true
mode = more
port = smtp,465,submission
logpath = %(postfix_log)s
maxretry = 3
"""


@pytest.mark.skipif(not theirs.HAVE, reason="needs Debian's fail2ban package")
def test_as_fail2ban_or_told(tmp_path):
    import f2b
    logging.disable(logging.CRITICAL)
    folder = tmp_path / "c"
    shutil.copytree(theirs.CONFIG, folder)
    shutil.rmtree(folder / "jail.d")
    rng = random.Random(7)
    same = both = 0
    differ = []
    for _ in range(180):
        lines = JAILS.split("\n")
        what, line = spoil(rng, lines)
        if JAILS.split("\n")[line - 1].startswith(BUILT_IN) and what in WITHOUT:
            continue        # there is one all the same
        text = "\n".join(lines)
        (folder / "jail.conf").write_bytes(text.encode("utf-8", "surrogateescape"))
        done = read(str(folder))
        found = [p for p in places(done, folder) if p[2] != "note"]
        try:
            oracle = f2b.Quick(str(folder))
        except Exception:       # whatever Python says
            oracle = None
        if oracle is None or not oracle.jails:
            both += bool(found)
            if not found:
                differ.append((what, line, lines[line - 1][:80], "refused there"))
            continue
        wrong = f2b.compare(oracle, f2b.Ours(str(folder), TOOL, ())) \
            if done.returncode == 0 else ["refused here"]
        same += not wrong
        if wrong and not found:
            differ.append((what, line, lines[line - 1][:80], wrong[:2]))
    assert not differ, "\n".join(map(str, differ))
    assert same > 40 and both > 25, (same, both)


def odd_folder(tmp_path, jail):
    """One jail with a filter, ours, and the end of its jail's file."""
    folder = tmp_path / "c"
    for name in ("jails.d", "filters"):
        (folder / name).mkdir(parents=True)
    (folder / "banner.conf").write_text("[bannerd]\n")
    (folder / "filters/f.conf").write_text("[Definition]\nfailregex = ^ x <HOST>$\n")
    (folder / "jails.d/a.conf").write_text(
        "[a]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = null\n" + jail)
    return folder


@pytest.mark.parametrize("jail, level, words", [
    ("maxretry = 0\n", "error", "maxretry"), ("maxretry = -1\n", "error", "maxretry"),
    ("maxretry = 99999999999\n", "error", "maxretry"), ("findtime = -1\n", "error", "findtime"),
    ("findtime = 0\n", "error", "findtime"), ("findtime = 1q\n", "error", "expected a unit"),
    (f"bantime = {'9' * 40}y\n", "error", "bantime"), ("bantime = 1/0\n", "error", "bantime"),
    ("bantime = -1\n", None, ""), ("bantime = -5\n", None, ""),
    ("x = %(y)s\ny = %(x)s\nbantime = %(x)s\n", "error", "itself"),
    ("bantime = 5%\n", "error", "%"), ("bantime = %(nosuch)s\n", "error", "nosuch"),
])
def test_odd_values(jail, level, words, tmp_path):
    folder = odd_folder(tmp_path, jail)
    done = read(folder)
    found = places(done, folder)
    lines = [m for m in done.stderr.splitlines() if f": {level}: " in m and words in m]
    if level is None:
        assert not [p for p in found if p[2] == "error"], done.stderr
        return
    assert lines and lines[0].startswith(f"{folder}/jails.d/a.conf:"), done.stderr
    assert int(lines[0].split(":")[1]) >= 6, done.stderr


def test_odd_files(tmp_path):
    """A thousand includes, one of itself, one that is a folder, noise, nothing."""
    folder = odd_folder(tmp_path, "")
    filters = folder / "filters"
    for i in range(1000):
        (filters / f"n{i}.conf").write_text(
            f"[INCLUDES]\nbefore = n{i + 1}.conf\n[Definition]\nx{i} = 1\n")

    def includes(what):
        (filters / "f.conf").write_text(
            f"[INCLUDES]\nbefore = {what}\n[Definition]\nfailregex = ^ x <HOST>$\n")
        done = read(folder)
        places(done, folder)
        return done.stderr
    assert "deep: it is not read" in includes("n0.conf")
    assert "error" not in includes("f.conf")
    (filters / "d.conf").mkdir()
    said = includes("d.conf")
    assert "filters/f.conf:2: error: " in said and "cannot be read: not a file" in said
    assert "f.conf:2: " in includes("nosuch.conf") and "does not exist" in includes("nosuch.conf")
    assert "f.conf:2: " in includes("x" * 5000) and "does not exist" in includes("x" * 5000)
    assert "f.conf:2: " in includes("%(nosuch)s") and "nosuch" in includes("%(nosuch)s")
    rng = random.Random(1)
    for _ in range(20):
        (filters / "g.conf").write_bytes(bytes(rng.randrange(256) for _ in range(3000)))
        assert "filters/g.conf:" in includes("g.conf")
    (filters / "g.conf").write_bytes(b"")
    assert "error" not in includes("g.conf")
