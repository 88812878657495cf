# SPDX-License-Identifier: GPL-2.0-or-later
"""Our reading of a configuration against fail2ban's own."""
import logging
import os
import random
import shutil

import pytest

import theirs

f2b = pytest.importorskip("f2b", reason="needs Debian's fail2ban package")

TOOL = os.path.join(os.environ.get("BUILD", "build"), "test/tools/confdump")
STOCK = str(theirs.CONFIG)

pytestmark = pytest.mark.skipif(not os.path.exists(STOCK + "/jail.conf"),
                                reason="needs Debian's fail2ban package")


@pytest.fixture
def folder(tmp_path):
    copy = str(tmp_path / "fail2ban")
    shutil.copytree(STOCK, copy)
    return copy


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def check(folder, ours_args=("-a",)):
    oracle, ours = f2b.Oracle(folder), f2b.Ours(folder, TOOL, ours_args)
    differences = f2b.compare(oracle, ours)
    assert not differences, "%d differences\n%s" % (
        len(differences), "\n".join(differences[:40]))
    return oracle, ours


@pytest.mark.parametrize("args", [("-a",), ("-a", "-p")], ids=["read", "packed"])
def test_every_stock_jail(folder, args):
    f2b.enable_all(folder)
    oracle, ours = check(folder, args)
    assert oracle.count > 1200 and len(oracle.jails) > 90
    assert "error" not in ours.problems and "warning" not in ours.problems


@pytest.mark.parametrize("settings", [
    "backend = systemd",
    "backend = systemd[journalflags=1]",
    "mode = aggressive",
    "usedns = raw\nbanaction = nftables-multiport\nbanaction_allports = "
    "nftables[type=allports]",
    "action = %(action_mwl)s\nbantime = 1h 30m\nfindtime = 2*1d",
    "action = %(action_mw)s\n         %(action_)s[name=%(__name__)s-two, port=\"1,2\"]",
    "banaction = firewallcmd-ipset\nbantime.increment = true\nbantime.factor = 2\n"
    "bantime.maxtime = 5w\nbantime.rndtime = 30m\nbantime.multipliers = 1 5 30\n"
    "ignoreip = 127.0.0.1/8 ::1, 192.0.2.0/24\nignorecache = key=\"<ip>\",max-count=10",
    "action = %(action_xarf)s\nmaxretry = 7\nmaxmatches = 3",
    "action = iptables-ipset-proto6[blocktype=\"DROP\"]\n    pf[actiontype=<allports>]\n"
    "    shorewall ufw[application=x, blocktype=reject] dummy\n",
], ids=str)
def test_settings_for_all_jails(folder, settings):
    f2b.enable_all(folder)
    write(folder, "jail.local", "[DEFAULT]\n" + settings + "\n")
    check(folder)


@pytest.mark.parametrize("banaction", sorted(
    f[:-5] for f in os.listdir(STOCK + "/action.d") if f.endswith(".conf")
    and "common" not in f) if os.path.isdir(STOCK + "/action.d") else [])
def test_each_action_file(folder, banaction):
    write(folder, "jail.d/one.local", "[sshd]\nenabled = true\nport = 22,2222\n"
          "action = %s[port=\"%%(port)s\"]\n" % banaction)
    write(folder, "jail.d/defaults-debian.conf", "")
    _, ours = check(folder, ())
    if banaction == "route":
        action = ours.jails["sshd"]["actions"][0]
        assert action["plugin"] == "route"
        assert action["options"] == {"blocktype": "unreachable"}


