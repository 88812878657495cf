# SPDX-License-Identifier: GPL-2.0-or-later
"""fail2ban as the oracle for configurations: what would its server be told?

Reads the command stream of "fail2ban-client -d" and our dump into the same shape, so
that a test only has to compare two dictionaries.
"""
import ast
import os
import re
import shlex
import subprocess

import theirs

from fail2ban.client.jailsreader import JailsReader  # noqa: E402
from fail2ban.server.action import CommandAction, DYN_REPL_TAGS  # noqa: E402
from fail2ban.server.mytime import MyTime  # noqa: E402

COMMANDS = ("actionstart", "actionstop", "actionflush", "actionreload", "actioncheck",
            "actionrepair", "actionban", "actionprolong", "actionreban", "actionunban")
TIMES = ("findtime", "bantime", "bantime.maxtime", "bantime.rndtime")
BOOLS = ("ignoreself", "bantime.increment", "bantime.overalljails")
TEXTS = ("ignorecommand", "logencoding", "ignorecache", "logtimezone",
         "bantime.formula", "bantime.multipliers", "bantime.factor")


def new_jail():
    return {"failregex": [], "ignoreregex": [], "datepattern": [], "journalmatch": [],
            "ignoreip": [], "actions": []}


def milliseconds(text, whole):
    value = MyTime.str2seconds(text)
    return round((int(value) if whole and value >= 0 else value) * 1000)


def commands(properties):
    """The shell commands of an action for both families, as the server makes them."""
    base = {c: "" for c in COMMANDS}
    base.update(properties)
    return {(c, family): CommandAction.replaceTag("<%s>" % c, base,
                                                  conditional="family=" + family)
            for c in COMMANDS for family in ("inet4", "inet6")}


class Oracle:
    """All jails as fail2ban sees them; unknown is what was not understood."""

    def __init__(self, folder):
        run = subprocess.run([*theirs.program("fail2ban-client"), "-c", folder, "-d"],
                             text=True, capture_output=True, check=True,
                             env=theirs.environment())
        self.start()
        for line in run.stdout.splitlines():
            self.take(ast.literal_eval(line))
        self.logpaths(folder)

    def start(self):
        self.jails, self.daemon, self.unknown, self.count = {}, {}, [], 0

    def take(self, cmd):
        self.count += 1
        if cmd[0] == "add":
            self.jails[cmd[1]] = new_jail()
            self.jails[cmd[1]]["backend"] = cmd[2]
        elif cmd[0] == "start":
            self.jails[cmd[1]]["started"] = True
        elif cmd[0] == "set" and cmd[1] not in self.jails:
            self.daemon[cmd[1]] = cmd[2]
        elif cmd[0] in ("set", "multi-set"):
            self.option(self.jails[cmd[1]], cmd[2], cmd[3:], cmd[0] == "multi-set")
        else:
            self.unknown.append(cmd)

    def option(self, jail, name, args, multi):
        if name in ("addfailregex", "addignoreregex"):
            jail[name[3:]] += args[0] if multi else args
        elif name == "addjournalmatch":
            jail["journalmatch"].append(args)
        elif name == "addignoreip":
            jail["ignoreip"] += args
        elif name == "datepattern":
            jail[name] = [x for x in args[0].split("\n") if x]
        elif name in ("prefregex", "maxlines", "usedns", "maxretry", "maxmatches") or \
                name in TEXTS:
            jail[name] = args[0]
        elif name in TIMES:
            jail[name] = milliseconds(args[0], name == "bantime")
        elif name in BOOLS:
            jail[name] = bool(args[0])
        elif name == "addaction":
            jail["actions"].append((args[0], {}))
        elif name == "action":
            pairs = args[1] if multi else [args[1:]]
            dict(jail["actions"])[args[0]].update({k: v for k, v in pairs})
        elif name != "addlogpath":      # globs over files that are there; see below
            self.unknown.append((name, args))

    def logpaths(self, folder):
        """-d names only files that exist; the reader knows what was asked for."""
        reader = JailsReader(basedir=folder, force_enable=True, share_config={})
        reader.read()
        reader.getOptions()
        self.take_logpaths(reader)

    def take_logpaths(self, reader):
        for jail in reader.jails:
            wanted = []
            for line in jail.options.get("logpath", "").split("\n"):
                if line.strip():
                    path, _, tail = line.rpartition(" ")
                    wanted.append((path, tail) if path else (tail, "head"))
            if jail.getName() in self.jails:
                self.jails[jail.getName()]["logpath"] = wanted


class Quick(Oracle):
    """The same without a process of its own; raises what fail2ban raises."""

    def __init__(self, folder):
        self.start()
        reader = JailsReader(basedir=folder, share_config={})
        reader.read()
        if not reader.getOptions():
            raise ValueError("refused")
        for cmd in reader.convert(allow_no_files=True):
            if cmd[0] != "config-error":
                self.take(cmd)
        self.take_logpaths(reader)


