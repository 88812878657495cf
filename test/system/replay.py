# SPDX-License-Identifier: GPL-2.0-or-later
"""replay.py - attackers who write logs, and the truth about who must be banned.

Traffic writes sshd sessions and mail lines, several attempts and connections at a time,
into three logs (sshd, mail, both mixed). Truth reads the same lines with patterns of its
own and counts; it shares nothing with the programs under test.
"""
import ipaddress
import random
import re
import time

MAXRETRY = 5
JAILS = {                       # jail -> (filter, logs)
    "sshd": ("sshd", ("auth", "mixed")),
    "sasl": ("postfix-sasl", ("mail", "mixed")),
    "imap": ("dovecot[mode=login]", ("mail",)),
}


def subject(host):
    """What is counted and banned: the address, of IPv6 the /64."""
    a = ipaddress.ip_address(host)
    return host if a.version == 4 else str(ipaddress.ip_network(f"{host}/64", False))


class Truth:
    """Counts per jail and host; five failures are a ban. Nothing ever expires here: the
    windows are far longer than a run."""
    SSHD = re.compile(r"sshd\[(\d+)\]: (.*)$")
    SASL = re.compile(r"smtpd\[\d+\]: warning: \S+?\[([0-9a-f.:]+)\]: SASL \S+ authentic"
                      r"ation failed: authentication failure$")
    IMAP = re.compile(r"imap-login: Disconnected \(auth failed, (\d+) attempts in \d+ secs"
                      r"\): .*rip=([0-9a-f.:]+), ")

    def __init__(self):
        self.counts = {j: {} for j in JAILS}
        self.banned = {j: set() for j in JAILS}
        self.sessions = {}      # (log, pid) -> [host, swallow the next "Failed"]

    def line(self, log, text):
        m = self.SSHD.search(text)
        if m:
            self.sshd((log, m[1]), m[2])
        elif (m := self.SASL.search(text)):
            self.fail("sasl", m[1], 1)
        elif log == "mail" and (m := self.IMAP.search(text)):
            self.fail("imap", m[2], int(m[1]))

    def sshd(self, key, text):
        if (m := re.match(r"Connection closed by \S+ user \S+ (\S+) port", text)):
            self.sessions.pop(key, None)
        elif (m := re.match(r"pam_unix.*authentication failure;.* rhost=(\S+)", text)):
            self.sessions.setdefault(key, [m[1], False])
        elif (m := re.match(r"Invalid user \S+ from (\S+) port", text)):
            self.sessions[key] = [m[1], True]
            self.fail("sshd", m[1], 1)
        elif (m := re.match(r"error: PAM: Authentication failure for \S+ from (\S+)$", text)):
            self.sessions[key] = [m[1], True]
            self.fail("sshd", m[1], 1)
        elif (m := re.match(r"User \S+ not allowed because account is locked", text)):
            if key in self.sessions:
                self.fail("sshd", self.sessions[key][0], 1)
        elif (m := re.match(r"(?:message repeated (\d+) times: \[ )?Failed \S+ for (?:inval"
                            r"id user )?\S+ from (\S+) port", text)):
            s = self.sessions.setdefault(key, [m[2], False])
            if s[1]:
                s[1] = False
            else:
                self.fail("sshd", m[2], int(m[1] or 1))

    def fail(self, jail, host, weight):
        who, counts = subject(host), self.counts[jail]
        if who in self.banned[jail]:
            return
        counts[who] = counts.get(who, 0) + weight
        if counts[who] >= MAXRETRY:
            del counts[who]
            self.banned[jail].add(who)

    def ban(self, jail, who):
        self.banned[jail].add(who)

    def unban(self, who):
        for jail in JAILS:
            self.banned[jail].discard(who)
            self.counts[jail].pop(who, None)

    def all_banned(self):
        return set().union(*self.banned.values())


