# SPDX-License-Identifier: GPL-2.0-or-later
"""banregex from outside: line numbers, verdicts, reports, exit codes."""
import gzip
import json
import os
import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BANNER_BUILD', TOP / 'build'))
NOW = 1124013600        # 2005-08-14 10:00:00 UTC
DATE = '2005-08-14 10:00:00'
BAD = 'login of <F-USER>.+</F-USER> from <HOST> failed$'


def run(*args, stdin='', code=0, config='/nonexistent'):
    done = subprocess.run([BUILD / 'banregex', '-c', config, '--now', str(NOW),
                           '--TZ', 'UTC', *map(str, args)], input=stdin.encode(),
                          capture_output=True, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout.decode()


def objects(*args, **kwargs):
    found = [json.loads(line) for line in run('--json', *args, **kwargs).splitlines()]
    return found[:-1], found[-1]


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'filter.d').mkdir()
    (tmp_path / 'jail.conf').write_text(
        '[box]\nenabled = true\nfilter = login[word=refused]\nlogpath = /dev/null\n'
        'usedns = no\n')
    (tmp_path / 'filter.d/login.conf').write_text(
        '[Definition]\nfailregex = ^ <word> <HOST>$\nignoreregex = 192\\.0\\.2\\.9$\n'
        '[Init]\nword = failed\n')
    return tmp_path


def test_numbers_count_what_is_skipped(tmp_path):
    log = tmp_path / 'log'
    line = f'{DATE} login of ann from 192.0.2.%d failed\n'
    log.write_text('# a comment\n\n' + line % 1 + f'{DATE} nothing\r\n' + '\r\n' + line % 2)
    found, summary = objects(log, BAD)
    assert [(f['line'], f['id'], f['user']) for f in found] == [
        (3, '192.0.2.1', 'ann'), (6, '192.0.2.2', 'ann')]
    assert summary['lines'] == 3 and summary['missed'] == 1
    assert summary['rules'] == [{'regex': BAD, 'hits': 2}]


PACKERS = {'gzip': gzip.compress, 'zstd': lambda data: subprocess.run(
    ['zstd', '-qc'], input=data, capture_output=True, check=True).stdout}


def needs(packer):
    text = (BUILD / 'meson-info/intro-dependencies.json').read_text()
    if not re.search({'gzip': '"zlib"', 'zstd': '"libzstd"'}[packer], text):
        pytest.skip(f'built without {packer}')


@pytest.mark.parametrize('packer', PACKERS)
def test_packed(tmp_path, packer):
    """The same as of the plain text, also of two packed logs in one file."""
    needs(packer)
    lines = [f'{DATE} login of ann from 192.0.2.{i % 250} failed\n' if i % 7 == 0 else
             f'{DATE} line {i} of no use, and long enough to fill more than a block\n'
             for i in range(20000)]
    plain, packed = tmp_path / 'plain', tmp_path / 'log'
    plain.write_text(''.join(lines))
    packed.write_bytes(b''.join(PACKERS[packer](''.join(part).encode())
                                for part in (lines[:12000], lines[12000:])))
    assert objects(packed, BAD) == objects(plain, BAD)
    assert len(objects(packed, BAD)[0]) == 2858
    cut = tmp_path / 'cut'
    cut.write_bytes(PACKERS[packer](''.join(lines).encode())[:-10])
    assert run('--json', cut, BAD, code=255).count('"id"') > 2000


@pytest.mark.parametrize('packer', PACKERS)
def test_packed_without_the_library(tmp_path, packer):
    packed = tmp_path / 'log'
    packed.write_bytes(PACKERS[packer](b'x\n' * 100))
    done = subprocess.run([BUILD / 'banregex', '-c', '/nonexistent', packed, BAD],
                          capture_output=True, check=False)
    if done.returncode != 0:
        assert f'packed with {packer}, which this build'.encode() in done.stderr


