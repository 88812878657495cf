# SPDX-License-Identifier: GPL-2.0-or-later
"""banregex --lint: rules that can be fooled, that hang, that never match."""
import os
import pathlib
import re
import subprocess

import pytest

import theirs
from theirs import CONFIG

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))

FORGED = "203.0.113.9"

# Of fail2ban's filters, with default options: the rules found by lint, each with a line
# that fools it or takes for ever. What 1.1.1 mended and what it brought differ.
NEWER = theirs.version() >= (1, 1, 1)
FORGEABLE = {"centreon": [1], "cyrus-imap": [1], "drupal-auth": [1], "ejabberd-auth": [2],
             "nginx-limit-req": [1], "oracleims": [1], "portsentry": [1], "postfix": [1, 2],
             "pure-ftpd": [1], "znc-adminlog": [1]}
FORGEABLE |= {"dovecot": [2], "lighttpd-auth": [1], "recidive": [1]} if NEWER else {
    "asterisk": [2], "exim": [4]}
SLOW = {"grafana": [1]}
SLOW |= {} if NEWER else {"domino-smtp": [2], "exim": [6]}
SLOW |= {"selinux-ssh": [1]} if theirs.version() >= (1, 1) else {}


def lint(spec, config=CONFIG):
    done = subprocess.run([BUILD / "banregex", "-c", config, "--lint", spec],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 1) == bool(re.search(r"^\d+\) ", done.stdout, re.M))
    return done.stdout


@pytest.mark.parametrize("regex, finding", [
    (r"bad <HOST>$", "not anchored"),
    (r".*ip=<HOST>;.*authentication failed for .*$", "not anchored"),
    (r"^\s*\S+ prog: user .* from <HOST>", "free text"),
    (r"^\s*\S+ prog: user .*? from <HOST>\b", "free text"),
    (r"^ (?:a+)+ <HOST>$", "exponential"),
    (r"^ (?:[^\]\"]*|\"[^\"]*\")*\] <HOST>$", "exponential"),
    (r"a$b <HOST>", "never matches"),
    (r"a^b <HOST>", "never matches"),
    (r"^b \[<HOST>\]$ more", "never matches"),
    (r"^\s*b <F-USER>x</F-USER> ^[^a]+ <HOST>$", "never matches"),
    (r"^bad .*<HOST>", "takes part of the address"),
    (r"bad .*<HOST>.*x", "takes part of the address"),
])
def test_what_is_wrong_is_found(regex, finding, tmp_path):
    text = lint(regex)
    assert finding in text, text
    line = re.search(r"    line: (.*)", text).group(1)
    assert FORGED in line or finding in ("exponential", "never matches",
                                         "takes part of the address")


def test_what_cannot_be_judged_is_said():
    assert "rule 1 is not judged" in lint(r"^(?=.*bad) <HOST>$")


@pytest.mark.parametrize("regex", [
    r"^\s*\S+ prog: user \S+ from <HOST>$",
    r"^\s*\S+ prog: user .* from <HOST>$",      # the last one is the program's own
    r"^<HOST> - - ",
    r"^ok <HOST> x{1,3}$",
    r"^\s*x?^ok <HOST>\s*$\s*$",
])
def test_what_is_right_is_left_alone(regex):
    assert "0 findings" in lint(regex)


def test_the_line_really_fools_the_rule():
    regex = r"^\s*\S+ prog: user .*? from <HOST>\b"
    line = re.search(r"    line: (.*)", lint(regex)).group(1)
    done = subprocess.run([BUILD / "banregex", "-r", "-o", "ip", "--journal", line, regex],
                          capture_output=True, text=True, check=True)
    assert done.stdout == FORGED + "\n"


@pytest.mark.skipif(not theirs.HAVE, reason="needs the fail2ban package")
@pytest.mark.parametrize("name", ["pam-generic", "drupal-auth", "softethervpn"])
def test_exponential_prefix_of_rfc5424(name):
    assert "takes exponential time" in lint(name + "[logtype=rfc5424]")


@pytest.mark.skipif(not theirs.HAVE, reason="needs the fail2ban package")
def test_stock_filters():
    names = {p.stem for p in (CONFIG / "filter.d").glob("*.conf")
             if not p.stem.endswith("common")}
    forgeable, slow = {}, {}
    for name in names:
        for number, text in re.findall(r"^(\d+)\) (.*)$", lint(name), re.M):
            if "not anchored" in text or "free text" in text:
                forgeable.setdefault(name, []).append(int(number))
            elif "exponential" in text:
                slow.setdefault(name, []).append(int(number))
    assert forgeable == FORGEABLE
    assert slow == SLOW


def ours():
    """Our filters with each of their modes."""
    for path in sorted((TOP / "filters").glob("*.conf")):
        modes = re.findall(r"^rules-(\w+)", path.read_text(), re.M) or [None]
        for mode in modes if not path.stem.endswith("common") else []:
            yield path.stem + (f"[mode={mode}]" if mode else "")


@pytest.mark.parametrize("spec", ours())
def test_our_own_filters_pass(spec):
    text = lint(spec, TOP)
    assert "0 findings" in text, text


def test_a_caret_in_a_tag_is_no_text_before_it():
    assert "0 findings" in lint(r"^<F-MLFID>^\S+</F-MLFID> bad <HOST>$")
