# SPDX-License-Identifier: GPL-2.0-or-later
"""Dates: our detector against fail2ban's own, line by line, with its learning order.

Needs Debian's fail2ban package and build/test/tools/stampcheck (BANNER_BUILD names
another build folder). Decided differences, kept out of the comparison:
 - the compact ISO template has the form of fail2ban 1.1 ("-" and ":" allowed);
 - a date written with digits of other scripts matches but has no time with us;
 - {^LN-BEG}{EPOCH}, a pattern that begins with %k or %l, one with its own (?i) besides
   names, and an optional %p work here (there: text, a broken regex, an exception);
 - {DEFAULT} beside other patterns adds the defaults (there: nothing);
 - an unknown zone abbreviation is an exception there, which loses the line; here the
   line has no date.
"""
import json
import os
import pathlib
import random
import subprocess
import time

import pytest

import theirs

datedetector = pytest.importorskip("fail2ban.server.datedetector")
strptime = pytest.importorskip("fail2ban.server.strptime")
from fail2ban.server.mytime import MyTime  # noqa: E402
from fail2ban.server.utils import Utils  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))
STAMPCHECK = BUILD / "test/tools/stampcheck"
NOW = 1700000000  # 2023-11-14 22:13:20 UTC

DEFAULTS = list(datedetector.DateDetectorCache.DEFAULT_TEMPLATES)
DEFAULTS[13] = r"%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?"


class Clock:
    """time.time() of the learning order."""

    now = NOW

    @classmethod
    def time(cls):
        return cls.now


class Oracle:
    def __init__(self, zone, patterns):
        # Hits are counted in shared templates: every detector gets its own.
        datedetector.time = Clock
        datedetector.DD_patternCache = Utils.Cache(maxCount=1000, maxTime=3600)
        datedetector.DateDetectorCache.DEFAULT_TEMPLATES = list(DEFAULTS)
        datedetector.DateDetector._defCache = datedetector.DateDetectorCache()
        strptime.timeRE["ExY"] = r"(?P<Y>20[0-2]\d)"
        self.detector = datedetector.DateDetector()
        if zone != "-":
            self.detector.default_tz = zone
        for pattern in patterns:
            self.detector.appendTemplate(pattern)

    def date(self, now_ms, line):
        Clock.now = now_ms / 1000
        MyTime.setTime(now_ms / 1000)
        found = {"found": False}
        try:
            match = self.detector.matchTime(line)
            if not match[0]:
                return found
            start, end = match[0].span(1)
            text = line[start:end]
            when = None
            if text:
                date = self.detector.getTime(text, match)
                if date is None:
                    return found
                when = round(float(date[0]), 6)
        except (KeyError, TypeError, ValueError, OverflowError, IndexError):
            return found
        cut = [len(line[:n].encode()) for n in (start, end)]
        return {"found": True, "cut": cut, "time": when}


@pytest.fixture(autouse=True)
def leave_no_trace(monkeypatch):
    """Zone, clock and templates are the process's; other tests want theirs back."""
    monkeypatch.setenv("TZ", os.environ.get("TZ", "UTC"))
    for thing, name in ((datedetector, "time"), (datedetector, "DD_patternCache"),
                        (datedetector.DateDetectorCache, "DEFAULT_TEMPLATES"),
                        (datedetector.DateDetector, "_defCache")):
        monkeypatch.setattr(thing, name, getattr(thing, name))
    yield
    MyTime.setTime(None)
    monkeypatch.undo()
    time.tzset()


