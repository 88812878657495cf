# SPDX-License-Identifier: GPL-2.0-or-later
"""With the search for literals and without: the same failures, whatever the log.

Logs come from the generator of scripts/bench, of every kind and with few and many
failing lines; and one filter is tried on lines made from its own regexes' texts, cut
and joined. Needs Debian's fail2ban package for its filters.
"""
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest

import theirs
from theirs import CONFIG

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BANNER_BUILD', TOP / 'build'))
GENERATOR = TOP / 'scripts/bench.d/genlog.py'
FILTERS = ['sshd', 'sshd[mode=aggressive]', 'postfix', 'dovecot', 'nginx-botsearch',
           'nginx-bad-request', '3proxy', 'slapd', 'recidive', 'exim', 'apache-auth',
           'openhab']

pytestmark = pytest.mark.skipif(not theirs.HAVE, reason='needs the fail2ban package')


def matchall(log, *options):
    done = subprocess.run([BUILD / 'test/tools/matchall', *options, CONFIG, log, *FILTERS],
                          capture_output=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize('kind', ['sshd', 'postfix', 'mailbox', 'nginx', 'mixed'])
@pytest.mark.parametrize('share', ['0.001', '0.01', '0.1', '0.5'])
def test_generated_logs(tmp_path, kind, share):
    log = tmp_path / 'log'
    subprocess.run([sys.executable, GENERATOR, '--kind', kind, '--size', '600K', '--fail',
                    share, '-o', log], capture_output=True, check=True)
    found = matchall(log)
    assert found == matchall(log, '-n')
    if share == '0.5' and kind in ('sshd', 'mixed'):
        assert len(found) > 300


def pieces(name):
    text = (CONFIG / 'filter.d' / (name.split('[')[0] + '.conf')).read_text()
    return [re.sub(r'\\(.)', r'\1', piece)
            for piece in re.findall(r'[\w \[\]":,.\\-]{4,}', text)]


def test_lines_of_the_texts_of_the_regexes(tmp_path):
    chance = random.Random(7)
    texts = [piece for name in FILTERS for piece in pieces(name)]
    heads = ['Aug 14 11:59:59 host sshd[1]: ', '2005-08-14 11:59:59 ', '', 'x ',
             '192.0.2.1 - - [14/Aug/2005:11:59:59 +0000] ']
    lines = [chance.choice(heads) + ' '.join(
        chance.choice([*texts[at:at + 6], '192.0.2.7', 'from 192.0.2.7 port 1 ssh2'])
        for _ in range(chance.randint(1, 5)))
        for at in range(len(texts)) for _ in range(4)]
    log = tmp_path / 'log'
    log.write_text('\n'.join(lines) + '\n')
    assert matchall(log) == matchall(log, '-n')
