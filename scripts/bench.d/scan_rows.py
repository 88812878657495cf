# SPDX-License-Identifier: GPL-2.0-or-later
"""scan_rows.py - the rows about matching alone: whole processes on logs in memory.

Rates are per second of processor time.
"""
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import rig

DEBIAN = Path("/etc/fail2ban")
USUAL = ("sshd", "postfix", "dovecot", "exim", "nginx-http-auth", "nginx-botsearch",
         "roundcube-auth", "apache-auth", "proftpd", "recidive")


def timed(argv):
    """Processor seconds of a whole process: waiting for others is not its fault."""
    with tempfile.TemporaryFile() as out:
        p = subprocess.Popen([str(a) for a in argv], stdout=out, stderr=out)
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    return use.ru_utime + use.ru_stime


def paired(runs, *commands):
    """Medians of commands that take turns."""
    took = [[timed(c) for c in commands] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*took)]


def generate(tmp, size, fail, kind="mixed"):
    log = Path(tmp) / f"{kind}-{size}-{fail}"
    subprocess.run([rig.HERE / "genlog.py", "--kind", kind, "--size", size,
                    "--fail", str(fail), "-o", log], check=True, capture_output=True)
    return log


def configuration(tmp):
    """fail2ban's own filters where they are installed, so that both do the same."""
    if (DEBIAN / "filter.d").is_dir() and shutil.which("fail2ban-regex"):
        return DEBIAN, sorted(p.stem for p in (DEBIAN / "filter.d").glob("*.conf")
                              if "common" not in p.stem)
    return rig.TOP, sorted(p.stem for p in (rig.TOP / "filters").glob("*.conf")
                           if "common" not in p.stem)


def choose(names, count):
    """A usual server's first, then the others, again from the start when too few."""
    names = [n for n in USUAL if n in names] + [n for n in names if n not in USUAL]
    return [names[i % len(names)] for i in range(count)]


class Fail2ban:
    """fail2ban-regex, one filter after the other; start-up is left out."""

    def __init__(self, tmp, size):
        self.tmp, self.size = tmp, size
        self.empty = Path(tmp) / "empty"
        self.empty.write_text("one line\n")
        self.begin, self.took = {}, {}

    @staticmethod
    def run(path, log):
        return timed(["fail2ban-regex", log, path])

    def rate(self, paths, fail, kind="mixed"):
        """MB/s of all these filters together on a log of this kind."""
        log = generate(self.tmp, self.size, fail, kind)
        for path in paths:
            if path not in self.begin:
                self.begin[path] = min(self.run(path, self.empty) for _ in range(2))
            if (path, log) not in self.took:
                self.took[path, log] = max(
                    0.001, self.run(path, log) - self.begin[path])
        return os.path.getsize(log) / 1e6 / sum(self.took[p, log] for p in paths)

    def shipped(self, names, fail):
        return self.rate([DEBIAN / f"filter.d/{n}.conf" for n in names], fail)


SIMPLE = (r"sshd\[\d+\]: Failed \S+ for (?:invalid user )?\S+ from <HOST> port \d+",
          r"sshd\[\d+\]: Invalid user \S* from <HOST> port \d+")
# Only texts like this are in these lines, and in no others.
LITERALS = ("Failed ", "Invalid user ")
# What <HOST> stands for, as in pattern_tags.c; and for who knows no look-behind.
HOST = (r"(?:\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})"
        r"|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?"
        r"|(?P<dns>[\w\-.^_]*\w))")
ADDRESS = r"(?:::f{4,6}:)?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:.]+)"
SSHGUARD = Path("/usr/libexec/sshguard/sshg-parser")


def processor_time(log, ours, tiny, others, runs):
    """MB/s of ours without its start, that in ms, and how many times faster it is than
    each of the others, which take turns with it. "@" in ours stands for the log."""
    mb = os.path.getsize(log) / 1e6
    full, begin, *rest = paired(runs, *([where if a == "@" else a for a in ours]
                                        for where in (log, tiny)), *others.values())
    net = max(full - begin, 1e-6)
    return mb / net, begin * 1e3, {name: took / net for name, took in zip(others, rest)}


def simple(build, short, tmp, peer):
    """One jail with two regexes, on a log of sshd alone."""
    conf = Path(tmp) / "simple"
    for folder in ("filters", "jails.d"):
        (conf / folder).mkdir(parents=True)
    path = conf / "filters/simple.conf"
    path.write_text("[Definition]\nfailregex = " + "\n            ".join(SIMPLE) + "\n")
    ours = [build / "test/tools/matchall", "-c", conf, "@", "simple"]
    tools = {name: rig.tool(name, tmp) for name in ("lines", "plain", "best")}
    regexes = [r.replace("<HOST>", HOST) for r in SIMPLE]
    addresses = "|".join(r.replace("<HOST>", ADDRESS) for r in SIMPLE)
    for fail in (0.01,) if short else (0.001, 0.01, 0.1, 0.5):
        log = generate(tmp, "200K" if short else "80M", fail, "sshd")
        others = {"lines": [tools["lines"], log],
                  "loop": [tools["plain"], log, *regexes],
                  "best": [tools["best"], log,
                           *(a for pair in zip(LITERALS, regexes) for a in pair)]}
        if SSHGUARD.exists():
            others["sshguard"] = ["sh", "-c", f"exec {SSHGUARD} < {log}"]
        if shutil.which("rg"):
            others["ripgrep"] = ["rg", "--no-config", "-j1", "-c", addresses, log]
        rate, start, ratios = processor_time(
            log, ours, generate(tmp, "1K", fail, "sshd"), others, 1 if short else 5)
        yield {"case": f"one simple jail, {fail:.1%} failing", "jails": 1,
               "fail_share": fail, "mb_per_s": rate, "start_ms": start,
               "ratio_lines": ratios["lines"], "ratio_loop": ratios["loop"],
               "ratio_best": ratios["best"],
               "ratio_fail2ban": peer and rate / peer.rate([path], fail, "sshd"),
               "ratio_sshguard": ratios.get("sshguard"),
               "ratio_ripgrep": ratios.get("ripgrep"), "goal": "lines 0.5, loop 1, best 0.9"}


