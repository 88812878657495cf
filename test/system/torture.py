# SPDX-License-Identifier: GPL-2.0-or-later
"""torture.py - kill bannerd and its processes again and again while logs are replayed.

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
import time
from pathlib import Path

from lab import TOP, Lab, wait_for
from replay import JAILS, MAXRETRY, Traffic, Truth, attempt

ROLES = ("banner-engine", "banner-store", "banner-actor")


class Torture:
    def __init__(self, seed, kills, changes=True, verbose=False):
        self.r = random.Random(seed)
        self.traffic, self.truth = Traffic(seed), Truth()
        self.seed, self.kills, self.changes = seed, kills, changes
        self.verbose = verbose
        self.counts = {"lines": 0, "kills": 0, "rotations": 0, "reloads": 0, "bans": 0,
                       "unbans": 0, "starts": 0}
        self.admin, self.admin_bans = 0, []
        self.serial = 0
        self.written = []       # shown when something is wrong
        self.lab = Lab(jails=(), maxretry=MAXRETRY, extra="ban_rate = 1000000")
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
        self.logs[log].write(text + "\n")
        self.truth.line(log, text)
        self.written.append((log, text))
        self.counts["lines"] += 1

    def lines(self, n):
        for _ in range(n):
            self.write(*self.traffic.next())

    def rotate(self, name=None):
        """As logrotate does it. No name is reused before its file was surely read."""
        name = name or self.r.choice(list(self.logs))
        path = self.lab.dir / f"{name}.log"
        self.logs[name].close()
        for n in range(20, 0, -1):
            if os.path.exists(f"{path}.{n}"):
                os.rename(f"{path}.{n}", f"{path}.{n + 1}")
        os.rename(path, f"{path}.1")
        self.logs[name] = open(path, "a", buffering=1)
        self.counts["rotations"] += 1

    def until_ok(self, *words):
        """banctl until it says ok: it may be the one that is cut off."""
        end = time.monotonic() + 30
        while True:
            if self.lab.proc is None or self.lab.proc.poll() is not None:
                self.start()
            done = self.lab.ctl(*words)
            if done.returncode == 0 or "is not banned" in done.stderr:
                return
            assert time.monotonic() < end, (words, done.stderr, self.lab.logged()[-3000:])
            time.sleep(0.02)

    def change(self):
        """An administrator's ban, or one of his lifted again; each is acknowledged."""
        if self.admin_bans and self.r.random() < 0.4:
            who = self.admin_bans.pop(self.r.randrange(len(self.admin_bans)))
            self.until_ok("unbanip", who)
            self.truth.unban(who)
            self.counts["unbans"] += 1
            return
        n, self.admin = self.admin, self.admin + 1
        who = f"203.0.{112 + n // 250}.{n % 250 + 1}"
        jail = self.r.choice(list(JAILS))
        self.until_ok("banip", jail, who, "--time", "1d")
        self.truth.ban(jail, who)
        self.admin_bans.append(who)
        self.counts["bans"] += 1

    def reload(self):
        self.lab.ctl("reload")
        self.counts["reloads"] += 1

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
        self.lab.stop(signal.SIGKILL)
        if self.r.random() < 0.5:
            self.lines(self.r.randrange(1, 40))
        self.start()

    def round(self):
        if self.lab.proc.poll() is not None:
            raise AssertionError(f"bannerd ended by itself: {self.lab.proc.returncode}\n"
                                 + self.lab.logged()[-4000:])
        self.lines(self.r.randrange(1, 80))
        time.sleep(self.r.random() ** 2 * 0.25)
        what = self.r.random()
        if self.changes and what < 0.08:
            self.rotate()
        elif self.changes and what < 0.16:
            self.change()
        elif self.changes and what < 0.19:
            self.reload()
        self.lines(self.r.randrange(0, 20))
        self.kill()

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

    def run(self):
        began = time.monotonic()
        self.start()
        while self.counts["kills"] < self.kills:
            self.round()
            if self.counts["kills"] % 25 == 0:
                self.agree("on the way")
                self.say(f"{self.counts} {time.monotonic() - began:.0f} s")
        if self.lab.proc.poll() is not None:
            self.start()
        self.agree("after the last kill")
        banned = len(self.truth.all_banned())
        probed = self.probe()
        self.lab.stop()
        self.start()
        self.agree("after an orderly restart")
        return {"id": "kill9", "seed": self.seed, "n": self.counts["kills"], "bad": 0,
                "banned": banned, "probed": probed, "pass": True,
                "seconds": round(time.monotonic() - began, 1), **self.counts}

    def close(self):
        for f in self.logs.values():
            f.close()
        self.lab.close()


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
    p.add_argument("-v", "--verbose", action="store_true")
    a = p.parse_args()
    try:
        print(json.dumps(torture(a.seed, a.kills, verbose=a.verbose)))
    except AssertionError as e:
        print(e, file=sys.stderr)
        print(json.dumps({"id": "kill9", "seed": a.seed, "pass": False}))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