@pytest.mark.parametrize('extra', [[], ['--no-prefilter']])
def test_big_log(tmp_path, extra):
    """Many blocks: no line is lost or read twice where they meet; long ones are."""
    log = tmp_path / 'log'
    wanted = []
    with log.open('w') as f:
        for number in range(1, 20001):
            if number % 97 == 0:
                f.write(f'{DATE} login of u{number} from 198.51.100.7 failed\n')
                wanted.append((number, f'u{number}'))
            elif number % 5003 == 0:
                f.write(f'{DATE} login of ' + 'x' * (20000 + number * 20)
                        + ' from 198.51.100.8 failed\n')
            elif number % 7919 == 0:
                f.write('# comment\n')
            else:
                f.write(f'{DATE} ' + 'some text ' * (number % 13) + '\n')
    found, summary = objects(*extra, log, BAD)
    assert [(f['line'], f['user']) for f in found] == wanted
    assert summary['too_long'] == 3
    assert summary['lines'] == 20000 - 3 - 2


def test_stdin_and_last_line_without_end():
    found, summary = objects('-', BAD, stdin=f'{DATE} login of a b from 2001:db8::0:1 failed')
    assert found[0]['host'] == '2001:db8::1' and found[0]['user'] == 'a b'
    assert found[0]['time'] == NOW and summary['matched'] == 1


def test_hostile_text_is_valid_json_and_safe_text(tmp_path):
    log = tmp_path / 'log'
    log.write_bytes(DATE.encode() + b' login of \x1b[31m\xff"\\ from 192.0.2.1 failed\n')
    found, _ = objects(log, BAD)
    assert found[0]['user'] == '\x1b[31m\ufffd"\\'
    text = run('--print-all-matched', log, BAD)
    assert '\x1b' not in text and '\\x1b[31m' in text
    assert '\x1b' not in run('-o', 'user', log, BAD)


def test_jail_filter_and_regex(config):
    line = f'{DATE} %s 192.0.2.1'
    assert objects(line % 'refused', 'box', config=config)[1]['matched'] == 1
    assert objects(line % 'failed', 'box', config=config)[1]['matched'] == 0
    assert objects(line % 'failed', 'login', config=config)[1]['matched'] == 1
    assert objects(line % 'no', 'login[word=no]', config=config)[1]['matched'] == 1
    path = config / 'filter.d/login.conf'
    assert objects(line % 'failed', path)[1]['matched'] == 1
    assert objects(f'{DATE} failed 192.0.2.9', 'login', config=config)[1]['ignored'] == 1
    assert objects(f'{DATE} failed 192.0.2.9', 'login', 'never', config=config)[1][
        'matched'] == 1
    assert objects(f'{DATE} refused a.example', 'box', config=config)[1]['matched'] == 0


