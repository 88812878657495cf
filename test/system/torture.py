# SPDX-License-Identifier: GPL-2.0-or-later
"""torture.py - kill bannerd and its processes again and again while logs are replayed.

They die at random moments and at named points: before or after a call (shim.c) that
parts two steps, such as the order to the actor and the mark to the store. Meanwhile logs
are rotated, the configuration is reloaded and an administrator bans and unbans.

After the last restart the kernel's routes, the bans that bannerd tells and the reference
model must agree; then every host that was not banned is driven to one failure below the
limit (nobody may be banned) and over it (all must be): a line counted twice or skipped
anywhere shows there.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import BUILD, TOP, Lab, wait_for
from replay import JAILS, MAXRETRY, Traffic, Truth, attempt
from shim import KILL_AFTER, KILL_BEFORE, Shim

ROLES = ("banner-engine", "banner-store", "banner-actor")
BOTH = (KILL_BEFORE, KILL_AFTER)
# What is to happen, where one of them dies: (program, call, before or after, how many
# such calls may go well first).
POINTS = {
    "decided, not ordered": ("banner-engine", "send:CHANGE", (KILL_BEFORE,), 3),
    "ordered, not told to the store": ("banner-engine", "send:CHANGE", (KILL_AFTER,), 3),
    "around the mark": ("banner-engine", "send:MARK", BOTH, 3),
    "committed, not acknowledged": ("banner-engine", "recv:COMMITTED", (KILL_AFTER,), 3),
    "applied, not noted": ("banner-engine", "recv:DONE", (KILL_AFTER,), 3),
    "reading a log": ("banner-engine", "pread64", BOTH, 6),
    "opening a log": ("banner-engine", "open64", BOTH, 12),
    "told to stop": ("banner-engine", "recv:STOP", (KILL_AFTER,), 0),
    "restored": ("banner-engine", "recv:END", (KILL_AFTER,), 0),
    "resync begun": ("banner-engine", "send:BEGIN", BOTH, 0),
    "resync complete": ("banner-engine", "send:COMPLETE", BOTH, 0),
    "cut received": ("banner-store", "recv:MARK", (KILL_AFTER,), 3),
    "in the transaction": ("banner-store", "pwrite64", BOTH, 12),
    "around the sync": ("banner-store", "fdatasync", BOTH, 3),
    "written, not told": ("banner-store", "send:COMMITTED", BOTH, 3),
    "telling its state": ("banner-store", "send:END", BOTH, 0),
    "order received": ("banner-actor", "recv:CHANGE", (KILL_AFTER,), 3),
    "around the kernel": ("banner-actor", "sendto", BOTH, 3),
    "kernel's answer": ("banner-actor", "recvmsg", (KILL_AFTER,), 6),
    "in force, not told": ("banner-actor", "send:DONE", BOTH, 3),
    "wanted set begun": ("banner-actor", "recv:BEGIN", (KILL_AFTER,), 0),
    "wanted set complete": ("banner-actor", "recv:COMPLETE", (KILL_AFTER,), 0),
    "configuration packed": ("bannerd", "memfd_create", BOTH, 0),
    "starting a process": ("bannerd", "fork", (KILL_BEFORE,), 2),
    "handing sockets on": ("bannerd", "send:SOCKET", BOTH, 4),
    "telling to stop": ("bannerd", "send:STOP", BOTH, 0),
}
# These are only passed after something else happened.
RELOADS = ("told to stop", "configuration packed", "telling to stop")
RESTARTS = ("restored", "resync begun", "resync complete", "telling its state", "wanted set "
            "begun", "wanted set complete", "starting a process", "handing sockets on")


class Torture:
    def __init__(self, seed, kills, changes=True, named=0.5, verbose=False):
        self.r = random.Random(seed)
        self.traffic, self.truth = Traffic(seed), Truth()
        self.seed, self.kills, self.changes = seed, kills, changes
        self.named, self.verbose = named, verbose
        self.counts = {"lines": 0, "kills": 0, "rotations": 0, "reloads": 0, "bans": 0,
                       "unbans": 0, "starts": 0, "named": 0, "missed": 0}
        self.points = {}                        # name -> kills there
        self.writing = threading.Lock()         # a log
        self.meddling = threading.Lock()        # one change by hand
        self.ending = threading.Event()
        self.admin, self.admin_bans = 0, []
        self.serial = 0
        self.written = []       # shown when something is wrong
        self.lab = Lab(jails=(), maxretry=MAXRETRY, extra="ban_rate = 1000000")
        self.lab.shim = Shim(self.lab.dir)
        self.logs = {}
        for name in ("auth", "mail", "mixed"):
            path = self.lab.dir / f"{name}.log"
            path.touch()
            self.logs[name] = open(path, "a", buffering=1)
        for path in (TOP / "filters").glob("*.conf"):
            (self.lab.dir / "filters" / path.name).write_text(path.read_text())
        for name, (filt, logs) in JAILS.items():
            paths = "\n\t".join(str(self.lab.dir / f"{x}.log") for x in logs)
            (self.lab.dir / "jails.d" / f"{name}.conf").write_text(
                f"[{name}]\nenabled = true\nfilter = {filt}\nlogpath = {paths}\n"
                f"maxretry = {MAXRETRY}\nfindtime = 5h\nbantime = 1d\naction = route\n")

    def say(self, text):
        if self.verbose:
            print(text, file=sys.stderr, flush=True)

    # what goes on meanwhile

    def write(self, log, text):
        with self.writing:
            self.logs[log].write(text + "\n")
            self.truth.line(log, text)
        self.written.append((log, text))
        self.counts["lines"] += 1

    def lines(self, n):
        for _ in range(n):
            self.write(*self.traffic.next())

    def rotate(self, name):
        """As logrotate does it. No name is reused before its file was surely read."""
        path = self.lab.dir / f"{name}.log"
        with self.writing:
            self.logs[name].close()
            for n in range(60, 0, -1):
                if os.path.exists(f"{path}.{n}"):
                    os.rename(f"{path}.{n}", f"{path}.{n + 1}")
            os.rename(path, f"{path}.1")
            self.logs[name] = open(path, "a", buffering=1)
        self.counts["rotations"] += 1

    def until_ok(self, *words):
        """banctl until it says ok: it may be the one that is cut off."""
        end = time.monotonic() + 60
        while True:
            try:
                done = self.lab.ctl(*words, timeout=5)
                said = done.stderr
                if done.returncode == 0 or "is not banned" in said:
                    return
            except subprocess.TimeoutExpired:
                said = "no answer"
            assert time.monotonic() < end, (words, said, self.lab.logged()[-3000:])
            time.sleep(0.02)

    def change(self, r):
        """An administrator's ban, or one of his lifted again; each is acknowledged."""
        if self.admin_bans and r.random() < 0.4:
            who = self.admin_bans.pop(r.randrange(len(self.admin_bans)))
            self.until_ok("unbanip", who)
            self.truth.unban(who)
            self.counts["unbans"] += 1
            return
        n, self.admin = self.admin, self.admin + 1
        who = f"203.0.{112 + n // 250}.{n % 250 + 1}"
        jail = r.choice(list(JAILS))
        self.until_ok("banip", jail, who, "--time", "1d")
        self.truth.ban(jail, who)
        self.admin_bans.append(who)
        self.counts["bans"] += 1

    def reload(self):
        try:
            self.lab.ctl("reload", timeout=5)
        except subprocess.TimeoutExpired:
            pass
        self.counts["reloads"] += 1

    def meddle(self):
        """Rotations, reloads and changes by hand, beside the kills (a thread)."""
        r = random.Random(self.seed + 1)
        while not self.ending.wait(r.random() * 0.6):
            with self.meddling:
                what = r.random()
                if what < 0.4:
                    self.rotate(r.choice(list(self.logs)))
                elif what < 0.75:
                    self.change(r)
                else:
                    self.reload()

    # kills

    def start(self):
        self.lab.start(ready=False)
        self.counts["starts"] += 1
        self.alive = set(ROLES)

    def kill(self):
        """A child that was not killed under this parent yet (the second time it would
        wait before it comes back), else the parent."""
        kids = self.lab.children()
        left = sorted(r for r in self.alive if r in kids)
        self.counts["kills"] += 1
        if left and self.r.random() < 0.7:
            role = self.r.choice(left)
            self.alive.discard(role)
            try:
                os.kill(kids[role], signal.SIGKILL)
            except ProcessLookupError:
                self.counts["kills"] -= 1
            return
        self.end_parent()

    def end_parent(self):
        self.lab.stop(signal.SIGKILL)
        if self.r.random() < 0.5:
            self.lines(self.r.randrange(1, 40))
        self.start()

    def lead_to(self, name):
        """Do what leads to that point."""
        if name in RELOADS:
            # it may be the one that is cut off
            subprocess.Popen(["timeout", "5", str(BUILD / "banctl"), "-s",
                              str(self.lab.socket), "reload"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        elif name in RESTARTS:
            role = {"telling its state": "banner-store", "wanted set begun": "banner-actor",
                    "wanted set complete": "banner-actor"}.get(name, "banner-engine")
            try:
                self.lab.kill(role)
            except (KeyError, ProcessLookupError):
                pass                    # it goes by itself: as good

    def kill_at(self, name):
        """False: it did not come by there."""
        program, call, whens, skips = POINTS[name]
        if program not in self.alive | {"bannerd"}:
            return False
        old = self.lab.children().get(program, self.lab.proc.pid)
        self.lab.shim.arm(program, call, self.r.randint(0, skips), self.r.choice(whens))
        self.lead_to(name)
        end = time.monotonic() + 1.5
        while not self.lab.shim.hits() and time.monotonic() < end:
            self.lines(self.r.randrange(1, 8))
            time.sleep(0.02)
        self.lab.shim.disarm()
        if name in RESTARTS:
            self.alive.clear()          # the rest is for a new parent
        self.alive.discard(program)
        if not self.lab.shim.hits():
            self.counts["missed"] += 1
            return False
        self.counts["kills"] += 1
        self.counts["named"] += 1
        self.points[name] = self.points.get(name, 0) + 1
        wait_for(lambda: program == "bannerd" or self.lab.children().get(program) != old, 5,
                 f"the end of {program}: {name}")
        if program == "bannerd":
            self.lab.proc.wait(10)
            self.end_parent()
        return True

    def round(self):
        if self.lab.proc.poll() is not None:
            raise AssertionError(f"bannerd ended by itself: {self.lab.proc.returncode}\n"
                                 + self.lab.logged()[-4000:])
        self.lines(self.r.randrange(1, 80))
        time.sleep(self.r.random() ** 2 * 0.25)
        self.lines(self.r.randrange(0, 20))
        if self.r.random() < self.named:
            # those that were met least often
            # of those that live: the others' points would be chosen for ever
            names = [p for p, at in POINTS.items() if at[0] in self.alive | {"bannerd"}]
            self.kill_at(min(names, key=lambda p: (self.points.get(p, 0), self.r.random())))
        else:
            self.kill()
        if not self.alive:
            self.end_parent()
            self.counts["kills"] += 1

    # judgement

    def told(self):
        try:
            return {j: self.lab.banned(j) for j in JAILS}
        except (AssertionError, ValueError, subprocess.TimeoutExpired):
            return {}

    def agree(self, what, seconds=30):
        """Kernel, bannerd and model say the same, and go on doing so."""
        end = time.monotonic() + seconds
        while True:
            told, routes = self.told(), self.lab.routes()
            if told == self.truth.banned and routes == self.truth.all_banned():
                break
            if time.monotonic() > end:
                self.differ(what, told, routes)
            time.sleep(0.05)
        time.sleep(0.3)
        told, routes = self.told(), self.lab.routes()
        if told != self.truth.banned or routes != self.truth.all_banned():
            self.differ(what + ", a moment later", told, routes)

    def differ(self, what, told, routes):
        text = [f"{what}: seed {self.seed}, {self.counts}"]
        for j in JAILS:
            got, want = told.get(j, set()), self.truth.banned[j]
            text.append(f"{j}: missing {sorted(want - got)[:10]}, "
                        f"extra {sorted(got - want)[:10]}")
        want = self.truth.all_banned()
        text.append(f"kernel: missing {sorted(want - routes)[:10]}, "
                    f"extra {sorted(routes - want)[:10]}")
        keep = f"/tmp/banner-torture-{self.seed}"
        shutil.copytree(self.lab.dir, keep, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*.sock"))
        (Path(keep) / "lines").write_text("\n".join(map(" ".join, self.written)))
        raise AssertionError("\n".join(text) + f"\nkept: {keep}\n" + self.lab.logged()[-2000:])

    def probe(self):
        """Up to one failure below the limit, then over it."""
        todo = [(j, who, n) for j in JAILS for who, n in self.truth.counts[j].items()]
        for jail, who, n in todo:
            host = who.split("/")[0] + ("1" if "/" in who else "")
            for _ in range(MAXRETRY - 1 - n):
                self.serial += 1
                self.write(*attempt(jail, host, self.serial))
        self.agree("one below the limit")
        for jail, who, n in todo:
            host = who.split("/")[0] + ("1" if "/" in who else "")
            self.serial += 1
            self.write(*attempt(jail, host, self.serial))
        self.agree("at the limit")
        return len(todo)

    def torment(self, began):
        """Kills until there were enough; something is wrong if the other thread ended."""
        last = 0
        thread = threading.Thread(target=self.meddle)
        if self.changes:
            thread.start()
        try:
            while self.counts["kills"] < self.kills:
                self.round()
                if self.counts["kills"] >= last + 25:
                    last = self.counts["kills"]
                    with self.meddling:
                        self.agree("on the way")
                    self.say(f"{self.counts} {time.monotonic() - began:.0f} s")
                assert thread.is_alive() or not self.changes, "see the other thread"
        finally:
            self.ending.set()
            if self.changes:
                thread.join()

    def run(self):
        began = time.monotonic()
        self.start()
        wait_for(lambda: len(self.told()) == len(JAILS), 10, "the start")
        time.sleep(0.2)
        self.torment(began)
        self.agree("after the last kill")
        banned = len(self.truth.all_banned())
        probed = self.probe()
        self.lab.stop()
        self.start()
        self.agree("after an orderly restart")
        return {"id": "kill9", "seed": self.seed, "n": self.counts["kills"], "bad": 0,
                "banned": banned, "probed": probed, "pass": True,
                "seconds": round(time.monotonic() - began, 1), "points": self.points,
                **self.counts}

    def close(self):
        for f in self.logs.values():
            f.close()
        self.lab.close()
        self.lab.shim.close()


def torture(seed, kills, **options):
    t = Torture(seed, kills, **options)
    try:
        return t.run()
    finally:
        t.close()


def main():
    p = argparse.ArgumentParser(prog="torture", description=__doc__)
    p.add_argument("-n", "--kills", type=int, default=1000)
    p.add_argument("-s", "--seed", type=int, default=int(time.time()))
    p.add_argument("-p", "--points", type=float, default=0.5, metavar="SHARE",
                   help="of the kills, at named points (0.5)")
    p.add_argument("-v", "--verbose", action="store_true")
    a = p.parse_args()
    try:
        print(json.dumps(torture(a.seed, a.kills, named=a.points, verbose=a.verbose)))
    except AssertionError as e:
        print(e, file=sys.stderr)
        print(json.dumps({"id": "kill9", "seed": a.seed, "pass": False}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
