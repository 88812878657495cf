# SPDX-License-Identifier: GPL-2.0-or-later
"""Strings made from each regex: with the search for literals and without, the same.

A regex is expanded by fail2ban, parsed by Python, and walked at random; what comes out
matches it mostly. The date is put before the string, or where the regex wants a hole in
it ("[] "), so that the texts that are looked for stand on both sides of what is cut
out. Needs Debian's fail2ban package.
"""
import os
import pathlib
import random
import subprocess
from re import _constants as c, _parser as parser

import pytest

import theirs
from theirs import CONFIG

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BANNER_BUILD', TOP / 'build'))
EACH = 12
CHARS = ' abcxyzAZ019.:-_/@"\'=,;()[]<>%'

pytestmark = pytest.mark.skipif(not theirs.HAVE, reason='needs the fail2ban package')


class Walk:
    """One string of a regex."""

    def __init__(self, regex, chance, content=None):
        self.chance, self.content = chance, content
        tree = parser.parse(regex)
        self.names = {n: name for name, n in tree.state.groupdict.items()}
        self.groups = {}
        self.text = self.sequence(tree)

    def sequence(self, items):
        return ''.join(getattr(self, str(op).lower())(arg) for op, arg in items)

    def literal(self, code):
        return chr(code)

    def not_literal(self, code):
        return self.chance.choice([x for x in CHARS if ord(x) != code])

    def any(self, _):
        return self.chance.choice(CHARS)

    def in_(self, items):
        fits = [x for x in CHARS + chr(items[-1][1] if items[-1][0] is c.LITERAL else 97)
                if self.one_of(items, x)]
        return self.chance.choice(fits or ['?'])

    @staticmethod
    def one_of(items, char):
        kinds = {c.CATEGORY_DIGIT: str.isdigit, c.CATEGORY_SPACE: str.isspace,
                 c.CATEGORY_WORD: lambda x: x.isalnum() or x == '_'}
        negate = items[0][0] is c.NEGATE
        for op, arg in items[negate:]:
            if ((op is c.LITERAL and ord(char) == arg) or
                    (op is c.RANGE and arg[0] <= ord(char) <= arg[1]) or
                    (op is c.CATEGORY and any(
                        test(char) != (arg is not kind) for kind, test in kinds.items()
                        if str(arg).replace('NOT_', '') == str(kind)))):
                return not negate
        return negate

    def branch(self, arg):
        return self.sequence(self.chance.choice(arg[1]))

    def subpattern(self, arg):
        name = self.names.get(arg[0])
        if name == 'content' and self.content is not None:
            text = self.content
        elif name == 'ip4':
            text = f'192.0.2.{self.chance.randint(1, 250)}'
        elif name == 'ip6':
            text = '2001:db8::7'
        elif name == 'dns':
            text = 'host.example'
        else:
            text = self.sequence(arg[3])
        self.groups[arg[0]] = text
        return text

    def max_repeat(self, arg):
        low, high, items = arg
        most = min(int(high), low + self.chance.choice((0, 0, 1, 3)))
        return ''.join(self.sequence(items) for _ in range(self.chance.randint(low, most)))

    min_repeat = possessive_repeat = max_repeat

    def nothing(self, _):
        return ''

    at = assert_ = assert_not = nothing

    def atomic_group(self, items):
        return self.sequence(items)

    def groupref(self, number):
        return self.groups.get(number, '')

    def groupref_exists(self, arg):
        branch = arg[1] if arg[0] in self.groups else arg[2]
        return self.sequence(branch) if branch else ''


setattr(Walk, 'in', Walk.in_)
setattr(Walk, 'assert', Walk.nothing)


def definitions(folder):
    """name -> prefregex or None, failregexes; expanded."""
    from fail2ban.client.filterreader import FilterReader
    from fail2ban.server.failregex import FailRegex, Regex
    for path in sorted((folder / 'filter.d').glob('*.conf')):
        reader = FilterReader(path.stem, 'jail', {}, share_config=None, basedir=str(folder))
        reader.setBaseDir(str(folder))
        if 'common' in path.stem or not reader.read():
            continue
        reader.getOptions({})
        found = reader.getCombined()
        fail = [r for r in (found.get('failregex') or '').split('\n') if r.strip()]
        if not fail:
            continue
        pref = found.get('prefregex')
        pref = Regex(pref) if pref else None
        yield path.stem, pref and pref.getRegex(), [
            FailRegex(r, prefRegex=pref).getRegex() for r in fail]


def dated(text, chance):
    """Where a date was cut out, there is one."""
    if '[]' in text:
        return text.replace('[]', '[14/Aug/2005:11:59:59 +0000]', 1)
    return chance.choice(('Aug 14 11:59:59', '2005-08-14 11:59:59', '')) + text


def lines_of(pref, regex, chance):
    for _ in range(EACH):
        text = Walk(regex, chance).text
        if pref:
            text = Walk(pref, chance, text).text
        yield dated(text, chance)


def matchall(folder, log, names, *options):
    done = subprocess.run([BUILD / 'test/tools/matchall', *options, folder, log, *names],
                          capture_output=True, check=True)
    return done.stdout.decode(errors='replace').splitlines()


def compare(folder, tmp_path):
    chance = random.Random(11)
    filters = list(definitions(folder))
    lines = [line for _, pref, fail in filters for regex in fail
             for line in lines_of(pref, regex, chance)]
    log = tmp_path / 'log'
    log.write_text('\n'.join(lines) + '\n')
    names = [name for name, _, _ in filters]
    found = matchall(folder, log, names, '-n')
    assert found == matchall(folder, log, names)
    assert matchall(folder, log, names, '-l') == found
    # Not only misses are compared: nearly every filter found something.
    assert len({line.split()[0] for line in found}) > 0.9 * len(names)
    return len(names), len(lines), len(found)


def test_fail2bans_filters(tmp_path):
    filters, lines, found = compare(CONFIG, tmp_path)
    assert filters > 80 and found > lines / 4


def test_our_filters(tmp_path):
    (tmp_path / 'filter.d').symlink_to(TOP / 'filters')
    (tmp_path / 'jail.conf').write_text('[DEFAULT]\n')
    _, lines, found = compare(tmp_path, tmp_path)
    assert found > lines / 4