def test_a_jail_with_errors_is_not_passed_over(config):
    """For the filter of its name, that is."""
    (config / 'jail.local').write_text('[login]\nfilter = login\nmaxretry = many\n')
    done = subprocess.run([BUILD / 'banregex', '-c', config, 'x', 'login'],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 255
    assert f'{config}/jail.local:3: error: maxretry: found "many"' in done.stderr
    assert 'the jail login has errors' in done.stderr


def test_a_jail_whose_lines_are_a_journals(config):
    (config / 'filter.d/by.conf').write_text(
        '[Definition]\nfailregex = ^<lt_<logtype>/head>failed <HOST>$\n'
        '[lt_file]\nhead = \\s\n[lt_journal]\nhead = mx:\\s\n')
    (config / 'jail.local').write_text('[other]\nfilter = by\n')
    assert objects('mx: failed 192.0.2.1', 'other', '--journal', config=config)[1][
        'matched'] == 1
    assert objects(f'{DATE} failed 192.0.2.1', 'other', config=config)[1]['matched'] == 1


def test_usedns_of_a_filter(tmp_path):
    """It counts where the jail says nothing."""
    for d in ('jails.d', 'filters'):
        (tmp_path / d).mkdir()
    (tmp_path / 'filters/x.conf').write_text(
        '[Definition]\nusedns = raw\nfailregex = failed <HOST>$\n')
    line = f'{DATE} failed a.example'
    for text, matched in (('', 1), ('usedns = no\n', 0)):
        (tmp_path / 'jails.d/j.conf').write_text('[j]\nfilter = x\n' + text)
        assert objects(line, 'j', config=tmp_path)[1]['matched'] == matched


def test_report():
    text = run(f'{DATE} login of ann from 192.0.2.1 failed', BAD)
    for part in ('Running tests', f'Use   failregex line : {BAD}', 'Results',
                 'Failregex: 1 total', f'|   1) [1] {BAD}', 'Ignoreregex: 0 total',
                 'Date template hits:',
                 'Lines: 1 lines, 0 ignored, 1 matched, 0 missed', '[processed in '):
        assert part in text
    text = run('-', BAD, stdin='x\n' * 30)
    assert 'Missed line(s): too many to print.  Use --print-all-missed' in text
    assert run('--print-all-missed', '-', BAD, stdin='x\n' * 30).count('|  x\n') == 30
    assert '|  x\n' in run('-', BAD, stdin='x\n' * 20)
    assert '|  x\n' not in run('--print-no-missed', '-', BAD, stdin='x\n')


def test_out_formats():
    line = f'{DATE} login of ann from 192.0.2.1 failed'
    assert run('-o', 'ip', line, BAD) == '192.0.2.1\n'
    assert run('-o', 'user', line, BAD) == 'ann\n'
    assert run('-o', 'msg', line, BAD) == line + '\n'
    assert run('-o', '<ip>/<F-USER>/<time>/<F-NONE>', line, BAD) == f'192.0.2.1/ann/{NOW}/\n'
    assert run('-i', '-', BAD, stdin=line + '\nother\n') == 'other\n'
    assert run('-i', '-o', 'msg', '-', BAD, stdin=line + '\nother\n') == 'other\n'


def test_rows():
    """As fail2ban-regex writes them, in JSON: parts between real tabs."""
    for stamp, seconds in ((DATE, f'{NOW}.0'), (f'{NOW}.050', f'{NOW}.05'),
                           (f'{NOW}.123', f'{NOW}.123')):
        row = run('-o', 'row', f'{stamp} failed 192.0.2.1', 'failed <HOST>$')
        assert row == f'["192.0.2.1",\t{seconds},\t{{"ip4": "192.0.2.1"}}],\n'


def test_options_in_one_word():
    line = f'{DATE} login of ann from a.example failed'
    assert '|      a.example' in run('-rv', line, BAD)
    assert '|      a.example' in run('-r', '--verbosity', '1', line, BAD)
    assert '|      a.example' not in run('-r', line, BAD)
    for level in 'critical', 'INFO', 'debug', 'notice':
        assert '1 matched' in run('-r', '-l', level, line, BAD)


def test_explain():
    text = run('--explain', f'{DATE} login of ann form 192.0.2.1 failed', BAD)
    assert 'missed' in text and f'date      {DATE}' in text
    assert 'failregex 1 is closest' in text and 'form 192.0.2.1 failed' in text
    text = run('--explain', f'{DATE} login of ann from 192.0.2.1 failed', BAD)
    assert 'failregex 1: 192.0.2.1, user ann' in text


@pytest.mark.parametrize('args', [
    ['line', '(<HOST>'], ['line', 'no id here'], ['/no/such/file', BAD],
    ['line', 'nosuchfilter'], ['--json', '-i', 'line', BAD], ['line'],
    ['--nonsense', 'line', BAD], ['-L', '0', 'line', BAD], ['--usedns', 'x', 'line', BAD],
    ['-e', 'klingon', 'line', BAD], ['-d', '(', 'line', BAD], ['-l', 'loud', 'x', BAD],
    ['-m', '_COMM=x', 'line', BAD], ['-i', '-o', 'id', 'line', BAD], ['-rx', 'line', BAD],
    ['--verbosity', '9', 'line', BAD], ['systemd-journal[journalfiles=/none]', BAD],
    ['systemd-journal[files=/none]', BAD], ['--TZ', 'Mars/Olympus', 'line', BAD],
    ['-c', TOP, '--simulate', '/dev/null', 'sshd,nosuch'],
    ['-c', TOP, '--simulate', '/dev/null', 'all']])
def test_errors(args):
    done = subprocess.run([BUILD / 'banregex', '-c', '/nonexistent', *args],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 255 and done.stderr.startswith('banregex: ')


def test_place_of_an_error_is_told(tmp_path):
    """The file of the filter or jail and the line of the regex in it; what was said on the
    command line has none."""
    for folder in ('filters', 'jails.d'):
        (tmp_path / folder).mkdir()
    (tmp_path / 'filters/web.conf').write_text(
        '[Definition]\n_b = ^x <HOST>\n    # why\n    ^b (<HOST>\nfailregex = ^ok <HOST>\n'
        '    %(_b)s\n')
    (tmp_path / 'filters/good.conf').write_text('[Definition]\nfailregex =\n    x.*<HOST>\n')
    (tmp_path / 'jails.d/a.conf').write_text(
        '[ours]\nenabled = yes\nfilter = good\nfailregex = ^x <HOST>\n    ^y (<HOST>\n'
        '[odd]\nenabled = yes\nfilter = good\nlogencoding = klingon\n')

    def said(*args):
        done = subprocess.run([BUILD / 'banregex', '-c', tmp_path, *args],
                              capture_output=True, text=True)
        assert done.returncode != 0, done
        return done.stdout + done.stderr
    bad = f'{tmp_path}/filters/web.conf:4: failregex 3: column 4: missing )'
    assert f'banregex: {bad}' in said('x', 'web') and bad in said('--lint', 'web')
    assert said('x', f'{tmp_path}/filters/web.conf[mode=x]').startswith(f'banregex: {bad}')
    assert f'{tmp_path}/jails.d/a.conf:5: failregex 2: column 4' in said('x', 'ours')
    assert f'{tmp_path}/jails.d/a.conf:9: unknown logencoding' in said('x', 'odd')
    assert said('-e', 'klingon', 'x', 'odd').startswith('banregex: unknown logencoding')
    assert said('x', 'good', '(x').startswith('banregex: ignoreregex 1: column')
    assert f'1) {tmp_path}/filters/good.conf:3: ' in said('--lint', 'good')


@pytest.mark.parametrize('regex, mark', [
    (r'Failed password for (\S+ from <HOST>', '(\\S+ from'), ('x <HOST> [a-', None),
    (r'^bad <HOST> (?P<x>a)(?P<x>b)$', 'x>b)')])
def test_place_of_an_error_is_marked(regex, mark):
    """The regex, and a mark below the place."""
    done = subprocess.run([BUILD / 'banregex', 'line', regex], capture_output=True,
                          text=True, check=False)
    said, shown, below = done.stderr.splitlines()
    assert done.returncode == 255 and done.stdout == '' and 'failregex 1: column' in said
    assert shown.strip() == regex and below.strip() == '^'
    assert mark is None or abs(shown.index(mark) - below.index('^')) <= len(mark)


def test_no_log(tmp_path):
    (tmp_path / 'secret').write_text('x\n')
    for log in (tmp_path / 'none', tmp_path, './none'):
        done = subprocess.run([BUILD / 'banregex', log, BAD], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 255 and done.stdout == '', done
        assert done.stderr.startswith(f'banregex: {log}: '), done


def test_no_date_and_no_year(tmp_path):
    log = tmp_path / 'log'
    log.write_text('login of a from 192.0.2.1 failed\n \t\n')
    done = subprocess.run([BUILD / 'banregex', log, BAD], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and 'no date was found' in done.stderr
    assert '\n|  \n' in done.stdout, 'a line of blanks is missed'
    log.write_text(f'{DATE} login of a from 192.0.2.1 failed\n')
    done = subprocess.run([BUILD / 'banregex', log, BAD], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and done.stderr == ''
    assert '(no year in the line)' in run('--explain', 'Aug 14 09:00:00 x', BAD)
    assert '(no year in the line)' not in run('--explain', f'{DATE} x', BAD)


GOLDEN = '''# filter: login
# now: 1124013600

# expect: fail host=192.0.2.1 user=-
2005-08-14 10:00:00 failed 192.0.2.1

# expect: nofail
2005-08-14 10:00:00 failed 192.0.2.9

# filter: login[word=no]
# expect: fail host=2001:db8:0::1 user=
2005-08-14 10:00:00 no 2001:db8::1
'''


def test_golden_lines(config, tmp_path):
    file = tmp_path / 'golden'
    file.write_text(GOLDEN)
    assert '3 of 3 verdicts agree' in run('--test', file, config=config)
    assert '1 of 1 verdicts agree' in run('--test', file, 'login[word=no]', config=config)
    file.write_text(GOLDEN.replace('expect: nofail', 'expect: fail host=192.0.2.9'))
    text = run('--test', file, config=config, code=1)
    assert '2 of 3' in text and 'found nofail' in text
    file.write_text(GOLDEN.replace('host=192.0.2.1 user=-', 'host=192.0.2.2 user=-'))
    assert '2 of 3' in run('--test', file, config=config, code=1)
    file.write_text(GOLDEN.replace('# filter: login\n', '# filter: gone\n'))
    assert '1 of 3' in run('--test', file, config=config, code=1)
    file.write_text('# nothing\n')
    run('--test', file, config=config, code=1)
