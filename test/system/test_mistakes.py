# SPDX-License-Identifier: GPL-2.0-or-later
"""bannerd -t on the mistakes people make: each is told with its file and line, what was
found and what was expected; an error makes -t fail, a warning does not."""
import subprocess

import pytest

from lab import BUILD, Lab

GOOD = r"^\s*\S+ sshd\[\d+\]: Failed password for \S+ from <HOST> port \d+$"
ERROR, WARNING = 1, 0

# name, status, file:line that is named ("" none), words that must be in that line,
# and the files: J jail text after the good one's four lines, JAIL all of it, F filter,
# B more of banner.conf, L banner.local, X action x
MISTAKES = [
    ("good", WARNING, "", "", {}),
    ("option before the section", ERROR, "jails.d/sshd.conf:1", "before the first section",
     {"JAIL": "enabled = true\n[sshd]\n"}),
    ("section not closed", ERROR, "jails.d/sshd.conf:1", '"[sshd"',
     {"JAIL": "[sshd\nenabled = true\n"}),
    ("section not closed behind a good one", ERROR, "jails.d/sshd.conf:5",
     '[other] expected a section|"[other"', {"J": "[other\nenabled = false\n"}),
    ("section that is nearly DEFAULT", WARNING, "jails.d/sshd.conf:5", "is it [DEFAULT]?",
     {"J": "[DEFALT]\nmaxretry = 4"}),
    ("included folder", ERROR, "filters/sshd.conf:2", "names|filters/., which|not a file",
     {"F": f"[INCLUDES]\nbefore = .\n[Definition]\nfailregex = {GOOD}\n"}),
    ("text behind brackets", ERROR, "jails.d/sshd.conf:5", 'found "x" behind "]"',
     {"J": "filter = sshd[mode=normal] x"}),
    ("time that is over", ERROR, "jails.d/sshd.conf:5", 'findtime: found "-5"|longer than zero',
     {"J": "findtime = -5"}),
    ("no =", ERROR, "jails.d/sshd.conf:5", 'expected "name = value"|"maxretry 5"',
     {"J": "maxretry 5"}),
    ("section twice", ERROR, "jails.d/sshd.conf:5", "twice|line 1", {"J": "[sshd]\n"}),
    ("blank in a name", ERROR, "jails.d/sshd.conf:1", "[my sshd] this name|without blanks",
     {"JAIL": "[my sshd]\nenabled = true\nfilter = sshd\n"}),
    ("control character in a name", ERROR, "jails.d/sshd.conf:1", "[s\\x1bx] this name",
     {"JAIL": "[s\x1bx]\nenabled = true\nfilter = sshd\n"}),
    ("slash in a name", ERROR, "jails.d/sshd.conf:1", "[a/b] this name",
     {"JAIL": "[a/b]\nenabled = true\nfilter = sshd\n"}),
    ("name like an option", ERROR, "jails.d/sshd.conf:1", "[--all] this name",
     {"JAIL": "[--all]\nenabled = true\nfilter = sshd\n"}),
    ("long name", ERROR, "jails.d/sshd.conf:1", "this name|1 to 128",
     {"JAIL": f"[{'x' * 129}]\nenabled = true\nfilter = sshd\n"}),
    ("odd name of no jail", WARNING, "", "no jail is enabled",
     {"JAIL": "[my variables]\nfilter = sshd\n"}),
    ("option twice", ERROR, "jails.d/sshd.conf:6", "maxretry|line 5",
     {"J": "maxretry = 3\nmaxretry = 4"}),
    ("misspelt option", WARNING, "jails.d/sshd.conf:5", '"maxrety"|is it "maxretry"?',
     {"J": "maxrety = 5"}),
    ("misspelt section of banner.conf", ERROR, "banner.conf:5", "[banerd]|expected [bannerd]",
     {"B": "[banerd]\ntrusted = 192.0.2.1\n"}),
    ("misspelt option of bannerd", ERROR, "banner.conf:5", '"truted"|is it "trusted"?',
     {"B": "truted = 192.0.2.1\n"}),
    ("bad prefix", ERROR, "banner.conf:5", '"192.0.2.0/33"|expected an address',
     {"B": "trusted = 192.0.2.0/33\n"}),
    ("bad yes or no", ERROR, "banner.conf:5", '"maybe"|expected one of: yes no',
     {"B": "hold = maybe\n"}),
    ("everybody is ignored", WARNING, "jails.d/sshd.conf:5", "ignoreip: ::/0|ever banned",
     {"J": "ignoreip = 192.0.2.1 ::/0"}),
    ("list that is not there", WARNING, "jails.d/sshd.conf:5",
     "ignoreip: /nowhere/friends: No such file", {"J": "ignoreip = file:/nowhere/friends"}),
    ("enabled misspelt", WARNING, "jails.d/sshd.conf:2", '"ture"|expected true or false',
     {"JAIL": "[sshd]\nenabled = ture\n"}),
    ("text behind a section", WARNING, "jails.d/sshd.conf:1",
     '"enabled = true" behind the section', {"JAIL": "[sshd] enabled = true\n"}),
    ("comment behind a section", WARNING, "", "no jail is enabled", {"JAIL": "[sshd] # mine\n"}),
    ("section of banner.conf", ERROR, "jails.d/sshd.conf:5",
     "[bannerd] among the jails|banner.conf", {"J": "[bannerd]\ntrusted = 192.0.2.1\n"}),
    ("section of a filter", ERROR, "jails.d/sshd.conf:5", "[Definition] among the jails|filters",
     {"J": "[Definition]\nfailregex = ^<HOST>$\n"}),
    ("option for all sections", ERROR, "banner.conf:6", '[DEFAULT] holds "trusted"|[bannerd]',
     {"B": "[DEFAULT]\ntrusted = 192.0.2.1\n"}),
    ("group that is not there", WARNING, "banner.conf:5", 'no group "nosuchgroup"',
     {"B": "admin_group = nosuchgroup\n"}),
    ("empty yes or no", WARNING, "jails.d/sshd.conf:5", 'ignoreself: found ""|true or false',
     {"J": "ignoreself =\n"}),
    ("included file is missing", WARNING, "filters/sshd.conf:2", "comon.conf|does not exist",
     {"F": f"[INCLUDES]\nbefore = comon.conf\n[Definition]\nfailregex = {GOOD}\n"}),
    ("misspelt before", WARNING, "filters/sshd.conf:2", '"befor"|expected before or after',
     {"F": f"[INCLUDES]\nbefor = common.conf\n[Definition]\nfailregex = {GOOD}\n"}),
    ("misspelt option of a filter", WARNING, "filters/sshd.conf:3", '"ignoreregx"|"ignoreregex"?',
     {"F": f"[Definition]\nfailregex = {GOOD}\nignoreregx = x\n"}),
    ("variable that nobody reads", WARNING, "filters/sshd.conf:3", '"_host"|no effect',
     {"F": f"[Definition]\nfailregex = {GOOD}\n_host = x\n"}),
    ("misspelt option of a parser", WARNING, "filters/sshd.conf:3", '"categroy"|"category"?',
     {"F": "[Definition]\nparser = zimbra\ncategroy = security\n"}),
    ("section that nobody reads", WARNING, "filters/sshd.conf:3", "[Definitoin]|[Definition]?",
     {"F": f"[Definition]\nfailregex = {GOOD}\n[Definitoin]\nignoreregex = x\n"}),
    ("misspelt option in brackets", WARNING, "jails.d/sshd.conf:5", '"mod"|is it "mode"?',
     {"J": "filter = sshd[mod=normal]"}),
    ("mode that is not there", ERROR, "filters/sshd.conf:2", "<rules-ddos> is neither an option",
     {"J": "filter = sshd[mode=ddos]",
      "F": f"[Definition]\nfailregex = <rules-<mode>>\nrules-normal = {GOOD}\n"}),
    ("tag in small letters", ERROR, "filters/sshd.conf:2", 'column 9|"<F-user>"|capitals',
     {"F": "[Definition]\nfailregex = ^<HOST> <F-user>.*</F-user>$\n"}),
    ("bad weight", ERROR, "filters/sshd.conf:3", 'weight: found "0"|from 1 to 1000',
     {"F": f"[Definition]\nfailregex = {GOOD}\nweight = 0\n"}),
    ("quote not closed", ERROR, "jails.d/sshd.conf:5", 'found ""a" in option mode|closing "',
     {"J": 'filter = sshd[mode="a]'}),
    ("unknown filter", ERROR, "jails.d/sshd.conf:5", '"nosuch" not found|filters/nosuch.conf',
     {"J": "filter = nosuch"}),
    ("filter without section", ERROR, "filters/sshd.conf:1", "before the first section",
     {"F": "failregex = <HOST>\n"}),
    ("misspelt failregex", WARNING, "", "has no failregex",
     {"F": "[Definition]\nfailregx = ^<HOST>\n"}),
    ("bad regex", ERROR, "filters/sshd.conf:3", "[sshd]|failregex 2: column 6|missing )",
     {"F": f"[Definition]\nfailregex = {GOOD}\n            ^bad (<HOST>$\n"}),
    ("bad regex behind a comment", ERROR, "filters/sshd.conf:5", "failregex 2: column 6",
     {"F": f"[Definition]\nfailregex =\n {GOOD}\n# why\n ^bad (<HOST>$\n ^good <HOST>\n"}),
    ("bad regex in another option", ERROR, "filters/sshd.conf:3", "failregex 2: column 6",
     {"F": f"[Definition]\n_more = ^good <HOST>\n    ^bad (<HOST>$\nfailregex = %(_more)s\n"
      f"    {GOOD}\n"}),
    ("bad regex of a mode", ERROR, "filters/sshd.conf:5", "failregex 2: column 6",
     {"F": f"[Definition]\nfailregex = <rules-<mode>>\nrules-normal =\n    {GOOD}\n"
      "    ^bad (<HOST>$\n"}),
    ("bad regex of the jail", ERROR, "jails.d/sshd.conf:6", "failregex 2: column 6",
     {"J": "failregex = %(known/failregex)s\n    ^bad (<HOST>$"}),
    ("bad regex known to the jail", ERROR, "filters/sshd.conf:3", "failregex 2: column 6",
     {"J": "failregex = %(known/failregex)s\n    ^good <HOST>$",
      "F": f"[Definition]\nfailregex = {GOOD}\n    ^bad (<HOST>$\n"}),
    ("bad regex in brackets", ERROR, "jails.d/sshd.conf:5", "failregex 1: column 6",
     {"J": 'filter = sshd[failregex="^bad (<HOST>"]'}),
    ("bad regex to ignore", ERROR, "filters/sshd.conf:4", "ignoreregex 2: column 7",
     {"F": f"[Definition]\nfailregex = {GOOD}\nignoreregex = ok\n    ^fine [\n"}),
    ("bad prefregex", ERROR, "filters/sshd.conf:3", "prefregex: column 6",
     {"F": f"[Definition]\nfailregex = {GOOD}\nprefregex = ^bad (<F-CONTENT>.*</F-CONTENT>\n"}),
    ("bad loginregex", ERROR, "filters/sshd.conf:3", "loginregex 1: column 6",
     {"F": f"[Definition]\nfailregex = {GOOD}\nloginregex = ^bad (<HOST>\n",
      "J": "known = 1d"}),
    ("bad date pattern of a filter", ERROR, "filters/sshd.conf:4", "column 4|%Q",
     {"F": f"[Definition]\nfailregex = {GOOD}\ndatepattern = %%Y\n    %%Y-%%Q\n"}),
    ("journalmatch of a filter", ERROR, "filters/sshd.conf:4", 'found "sshd"|FIELD=VALUE',
     {"F": f"[Definition]\nfailregex = {GOOD}\njournalmatch = _COMM=a\n    sshd\n"}),
    ("unknown parser", ERROR, "filters/sshd.conf:2", 'unknown parser "zimbr"|expected zimbra',
     {"F": "[Definition]\nparser = zimbr\n"}),
    ("word of a parser", ERROR, "filters/sshd.conf:3", 'category: no "secruity"',
     {"F": "[Definition]\nparser = zimbra\ncategory = secruity\n"}),
    ("regex without a host", ERROR, "filters/sshd.conf:2", "no host, address or id|^Failed",
     {"F": "[Definition]\nfailregex = ^Failed for \\S+$\n"}),
    ("bad time", ERROR, "jails.d/sshd.conf:5", '"fortnight"|expected a unit',
     {"J": "bantime = 1 fortnight"}),
    ("bad number", ERROR, "jails.d/sshd.conf:5", '"five"|expected a number',
     {"J": "maxretry = five"}),
    ("bad choice", ERROR, "jails.d/sshd.conf:5", '"maybe"|expected yes, warn, no or raw',
     {"J": "usedns = maybe"}),
    ("bad yes or no of a jail", WARNING, "jails.d/sshd.conf:5",
     'bantime.increment: found "oui"|taken for false', {"J": "bantime.increment = oui"}),
    ("relative folder", ERROR, "banner.local:2", 'socket: found "run"|begins with /',
     {"L": "socket = run\n"}),
    ("log to nowhere", ERROR, "banner.local:2", '"syslogd"|begins with /|SYSLOG',
     {"L": "log = syslogd\n"}),
    ("longest line", ERROR, "banner.conf:5", '"1G"|from 256 to 8388608',
     {"B": "max_line = 1G\n"}),
    ("too many never to ban", ERROR, "banner.conf:5", "found 4097, expected at most 4096",
     {"B": "never_ban = " + " ".join(f"10.1.{n // 256}.{n % 256}" for n in range(4097))}),
    ("negative age", ERROR, "banner.conf:5", '"-1"|not negative', {"B": "purge_age = -1\n"}),
    ("bad cache", ERROR, "jails.d/sshd.conf:5", "ignorecache: unknown option 'size'|max-count",
     {"J": "ignorecache = key=<ip>, size=5"}),
    ("too many to be different", ERROR, "jails.d/sshd.conf:5", "maxretry: found 70000|65535",
     {"J": "maxretry = 70000\ndistinct = user"}),
    ("option of a backend", ERROR, "jails.d/sshd.conf:5", 'no option "path"|journalpath',
     {"J": "backend = systemd[path=/var/log/journal]"}),
    ("journalmatch", ERROR, "jails.d/sshd.conf:5", 'found "sshd"|expected FIELD=VALUE',
     {"J": "journalmatch = sshd"}),
    ("encoding", ERROR, "jails.d/sshd.conf:5", 'logencoding "klingon"',
     {"J": "logencoding = klingon"}),
    ("zone", ERROR, "jails.d/sshd.conf:5", "'Europe/Vienna'|expected an offset",
     {"J": "logtimezone = Europe/Vienna"}),
    ("unknown backend", ERROR, "jails.d/sshd.conf:5", '"journald"|expected auto, systemd',
     {"J": "backend = journald"}),
    ("bad count", ERROR, "jails.d/sshd.conf:5", '"hosts"|expected host, user',
     {"J": "count = hosts"}),
    ("bad date pattern", ERROR, "jails.d/sshd.conf:5", "column 4|%Q",
     {"J": "datepattern = %%Y-%%Q"}),
    ("bad formula", ERROR, "jails.d/sshd.conf:6", "bantime.formula|column 29",
     {"J": "bantime.increment = true\nbantime.formula = ban.Time * (1<<(ban.Count if"}),
    ("reference to nothing", ERROR, "jails.d/sshd.conf:5", "%(nosuch)s",
     {"J": "findtime = %(nosuch)s"}),
    ("address that is none", WARNING, "jails.d/sshd.conf:5", '"10.0.0.300"|host name',
     {"J": "ignoreip = 192.0.2.1 10.0.0.300"}),
    ("relative path", ERROR, "jails.d/sshd.conf:3", '"auth.log"|begins with /',
     {"J": "logpath = auth.log", "JAIL": "[sshd]\nenabled = true\n"}),
    ("comment in a list", WARNING, "jails.d/sshd.conf:5", 'found "#"|expected an address',
     {"J": "ignoreip = 192.0.2.1 # home"}),
    ("range of addresses", WARNING, "jails.d/sshd.conf:5", '"192.0.2.1-192.0.2.9"|expected an',
     {"J": "ignoreip = 192.0.2.1-192.0.2.9"}),
    ("list that is a folder", WARNING, "jails.d/sshd.conf:5", "blocklist: /usr: Is a directory",
     {"J": "blocklist = file:/usr"}),
    ("command that is not there", WARNING, "jails.d/sshd.conf:5",
     "ignorecommand: /nowhere/ask: No such file", {"J": "ignorecommand = /nowhere/ask <ip>"}),
    ("limit that is never met", ERROR, "jails.d/sshd.conf:6", 'distinct: found "user"|only one',
     {"J": "count = user\ndistinct = user"}),
    ("ban without its count", ERROR, "jails.d/sshd.conf:5", 'ban: found "user"|host+user',
     {"J": "ban = user"}),
    ("hosts too wide to be banned", ERROR, "jails.d/sshd.conf:5", 'host6: found "48"|from 56',
     {"J": "host6 = 48"}),
    ("time of no ban", WARNING, "jails.d/sshd.conf:5", "bantime|nobody is banned",
     {"J": "bantime = 0.9"}),
    ("bad multipliers", ERROR, "jails.d/sshd.conf:5", 'found "1 2 -4"|numbers above 0',
     {"J": "bantime.multipliers = 1 2 -4"}),
    ("bad factor", ERROR, "jails.d/sshd.conf:5", 'bantime.factor: found "0"|more than 0',
     {"J": "bantime.factor = 0"}),
    ("negative time", ERROR, "jails.d/sshd.conf:5", 'bantime.maxtime: found "-1"|not negative',
     {"J": "bantime.maxtime = -1"}),
    ("cache without an age", ERROR, "jails.d/sshd.conf:5", 'max-time: found "0"|longer than zero',
     {"J": "ignorecache = key=<ip>, max-time=0"}),
    ("everybody is trusted", ERROR, "banner.conf:5", 'trusted: found "0.0.0.0/0"',
     {"B": "trusted = 192.0.2.1 0.0.0.0/0\n"}),
    ("long name of a socket", ERROR, "banner.local:2", "found 121 bytes|at most 107",
     {"L": "socket = /" + "x" * 120 + "\n"}),
    ("state that is no folder", ERROR, "", "state /etc/passwd: Not a directory",
     {"L": "state = /etc/passwd\n"}),
    ("log without a folder", WARNING, "", "log /nowhere/log: No such file|standard error",
     {"L": "log = /nowhere/log\n"}),
    ("action without a plugin", ERROR, "jails.d/sshd.conf:4", "[action x]|banner.conf:5|no plugin",
     {"A": "x", "B": "[action x]\nuser = root\n"}),
    ("name of no action", ERROR, "banner.conf:5", "[action  x], expected|[action NAME]",
     {"B": "[action  x]\nplugin = null\n"}),
    ("relative list", ERROR, "jails.d/sshd.conf:5", 'blocklist|"bad.txt"|begins with /',
     {"J": "blocklist = file:bad.txt"}),
    ("mailbox.log as if it were audit.log", WARNING, "", "plant lines|/mailbox.log",
     {"F": "[Definition]\nparser = zimbra\n[Init]\ncategory = account security\n",
      "JAIL": "[sshd]\nenabled = true\nlogpath = /opt/zimbra/log/mailbox.log\n"}),
    ("family of an option", WARNING, "actions/x.conf:3", '"actionban?family"|[Init?family',
     {"A": "x", "X": "[Definition]\nactionban = true\nactionban?family=inet6 = false\n"}),
    ("increment without its switch", WARNING, "jails.d/sshd.conf:5",
     "bantime.maxtime has no effect|bantime.increment", {"J": "bantime.maxtime = 1d\n"}),
    ("cache without a command", WARNING, "jails.d/sshd.conf:5",
     "ignorecache has no effect|ignorecommand", {"J": 'ignorecache = key="<ip>"\n'}),
    ("no log at all", WARNING, "", "reads nothing: no logpath",
     {"JAIL": "[sshd]\nenabled = true\naction = route\n"}),
    ("folder of logs", WARNING, "", "/usr is a folder, expected a file",
     {"JAIL": "[sshd]\nenabled = true\nlogpath = /usr\n"}),
    ("nothing enabled", WARNING, "", "no jail is enabled",
     {"JAIL": "[sshd]\nenabled = false\n"}),
    ("second action unknown", ERROR, "jails.d/sshd.conf:5", '"nosuch" not found',
     {"A": "route\n  nosuch"}),
    ("unknown action by banaction", ERROR, "jails.d/sshd.conf:6", '"nosuch" not found',
     {"JAIL": "[sshd]\nenabled = true\nlogpath = /x\nport = 1\n# ...\nbanaction = nosuch\n"}),
    ("mode that is not there, with a prefregex", WARNING, "filters/sshd.conf:4",
     'found "<rules-ddos>"|no option of the filter', {"J": "filter = sshd[mode=ddos]",
      "F": "[Definition]\nprefregex = ^x <HOST> <F-CONTENT>.*</F-CONTENT>$\n"
      "failregex = ^a\n    <rules-<mode>>\nrules-normal = ^b\n"}),
    ("tag of both families", WARNING, "actions/x.conf:2", "actionban: <nam> is no tag",
     {"A": "x", "X": "[Definition]\nactionban = true <ip> <nam> <fam>\n[Init]\nfam = 4\n"
      "[Init?family=inet6]\nfam = 6\n"}),
    ("unknown action in a list", ERROR, "jails.d/sshd.conf:5", '"nosuch" not found',
     {"JAIL": "[DEFAULT]\naction = %(banaction)s[table=5]\n[sshd]\nenabled = true\n"
      "banaction = nosuch\n"}),
    ("mistake of two jails", ERROR, "jails.d/sshd.conf:2", "[sshd] [other] findtime:|fortnight",
     {"JAIL": "[DEFAULT]\nfindtime = 1 fortnight\n[sshd]\nenabled = true\n[other]\n"
      "enabled = true\nfilter = sshd\n"}),
    ("unknown action", ERROR, "jails.d/sshd.conf:4", '"nosuch" not found|[action nosuch]|route',
     {"A": "nosuch"}),
    ("bracket not closed", ERROR, "jails.d/sshd.conf:4", 'closing "]"',
     {"A": "route[blocktype=blackhole"}),
    ("misspelt option of an action", ERROR, "jails.d/sshd.conf:4", '"blocktyp"|blocktype, table',
     {"A": "route[blocktyp=blackhole]"}),
    ("value of route", ERROR, "jails.d/sshd.conf:4", 'blocktype cannot be "blakhole"|unreachable or prohibit',
     {"A": "route[blocktype=blakhole]"}),
    ("two actions route in a table", WARNING, "", "[sshd]|left-overs|table (main)",
     {"A": "route\n route[blocktype=unreachable, actname=other]"}),
    ("value of nft", ERROR, "jails.d/sshd.conf:4", 'port cannot be "ssh:http:1"|6000:6010',
     {"A": 'nft[port="ssh:http:1"]'}),
    ("port of nft", ERROR, "jails.d/sshd.conf:4", 'port cannot be "0": up to 64',
     {"A": 'nft[port="0"]'}),
    ("value of mail", ERROR, "jails.d/sshd.conf:4", 'server is smtp://HOST',
     {"A": 'mail[to="root", server=localhost]'}),
    ("number of mail", ERROR, "jails.d/sshd.conf:4", 'timeout|1 to 86400, not: "0"',
     {"A": 'mail[to="root", timeout=0]'}),
    ("port of mail", ERROR, "jails.d/sshd.conf:4", 'HOST:PORT, not "smtp://a:99999"',
     {"A": 'mail[to="root", server="smtp://a:99999"]'}),
    ("login of mail", ERROR, "banner.conf:8", "[sshd] action x: |belong together",
     {"A": "x", "B": "[action x]\nplugin = mail\nto = root\nlogin = banner\n"}),
    ("password in the open", ERROR, "banner.conf:9", "only with TLS",
     {"A": "x", "B": "[action x]\nplugin = mail\nto = root\nlogin = banner\ntls = off\n"
      "server = smtp://mail.example\npassword_file = /etc/passwd\n"}),
    ("value of login", ERROR, "jails.d/sshd.conf:4", "listen|127.0.0.1:9145",
     {"A": "login[listen=localhost]"}),
    ("login for all without a key", ERROR, "jails.d/sshd.conf:4", "only with a key",
     {"A": 'login[listen="0.0.0.0:9145"]'}),
    ("table of route", ERROR, "jails.d/sshd.conf:4", 'table cannot be "0"|from 1',
     {"A": "route[table=0]"}),
    ("value of ssh", ERROR, "banner.conf:5", 'hosts: "b:99999" is none of NAME',
     {"A": "x", "B": "[action x]\nplugin = ssh\nhosts = a b:99999\n"}),
    ("host twice", ERROR, "banner.conf:5", '"a" is there twice|ALIAS=',
     {"A": "x", "B": "[action x]\nplugin = ssh\nhosts = a b a:99\n"}),
    ("option of another carrier", ERROR, "banner.conf:8", "carrier = openssh",
     {"A": "x", "B": "[action x]\nplugin = ssh\nhosts = a\nssh_options = -v\n"}),
    ("value of exec", ERROR, "banner.conf:7", "absolute path",
     {"A": "x", "B": "[action x]\nplugin = exec\nargv_ban = true <ip>\n"}),
    ("program of exec", ERROR, "banner.conf:7", "program /bin/nosuch: No such file",
     {"A": "x", "B": "[action x]\nplugin = exec\nargv_ban = /bin/nosuch <ip>\n"}),
    ("quote of exec", ERROR, "banner.conf:7", "quote has no pair|argv_unban",
     {"A": "x", "B": "[action x]\nplugin = exec\nargv_unban = /bin/sh \"x <ip>\n"}),
    ("exec without a command", ERROR, "banner.conf:5", "no command",
     {"A": "x", "B": "[action x]\nplugin = exec\ntimeout = 5\n"}),
    ("yes or no of exec", ERROR, "banner.conf:8", 'norestored is yes or no|"2"',
     {"A": "x", "B": "[action x]\nplugin = exec\nargv_ban = /bin/true\nnorestored = 2\n"}),
    ("value of null", ERROR, "jails.d/sshd.conf:4", "whole numbers", {"A": "null[fail=x]"}),
    ("errno of null", ERROR, "jails.d/sshd.conf:4", "1 to 4095", {"A": "null[error=9999]"}),
    ("capability", ERROR, "banner.conf:7", 'unknown capability "net_admim"',
     {"A": "x", "B": "[action x]\nplugin = route\ncaps = net_admim\n"}),
    ("unknown plugin", ERROR, "banner.conf:6", 'no action plugin "nosuch"',
     {"A": "x", "B": "[action x]\nplugin = nosuch\n"}),
    ("option of an action missing", ERROR, "banner.conf:5", 'action ssh needs|"hosts"',
     {"A": "x", "B": "[action x]\nplugin = ssh\n"}),
    ("tag of no action", WARNING, "banner.conf:8", "actionban: <nam> is no tag",
     {"A": "x", "B": "[action x]\nplugin = exec\nactionunban = true <ip>\n"
      "actionban = true <ip> <nam> <F-USER>\n"}),
    ("reference in an action file", ERROR, "actions/x.conf:4", "option actionban|%(nosuch)s",
     {"A": "x", "X": "[Definition]\nactionban = true <ip>\n  # why\n  false %(nosuch)s\n"}),
    ("tag that is itself", ERROR, "actions/x.conf:2", "<actionban> refers to itself",
     {"A": "x", "X": "[Definition]\nactionban = true <actionban>\n"}),
    ("tag of no action file", WARNING, "actions/x.conf:3", "actionban: <nam> is no tag",
     {"A": "x", "X": "[Definition]\nactionunban = true\nactionban = true <ip> <nam>\n"}),
    ("reference in an option of an option", ERROR, "jails.d/sshd.conf:7", 'findtime: "%(nosuch)s"',
     {"J": "findtime = %(a)s\na =\n  %(nosuch)s"}),
    ("user of an action", ERROR, "banner.conf:7", 'no user "nobodyknows"',
     {"A": "x", "B": "[action x]\nplugin = route\nuser = nobodyknows\n"}),
]