def compare(tz, cases):
    """cases: (zone, patterns, [(now_ms, line)]). Fails on any difference."""
    os.environ["TZ"] = tz
    time.tzset()
    ask = []
    for zone, patterns, lines in cases:
        ask.append("\t".join(["new", zone, *patterns]))
        ask += [f"{now}\t{line}" for now, line in lines]
    reply = subprocess.run(
        [STAMPCHECK], input="\n".join(ask) + "\n", stdout=subprocess.PIPE,
        encoding="utf-8", check=True, env=dict(os.environ, TZ=tz)).stdout
    answers = iter(reply.splitlines())
    different, dated = [], 0
    for zone, patterns, lines in cases:
        assert next(answers) == "{}", (zone, patterns)
        oracle = Oracle(zone, patterns)
        for i, (now, line) in enumerate(lines):
            ours, theirs = json.loads(next(answers)), oracle.date(now, line)
            dated += theirs["found"]
            if ours != theirs:
                different.append((tz, zone, patterns, i, now, line, ours, theirs))
    assert not different, "\n".join(map(str, different[:10])) + f"\n{len(different)}"
    return dated


FORMATS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d  %H:%M:%S",
    "%Y-%m-%d %H:%M:%S,123", "%Y-%m-%dT%H:%M:%S.123456+02:00", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.5 -0730", "%Y-%m-%d%H:%M:%S", "%Y-%m-%d %k:%M:%S",
    "%b %d %H:%M:%S", "%b %e %H:%M:%S", "%a %b %d %H:%M:%S", "%b %d %k:%M:%S.123",
    "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S.011 %Y", "%b %d %Y %H:%M:%S",
    "%a %b %e %Y %H:%M:%S.011", "%d/%m/%Y %H:%M:%S", "%d/%m/%y %H:%M:%S",
    "%d-%m-%Y %k:%M:%S", "%d/%b/%Y:%H:%M:%S +0100", "%d/%b/%Y:%H:%M:%S",
    "%d-%b-%Y %H:%M:%S.252", "%d-%b-%Y %H:%M:%S +0200", "%m/%d/%Y:%H:%M:%S",
    "%m-%d-%Y %H:%M:%S.252", "%s", "%s.123", "%H:%M:%S", "<%m/%d/%y@%H:%M:%S>",
    "%y%m%d %H:%M:%S", "%y%m%d  %k:%M:%S", "%b %d, %Y %I:%M:%S %p", "%b-%d-%y %H:%M:%S",
    "%Y%m%dT%H%M%S", "%Y%m%d %H%M%S.123", "%Y%m%d-%H:%M:%S", "CET %b %d %H:%M:%S",
    "PDT %a %b %d %H:%M:%S %Y", "+01:00 %b %d %H:%M:%S", "@4000000041f31f6c0e27b4dc",
]
PREFIXES = ["", "", "", " ", "[", "<13>", "bogus-prefix ", "word", "1.2.3.4 - - [",
            "audit(", "[[", "--- ", "\u00e9 ", "x: \u20ac ", "9", "2022-01-01 00:00:00 "]
SUFFIXES = [" host sshd[1]: x", "] \"GET / HTTP/1.1\" 200", ":12): x", "", "x", ": \u00fc",
            " at Nov 02 11:22:33 2021", "> x", " +0200 x", "Z", " [04/Feb/2022:01:02:03 +0000]"]


def text_of(random_, fmt):
    # One in ten lies in the future, one in five near now.
    spread = random_.choice([NOW - 946684800, 86400 * 400, 90000, 90000])
    when = NOW - random_.randrange(-86400 * 3 if random_.random() < 0.1 else 0, spread)
    return time.strftime(fmt, time.gmtime(when))


def mutate(random_, text):
    if random_.random() < 0.75 or not text:
        return text
    i = random_.randrange(len(text))
    new = random_.choice(list("0123456789 :-/.,+TZx[") + [""])
    return text[:i] + new + text[i + 1:] if random_.random() < 0.8 else text.lower()


def line_of(random_, formats=FORMATS, prefixes=PREFIXES):
    return (random_.choice(prefixes) + mutate(random_, text_of(random_, random_.choice(formats)))
            + random_.choice(SUFFIXES))


