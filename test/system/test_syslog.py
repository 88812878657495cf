# SPDX-License-Identifier: GPL-2.0-or-later
"""Two hosts' rsyslogd, one bannerd that reads both through its socket."""
import os
import shutil
import socket
import subprocess

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("rsyslogd"),
                                reason="needs root and rsyslogd")

CONF = """global(workDirectory="{dir}" localHostname="{name}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/{name}.log" CreatePath="off" RateLimit.Interval="0")
module(load="omuxsock")
$OMUxSockSocket {sock}
*.* :omuxsock:;{form}
"""
JAIL = """[mta]
enabled = true
backend = socket
logpath = {sock}
filter = postfix-sasl
maxretry = 6
findtime = 10m
bantime = 1h
action = route
"""
# mta2 sends by RFC 5424.
FORMS = {"mta1": "RSYSLOG_TraditionalFileFormat", "mta2": "RSYSLOG_SyslogProtocol23Format"}
SASL = "<22>postfix/smtpd[%d]: warning: unknown[%s]: SASL LOGIN authentication failed: no"


class Host:
    """A machine with programs that log, and its rsyslogd."""

    def __init__(self, lab, name, sock, form):
        self.path = lab.dir / (name + ".log")
        conf = lab.dir / (name + ".conf")
        conf.write_text(CONF.format(dir=lab.dir, name=name, sock=sock, form=form))
        self.proc = subprocess.Popen(
            ["rsyslogd", "-n", "-f", conf, "-i", lab.dir / (name + ".pid")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.path.exists, 10, "rsyslogd")

    def log(self, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), str(self.path))

    def stop(self):
        self.proc.terminate()
        self.proc.wait(10)


@pytest.fixture
def place():
    with Lab(jails=()) as lab:
        sock = lab.dir / "run" / "log.sock"
        (lab.dir / "jails.d" / "mta.conf").write_text(JAIL.format(sock=sock))
        lab.shipped("filters")
        lab.start()
        wait_for(sock.exists, 5, "the socket")
        hosts = [Host(lab, name, sock, form) for name, form in FORMS.items()]
        yield lab, hosts
        for host in hosts:
            host.stop()


def failed(lab):
    return lab.ctl_json("status", "mta")["total_failed"]


def test_split_over_two_hosts(place):
    """Six failures over two hosts, also with equal process ids: banned at the sixth."""
    lab, (one, two) = place
    for i in range(5):
        (one, two)[i % 2].log(SASL % (77, "192.0.2.66"))
    wait_for(lambda: failed(lab) == 5, 10, "five failures")
    assert lab.routes() == set()
    two.log(SASL % (77, "192.0.2.66"))
    lab.wait_routes("192.0.2.66")
    text = lab.ok("explain", "192.0.2.66")
    assert "mta1" in text and "mta2" in text, text


def test_forged_lines(place):
    """A newline in a name makes no second line: rsyslog escapes it."""
    lab, (one, _) = place
    forged = "Mar  1 10:00:00 mta1 " + (SASL % (1, "192.0.2.9"))[4:]
    for _ in range(10):
        one.log("<22>postfix/smtpd[7]: warning: unknown[192.0.2.8]: SASL LOGIN "
                "authentication failed: x, sasl_username=a\n" + forged)
    lab.wait_routes("192.0.2.8")
    assert "192.0.2.9" not in lab.routes()
    for _ in range(10):
        one.log("<22>other: text\n" + forged)
    one.log(SASL % (7, "192.0.2.10"))
    wait_for(lambda: failed(lab) >= 11, 10, "what came last")
    assert lab.routes() == {"192.0.2.8"}


CENTRAL = """global(workDirectory="{dir}" localHostname="log")
module(load="imudp")
module(load="imptcp")
input(type="imudp" address="127.0.0.1" port="{port}")
input(type="imptcp" address="127.0.0.1" port="{port}")
$template plain,"%TIMESTAMP% %HOSTNAME% %syslogtag%%msg%\\n"
*.* {dir}/central.txt;plain
"""


def test_what_escaping_stops(tmp_path):
    """docs/zimbra.md: LF is escaped in a datagram and in a counted frame, but splits a
    plain TCP stream."""
    port = 35514
    (tmp_path / "conf").write_text(CENTRAL.format(dir=tmp_path, port=port))
    proc = subprocess.Popen(["rsyslogd", "-n", "-f", tmp_path / "conf", "-i",
                             tmp_path / "pid"], stderr=subprocess.DEVNULL)
    text = ("<22>Mar  1 10:00:00 mta1 postfix/smtpd[7]: name=%s\n"
            "<22>Mar  1 10:00:00 mta1 postfix/smtpd[7]: forged")
    try:
        def connect():
            try:
                return socket.create_connection(("127.0.0.1", port))
            except OSError:
                return None
        plain = wait_for(connect, 10, "rsyslogd")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto((text % "udp").encode(), ("127.0.0.1", port))
        plain.sendall((text % "tcp").encode() + b"\n")
        plain.close()
        with connect() as counted:
            frame = (text % "counted").encode()
            counted.sendall(b"%d %s" % (len(frame), frame))
        out = tmp_path / "central.txt"
        wait_for(lambda: out.exists() and out.read_text().count("name=") == 3, 10,
                 "three messages")
        proc.terminate()
        proc.wait(10)
        lines = out.read_text().splitlines()
    finally:
        proc.kill()
        proc.wait(10)
    made = [l for l in lines if l.endswith("]: forged") and "name=" not in l]
    assert len(made) == 1                       # by plain TCP alone
    assert sum("name=udp#012<22>" in l for l in lines) == 1
    assert sum("name=counted#012<22>" in l for l in lines) == 1