@pytest.mark.parametrize("name, status, place, words, files", MISTAKES,
                         ids=[m[0].replace(" ", "-") for m in MISTAKES])
def test_mistake(name, status, place, words, files):
    with Lab(user=True, jails=()) as lab:
        jail = files.get("JAIL", f"[sshd]\nenabled = true\nlogpath = {lab.auth}\n"
                                 f"action = {files.get('A', 'route')}\n")
        (lab.dir / "jails.d" / "sshd.conf").write_text(jail + files.get("J", "") + "\n")
        (lab.dir / "filters" / "sshd.conf").write_text(
            files.get("F", f"[Definition]\nfailregex = {GOOD}\n"))
        (lab.dir / "banner.conf").write_text(
            f"[bannerd]\nstate = {lab.dir}/state\nsocket = {lab.socket}\nlog = {lab.log}\n"
            + files.get("B", ""))
        if "X" in files:
            (lab.dir / "actions").mkdir(exist_ok=True)
            (lab.dir / "actions" / "x.conf").write_text(files["X"])
        if "L" in files:
            (lab.dir / "banner.local").write_text("[bannerd]\n" + files["L"])
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"],
                              capture_output=True, text=True)
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        if name == "good":
            assert "warning" not in said and "error" not in said
            return
        lines = [line for line in said.splitlines()
                 if (f"{lab.dir}/{place}: " in line if place else True)
                 and all(word in line for word in words.split("|"))]
        assert lines, said
        assert any(level in line for line in lines for level in ("error: ", "warning: "))