HARD_JAIL = """\
[INCLUDES]
before = paths-test.conf
[DEFAULT]
bad = from default
two = 1
[hard]
enabled = true
filter = child[mode=aggr, foo="a,b]", Bar='x "y"', pipe="P|<known/pipe>"]
LogPath : /var/log/a.log
          # a comment inside
          /var/log/b*.log tail ; and one behind

          %(test_log)s
action = act[name=%(__name__)s, blocktype="DROP <ip>"]
         act[name=%(__name__)s-b][blocktype=REJECT]
   other[a="x
 y"]
ignoreregex = %(known/ignoreregex)s
              ^mine %(bad)s %%d$
failregex = %(known/failregex)s
            ^own <HOST> %(default/two)s
[second]
enabled = true
filter = child
backend = systemd
journalmatch = _COMM="a b" + X=y
maxretry = %(hard/two)s
"""
HARD_FILTER = """\
[INCLUDES]
before = base.conf
after = over.local
[DEFAULT]
_d = child
[Definition]
prefregex = ^<F-CONTENT>.+</F-CONTENT>$
ignoreregex = ^ignored;not cut
	^second # kept
datepattern = ^%%Y-%%m
      {^LN-BEG}
"""
HARD_BASE = """\
[Definition]
failregex = ^%(__p)s <re-<mode>> <ADDR>
            ^<pipe>|<Bar>|<bar>$
__p = <lt_<logtype>/pfx>
re-aggr = a <foo>
re- = plain
mode =
pipe = basepipe
bar = basebar
[Init]
foo = initfoo
pipe = initpipe
[lt_file]
pfx = F:%(_d)s
[lt_journal]
pfx = J:%(_d)s
"""
HARD_ACT = """\
[Definition]
actionstart = <tool> start <name> <blocktype><br>line two
actionban = <tool> ban <ip> <blocktype> <F-USER> <matches>
actionunban = <tool> del <ip>
    next <sp>line
norestored = true
[Init]
tool = tool4
blocktype = %(deep)s
deep = REJ
timeout = 30
[Init?family=inet6]
tool = tool6
"""


def hard(folder):
    write(folder, "jail.local", HARD_JAIL)
    write(folder, "paths-test.conf", "[DEFAULT]\ntest_log = /var/log/c.log\n")
    write(folder, "jail.d/defaults-debian.conf", "")
    write(folder, "filter.d/child.conf", HARD_FILTER)
    write(folder, "filter.d/base.conf", HARD_BASE)
    write(folder, "filter.d/over.local", "[DEFAULT]\n_d = over\n[Definition]\n"
          "ignoreregex = %(known/ignoreregex)s\n   ^third\n")
    write(folder, "action.d/act.conf", HARD_ACT)
    write(folder, "action.d/other.conf", "[Definition]\nactionban = o <a> <name>\n")
    write(folder, "action.d/other.local", "[Definition]\nactionban = "
          "%(known/actionban)s more\n[Init]\na = unused\n")


def test_hard_cases(folder):
    hard(folder)
    oracle, ours = check(folder, ())
    assert len(oracle.jails) == 2
    assert len(ours.jails["hard"]["failregex"]) == 3


def test_known_goes_back_many_steps(folder):
    """What fail2ban calls a recursion is resolved step by step."""
    for i, name in enumerate(["a.conf", "b.conf", "c.local"]):
        write(folder, "jail.d/x%s" % name, "[sshd]\nenabled = true\nlogpath = "
              "%%(known/logpath)s\n  /var/log/%d\n" % i)
    ours = f2b.Ours(folder, TOOL, ())
    assert [p for p, _ in ours.jails["sshd"]["logpath"]][1:] == [
        "/var/log/0", "/var/log/1", "/var/log/2"]


def test_edited_action_runs_as_written(folder):
    write(folder, "action.d/route.local", "[Definition]\nactionban = logger <ip>\n")
    write(folder, "jail.local", "[DEFAULT]\nbanaction = route\n[sshd]\nenabled = true\n")
    action = f2b.Ours(folder, TOOL, ()).jails["sshd"]["actions"][0]
    assert action["plugin"] == "exec" and action["user"] == "root"
    assert "not those of a stock file" in action["why"]


