# SPDX-License-Identifier: GPL-2.0-or-later
"""daemon_rows.py - the rows that need a running bannerd."""
import os
import re
import statistics
import subprocess
import tempfile
import threading
import time

import rig

MAXRETRY = 5


def quantile(values, q):
    values = sorted(values)
    return values[int((len(values) - 1) * q + 0.5)]


class Noise:
    """While it is entered: so many harmless lines a second in these logs, ten at once."""

    LINE = b"May  1 00:05:28 mail postfix/smtpd[77]: connect from unknown[198.51.100.9]\n"

    def __init__(self, rate, *logs):
        self.rate, self.logs = rate, logs
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        fds = [os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) for log in self.logs]
        began, written = time.monotonic(), 0
        while not self.end.wait(0.0005):
            due = int((time.monotonic() - began) * self.rate) // 10
            for _ in range(due - written):
                for fd in fds:
                    os.write(fd, self.LINE * 10)
            written = due
        for fd in fds:
            os.close(fd)

    def __enter__(self):
        if self.rate:
            self.thread.start()

    def __exit__(self, *_):
        self.end.set()
        if self.rate:
            self.thread.join()


def ban(build, short):
    """The daemons run all the time, and take turns of ten tries; first in idle logs,
    then while others write. Beside ours runs the least daemon, and the least one that
    keeps the right to change routes from what reads the log."""
    turns, tries = (2, 3) if short else (20, 10)
    with rig.Daemon(build, maxretry=MAXRETRY) as d, tempfile.TemporaryDirectory() as tmp:
        ttb, minban = rig.tool("ttb", tmp), rig.tool("minban", tmp)
        spaces = {"least": rig.Space("m"), "apart": rig.Space("p")}
        logs = {who: f"{tmp}/{who}" for who in spaces}
        least = [spaces["least"].start(minban, logs["least"], MAXRETRY),
                 spaces["apart"].start(minban, logs["apart"], MAXRETRY, "apart")]
        spaces["banner"], logs["banner"] = d.space, d.log
        try:
            d.start()
            time.sleep(0.5)
            for noise in (0, 10000):
                took = {who: [] for who in spaces}
                with Noise(noise, *logs.values()):
                    for i in range(turns):
                        first = (turns * bool(noise) + i) * tries
                        for who, space in spaces.items():
                            out = space.run(ttb, logs[who], tries, MAXRETRY, first)
                            took[who] += [float(n) for n in out.split()]
                yield ban_row(f"{turns * tries} tries, " + (
                    f"{noise} lines/s" if noise else "idle"), took)
        finally:
            for p in least:
                p.kill()
                p.wait()
            for who in "least", "apart":
                spaces[who].close()


def ban_row(case, took):
    missed = sum(n < 0 for n in took["banner"])
    us, limit, apart = ([n for n in took[w] if n >= 0] or [-1.0]
                        for w in ("banner", "least", "apart"))
    return {"case": case, "median_us": statistics.median(us),
            "p99_us": quantile(us, 0.99), "least_median_us": statistics.median(limit),
            "least_p99_us": quantile(limit, 0.99), "missed": missed,
            "apart_median_us": statistics.median(apart),
            "ratio": statistics.median(us) / statistics.median(limit),
            "ratio_apart": statistics.median(us) / statistics.median(apart),
            "goal": "ratio 1.5, p99 2000 us" if "idle" in case else "p99 3000 us"}


def memory(build, short):
    for jails in (10,) if short else (10, 100):
        with rig.Daemon(build, jails) as d:
            d.start()
            yield {"case": f"idle, {jails} jails", "pss_mb": settled(d) / 1e6,
                   "goal": "8 MB"}
    for count in (2000,) if short else (100000, 1000000):
        # The ring of evidence has a fixed size, so it is no memory of addresses.
        with rig.Daemon(build, more=f"evidence = 64K\nmax_tracked = {count}\n") as d:
            d.start()
            idle = settled(d)
            d.write(rig.addresses(count), 1)
            used = settled(d)
            yield {"case": f"{count} tracked addresses", "pss_mb": used / 1e6,
                   "bytes_per_address": (used - idle) / count, "goal": "120 bytes"}


def settled(d):
    """Memory when it has not changed for three seconds: by then the processes rest."""
    history = [0]
    while len(history) < 7 or max(history[-6:]) - min(history[-6:]) > 8192:
        time.sleep(0.5)
        history.append(d.memory())
    return history[-1]


def flood(build, short):
    """The engine's decisions alone: sources that fail once, and offenders among them."""
    count = 100000 if short else 10000000
    out = subprocess.run([build / "test/sim/flood", str(count), "100"], check=True,
                         capture_output=True, text=True).stdout
    number = {name: float(re.search(rf"([0-9.]+) {text}", out)[1]) for name, text in (
        ("ns_each", "ns each"), ("thousand_ms", "ms\n"), ("mb", "MB"),
        ("banned", "of 100 offenders"))}
    yield {"case": f"{count} sources, 100 offenders", **number,
           "goal": "64 MB, all banned"}


def start(build, short):
    for jails in (10,) if short else (1, 10, 100):
        took = []
        with rig.Daemon(build, jails) as d:
            for _ in range(2 if short else 7):
                took.append(d.start())
                d.stop()
        yield {"case": f"{jails} jails", "median_ms": statistics.median(took) * 1e3}


def all_banned(d, count):
    began = time.monotonic()
    rig.until(lambda: d.in_force() >= count, 300, 0.002)
    took = time.monotonic() - began
    assert d.space.routes() >= count
    return took


def bans(build, short):
    """Durable: a command is answered when it, and all before it, is on disk. Then the
    processor time of a ban, in all processes and in each."""
    for count in (200,) if short else (1000, 10000, 100000):
        with rig.Daemon(build, maxretry=MAXRETRY) as d:
            d.start()
            time.sleep(0.5)
            blocks = rig.blocks(rig.addresses(count), MAXRETRY)
            before = d.spent()
            began = time.monotonic()
            d.write_blocks(blocks)
            rig.until(lambda: d.in_force() >= count, 300, 0.002)
            took = time.monotonic() - began
            d.ask("banip 203.0.113.1")
            durable = time.monotonic() - began
            us = {name: (s - before[name]) / count * 1e6 for name, s in d.spent().items()}
            assert d.space.routes() >= count
        yield {"case": f"{count} bans, {count * MAXRETRY} lines", "seconds": took,
               "bans_per_s": count / took, "durable_per_s": count / durable,
               "cpu_us": sum(us.values()), **{f"{name}_us": us[name] for name in sorted(us)},
               "goal": "" if count < 100000 else "100000, durable 50000"}


def restart(build, short):
    for count in (200,) if short else (1000, 100000, 1000000):
        with rig.Daemon(build, maxretry=1, more=f"max_bans = {count}\n") as d:
            d.start()
            time.sleep(0.5)
            d.write(rig.addresses(count), 1)
            all_banned(d, count)
            d.stop()
            d.space.run("ip", "route", "flush", "proto", "98")
            answers = d.start()
            yield {"case": f"{count} bans", "answers_s": answers,
                   "seconds": answers + all_banned(d, count),
                   "goal": {1000: "0.1 s", 100000: "0.7 s"}.get(count, "")}