def parse_dump(text):
    """Paragraphs of conf_dump(): [(head, [(key, value)])]."""
    out = []
    for line in text.split("\n"):
        if line.startswith("["):
            out.append((line[1:-1], []))
        elif line.startswith("    |"):
            key, value = out[-1][1][-1]
            out[-1][1][-1] = (key, value + "\n" + line[6:])
        elif out and line:
            key, _, value = line.partition(" =")
            out[-1][1].append((key, value[1:]))
    return out


class Ours:
    """The same jails from our dump."""

    def __init__(self, folder, tool, args=("-a",)):
        run = subprocess.run([tool, *args, folder], text=True, capture_output=True,
                             check=True)
        self.problems = run.stderr
        self.actions, self.jails = [], {}
        for head, pairs in parse_dump(run.stdout):
            kind, _, name = head.partition(" ")
            if kind == "action":
                self.actions.append(self.action(pairs))
            elif kind == "jail":
                self.jails[name] = self.jail(pairs)

    @staticmethod
    def action(pairs):
        out = {k: v for k, v in pairs if not k.startswith("option ")}
        out["options"] = {k[7:]: v for k, v in pairs if k.startswith("option ")}
        return out

    def jail(self, pairs):
        jail = new_jail()
        jail["logpath"] = []
        for key, value in pairs:
            if key in ("failregex", "ignoreregex", "datepattern", "ignoreip"):
                jail[key].append(value)
            elif key == "journalmatch":
                jail[key].append(shlex.split(value))
            elif key == "logpath":
                jail[key].append(tuple(value.rsplit(" ", 1)))
            elif key == "action":
                jail["actions"].append(self.actions[int(value)])
            elif key.endswith("_ms"):
                jail[key[:-3]] = int(value)
            elif key in ("maxlines", "maxretry", "maxmatches"):
                jail[key] = int(value)
            elif key in BOOLS or key == "enabled":
                jail[key] = value == "yes"
            else:
                jail[key] = value
        return jail

    @staticmethod
    def commands(action):
        opts = action["options"]
        out = {}
        for name in COMMANDS:
            four = opts.get(name, "")
            for family, text in (("inet4", four),
                                 ("inet6", opts.get(name + "?family=inet6", four))):
                for tag in ("fq-hostname", "sh-hostname"):
                    text = text.replace("<%s>" % tag, str(DYN_REPL_TAGS[tag]()))
                out[name, family] = text
        return out


def same_value(key, want, got):
    if key == "backend":
        # fail2ban 1.1.1 decides about the journal when it reads, banner when it runs
        if (want, got) == ("systemd", "auto") and theirs.version() >= (1, 1, 1):
            return True
        files = {"pyinotify": "file", "gamin": "file"}
        return files.get(want.partition("[")[0], want.partition("[")[0]) == got
    if key in ("bantime.factor",):
        return float(want) == float(got)
    return want == got or (not want and not got)


def compare_jail(want, got, differences, name):
    for key, value in want.items():
        if key in ("actions", "started"):
            continue
        if not same_value(key, value, got.get(key)):
            differences.append("%s %s:\n  want %r\n  have %r" % (
                name, key, value, got.get(key)))
    if [a for a, _ in want["actions"]] != [a["actname"] for a in got["actions"]]:
        differences.append("%s actions: %r %r" % (name, want["actions"], got["actions"]))
        return
    for (actname, properties), action in zip(want["actions"], got["actions"]):
        if action["plugin"] != "exec":
            continue
        for key, text in commands(properties).items():
            have = Ours.commands(action)[key]
            if text != have:
                differences.append("%s action %s %s:\n  want %r\n  have %r" % (
                    name, actname, key, text, have))
        for key, text in properties.items():
            options = action["options"]
            # What is for IPv4, or the same for both, is under the plain name.
            have = options.get(key, options.get(key.partition("?")[0]))
            if key in COMMANDS or "<" in str(text) or key + "?family=inet4" in properties:
                continue
            if isinstance(text, bool):
                have = have.lower() in ("1", "on", "true", "yes")
            elif isinstance(text, int):     # an option of the jail, converted
                have = int(have)
            if text != have:
                differences.append("%s action %s %s: want %r have %r" % (
                    name, actname, key, text, have))


def compare(oracle, ours):
    """Every difference as text; an empty list is what tests ask for."""
    differences = ["not understood: %r" % (x,) for x in oracle.unknown]
    if list(oracle.jails) != [n for n, j in ours.jails.items() if j["enabled"]
                              and "refused" not in j]:
        differences.append("jails: %r %r" % (list(oracle.jails), list(ours.jails)))
    for name, jail in oracle.jails.items():
        if name in ours.jails:
            compare_jail(jail, ours.jails[name], differences, name)
    return differences


def enable_all(folder):
    """Switch every jail of folder on, with a file that is read last."""
    text = open(os.path.join(folder, "jail.conf"), encoding="utf-8").read()
    names = [n for n in re.findall(r"^\[(.+)\]", text, re.M)
             if n not in ("DEFAULT", "INCLUDES")]
    os.makedirs(os.path.join(folder, "jail.d"), exist_ok=True)
    with open(os.path.join(folder, "jail.d", "zz-all.local"), "w",
              encoding="utf-8") as out:
        for name in names:
            out.write("[%s]\nenabled = true\n" % name)
