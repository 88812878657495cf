# SPDX-License-Identifier: GPL-2.0-or-later
"""zimbra_rows.py - a gigabyte of mailbox.log through all Zimbra filters at once.

What a busy mailbox server writes: deliveries, IMAP, requests, good logins, stack traces,
and one failed login in two hundred lines. How many failures the filters must find is
counted while the log is made.
"""
import os
import random
import re
import subprocess
import tempfile
from pathlib import Path

import rig

FILTERS = ("zimbra-web", "zimbra-imap-pop", "zimbra-admin", "zimbra-smtp", "zimbra-audit",
           "zimbra-audit[category=account, reason=unknown]")
CHUNK = 8 << 20
WEB = "qtp127-%d:https://mail.example.com/service/soap/%s"
FAILED = "authentication failed for [%s]"
TRACE = "".join("\tat com.zimbra.cs.%s(%s.java:%d) ~[zimbrastore.jar:10.1.0_GA_4633]\n" % (
    name, name.split(".")[-2], 40 + 13 * i) for i, name in enumerate((
        "mailbox.Mailbox.getItemById", "service.mail.GetMsg.handle", "soap.SoapEngine.dispatch",
        "soap.SoapServlet.doPost", "servlet.ZimbraServlet.service") * 4))


class Writer:
    """Lines, and how many failures all filters together must find in them."""

    def __init__(self, seed):
        self.r, self.out, self.failures, self.ms = random.Random(seed), [], 0, 0

    def line(self, level, thread, context, text):
        self.ms += self.r.randrange(40)
        s, ms = divmod(self.ms, 1000)
        self.out.append("2026-03-01 %02d:%02d:%02d,%03d %-5s [%s] [%s] %s\n" % (
            s // 3600 % 24, s // 60 % 60, s % 60, ms, level, thread, context, text))

    def user(self):
        return "user%d@example.com" % self.r.randrange(5000)

    def proxied(self, user=None):
        name = "name=%s;mid=%d;" % (user, self.r.randrange(9999)) if user else ""
        return name + "ip=127.0.0.1;oip=203.0.%d.%d;ua=Zimbra/10.1.0_GA_4633;cid=%d;" % (
            self.r.randrange(113), self.r.randrange(1, 255), self.r.randrange(1 << 20))

    def web(self, user=None):
        name = "name=%s;" % user if user else ""
        return name + ("oip=198.51.%d.%d;port=%d;ua=ZimbraWebClient - GC121 (Win)/10.1.0;"
                       "soapId=%x;" % (self.r.randrange(100), self.r.randrange(1, 255),
                                       self.r.randrange(1 << 16), self.r.randrange(1 << 28)))

    def usual(self):
        r, user = self.r, self.user()
        kind = r.randrange(100)
        if kind < 35:
            self.line("INFO", "LmtpServer-%d" % r.randrange(900), "name=%s;mid=%d;ip=10.0.0.7;"
                      % (user, r.randrange(9999)), "mailop - Adding Message: id=%d, "
                      "Message-ID=<%x@example.net>, parentId=-1, folderId=2, folderName=Inbox."
                      % (r.randrange(99999), r.randrange(1 << 60)))
        elif kind < 65:
            self.line("INFO", "ImapSSLServer-%d" % r.randrange(900), self.proxied(user),
                      "imap - %s elapsed=%d" % (r.choice(("SELECT", "FETCH", "IDLE", "STATUS",
                                                          "NOOP")), r.randrange(400)))
        elif kind < 90:
            name = r.choice(("SearchRequest", "GetMsgRequest", "NoOpRequest", "SyncRequest"))
            self.line("INFO", WEB % (r.randrange(99), name), self.web(user),
                      "soap - %s elapsed=%d" % (name, r.randrange(900)))
        elif kind < 98:
            self.line("INFO", "ImapSSLServer-%d" % r.randrange(900), self.proxied(user),
                      "security - cmd=Auth; account=%s; protocol=imap;" % user)
        else:
            self.line("WARN", WEB % (r.randrange(99), "GetMsgRequest"), self.web(user),
                      "SoapEngine - handler exception")
            self.out.append("com.zimbra.common.service.ServiceException: system failure: x\n")
            self.out.append(TRACE)

    def security(self, thread, context, user, protocol):
        self.line("WARN", thread, context, "security - cmd=Auth; account=%s; protocol=%s; "
                  "error=%s, invalid password;" % (user, protocol, FAILED % user))

    def bad_web(self, path, port="", found=3 + 1):
        """zimbra-web (or -admin, -smtp) finds each of its lines, zimbra-audit one."""
        user, thread = self.user(), "qtp127-%d:https://mail.example.com%s%s" % (
            self.r.randrange(99), port, path)
        context = self.web(user)
        self.security(thread, context, user, "soap")
        self.line("INFO", thread, context, "account - Error occurred during authentication: "
                  "%s. Reason: invalid password." % (FAILED % user))
        self.line("INFO", thread, context, "SoapEngine - handler exception: %s, invalid "
                  "password" % (FAILED % user))
        self.failures += found

    def bad_imap(self):
        user, thread = self.user(), "ImapSSLServer-%d" % self.r.randrange(900)
        context = self.proxied()
        self.security(thread, context, user, "imap")
        self.line("INFO", thread, context, "imap - %s (invalid password)" % (FAILED % user))
        self.failures += 2 + 1

    def unknown(self):
        thread, context = WEB % (self.r.randrange(99), "AuthRequest"), self.web()
        self.line("INFO", thread, context, "account - Error occurred during authentication: "
                  "%s. Reason: account not found." % (FAILED % "nobody"))
        self.failures += 1 + 1
        self.line("INFO", "ImapSSLServer-7", self.proxied(), "account - authentication failed "
                  "for nobody@example.com (no such account)")
        self.failures += 1 + 1

    def failed(self):
        kind = self.r.randrange(10)
        if kind < 4:
            self.bad_imap()
        elif kind < 6:
            self.bad_web("/service/soap/AuthRequest")
        elif kind < 7:
            self.bad_web("/service/admin/soap/AuthRequest", ":7071")
        elif kind < 8:
            self.bad_web("/service/admin/soap/", ":7073")
        else:
            self.unknown()


def make(path, size):
    """The log of about this size, from one piece again and again; its failures."""
    w, length = Writer(1), 0
    while length < min(CHUNK, size):
        had = len(w.out)
        w.failed() if w.r.random() < 0.005 else w.usual()
        length += sum(map(len, w.out[had:]))
    piece, times = "".join(w.out).encode(), max(1, round(size / length))
    with open(path, "wb") as f:
        for _ in range(times):
            f.write(piece)
    return w.failures * times


def zimbra(build, short):
    with tempfile.TemporaryDirectory() as tmp:
        log = Path(tmp) / "mailbox.log"
        expected = make(log, 2 << 20 if short else 1 << 30)
        mb = os.path.getsize(log) / 1e6
        for filters in FILTERS, FILTERS[4:5]:
            run = subprocess.run([build / "test/tools/matchall", "-c", rig.TOP, log, *filters],
                                 check=True, capture_output=True, text=True)
            took = float(re.search(r"([\d.]+) s", run.stderr).group(1))
            yield {"case": "all at once" if len(filters) > 1 else filters[0], "mb": mb,
                   "mb_per_s": mb / max(took, 1e-6), "found": int(run.stdout),
                   "expected": expected if len(filters) > 1 else None}