def test_an_option_in_brackets_is_for_both_families(folder):
    """Since fail2ban 1.1.1; before, the file's own value for IPv6 won. Which of them made
    the folder is seen from its jail.conf."""
    write(folder, "jail.local", "[DEFAULT]\naction = iptables-ipset-proto6[blocktype=DROP,"
          " chain=X]\n[sshd]\nenabled = true\nlogpath = /dev/null\n")
    _, ours = check(folder, ())
    commands = f2b.Ours.commands(ours.jails["sshd"]["actions"][0])
    assert "-j DROP" in commands["actionstart", "inet4"]
    assert ("-j DROP" in commands["actionstart", "inet6"]) == (theirs.version() >= (1, 1, 1))


VALUES = ("x", "<foo>", "<re-<mode>>", "%(bad)s", "%(known/failregex)s", "a ; c",
          "<known/foo>", "%(__name__)s", '"q"', "1, 2", "%%d", "<HOST>", "<ip>", "<name>",
          "<lt_<logtype>/pfx>", "<Definition/foo>", "<default/_d>", "%(default/bad)s",
          "%(lt_file/pfx)s", "<pipe>\n   next", "", "<mode>", "aggr", "journal", "<sp>a<br>",
          "<logtype>", "<blocktype>", "<tool>", "<actname>", "<timeout>", "<Bar>")
NUMBERS = ("maxlines", "maxretry", "findtime", "bantime", "timeout")
NAMES = NUMBERS + ("failregex", "ignoreregex", "prefregex", "mode", "foo", "pipe", "bar",
                   "logtype", "datepattern", "journalmatch", "re-aggr", "_d", "bad", "two",
                   "ignoreip", "tool", "blocktype", "actionban", "actionstart", "name",
                   "norestored", "port")
BRACKETS = ("mode", "foo", "Bar", "pipe", "logtype", "name", "blocktype", "tool",
            "failregex", "port", "actname")


def random_sections(rng, names, most):
    out = ""
    for name in names:
        out += "[%s]\n" % name
        for key in rng.sample(NAMES, rng.randrange(most)):
            value = rng.choice(VALUES) + rng.choice(("", " ", " y ")) + rng.choice(VALUES)
            if key in NUMBERS or key == "norestored":
                value = str(rng.randrange(1, 9))
            out += "%s = %s\n" % (key, value)
    return out


def random_brackets(rng):
    return "[%s]" % ",".join(
        '%s="%s"' % (k, rng.choice(VALUES).translate({34: None, 10: " ", 59: None}))
        for k in rng.sample(BRACKETS, rng.randrange(4)))


def random_folder(rng, folder):
    write(folder, "filter.d/child.local",
          random_sections(rng, ("Definition", "Init", "DEFAULT")[:rng.randrange(4)], 4))
    write(folder, "filter.d/over.local", random_sections(
        rng, ("Definition", "lt_file", "Init?family=inet6")[:rng.randrange(4)], 3))
    write(folder, "action.d/act.local", random_sections(rng, rng.sample(
        ("Definition", "Init", "Init?family=inet6", "Init?family=inet4", "DEFAULT"),
        rng.randrange(3)), 4))
    write(folder, "jail.d/x.local", random_sections(
        rng, ("DEFAULT", "hard")[:rng.randrange(3)], 4) +
        "[third]\nenabled = 1\nbackend = %s\nfilter = child%s\naction = act%s\n"
        "   act%s\n" % (rng.choice(("auto", "systemd", "systemd[a=b]")),
                        random_brackets(rng), random_brackets(rng), random_brackets(rng)))


def test_random_folders(folder):
    """Whatever fail2ban accepts means the same here; what it would only refuse at the
    first ban (an option that is made of itself) may be refused at once."""
    hard(folder)
    rng, compared = random.Random(20050814), 0
    logging.disable(logging.CRITICAL)
    for number in range(250):
        random_folder(rng, folder)
        try:
            oracle = f2b.Quick(folder)
        except Exception:       # whatever class: fail2ban does not take this one
            continue
        ours = f2b.Ours(folder, TOOL, ())
        if any(x in ours.problems for x in ("itself", "expected", "unfolded")):
            continue
        differences = f2b.compare(oracle, ours)
        compared += 1
        assert not differences, "folder %d: %s" % (number, differences[:3])
    assert compared > 50