class Traffic:
    """Endless lines of attackers; every connection is a generator of its lines. Each is
    closed in the end: of more than 100 open ones the oldest would be forgotten."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.pid = 1000
        self.hosts = []
        self.fresh = 0
        self.open = {"auth": [], "mail": [], "mixed": []}

    def host(self):
        """Mostly somebody who was here before; addresses never come back to be new."""
        if len(self.hosts) < 20 or self.r.random() < 0.12:
            n = self.fresh
            self.fresh += 1
            if n % 5 == 4:
                new = f"2001:db8:{n // 65536 + 1:x}:{n % 65536:x}::"
            else:
                new = f"10.{n // 65536 % 256}.{n // 256 % 256}.{n % 256}"
            self.hosts.append(new)
            self.hosts = self.hosts[-60:]
        h = self.r.choice(self.hosts)
        return h + format(self.r.randrange(1, 65536), "x") if h.endswith("::") else h

    def ssh(self):
        r, h = self.r, self.host()
        self.pid += 1
        pid, port, n = self.pid, r.randrange(1024, 65535), r.randrange(0, 4)
        say = f"box sshd[{pid}]: "
        pam = (say + "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
               f"tty=ssh ruser= rhost={h}  user=root")
        what = r.randrange(6)
        if what == 0:
            yield f"{say}Invalid user guess from {h} port {port}"
            for _ in range(n):
                yield f"{say}Failed password for invalid user guess from {h} port {port} ssh2"
            yield f"{say}Connection closed by invalid user guess {h} port {port} [preauth]"
        elif what == 1:
            for _ in range(n):
                yield pam
                yield f"{say}Failed password for root from {h} port {port} ssh2"
            yield f"{say}Connection closed by authenticating user root {h} port {port} [preauth]"
        elif what == 2:
            yield (f"{say}message repeated {n + 1} times: [ Failed password for root from {h} "
                   f"port {port} ssh2]")
            yield f"{say}Connection closed by authenticating user root {h} port {port} [preauth]"
        elif what == 3:
            for _ in range(n):
                yield f"{say}error: PAM: Authentication failure for root from {h}"
                yield f"{say}Failed keyboard-interactive/pam for root from {h} port {port} ssh2"
            yield f"{say}Connection closed by authenticating user root {h} port {port} [preauth]"
        elif what == 4:
            yield pam
            yield f"{say}User root not allowed because account is locked"
            yield f"{say}Connection closed by authenticating user root {h} port {port} [preauth]"
        else:
            yield f"{say}Accepted publickey for anna from {h} port {port} ssh2: RSA SHA256:x"

    def mail(self):
        r, h = self.r, self.host()
        what = r.randrange(4)
        if what == 0:
            yield (f"mx postfix/smtpd[4001]: warning: unknown[{h}]: SASL LOGIN authentication "
                   "failed: authentication failure")
        elif what == 1:
            yield (f"mx dovecot: imap-login: Disconnected (auth failed, {r.randrange(1, 4)} "
                   f"attempts in 9 secs): user=<anna>, method=PLAIN, rip={h}, "
                   "lip=203.0.113.1, TLS, session=<abc>")
        else:
            yield f"mx postfix/smtpd[4001]: connect from unknown[{h}]"
            yield f"mx postfix/smtpd[4001]: disconnect from unknown[{h}] commands=0/0"

    def next(self):
        """(log, line)"""
        r = self.r
        log = r.choice(("auth", "auth", "mail", "mixed"))
        live = self.open[log]
        while True:
            if len(live) < 8:
                kind = {"auth": self.ssh, "mail": self.mail}.get(log) or r.choice(
                    (self.ssh, self.mail))
                live.append(kind())
            one = r.choice(live)
            text = next(one, None)
            if text is not None:
                return log, f"{time.strftime('%b %e %H:%M:%S')} {text}"
            live.remove(one)


def attempt(jail, host, serial):
    """(log, line): one failure of this host in this jail, without a session."""
    now = time.strftime("%b %e %H:%M:%S")
    if jail == "sshd":
        return "auth", (f"{now} box sshd[{9000000 + serial}]: Failed password for root from "
                        f"{host} port 4000 ssh2")
    if jail == "sasl":
        return "mail", (f"{now} mx postfix/smtpd[4001]: warning: unknown[{host}]: SASL LOGIN "
                        "authentication failed: authentication failure")
    return "mail", (f"{now} mx dovecot: imap-login: Disconnected (auth failed, 1 attempts in 9"
                    f" secs): user=<anna>, method=PLAIN, rip={host}, lip=203.0.113.1, TLS, "
                    "session=<abc>")
