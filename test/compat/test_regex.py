# SPDX-License-Identifier: GPL-2.0-or-later
"""Regexes: our translation for PCRE2 against Python's re, on random regexes and texts.

Needs build/test/tools/patterncheck (BANNER_BUILD names another build folder). Whatever
Python refuses must be refused, and the spans of all groups must be the same. Decided
differences, kept out: \\N{NAME}, (?a:...) for a part, names that are not ASCII; U+180E
is white space for PCRE2; i matches no dotted or dotless i; Python's \\B never matches an
empty text (ours is never empty: a line keeps its end); possessive repeats of groups,
which Python 3.11 gets wrong.
"""
import os
import pathlib
import random
import re
import subprocess
import warnings

import pytest

import theirs

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))
PATTERNCHECK = BUILD / "test/tools/patterncheck"
PLAIN, PREFIX, MULTILINE = 8, 4, 1

ATOMS = list("abcxyz019_ -:.,#/\"'<>=@&~%!;`") + [
    ".", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\n", r"\t", r"\v", r"\f", r"\a",
    r"\.", r"\[", r"\]", r"\{", r"\-", r"\#", r"\ ", r"\/", r"\x41", r"\x1c", r"\u0062",
    r"\u00e9", r"\U00000063", r"\0", r"\101", r"\07", "]", "}", "{", "{a", "{1", "{,a}",
    "\u00e9", "\u20ac", "[abc]", "[^abc]", "[a-z]", "[^\\n]", "[]x]", "[^]x]", "[\\w.-]",
    "[\\S]", "[^\\S]", "[\\Sx]", "[^\\S\\n]", "[\\s\\S]", "[\\d\\s]", "[[:alpha:]]", "[a[]",
    "[\\]^]", "[\\b]", "[-a]", "[a-]", "[\\x00-\\x1f]", "[\u00e0-\u00ff]", "[^\u00e9]",
    "[\\101-\\103]", "[\\-x]", "[+--]", "[a\\-z]", "[&&]", "[~|]",
]
ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
BROKEN = ["(", ")", "[", "*", "+", "?", "{2}", "{3,2}", "\\", r"\q", r"\K", r"\z", r"\h",
          r"\p{L}", r"\Q", r"\x4", r"\u12", "(?", "(?P", "(?P<", "(?P<n", "(?<n>a)", "(?|a)",
          "(?R)", "(?1)", "(?&n)", "(*ACCEPT)", "(?C)", "(?i)", r"\9", r"\400", "[z-a]",
          "[\\d-z]", "(?P=q)", "(?(q)a|b)", "(?L)", "(?P<1>a)", "(?P>n)", "(?^a)", "(?-i)",
          "[\\A]", "[\\8]", "(?P<a b>c)", "(?#", "(?<a)", "(?i", "(?z:a)", "(?i-i:a)", "(?-:a)"]
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{,2}", "{0,2}", "{1,2}?", "{,}",
               "*+", "++", "?+", "{1,2}+"]
POSSESSIVE = 4
LETTERS = list("abcxyz019_ -:.,#/\"'<>=@[]{}^\\\n\t\x0b\x0c\x07\x00\x1c\x1fAbBC") + [
    "\u00e9", "\u20ac", "\u00a0", "\u0663", "\u00c9"]


