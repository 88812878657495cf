# SPDX-License-Identifier: GPL-2.0-or-later
"""All of fail2ban's filters on one log: the search for literals loses nothing, and what
many filters find together is what each finds alone.

The log holds all sample lines and mutated copies of them (bytes changed, removed, added,
also such as are no UTF-8). Needs Debian's fail2ban package and build/test/tools/matchall.
Date templates learn from candidate lines only, so a line that is dated by guessing might
be cut elsewhere; none of these is.
"""
import os
import pathlib
import random
import subprocess

import pytest

import theirs
from theirs import CONFIG, LOGS

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BANNER_BUILD', TOP / 'build'))
MUTATIONS = 4

pytestmark = pytest.mark.skipif(not theirs.HAVE,
                                reason='needs the fail2ban package')


def mutate(line, chance):
    line = bytearray(line)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(line) + 1)
        what = chance.randrange(5)
        if what == 0:
            line[at:at + chance.randint(1, 8)] = b''
        elif what == 1:
            line[at:at] = bytes(chance.choice([0x20, 0x41, 0xff, 0xc3, 0xe2, 0x80, 0x5b,
                                               0x3a, 0x09, 0x00]) for _ in range(3))
        elif what == 2 and at < len(line):
            line[at] ^= 0x20
        elif what == 3:
            other = chance.randrange(len(line) + 1)
            line[at:at] = line[other:other + 20]
        else:
            line[at:at] = 'ä\u00a0'.encode()
    return bytes(line).replace(b'\n', b' ').replace(b'\r', b' ')


@pytest.fixture(scope='module')
def log(tmp_path_factory):
    chance = random.Random(20050814)
    lines = []
    for file in sorted(LOGS.iterdir()):
        if file.is_file():
            lines += [line for line in file.read_bytes().split(b'\n')
                      if line.strip() and not line.startswith(b'#')]
    assert len(lines) > 1000
    lines += [mutate(line, chance) for _ in range(MUTATIONS) for line in lines]
    path = tmp_path_factory.mktemp('together') / 'log'
    path.write_bytes(b'\n'.join(lines) + b'\n')
    return path


def matchall(log, filters, *options):
    env = dict(os.environ, TZ='CET-01CEST-02,M3.5.0,M10.5.0')
    done = subprocess.run([BUILD / 'test/tools/matchall', *options, CONFIG, log, *filters],
                          capture_output=True, check=True, env=env)
    return sorted(done.stdout.splitlines())


def all_filters():
    return [file.stem for file in sorted((CONFIG / 'filter.d').glob('*.conf'))
            if not file.stem.endswith('common')]


def test_no_literal_loses_a_line(log):
    found = matchall(log, all_filters())
    assert len(found) > 1200
    assert found == matchall(log, all_filters(), '-n')


def test_line_by_line(log):
    """As when a log is followed: blocks of one line give what one big block gives."""
    assert matchall(log, all_filters()) == matchall(log, all_filters(), '-l')


def test_together_as_alone(log):
    alone = []
    for name in all_filters():
        alone += matchall(log, [name])
    assert matchall(log, all_filters()) == sorted(alone)


def test_equal_filters_find_the_same(log):
    found = matchall(log, ['sshd', 'sshd', 'sshd[mode=aggressive]', 'dovecot'])
    sshd = matchall(log, ['sshd'])
    assert len(sshd) > 50
    assert [line for line in found if line.startswith(b'sshd ')] == sorted(2 * sshd)