def shipped(build, short, tmp, peer):
    """Many jails on one log of four services."""
    conf, names = configuration(tmp)
    lines = rig.tool("lines", tmp)
    for fail in (0.01,) if short else (0.001, 0.01, 0.1, 0.5):
        log = generate(tmp, "200K" if short else "40M", fail)
        for count in (1,) if short else (1, 10, 50, 100):
            chosen = choose(names, count)
            rate, start, ratios = processor_time(
                log, [build / "test/tools/matchall", "-c", conf, "@", *chosen],
                generate(tmp, "1K", fail), {"lines": [lines, log]}, 1 if short else 5)
            # Ninety runs of fail2ban take their time: for many jails one share will do.
            asked = peer and (count <= 10 or fail == 0.01)
            yield {"case": f"{count} shipped, {fail:.1%} failing", "jails": count,
                   "fail_share": fail, "mb_per_s": rate, "start_ms": start,
                   "ratio_lines": ratios["lines"],
                   "ratio_fail2ban": rate / peer.shipped(chosen, fail) if asked else None,
                   "goal": {1: "fail2ban 500", 100: "fail2ban 10000"}.get(count, "")}


def clock(argv, processors):
    """Seconds until the command ends, on these processors."""
    began = time.monotonic()
    subprocess.run([str(a) for a in argv], check=True, stdout=subprocess.DEVNULL,
                   preexec_fn=lambda: os.sched_setaffinity(0, processors))
    return time.monotonic() - began


def threads(build, short, tmp):
    """banregex on a big log with one processor and with two, by the clock."""
    all_of_them = sorted(os.sched_getaffinity(0))
    if len(all_of_them) < 2:
        return
    part, log = generate(tmp, "200K" if short else "100M", 0.01, "sshd"), Path(tmp) / "big"
    with log.open("wb") as f:
        for _ in range(100 if short else 20):
            f.write(part.read_bytes())
    ours = [build / "banregex", "-c", Path(tmp) / "simple", "--no-check-all",
            "--print-no-missed", log, "simple"]
    one, two = [], []
    for _ in range(1 if short else 5):
        one.append(clock(ours, all_of_them[:1]))
        two.append(clock(ours, all_of_them[:2]))
    mb = log.stat().st_size / 1e6
    log.unlink()
    yield {"case": f"two threads, {mb / 1e3:.1f} GB", "jails": 1, "fail_share": 0.01,
           "mb_per_s": mb / statistics.median(two),
           "one_mb_per_s": mb / statistics.median(one),
           "speedup": statistics.median(a / b for a, b in zip(one, two)),
           "ratio_lines": None, "ratio_fail2ban": None, "goal": "speedup 1.8"}


def scan(build, short):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tmp:
        peer = None
        if configuration(tmp)[0] == DEBIAN:
            peer = Fail2ban(tmp, "50K" if short else "1M")
        yield from simple(build, short, tmp, peer)
        yield from shipped(build, short, tmp, peer)
        yield from threads(build, short, tmp)


def hostile_lines(size, count):
    """Dates and words of a failed login, then what a regex with two .* loves least."""
    head = "2023-05-01 12:00:00,123 INFO  [qtp-1] [] security - authentication failed for x "
    body = (head + "ip=1.1.1.1;" * (size // 11 + 1))[:size - 1]
    ssh = ("May  1 00:05:28 mail sshd[1]: Failed password for invalid user "
           + "a from 192.0.2.1 port 1 " * (size // 24 + 1))[:size - 2] + "x"
    return "".join(f"{body}\n{ssh}\n" for _ in range(count // 2))


EVIL = {".*ip=<HOST>;.*authentication failed for .*$": "two .*",
        ".*1.*;<HOST>$": "work that no match limit counts",
        r"(?:\w+[.;=]?)+ <HOST>$": "exponential"}


def hostile(build, short):
    """The slowest of regexes made to be slow and of all shipped filters."""
    count = 20 if short else 400
    shipped = [p.stem for p in sorted((rig.TOP / "filters").glob("*.conf"))
               if "common" not in p.stem]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tmp:
        for size in (4096, 16000):
            log, tiny = Path(tmp) / f"{size}.log", Path(tmp) / "tiny.log"
            log.write_text(hostile_lines(size, count))
            tiny.write_text("May  1 00:05:28 mail x[1]: hello\n")
            took = {}
            for rule in [*EVIL, *shipped]:
                full, begin = paired(
                    1 if short else 3, *([build / "banregex", "-c", rig.TOP,
                                          "--print-no-missed", f, rule]
                                         for f in (log, tiny)))
                took[rule] = max(0.0, full - begin) / count * 1e6
            for rules, name in ((EVIL, "regexes made to be slow"), (shipped, "shipped")):
                worst = max(rules, key=took.get)
                yield {"case": f"lines of {size} bytes, {name}",
                       "worst_us_per_line": took[worst],
                       "filter": EVIL.get(worst, worst), "goal": "5000 us"}