def test_log_that_is_not_there():
    """No mistake, a log may come later; but it is said."""
    with Lab(user=True, jails=()) as lab:
        (lab.dir / "jails.d" / "sshd.conf").write_text(
            f"[sshd]\nenabled = true\nlogpath = {lab.auth}\n          /nowhere/*.log\n")
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"],
                              capture_output=True, text=True)
        assert done.returncode == 0, done
        assert f"reads {lab.auth}\n" in done.stdout, done
        assert "reads /nowhere/*.log, which is not there now" in done.stdout, done


def test_what_is_no_file_is_passed_over():
    with Lab(user=True) as lab:
        (lab.dir / "jails.d" / "folder.conf").mkdir()
        (lab.dir / "jails.d" / "nothing.local").symlink_to("/nowhere")
        (lab.dir / "jails.d" / "loop.conf").symlink_to("loop.conf")
        (lab.dir / "jails.d" / "latin1.conf").write_bytes(b"[x]\nenabled = true # \xfc\n")
        done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"],
                              capture_output=True, text=True)
        assert done.returncode == 1 and "jail sshd: filter" in done.stdout, done
        for words in ("folder.conf: warning: not a file", "nothing.local: warning: a link to",
                      "loop.conf: warning: a link that", "latin1.conf:2: error: [x] not UTF-8"):
            assert f"{lab.dir}/jails.d/{words}" in done.stdout, done


