# SPDX-License-Identifier: GPL-2.0-or-later
"""The lines of one attempt, in however many files, count once; two attempts twice."""
import pytest

from test_data import simulate

PROXY = "192.0.2.10"
ANNA = "anna@example.com"
IMAP, POP = "ImapSSLServer-4", "Pop3SSLServer-4"
SOAP = "qtp1-5:https://mail/service/soap/AuthRequest"
ADMIN = "qtp1-5:https://mail:7071/service/admin/soap/AuthRequest"
SASL = "qtp1-5:https://mail:7073/service/admin/soap/"
DAV = "qtp1-9:https://mail/dav/anna/"
SYNC = "qtp1-9:https://mail/Microsoft-Server-ActiveSync?Cmd=Sync&User=anna"
CLIENT = "oip=198.51.100.5;"
OLD = "ip=192.0.2.10;" + CLIENT + "via=192.0.2.10(nginx/1.20.0);"
CID = OLD + "cid=7;"


def request(number, name=ANNA):
    return "name=%s;" % name * bool(name) + CLIENT + "port=4000;soapId=%s;" % number


class Try:
    """What Zimbra writes of one attempt."""

    def __init__(self, at, thread, context, protocol="soap", typed=ANNA, account=ANNA):
        self.head = "2026-03-01 10:00:%02d,%03d %%s [%s] [%s] " % (
            at // 1000, at % 1000, thread, context)
        self.protocol, self.typed, self.name = protocol, typed, account

    def security(self, cmd="Auth", reason="invalid password"):
        return (self.head % "WARN ") + (
            "security - cmd=%s; account=%s; protocol=%s; error=authentication failed for "
            "[%s], %s;" % (cmd, self.name, self.protocol, self.typed, reason))

    def account(self, reason="invalid password"):
        return (self.head % "INFO ") + (
            "account - Error occurred during authentication: authentication failed for "
            "[%s]. Reason: %s." % (self.typed, reason))

    def engine(self, reason="invalid password"):
        return (self.head % "INFO ") + (
            "SoapEngine - handler exception: authentication failed for [%s], %s" % (
                self.typed, reason))

    def session(self):
        return (self.head % "INFO ") + "%s - authentication failed for [%s] (%s)" % (
            "imap" if self.protocol == "imap" else "pop", self.typed, "invalid password")

    def unknown(self):
        return (self.head % "INFO ") + (
            "account - authentication failed for %s (no such account)" % self.typed)

    def mailbox(self):
        """A copy of audit.log's line and two more."""
        last = self.engine() if self.protocol == "soap" else self.session()
        return [self.security(), self.account(), last]

    def all(self):
        return [self.security()] + self.mailbox()

    def sent(self, host):
        """audit.log's line by syslog, without its date."""
        return "Mar  1 10:00:01 %s mailboxd: %s" % (host, self.security()[24:])


def smtpd(at, mechanism, pid=77, mx="mta1", service="submission", client="198.51.100.5"):
    return ("Mar  1 10:00:%02d %s postfix/%s/smtpd[%d]: warning: unknown[%s]: SASL %s "
            "authentication failed: x" % (at, mx, service, pid, client, mechanism))


def modern(mechanism, pid):
    return ("<22>1 2026-03-01T10:00:01.5Z mta1 postfix %d - -  warning: "
            "unknown[198.51.100.5]: SASL %s authentication failed: x" % (pid, mechanism))


def dovecot(*kinds, name="anna", at=1):
    """What PAM, the auth process and the login process say of one guess."""
    lines = {
        "pam": "auth: pam_unix(dovecot:auth): authentication failure; logname= uid=0 "
               "euid=0 tty=dovecot ruser=%s rhost=198.51.100.5 ",
        "auth": "dovecot: auth-worker(304): pam(%s,198.51.100.5,<abc+/>): "
                "pam_authenticate() failed: Authentication failure (Password mismatch?)",
        "new": "dovecot: auth(%s,198.51.100.5,sasl:plain)<abc+/>: Info: sql: Password "
               "mismatch",
        "login": "dovecot: imap-login: Disconnected: Connection closed (auth failed, 3 "
                 "attempts in 9 secs): user=<%s>, method=PLAIN, rip=198.51.100.5, "
                 "lip=192.0.2.1",
    }
    return ["Mar  1 10:00:%02d mx %s" % (at + i, lines[kind] % name)
            for i, kind in enumerate(kinds)]


def opensmtpd(*seconds, event="", where=""):
    head = "Mar  1 10:00:%02d mx smtpd[1]: 8c1f0d2b3a4e5f60 smtp " + event
    yield head % 0 + "connected address=198.51.100.5 host=x"
    for s in seconds:
        yield head % s + "authentication user=anna " + where + "result=permfail"
        yield head % s + ("failed-command " + where + 'command="AUTH LOGIN (password)" '
                          'result="535 Authentication failed"')


def imap(at=1000, context=CID, **more):
    return Try(at, more.pop("thread", IMAP), context, "imap", **more)


def soap(number, at=1000, thread=SOAP, **more):
    return Try(at, thread, request(number, more.get("account", ANNA)), **more)


NEW = {"event": "event=", "where": "address=198.51.100.5 host=x "}
BARE = {"typed": "anna"}
GHOST = {"typed": "ghost", "account": ""}
GONE = "account not found"
GROUPS = [
    ("zimbra-imap-pop", 1, imap().all()),
    ("zimbra-imap-pop", 1, imap().mailbox() + [imap().security()]),
    ("zimbra-imap-pop", 2, [t.security() for t in (imap(), imap(3000))] +
     imap().mailbox() + imap(3000).mailbox()),
    ("zimbra-imap-pop", 1, Try(1000, POP, CID, "pop3").all()),
    ("zimbra-imap-pop", 1, imap(context=OLD).all()),
    ("zimbra-imap-pop", 1, imap(context=OLD, **BARE).all()),
    ("zimbra-imap-pop", 1, imap(typed="alias@example.com").all()),
    ("zimbra-imap-pop", 2, imap(context=OLD).all() + imap(
        1300, context=OLD, typed="bob", account="bob@example.com").all()),
    ("zimbra-imap-pop", 2, imap(context=OLD).all() + imap(1300, context=OLD).all()),
    ("zimbra-imap-pop", 2, imap().all() + imap(thread="ImapSSLServer-5").all()),
    ("zimbra-imap-pop", 3, [l for at in (1, 4, 7) for l in imap(at * 1000).all()]),
    ("zimbra-imap-pop", 1, [imap(**GHOST).unknown()]),
    ("zimbra-imap-pop", 2, [imap(**GHOST).unknown(), imap(2000, typed="b").unknown()]),
    ("zimbra-imap-pop", 2, [imap().sent("mbox1"), imap().sent("mbox2")]),
    ("zimbra-web", 1, soap("a1").all()),
    ("zimbra-web", 2, soap("a1").all() + soap("a2", 1500).all()),
    ("zimbra-web", 1, [soap("a1", **GHOST).account(GONE), soap("a1", **GHOST).engine(GONE)]),
    ("zimbra-web", 1, [soap("a1", **GHOST).engine(GONE), soap("a1", **GHOST).account(GONE)]),
    ("zimbra-web", 1, Try(1000, SOAP, CLIENT, **BARE).all()),
    ("zimbra-web", 1, [Try(1000, DAV, CLIENT, "http_dav").security()] * 2),
    ("zimbra-web", 2, [Try(1000, DAV, CLIENT, "http_dav").security()] * 2 +
     [Try(1600, DAV, CLIENT, "http_dav").security()] * 2),
    ("zimbra-web", 1, [Try(1000, SYNC, CLIENT, "zsync").security()] * 2),
    ("zimbra-web", 1, [Try(1000, SOAP, CLIENT).security("PreAuth", "preauth mismatch")] * 2),
    ("zimbra-admin", 1, soap("c1", thread=ADMIN).all()),
    ("zimbra-admin", 2, soap("c1", thread=ADMIN).all() + soap("c2", 2000, ADMIN).all()),
    ("zimbra-smtp", 1, soap("d1", thread=SASL).all() + [smtpd(1, "LOGIN")]),
    ("zimbra-smtp", 1, [smtpd(1, "LOGIN")] + soap("d1", thread=SASL).all()),
    ("zimbra-smtp", 1, [soap("d1", thread=SASL, **GHOST).account(GONE), smtpd(1, "PLAIN")]),
    ("zimbra-smtp", 2, soap("d1", thread=SASL).all() + [smtpd(1, "LOGIN")] +
     soap("d2", 4000, SASL).all() + [smtpd(4, "LOGIN")]),
    ("zimbra-smtp", 1, [soap("d1", thread=SASL).sent("mbox1"), smtpd(1, "LOGIN")]),
    ("postfix-sasl", 1, [smtpd(1, "PLAIN"), smtpd(1, "LOGIN")]),
    ("postfix-sasl", 1, [smtpd(1, "CRAM-MD5"), smtpd(1, "PLAIN"), smtpd(2, "LOGIN")]),
    ("postfix-sasl", 2, [smtpd(1, "LOGIN"), smtpd(2, "LOGIN")]),
    ("postfix-sasl", 2, [smtpd(s, m) for s in (1, 3) for m in ("PLAIN", "LOGIN")]),
    ("postfix-sasl", 2, [smtpd(1, "LOGIN"), smtpd(1, "LOGIN", pid=78)]),
    ("postfix-sasl", 2, [smtpd(1, "LOGIN"), smtpd(1, "LOGIN", mx="mta2")]),
    ("postfix-sasl", 2, [smtpd(1, "LOGIN"), smtpd(1, "LOGIN", client="198.51.100.6")]),
    ("postfix-sasl", 2, [smtpd(1, "LOGIN"), smtpd(1, "LOGIN", service="smtps")]),
    ("postfix-sasl", 1, [modern("PLAIN", 1), modern("LOGIN", 1)]),
    ("postfix-sasl", 2, [modern("PLAIN", 1), modern("PLAIN", 2)]),
    ("opensmtpd", 1, list(opensmtpd(2))),
    ("opensmtpd", 2, list(opensmtpd(2, 4))),
    ("opensmtpd", 1, list(opensmtpd(2, **NEW))),
    ("opensmtpd", 2, list(opensmtpd(2, 4, **NEW))),
    ("dovecot", 1, dovecot("pam", "login")),
    ("dovecot", 1, dovecot("pam", "auth", "login")),
    ("dovecot", 1, dovecot("new", "login")),
    ("dovecot", 3, dovecot("pam", "auth", "pam", "auth", "pam", "auth", "login")),
    ("dovecot", 2, dovecot("pam", "login", "pam", "login")),
    ("dovecot", 2, dovecot("login", "login")),
    ("dovecot", 2, dovecot("pam", "login") + dovecot("pam", "login", name="bert")),
]


@pytest.mark.parametrize("name, attempts, lines", GROUPS,
                         ids=["%s-%d" % (g[0], i) for i, g in enumerate(GROUPS)])
def test_counted(tmp_path, name, attempts, lines):
    assert simulate(tmp_path, name, PROXY, [l.encode() for l in lines]) == attempts