PATTERNS = [
    [], ["{DEFAULT}"], ["{^LN-BEG}"], ["{DATE}"], ["^{DATE}"], ["{^LN-BEG}{DATE}"],
    [r"^[^\[]*\[({DATE})"], [r"^[^\[]*(\[{DATE}\s*\])"], [r"^<\d+>{DATE}"],
    ["EPOCH"], ["{^LN-BEG}Epoch"], ["^Epoch"], ["LEPOCH"], ["{LEPOCH}"],
    [r"^\s*{EPOCH}\s"], [r"audit\({EPOCH}"], ["TAI64N"], ["{^LN-BEG}TAI64N"], ["{NONE}"],
    [r"^%Y-%m-%d[ T]%H:%M:%S"], ["%Y-%m-%d %H:%M:%S", "%b %d %k:%M:%S"],
    [r"^(?:%Y-)?%m-%d[ T]%H:%M:%S(?:\.%f)?"], ["%d/%b[^/]*/%Y:%H:%M:%S %z"],
    ["^%H:%M:%S"], ["%Exy%Exm%Exd"], ["{UNB}%H:%M:%S"], ["**%b %d %k:%M:%S**"],
    ["(?:%Z )?%b %d %H:%M:%S"], ["%b %d %H:%M:%S(?: %Exz)?"], ["%c", "%x %X"],
    [r"\[%d/%b/%Y:%H:%M:%S(?: %z)?\]"], ["%H:%M:%S$"], ["%A|%a %b", "%j", "%H:%M"],
    ["%I:%M:%S %p", "%I:%M"], ["at %l:%M:%S", "at %k:%M"], ["%Y %U %a", "%Y-%m"], ["()%m/%d"],
    [r"(?i)at %Y", "%H:%M:%S"], ["^%b-%d-%Exy %k:%M:%S"], ["x**", "{NONE}"],
]
ZONES = ["-", "-", "UTC+0200", "CET", "-04:30", "Z"]
SYSTEM_ZONES = ["UTC", "CET-01CEST-02,M3.5.0,M10.5.0", "America/St_Johns",
                "Australia/Lord_Howe"]


@pytest.mark.parametrize("tz", SYSTEM_ZONES)
def test_single_lines(tz):
    """Each line by a detector that has seen nothing."""
    random_ = random.Random(tz)
    cases = [(random_.choice(ZONES), [], [(NOW * 1000 + random_.randrange(1000),
                                           line_of(random_, [fmt]))])
             for fmt in FORMATS for _ in range(12)]
    assert compare(tz, cases) > 100


@pytest.mark.parametrize("patterns", PATTERNS, ids=str)
def test_patterns(patterns):
    random_ = random.Random(str(patterns))
    formats = FORMATS + ["%Y-%m-%d", "%m/%d", "%c", "%x %X", "%Y %U %a", "%j", "%A", "%s123"]
    cases = [(random_.choice(ZONES), patterns,
              [(NOW * 1000, line_of(random_, formats)) for _ in range(25)])
             for _ in range(8)]
    compare("UTC", cases)


@pytest.mark.parametrize("seed", range(12))
def test_learning(seed):
    """Long sequences in a few formats, places that move, pauses in between."""
    random_ = random.Random(seed)
    cases = []
    for _ in range(6):
        now = NOW * 1000
        formats = random_.sample(FORMATS, random_.randrange(1, 5))
        prefixes = random_.sample(PREFIXES, random_.randrange(1, 4))
        lines = []
        for _ in range(120):
            now += random_.choice([0, 10, 1000, 1000, 60000, 301000])
            lines.append((now, line_of(random_, formats, prefixes)))
        cases.append(("-", random_.choice(PATTERNS[:6]), lines))
    assert compare("UTC", cases) > 0


def test_corpus():
    """Every line of fail2ban's sample logs that this machine has, one detector each."""
    cases = []
    for path in sorted(p for p in theirs.LOGS.glob("*") if p.is_file()):
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        cases.append(("-", [], [(1124013600000, line.replace("\r", "").replace("\t", " "))
                                for line in lines if line and not line.startswith("#")]))
    if not cases:
        pytest.skip("fail2ban's sample logs are not installed")
    assert compare("CET-01CEST-02,M3.5.0,M10.5.0", cases) > 500
