# SPDX-License-Identifier: GPL-2.0-or-later
"""show.py BUILD - the show itself: guesses, a ban, a door shut and opened again."""
import os
import subprocess
import sys
import time
from pathlib import Path

import stage

COLOUR = sys.stdout.isatty()
GUESSES = (("root", "123456"), ("admin", "admin"), ("oracle", "oracle123"),
           ("test", "test"), ("backup", "qwerty"), ("git", "git"))


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def title(text):
    print("\n" + paint("1", f"== {text}"), flush=True)


class Logs:
    """New lines of the logs, as they come."""

    def __init__(self, *paths):
        self.open = [(p, open(p, errors="replace")) for p in paths]

    def show(self, patience=0.3):
        """Print until nothing came for so long."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for path, stream in self.open:
                for line in stream:
                    text = f"  {path.name:>10} | {line.rstrip()}"
                    ban = " Ban " in line or " Unban " in line
                    print(paint("1;31" if ban else "2", text), flush=True)
                    end = time.monotonic() + patience
            time.sleep(0.03)


def command(*words):
    """Run it, show it as typed, and show what it prints."""
    print(paint("36", "  # " + " ".join(words)), flush=True)
    argv = [f"{stage.HOME}/bin/banctl", *words[1:]] if words[0] == "banctl" else words
    done = subprocess.run(argv, capture_output=True, text=True)
    for line in (done.stdout + done.stderr).splitlines():
        print("    " + line)
    sys.stdout.flush()
    return done.stdout


def banned():
    """What the kernel of the victim holds of ours."""
    return "".join(stage.run("ip", family, "route", "show", "table", "all", "proto", "98")
                   for family in ("-4", "-6"))


def guess(there, logs, *words):
    """What the server says to it; the logs are shown meanwhile."""
    print(paint("33", f"  attacker: {' '.join(words)}"), flush=True)
    with subprocess.Popen([*there, sys.executable, "-B", stage.TOP
                           / "scripts/demo.d/attacker.py", *words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as proc:
        while proc.poll() is None:
            logs.show(0.05)
        answer = proc.stdout.read().strip()
    logs.show(0.1)
    print(f"            -> {answer}", flush=True)
    return answer


def attack(there, logs, *target):
    """Guess until the kernel has a ban."""
    before = banned()
    for user, password in GUESSES:
        guess(there, logs, *target, user, password)
        if banned() != before:
            return
    raise SystemExit("demo: no ban\n" + stage.LOG.read_text())


def refused(answer, what):
    if "ermission denied" in answer or "Authentication failed" in answer:
        raise SystemExit(f"demo: {what} still gets an answer: {answer}")


def ssh_act(there, logs):
    title(f"{stage.ATTACKER} guesses passwords at sshd ({stage.VICTIM})")
    attack(there, logs, "ssh", stage.VICTIM)
    title("the kernel drops what goes to it, and so it is cut off")
    command("ip", "route", "show", "type", "blackhole")
    refused(guess(there, logs, "ssh", stage.VICTIM, *GUESSES[-1]), stage.ATTACKER)
    title("who is banned, and why")
    command("banctl", "status", "sshd")
    command("banctl", "explain", stage.ATTACKER)


def imap_act(there, logs):
    source = stage.ATTACKERS6 + "66"
    title(f"{source} guesses at Dovecot ({stage.VICTIM6})")
    attack(there, logs, "imap", stage.VICTIM6, source)
    title("its whole /64 is banned: another address of it does not help")
    command("ip", "-6", "route", "show", "type", "blackhole")
    refused(guess(there, logs, "imap", stage.VICTIM6, stage.ATTACKERS6 + "67", *GUESSES[-1]),
            "the neighbour")
    command("banctl", "status", "dovecot")


def main(build):
    dovecot = os.access("/usr/sbin/dovecot", os.X_OK) and \
        (stage.TOP / "jails.d/dovecot.conf").exists()
    stage.files(Path(build), dovecot)
    stage.syslog()
    there = stage.network()
    stage.victims(dovecot)
    title("bannerd starts with the shipped jails, and this in jails.d/demo.local")
    for line in (stage.CONF / "jails.d/demo.local").read_text().splitlines():
        print("    " + line)
    stage.bannerd()
    logs = Logs(stage.AUTH, stage.MAIL, stage.LOG)
    logs.show()
    ssh_act(there, logs)
    if dovecot:
        imap_act(there, logs)
    title(f"the bans end by themselves (bantime = {stage.BANTIME}s, for the show)")
    stage.wait_for(lambda: logs.show(0.1) or not banned(), 2 * stage.BANTIME,
                   "the end of the bans")
    logs.show()
    if "ermission denied" not in guess(there, logs, "ssh", stage.VICTIM, *GUESSES[0]):
        raise SystemExit("demo: the door should be open again")
    title("that was it; nothing of it is left on this machine")


if __name__ == "__main__":
    main(sys.argv[1])
