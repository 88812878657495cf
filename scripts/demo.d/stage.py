# SPDX-License-Identifier: GPL-2.0-or-later
"""stage.py - the place of the show: files, users, a victim, an attacker behind a cable.

Runs inside the namespaces that demo.py made; this network namespace is the victim's.
Addresses are those set aside for documentation.
"""
import grp
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HOME = Path("/run/demo")
CONF = HOME / "banner"
AUTH, MAIL, LOG = (Path("/var/log") / n for n in ("auth.log", "mail.log", "banner.log"))
VICTIM, ATTACKER = "198.51.100.1", "198.51.100.66"
VICTIM6, ROUTER6, ATTACKERS6 = "2001:db8::1", "2001:db8::2", "2001:db8:bad:1::"

SSHD = f"""
ListenAddress {VICTIM}
HostKey {HOME}/host_key
PidFile none
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin no
"""

DOVECOT = f"""
protocols = imap
listen = {VICTIM6}
base_dir = /run/dovecot
log_path = {MAIL}
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{HOME}/mail
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password=nobody-guesses-this
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={HOME}/mail
}}
"""

BANTIME = 15        # seconds; the shipped jails say an hour
JAILS = """[sshd]
enabled = true
maxretry = 3
bantime = {bantime}s
"""
IMAP_JAIL = """
[dovecot]
enabled = true
maxretry = 3
bantime = {bantime}s
"""


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"demo: {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def tmpfs(where, mode="755"):
    run("mount", "-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", str(where))


def own_dev():
    """A /dev of our own, because syslog's socket lies in it."""
    dev = HOME / "dev"
    dev.mkdir()
    tmpfs(dev)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (dev / name).touch()
        run("mount", "--bind", f"/dev/{name}", str(dev / name))
    for name, target in (("fd", "/proc/self/fd"), ("shm", "/run")):
        (dev / name).symlink_to(target)
    run("mount", "--move", str(dev), "/dev")


def own_users():
    """The users of bannerd, so that its processes give up root as on a real machine."""
    for name, lookup, entry in (
            ("passwd", pwd.getpwnam, "{n}:x:{i}:{i}::/nonexistent:/usr/sbin/nologin\n"),
            ("group", grp.getgrnam, "{n}:x:{i}:\n")):
        text = Path("/etc", name).read_text()
        for i, user in enumerate(("_banner", "banner")):
            try:
                lookup(user)
            except KeyError:
                text += entry.format(n=user, i=64900 + i)
        (HOME / name).write_text(text)
        run("mount", "--bind", str(HOME / name), f"/etc/{name}")


def files(build, dovecot):
    """Everything below /run and /var/log is ours alone and goes with us."""
    tmpfs("/run")
    tmpfs("/var/log")
    HOME.mkdir()
    own_dev()
    own_users()
    for name in ("bannerd", "banner-engine", "banner-store", "banner-actor",
                 "banner-helper", "banctl"):
        (HOME / "bin/actions").mkdir(parents=True, exist_ok=True)
        shutil.copy(build / name, HOME / "bin")
    for plugin in (build / "actions").glob("*.so"):
        shutil.copy(plugin, HOME / "bin/actions")
    CONF.mkdir()
    for folder in ("filters", "jails.d"):
        shutil.copytree(TOP / folder, CONF / folder)
    (CONF / "jails.d/demo.local").write_text(
        (JAILS + IMAP_JAIL * dovecot).format(bantime=BANTIME))
    (CONF / "banner.conf").write_text(
        f"[bannerd]\nstate = {HOME}/state\nlog = {LOG}\n")
    (HOME / "state").mkdir()
    for log in (AUTH, MAIL):
        log.touch()


def syslog():
    """The least syslogd: what sshd says goes to auth.log."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind("/dev/log")
    os.chmod("/dev/log", 0o666)

    def serve():
        with open(AUTH, "ab", buffering=0) as log:
            while True:
                text = sock.recv(8192).rstrip(b"\n\0")
                text = text[text.index(b">") + 1:]
                log.write(text[:16] + b"victim " + text[16:] + b"\n")

    threading.Thread(target=serve, daemon=True).start()


def network():
    """A veth pair to the attacker's namespace; returns the process that holds that."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    mine = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{holder.pid}/ns/net") == mine:
        time.sleep(0.01)
    there = ["nsenter", "-t", str(holder.pid), "-n"]
    run("ip", "link", "add", "victim", "type", "veth",
        "peer", "name", "attacker", "netns", str(holder.pid))
    for side, name, v4, v6 in ((), "victim", VICTIM, VICTIM6), \
            (there, "attacker", ATTACKER, ROUTER6):
        run(*side, "ip", "link", "set", "lo", "up")
        run(*side, "ip", "addr", "add", v4 + "/24", "dev", name)
        run(*side, "ip", "addr", "add", v6 + "/64", "dev", name, "nodad")
        run(*side, "ip", "link", "set", name, "up")
    run("ip", "route", "add", "2001:db8:bad::/48", "via", ROUTER6)
    for host in ("66", "67"):
        run(*there, "ip", "addr", "add", f"{ATTACKERS6}{host}/128", "dev", "lo")
    return there


def greets(host, port):
    """Whether the server there is ready to talk, which may be later than it listens."""
    try:
        with socket.create_connection((host, port), 5) as s:
            return s.recv(100) != b""
    except OSError:
        return False


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"demo: {what} did not happen in {seconds} s\n"
                             + (LOG.read_text()[-2000:] if LOG.exists() else ""))
        time.sleep(0.05)


def start(name, *argv):
    """Start a server; what it prints goes to a file that is shown when it fails."""
    with open(HOME / f"{name}.out", "wb") as out:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)


def victims(dovecot):
    Path("/run/sshd").mkdir()
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{HOME}/host_key")
    (HOME / "sshd_config").write_text(SSHD)
    start("sshd", "/usr/sbin/sshd", "-D", "-f", f"{HOME}/sshd_config")
    wait_for(lambda: greets(VICTIM, 22), 20, "sshd's start")
    if dovecot:
        (HOME / "dovecot.conf").write_text(DOVECOT)
        start("dovecot", "/usr/sbin/dovecot", "-F", "-c", f"{HOME}/dovecot.conf")
        wait_for(lambda: greets(VICTIM6, 143), 20, "Dovecot's start")


def bannerd():
    start("bannerd", f"{HOME}/bin/bannerd", "-f", "-c", str(CONF))
    ping = [f"{HOME}/bin/banctl", "ping"]
    wait_for(lambda: subprocess.run(ping, capture_output=True).returncode == 0, 10,
             "bannerd's start: " + (HOME / "bannerd.out").read_text())