class Maker:
    def __init__(self, random_):
        self.r = random_
        self.names = []
        self.groups = 0

    def expression(self, depth=0):
        return "|".join(self.sequence(depth) for _ in range(self.r.choice([1, 1, 1, 2, 3])))

    def sequence(self, depth):
        return "".join(self.piece(depth) for _ in range(self.r.randrange(1, 5)))

    def piece(self, depth):
        roll = self.r.random()
        if roll < 0.08:
            return self.r.choice(ANCHORS)
        if roll < 0.085:
            return self.r.choice(BROKEN)
        group = roll < 0.35 and depth < 3
        item = self.group(depth) if group else self.r.choice(ATOMS)
        if self.r.random() > 0.25:
            return item
        return item + self.r.choice(QUANTIFIERS[:-POSSESSIVE] if group else QUANTIFIERS)

    def group(self, depth):
        kind = self.r.choice(["(", "(?:", "(?P<", "(?=", "(?!", "(?i:", "(?s:", "(?x:", "(?-i:",
                              "back", "named", "if", "(?#c)", "(?<=", "(?<!", "(?>", "(?m:"])
        if kind == "(?P<":
            name = self.r.choice(["n", "R", "DEFINE", "R1", "a_name", "x" * 40]) + str(
                len(self.names) if self.r.random() < 0.9 else "")
            body = self.expression(depth + 1)
            self.groups += 1
            self.names.append(name)
            return f"(?P<{name}>{body})"
        if kind == "(":
            body = self.expression(depth + 1)
            self.groups += 1
            return f"({body})"
        if kind in ("(?<=", "(?<!"):
            return kind + self.r.choice(["a", "b\\d", "[xy]", "\\s", "^"]) + ")"
        if kind == "back":
            return f"\\{self.r.randrange(1, self.groups + 1)}" if self.groups else "a"
        if kind == "named":
            return f"(?P={self.r.choice(self.names)})" if self.names else "b"
        if kind == "if":
            if self.names and self.r.random() < 0.5:
                return f"(?({self.r.choice(self.names)})a|b)"
            return f"(?({self.r.randrange(1, self.groups + 1)})x|y)" if self.groups else "c"
        return "" if kind == "(?#c)" else kind + self.expression(depth + 1) + ")"


def python(regex, text, flags):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = re.compile(regex, re.MULTILINE if flags & MULTILINE else 0)
    except (re.error, OverflowError):
        return "error"
    match = compiled.search(text)
    if not match:
        return "no"
    where = [len(text[:i].encode()) for i in range(len(text) + 1)]
    return " ".join("-" if a < 0 else f"{where[a]}-{where[b]}" for a, b in match.regs)


def run(cases):
    ask = "".join(f"{f}\t{r.encode().hex()}\t{t.encode().hex()}\n" for f, r, t in cases)
    reply = subprocess.run([PATTERNCHECK], input=ask, stdout=subprocess.PIPE,
                           encoding="utf-8", check=True).stdout.splitlines()
    assert len(reply) == len(cases)
    return reply


def filter_regexes():
    """Every regex of the installed filters, tags not yet expanded."""
    reader_of = pytest.importorskip("fail2ban.client.filterreader").FilterReader
    for path in sorted(theirs.CONFIG.glob("filter.d/*.conf")):
        for mode in ("normal", "aggressive"):
            if path.stem.endswith("common"):
                continue
            reader = reader_of(path.stem, "jail", {"mode": mode}, basedir=str(theirs.CONFIG))
            if not reader.read():
                continue
            reader.getOptions(None)
            for command in reader.convert():
                if "regex" not in command[2]:
                    continue
                value = command[3]
                for regex in value if isinstance(value, list) else [value]:
                    yield path.stem, regex


def test_filters():
    """fail2ban's filters, on their own sample lines: the same groups at the same place."""
    regexes = sorted(set(filter_regexes()))
    if not regexes:
        pytest.skip("fail2ban's filters are not installed")
    failregex = pytest.importorskip("fail2ban.server.failregex")
    # The one tag that is decided differently: the lone colon of fail2ban 1.1.
    old, new = "{1,4}::?|::){1,7}", "{1,4}::?|:){1,7}"
    cases, expected, matched = [], [], 0
    for name, regex in regexes:
        logs = theirs.LOGS / name
        lines = logs.read_text(errors="replace").splitlines() if logs.is_file() else []
        resolved = failregex.Regex(regex)._regex.replace(old, new)
        for line in [x for x in lines if x and x[0] != "#"][:60] or ["x"]:
            # Behind the date, roughly: what the rules see.
            for text in (line + "\n", re.sub(r"^.{15}", "", line) + "\n"):
                cases.append((PREFIX, regex, text))
                expected.append(python(resolved, text, 0))
    different = [(c, o, t) for c, o, t in zip(cases, run(cases), expected) if o != t]
    matched = sum(t != "no" for t in expected)
    assert not different, "\n".join(map(str, different[:8])) + f"\n{len(different)}"
    assert matched > 300 and "error" not in expected


