# SPDX-License-Identifier: GPL-2.0-or-later
"""scan_rows.py - the rows about matching alone: whole processes on logs in memory.

Rates are per second of processor time.
"""
import os
import shutil
import statistics
import subprocess
import tempfile
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
    for folder in ("filters", "jails.d"):
        shutil.copytree(rig.TOP / folder, Path(tmp) / folder)
    return Path(tmp), sorted(p.stem for p in (rig.TOP / "filters").glob("*.conf")
                             if "common" not in p.stem)


def choose(names, count):
    """A usual server's first, then the others, again from the start when too few."""
    names = [n for n in USUAL if n in names] + [n for n in names if n not in USUAL]
    return [names[i % len(names)] for i in range(count)]


class Fail2ban:
    """fail2ban-regex, one filter after the other; start-up is left out."""

    def __init__(self, tmp, size):
        self.log, self.empty = generate(tmp, size, 0.01), Path(tmp) / "empty"
        self.empty.write_text("one line\n")
        self.begin = min(self.run("sshd", self.empty) for _ in range(3))
        self.took = {}

    @staticmethod
    def run(name, log):
        return timed(["fail2ban-regex", log, DEBIAN / f"filter.d/{name}.conf"])

    def rate(self, names):
        """MB/s of all these jails together."""
        for name in names:
            if name not in self.took:
                self.took[name] = max(0.001, self.run(name, self.log) - self.begin)
        return os.path.getsize(self.log) / 1e6 / sum(self.took[n] for n in names)


def scan(build, short):
    many = (1,) if short else (1, 10, 50, 100)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tmp:
        lines = rig.tool("lines", tmp)
        conf, names = configuration(tmp)
        matchall = build / "test/tools/matchall"
        peer = Fail2ban(tmp, "50K" if short else "1M") if conf == DEBIAN else None
        for fail in (0.01,) if short else (0.001, 0.01, 0.1, 0.5):
            log = generate(tmp, "200K" if short else "40M", fail)
            tiny = generate(tmp, "1K", fail)
            mb = os.path.getsize(log) / 1e6
            for count in many:
                chosen = choose(names, count)
                ours = [matchall, "-c", conf, log, *chosen]
                full, begin, limit = paired(
                    1 if short else 5, ours, [matchall, "-c", conf, tiny, *chosen], [lines, log])
                rate = mb / max(full - begin, 1e-6)
                theirs = peer.rate(chosen) if peer and fail == 0.01 else None
                yield {"case": f"{count} jails, {fail:.1%} failing", "jails": count,
                       "fail_share": fail, "mb_per_s": rate, "start_ms": begin * 1e3,
                       "ratio_lines": rate / (mb / limit),
                       "ratio_fail2ban": theirs and rate / theirs}


def hostile_lines(size, count):
    """Dates and words of a failed login, then what a regex with two .* loves least."""
    head = "2023-05-01 12:00:00,123 INFO  [qtp-1] [] security - authentication failed for x "
    body = (head + "ip=1.1.1.1;" * (size // 11 + 1))[:size - 1]
    ssh = ("May  1 00:05:28 mail sshd[1]: Failed password for invalid user "
           + "a from 192.0.2.1 port 1 " * (size // 24 + 1))[:size - 2] + "x"
    return "".join(f"{body}\n{ssh}\n" for _ in range(count // 2))


def hostile(build, short):
    count = 20 if short else 400
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tmp:
        for size in (4096, 16000):
            log, tiny = Path(tmp) / f"{size}.log", Path(tmp) / "tiny.log"
            log.write_text(hostile_lines(size, count))
            tiny.write_text("May  1 00:05:28 mail x[1]: hello\n")
            slowest = (0.0, "")
            for rule in ["<ip=<HOST>;.*authentication failed for .*$>"] + [
                    p.stem for p in sorted((rig.TOP / "filters").glob("*.conf"))
                    if "common" not in p.stem]:
                name, rule = rule, rule.strip("<>") if rule[0] == "<" else rule
                rule = ".*" + rule if name[0] == "<" else rule
                full, begin = paired(
                    1 if short else 3, *([build / "banregex", "-c", rig.TOP,
                                          "--print-no-missed", f, rule]
                                         for f in (log, tiny)))
                slowest = max(slowest, (max(0.0, full - begin) / count, name))
            yield {"case": f"lines of {size} bytes", "worst_us_per_line": slowest[0] * 1e6,
                   "filter": slowest[1], "goal": "5000 us"}
