# SPDX-License-Identifier: GPL-2.0-or-later
"""scan_rows.py - the rows about matching alone: whole processes on logs in memory."""
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import rig

DEBIAN = Path("/etc/fail2ban")


def timed(argv):
    """Wall seconds of a whole process; what it prints is thrown away."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        subprocess.run([str(a) for a in argv], stdout=out, stderr=out, check=False)
        return time.monotonic() - began


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
    """sshd first, then the others in turn, again from the start when there are few."""
    names = ["sshd"] + [n for n in names if n != "sshd"]
    return [names[i % len(names)] for i in range(count)]


def fail2ban(conf, names, tmp, fail, big):
    """Its MB/s over all jails, start-up left out; None where it is not installed."""
    if conf != DEBIAN:
        return None
    log, empty = generate(tmp, big, fail), Path(tmp) / "empty"
    empty.write_text("one line\n")
    seconds = 0.0
    for name in names:
        argv = ["fail2ban-regex", None, DEBIAN / f"filter.d/{name}.conf"]
        seconds += max(0.001, timed(argv[:1] + [log] + argv[2:])
                       - timed(argv[:1] + [empty] + argv[2:]))
    return os.path.getsize(log) / 1e6 / seconds


def scan(build, short):
    many = (1,) if short else (1, 10, 50, 100)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as tmp:
        lines = rig.tool("lines", tmp)
        conf, names = configuration(tmp)
        matchall = build / "test/tools/matchall"
        for fail in (0.01,) if short else (0.001, 0.01, 0.1, 0.5):
            log = generate(tmp, "200K" if short else "40M", fail)
            tiny = generate(tmp, "1K", fail)
            mb = os.path.getsize(log) / 1e6
            for count in many:
                chosen = choose(names, count)
                ours = [matchall, conf, log, *chosen]
                full, begin, limit = paired(
                    1 if short else 5, ours, [matchall, conf, tiny, *chosen], [lines, log])
                rate = mb / max(full - begin, 1e-6)
                theirs = None
                if fail == 0.01:
                    theirs = fail2ban(conf, chosen, tmp, fail, "50K" if short else "400K")
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
