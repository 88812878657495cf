#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""genlog.py - deterministic generator of server logs.

  genlog.py --kind sshd --size 100M --fail 0.01 -o auth.log

Writes sshd's auth.log, Postfix (zimbra.log), Zimbra's mailbox.log or nginx access lines,
or all four mixed. The same arguments always give the same bytes. The last line on
standard error says how many lines are failures; other lines include near misses, which
hold some of the same words but no failure.
"""
import argparse
import calendar
import ipaddress
import itertools
import random
import sys
import time

CHUNK = 8192          # lines composed at a time
POOL = 16384          # distinct bodies of harmless lines per kind
KINDS = ("sshd", "postfix", "mailbox", "nginx")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
NAMES = ("admin root test oracle ubuntu postgres user guest git ftpuser deploy www-data "
         "jenkins pi hadoop minecraft nagios steam es backup mysql support info sales").split()
PEOPLE = "anna budi carla dewi edo farah guntur hana indra joko kim lina made nina".split()
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/112.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.4 Mobile/15E148 Safari/604.1",
    "curl/7.88.1", "python-requests/2.28.2")
PATHS = ("/", "/index.html", "/static/app.9f3c1d.js", "/static/site.css", "/img/logo.svg", "/api/v1/items?page=%d",
         "/api/v1/items/%d", "/blog/2023/04/how-we-work", "/favicon.ico", "/search?q=a%d+b", "/robots.txt")
BAD_PATHS = ("/wp-login.php", "/phpmyadmin/index.php", "/pma/", "/wp-admin.php", "/roundcube/", "/cgi-bin/test",
             "/mysqladmin/", "/wp-signup.php")


def parse_size(text):
    unit = {"K": 10**3, "M": 10**6, "G": 10**9}.get(text[-1:].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def attacker_pool(n, share6, rng):
    """n distinct public addresses, a share of them IPv6."""
    seen, out = set(), []
    while len(out) < n:
        if rng.random() < share6:
            v = (0x2A00 << 112) | (rng.getrandbits(20) << 92) | (rng.getrandbits(28) << 64)
            v |= rng.choice((1, 2, rng.getrandbits(8), rng.getrandbits(64)))
            text = str(ipaddress.IPv6Address(v))
        else:
            a = rng.randrange(1, 224)
            if a in (10, 100, 127, 169, 172, 192, 198, 203):
                continue
            b = rng.getrandbits(24)
            text = "%d.%d.%d.%d" % (a, b >> 16, b >> 8 & 255, b & 255)
        if text not in seen:
            seen.add(text)
            out.append(text)
    return out


def zipf_weights(n, s):
    return list(itertools.accumulate(1.0 / (i ** s) for i in range(1, n + 1)))


# Each kind: noise(rng, clients) -> body, fail(rng, address, serial) -> body.  The
# head (timestamp and host) is added per line by HEADS.

def sshd_noise(r, clients):
    pid, ip, port = r.randrange(1000, 99999), r.choice(clients), r.randrange(1024, 65535)
    who = r.choice(PEOPLE)
    pick = r.randrange(10)
    if pick < 2:
        return "sshd[%d]: Accepted publickey for %s from %s port %d ssh2: RSA SHA256:%032x" % (pid, who, ip, port, r.getrandbits(128))
    if pick < 4:
        return "sshd[%d]: pam_unix(sshd:session): session opened for user %s(uid=%d) by (uid=0)" % (pid, who, r.randrange(1000, 1100))
    if pick < 6:
        return "sshd[%d]: pam_unix(sshd:session): session closed for user %s" % (pid, who)
    if pick == 6:
        return "CRON[%d]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)" % pid
    if pick == 7:
        return "sudo: %8s : TTY=pts/0 ; PWD=/home/%s ; USER=root ; COMMAND=/usr/bin/systemctl status unit-%d" % (who, who, pid)
    if pick == 8:
        return "systemd-logind[612]: New session %d of user %s." % (pid, who)
    return "sshd[%d]: error: kex protocol error: type 30 seq %d [preauth]" % (pid, r.randrange(9))


def sshd_fail(r, ip, serial):
    pid, port, pick = 100000 + serial, 1024 + serial % 60000, r.randrange(4)
    name = NAMES[r.randrange(len(NAMES))]
    if pick < 2:
        return "sshd[%d]: Failed password for invalid user %s from %s port %d ssh2" % (pid, name, ip, port)
    if pick == 2:
        return "sshd[%d]: Failed password for root from %s port %d ssh2" % (pid, ip, port)
    return "sshd[%d]: Invalid user %s from %s port %d" % (pid, name, ip, port)


def postfix_noise(r, clients):
    pid, ip, qid = r.randrange(1000, 99999), r.choice(clients), "%010X" % r.getrandbits(40)
    who, pick = r.choice(PEOPLE), r.randrange(12)
    if pick < 2:
        return "postfix/smtpd[%d]: connect from mail-%d.example.net[%s]" % (pid, pid, ip)
    if pick < 4:
        return "postfix/smtpd[%d]: disconnect from unknown[%s] ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7" % (pid, ip)
    if pick == 4:
        return "postfix/qmgr[%d]: %s: from=<%s@example.org>, size=%d, nrcpt=1 (queue active)" % (pid, qid, who, r.randrange(900, 90000))
    if pick == 5:
        return ("postfix/lmtp[%d]: %s: to=<%s@example.org>, relay=mail.example.org[10.0.0.5]:7025, delay=0.%d, "
                "delays=0.1/0/0.01/0.2, dsn=2.1.5, status=sent (250 2.1.5 Delivery OK)" % (pid, qid, who, pid % 97))
    if pick == 6:
        return "postfix/cleanup[%d]: %s: message-id=<%032x@example.net>" % (pid, qid, r.getrandbits(128))
    if pick == 7:
        return ("amavis[%d]: (%05d-%02d) Passed CLEAN {RelayedInbound}, [%s]:%d <%s@example.net> -> <%s@example.org>, "
                "Queue-ID: %s, mail_id: %012x, Hits: -1.9, size: %d" % (pid, pid, pid % 20, ip, pid, who, who, qid, r.getrandbits(48), pid))
    if pick == 8:
        return "zmconfigd[%d]: Watchdog: service antivirus status is OK." % pid
    if pick == 9:
        return "slapd[%d]: conn=%d op=%d SEARCH RESULT tag=101 err=0 nentries=1 text=" % (pid, r.randrange(9999), r.randrange(99))
    if pick == 10:
        return "postfix/submission/smtpd[%d]: %s: client=unknown[%s], sasl_method=PLAIN, sasl_username=%s@example.org" % (pid, qid, ip, who)
    return "postfix/smtps/smtpd[%d]: warning: unknown[%s]: SASL LOGIN authentication failed: Connection lost to authentication server" % (pid, ip)


def postfix_fail(r, ip, serial):
    return "postfix/%s/smtpd[%d]: warning: %s[%s]: SASL %s authentication failed: authentication failure" % (
        ("submission", "smtps")[serial & 1], 100000 + serial, ("unknown", "host-%d.example.com" % (serial % 997))[serial >> 1 & 1],
        ip, ("LOGIN", "PLAIN")[serial >> 2 & 1])


def mailbox_noise(r, clients):
    n, ip, who, pick = r.randrange(100, 99999), r.choice(clients), r.choice(PEOPLE), r.randrange(10)
    head = "[qtp1493625803-%d:https://mail.example.org:443/service/soap/%s] [name=%s@example.org;mid=%d;ip=10.0.0.5;oip=%s;port=%d;ua=ZimbraWebClient - GC112 (Win)/8.8.15_GA_4508;soapId=%08x;] "
    args = (n, r.choice(("SearchRequest", "NoOpRequest", "GetMsgRequest", "BatchRequest", "SendMsgRequest")), who, n % 400, ip, n, r.getrandbits(32))
    if pick < 5:
        return "INFO  " + head % args + "soap - %s elapsed=%d" % (args[1], r.randrange(1, 300))
    if pick == 5:
        return "INFO  [ImapServer-%d] [name=%s@example.org;mid=%d;ip=10.0.0.5;oip=%s;via=10.0.0.5(nginx/1.20.0);ua=Zimbra/8.8.15_GA_4508;cid=%d;] imap - ID elapsed=0" % (n, who, n % 400, ip, n)
    if pick == 6:
        return "INFO  [LmtpServer-%d] [name=%s@example.org;mid=%d;ip=10.0.0.5;] mailop - Adding Message: id=%d, Message-ID=<%032x@example.net>, parentId=-1, folderId=2, folderName=Inbox." % (n, who, n % 400, n, r.getrandbits(128))
    if pick == 7:
        return "INFO  [MailboxPurge] [name=%s@example.org;mid=%d;] purge - Purging messages." % (who, n % 400)
    if pick == 8:
        return "DEBUG " + head % args + "mailbox - authenticated %s@example.org, no failure recorded for this session" % who
    return "WARN  " + head % args + "session - session expired for account %s@example.org" % who


def mailbox_fail(r, ip, serial):
    who = "%s%d@example.org" % (PEOPLE[serial % len(PEOPLE)], serial % 50)
    if serial & 1:
        return ("INFO  [qtp1493625803-%d:https://mail.example.org:443/service/soap/AuthRequest] [ip=10.0.0.5;oip=%s;port=%d;"
                "ua=zclient/8.8.15_GA_4508;soapId=%08x;] SoapEngine - handler exception: authentication failed for [%s], account not found"
                % (serial % 3000, ip, 1024 + serial % 60000, serial * 2654435761 & 0xFFFFFFFF, who))
    return ("WARN  [ImapSSLServer-%d] [ip=10.0.0.5;oip=%s;via=10.0.0.5(nginx/1.20.0);ua=Zimbra/8.8.15_GA_4508;cid=%d;] "
            "security - cmd=Auth; account=%s; protocol=imap; error=authentication failed for [%s], invalid password;"
            % (serial % 3000, ip, serial, who, who))


def nginx_noise(r, clients):
    path = r.choice(PATHS)
    path = path % r.randrange(10000) if "%d" in path else path
    status = r.choice((200,) * 14 + (304,) * 3 + (301, 404, 499))
    return (r.choice(clients), ' "%s %s HTTP/%s" %d %d "%s" "%s"' % (
        r.choice(("GET",) * 8 + ("POST", "HEAD")), path, r.choice(("1.1", "2.0")), status, r.randrange(100, 90000),
        r.choice(("-", "https://www.example.org/")), r.choice(BROWSERS)))


def nginx_fail(r, ip, serial):
    return (ip, ' "%s %s HTTP/1.1" 404 153 "-" "%s"' % (("GET", "POST")[serial & 1], BAD_PATHS[serial % len(BAD_PATHS)], BROWSERS[serial % 5]))


MAKERS = {"sshd": (sshd_noise, sshd_fail), "postfix": (postfix_noise, postfix_fail),
          "mailbox": (mailbox_noise, mailbox_fail), "nginx": (nginx_noise, nginx_fail)}


class Heads:
    """Timestamps, composed once per second."""

    def __init__(self):
        self.second = None

    def set(self, second):
        if second != self.second:
            t = time.gmtime(second)
            self.second = second
            self.syslog = "%s %2d %02d:%02d:%02d mail " % (MONTHS[t[1] - 1], t[2], t[3], t[4], t[5])
            self.iso = "%04d-%02d-%02d %02d:%02d:%02d," % t[:6]
            self.clf = " - - [%02d/%s/%04d:%02d:%02d:%02d +0000]" % (t[2], MONTHS[t[1] - 1], t[0], t[3], t[4], t[5])

    def line(self, kind, body, milli):
        if kind == "mailbox":
            return "%s%03d %s\n" % (self.iso, milli, body)
        if kind == "nginx":
            return body[0] + self.clf + body[1] + "\n"
        return self.syslog + body + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kind", default="mixed", choices=KINDS + ("mixed",))
    p.add_argument("--size", default="10M", help="bytes to write, with K, M or G (default 10M)")
    p.add_argument("--lines", type=int, help="stop at this many lines instead")
    p.add_argument("--fail", type=float, default=0.01, help="share of failing lines (default 0.01)")
    p.add_argument("--attackers", type=int, default=1000, help="distinct failing addresses (default 1000)")
    p.add_argument("--zipf", type=float, default=1.0, help="zipf exponent of the attackers (default 1.0; 0: uniform)")
    p.add_argument("--ipv6", type=float, default=0.1, help="share of IPv6 attackers (default 0.1)")
    p.add_argument("--traces", type=float, default=0.02, help="share of mailbox lines that are stack-trace lines (default 0.02)")
    p.add_argument("--start", default="2023-05-01 00:00:00", help="UTC time of the first line, or 'now'")
    p.add_argument("--rate", type=float, default=200, help="lines per second of log time (default 200)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("-o", "--output", default="-")
    a = p.parse_args()

    rng = random.Random(a.seed)
    size = parse_size(a.size)
    start = time.time() if a.start == "now" else calendar.timegm(time.strptime(a.start, "%Y-%m-%d %H:%M:%S"))
    pool = attacker_pool(a.attackers, a.ipv6, rng)
    weights = zipf_weights(len(pool), a.zipf)
    clients = ["198.51.100.%d" % i for i in range(1, 250)] + ["2001:db8:%x::%x" % (i, i * 7) for i in range(1, 30)]
    kinds = KINDS if a.kind == "mixed" else (a.kind,)
    noise = {k: [MAKERS[k][0](rng, clients) for _ in range(POOL)] for k in kinds}
    trace = ["\tat com.zimbra.cs.%s.%s(%s.java:%d)\n" % (p_, m, p_.title(), n) for p_ in ("account", "service", "mailbox", "imap")
             for m in ("auth", "dispatch", "handle", "run") for n in (57, 233, 1021)]

    out = sys.stdout.buffer if a.output == "-" else open(a.output, "wb")
    heads = Heads()
    lineno = written = fails = 0
    rand, line = rng.random, heads.line
    while written < size and (a.lines is None or lineno < a.lines):
        todo = CHUNK if a.lines is None else min(CHUNK, a.lines - lineno)
        who = iter(rng.choices(pool, cum_weights=weights, k=todo)) if a.fail > 0 else None
        which = rng.choices(kinds, k=todo)
        draws = rng.choices(range(POOL), k=todo)
        chunk = []
        for kind, draw in zip(which, draws):
            now = start + lineno / a.rate
            second = int(now)
            heads.set(second)
            milli = int((now - second) * 1000)
            if rand() < a.fail:
                ip = next(who)
                text = line(kind, MAKERS[kind][1](rng, ip, fails), milli)
                fails += 1
            elif kind == "mailbox" and rand() < a.traces:
                text = trace[draw % len(trace)]
            else:
                text = line(kind, noise[kind][draw], milli)
            chunk.append(text)
            lineno += 1
            written += len(text)          # all text is ASCII
            if written >= size:
                break
        out.write("".join(chunk).encode("ascii"))
    out.flush()

    print("lines %d bytes %d fails %d" % (lineno, written, fails), file=sys.stderr)


if __name__ == "__main__":
    main()