@pytest.mark.parametrize("seed", range(20))
def test_random(seed):
    random_ = random.Random(seed)
    cases = []
    for _ in range(400):
        regex = Maker(random_).expression()
        regex = random_.choice(["", "", "", "", "(?i)", "(?x)", "(?s)", "(?iu)", "(?m)"]) + regex
        flags = PLAIN | random_.choice([0, 0, MULTILINE])
        for _ in range(6):
            text = "".join(random_.choice(LETTERS) for _ in range(random_.randrange(1, 12)))
            cases.append((flags, regex, text))
    reply = run(cases)
    different = []
    for (flags, regex, text), ours in zip(cases, reply):
        theirs = python(regex, text, flags)
        if ours == "limit" or ours == theirs or (theirs == "error" and ours[:5] == "error"):
            continue
        different.append((flags, regex, text, ours, theirs))
    assert not different, "\n".join(map(str, different[:12])) + f"\n{len(different)}"


SIBLINGS = [
    r"(?<=a*)d", r"(?<=(?P<n>a))b(?P=n)", r"a(?i)b", r"(a)(?i:b)c", r"(?P<n>a)(?P=n)",
    r"\012x", r"\08", r"\377", r"a++b", r"(?>a|ab)c", r"a{2,}+b", r"(?P<n>a)?(?(n)b|c)",
    r"(?P<a>x)|(?P<a>y)", r"a{,}", r"a{ 1}", r"[\w-]+", r"[a-\d]", r"\Z", r"a\Z|\Ab",
    r"(?x) a b # c", r"(?#c)a", r"\x4a\u004A", r"[^\W\d_]+", r"(?-i:a)", r"(?is)a.b",
    r"x*?$", r"(?m)^b$", r"(?<=^)a", r"(?<=\b)a", r"(?:a|b)*+c", r"a**", r"a?+?", r"(?=a)*b",
    r"\1(a)", r"(a)\2", r"[]-a]", r"[a\]b]", r"[[a]", r"[[:^alpha:]]", r"\e", r"\Ga",
    r"(?<n>a)", r"(?'n'a)", r"\g<1>(a)", r"\k<n>", r"(?P>n)", r"(*UTF8)a", r"(?|(a)|(b))",
    r"\R", r"\X", r"\C", r"\U0001F600", r"\x{41}", r"\o{101}", r"\cA", r"(?a)\w", r"(?u)\w",
    r"(?L)\w", r"a(?s)", r"^^a", r"a$$", r"(^)*a", r"()*a", r"(a|)+b", r"(?:)*a"]
TEXTS = ["abcd", "bcd", "ad", "aab", "aB", "AB", "ab\n", "b", "c", "xy", "\nx", "\x008",
         "\u00ff", "J J", "a b", "1", "a{,}", "a{ 1}", "aac", "bb\nb", "]a", "\u0663\u00e9",
         "\U0001F600", "A", "aa"]


def test_what_the_two_write_differently():
    """One by one, what people bring along from Python or from PCRE. A lookbehind whose
    alternatives differ in length is an error of Python's that is none here."""
    cases = [(PLAIN | flag, regex, text) for regex in SIBLINGS for text in TEXTS
             for flag in (0, MULTILINE)]
    for (flags, regex, text), have in zip(cases, run(cases)):
        want = python(regex, text, flags)
        assert have == want or want == "error" == have[:5], (regex, text, flags, have, want)
    assert all(answer[:5] != "error" for answer in run([(PLAIN, r"(?<=a|bc)d", "abcd")]))
