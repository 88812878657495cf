#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""attacker.py - one guess at a password, by ssh(1) or in IMAP, from the other side.

    attacker.py ssh HOST USER PASSWORD
    attacker.py imap HOST SOURCE USER PASSWORD

Prints the server's answer in one line, or why there is none.
"""
import os
import socket
import subprocess
import sys

PATIENCE = 2        # seconds until a silent server counts as gone


def ssh(host, user, password):
    """ssh asks the program in SSH_ASKPASS, which is this one, for the password."""
    env = {"PATH": os.environ["PATH"], "SSH_ASKPASS_REQUIRE": "force",
           "SSH_ASKPASS": os.path.abspath(__file__), "DEMO_PASSWORD": password}
    argv = ["ssh", "-F", "none", "-o", f"ConnectTimeout={PATIENCE}",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "PreferredAuthentications=password",
            "-o", "NumberOfPasswordPrompts=1",
            "-o", "LogLevel=ERROR", f"{user}@{host}", "true"]
    try:
        done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, timeout=2 * PATIENCE,
                              capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return "no answer any more: cut off in the middle of the login"
    return done.stderr.strip() or "logged in!"


def imap(host, source, user, password):
    try:
        with socket.create_connection((host, 143), PATIENCE, (source, 0)) as s:
            talk = s.makefile("rw", newline="\r\n")
            talk.readline()
            print(f'a login {user} "{password}"', file=talk, flush=True)
            answer = talk.readline().strip()
            while answer.startswith("*"):
                answer = talk.readline().strip()
            print("b logout", file=talk, flush=True)
            talk.read()
            return answer
    except TimeoutError:
        return "no answer"
    except OSError as e:
        return e.strerror or str(e)


if __name__ == "__main__":
    if "DEMO_PASSWORD" in os.environ:
        print(os.environ["DEMO_PASSWORD"])
    elif sys.argv[1] == "ssh":
        print(ssh(*sys.argv[2:]))
    else:
        print(imap(*sys.argv[2:]))
