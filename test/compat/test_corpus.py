# SPDX-License-Identifier: GPL-2.0-or-later
"""fail2ban's sample logs: every check of the installed package must agree.

Runs scripts/corpus three times: as it is, with every regex on every line (so the search
for literals is shown to lose nothing), and with the first failregex winning, as in
production. Needs Debian's fail2ban package, whose 1.0.2 has 1,627 checks, or the
source of another version (theirs.py).
"""
import os
import pathlib
import re
import subprocess

import pytest

import theirs
from theirs import CONFIG, TESTS

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BANNER_BUILD', TOP / 'build'))
CHECKS = {(1, 0, 2): 1627, (1, 1, 0): 1671, (1, 1, 1): 1811}

pytestmark = pytest.mark.skipif(not theirs.HAVE, reason='needs the fail2ban package')


def corpus(*extra):
    done = subprocess.run(
        [TOP / 'scripts/corpus', '--banregex', BUILD / 'banregex',
         *(f'--extra={option}' for option in extra), CONFIG, TESTS],
        text=True, capture_output=True, check=False)
    last = re.search(r'^(\d+) of (\d+) checks agree, (\d+) regexes without a sample$',
                     done.stdout, re.M)
    assert last, done.stdout + done.stderr
    good, total, unhit = map(int, last.groups())
    assert (done.returncode, good, unhit) == (0, total, 0), done.stdout
    return total


@pytest.mark.parametrize('extra', [(), ('--no-prefilter',), ('--no-check-all',)])
def test_every_check_agrees(extra):
    total = corpus(*extra)
    assert total == CHECKS.get(theirs.version(), total) and total > 1000


def test_a_wrong_filter_is_noticed(tmp_path):
    """The comparison itself: a configuration with a broken regex must not pass."""
    folder = tmp_path / 'filter.d'
    folder.mkdir()
    (tmp_path / 'jail.conf').write_text('[DEFAULT]\n')
    for file in (CONFIG / 'filter.d').iterdir():
        (folder / file.name).symlink_to(file)
    (folder / 'qmail.conf').unlink()
    text = (CONFIG / 'filter.d/qmail.conf').read_text().replace('badiprbl', 'goodiprbl')
    (folder / 'qmail.conf').write_text(text)
    done = subprocess.run([TOP / 'scripts/corpus', '--banregex', BUILD / 'banregex',
                           tmp_path, TESTS], text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert 'qmail' in done.stdout