def test_names_that_are_fit():
    """Whatever fail2ban runs and is one word: as a word of banctl, in the log, in the store."""
    names = ["plesk.x@\u00e9,1_2", "#1", "x" * 128, "'quoted'", 'a"b', "a\\b", "%d"]
    with Lab(user=True, jails=()) as lab:
        for i, name in enumerate(names):
            (lab.dir / "jails.d" / f"{i}.conf").write_text(
                f"[{name}]\nenabled = true\nfilter = sshd\n"
                f"logpath = {lab.auth}\naction = null\nmaxretry = 1\n")
        lab.start()
        for again in range(2):
            for i, name in enumerate(names):
                if not again:
                    lab.ok("banip", name, f"192.0.2.{i + 1}", "--wait")
                assert lab.banned(name) == {f"192.0.2.{i + 1}"}, name
                lab.says(f"[{name}] Ban 192.0.2.{i + 1}")
            if not again:
                lab.stop()
                lab.start()


def test_plugin_that_others_may_write(tmp_path):
    """Whoever may write a plugin would run with the actor's rights."""
    import os
    import shutil
    if os.geteuid() != 0:
        pytest.skip("needs root")
    copy = tmp_path / "b"
    copy.mkdir()
    for f in BUILD.iterdir():
        if f.is_file() and os.access(f, os.X_OK) and f.name.startswith("ban"):
            shutil.copy(f, copy / f.name)
    shutil.copytree(BUILD / "actions", copy / "actions", ignore=lambda d, names: [
        n for n in names if not n.endswith(".so")])
    with Lab(user=True) as lab:
        def run():
            return subprocess.run([copy / "bannerd", "-c", lab.dir, "-t"],
                                  capture_output=True, text=True)
        done = run()
        assert done.returncode == 0, done
        os.chmod(copy / "actions" / "route.so", 0o777)
        done = run()
        assert done.returncode == 1 and "route.so" in done.stdout, done


def test_configuration_that_others_may_write():
    with Lab(user=True) as lab:
        for name in ("jails.d/sshd.conf", "filters/sshd.conf", "banner.conf"):
            (lab.dir / name).chmod(0o646)
            done = subprocess.run([BUILD / "bannerd", "-c", lab.dir, "-t"],
                                  capture_output=True, text=True)
            assert done.returncode == 0, done
            said = [line for line in done.stdout.splitlines() if "anybody may write" in line]
            assert len(said) == 1 and f"{name}:1: warning" in said[0], done
            (lab.dir / name).chmod(0o644)
