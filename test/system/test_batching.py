# SPDX-License-Identifier: GPL-2.0-or-later
"""Who wakes up for which lines. Ten thousand lines a second, each with a write of its own:
they are read in heaps, and none is lost."""
import os
import time
from pathlib import Path

import pytest

from lab import Lab, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
RATE, SECONDS = 10000, 2


def work(pid):
    """Calls that read, and the times the process went to sleep."""
    io = Path(f"/proc/{pid}/io").read_text().split()
    status = Path(f"/proc/{pid}/status").read_text().split()
    return (int(io[io.index("syscr:") + 1]),
            int(status[status.index("voluntary_ctxt_switches:") + 1]))


def test_lines_are_read_in_heaps():
    with Lab(maxretry=1000000, action="null") as lab:
        lab.start()
        engine = lab.children()["banner-engine"]
        lab.fail("192.0.2.1")
        wait_for(lambda: "Found 192.0.2.1" in lab.logged(), 5, "the first line")
        line = b"May  1 00:05:28 mail x[1]: a line that is of no use to any filter\n"
        before = work(engine)
        fd = os.open(lab.auth, os.O_WRONLY | os.O_APPEND)
        began, written = time.monotonic(), 0
        while written < RATE * SECONDS:
            due = min(RATE * SECONDS, int((time.monotonic() - began) * RATE) + 1)
            for _ in range(due - written):
                os.write(fd, line)
            written = due
            time.sleep(0.00005)
        took = time.monotonic() - began
        os.close(fd)
        lab.fail("192.0.2.2")
        wait_for(lambda: "Found 192.0.2.2" in lab.logged(), 5, "the last line")
        reads, sleeps = (b - a for a, b in zip(before, work(engine)))
        assert lab.ok("status", "sshd").count(f"lines:\t{written + 2} seen") == 1
        # A read of the events and one of the log, 1000 times a second; half as much
        # again for what comes beside.
        assert reads < 3000 * took, (reads, sleeps, took)
        assert sleeps < 3000 * took, (reads, sleeps, took)


def test_actors_wake_for_lines_that_may_matter():
    with Lab(maxretry=1000000, action="route") as lab:
        lab.start()
        actor = lab.children()["banner-actor"]

        def wakes(write):
            before, seen = work(actor)[1], lab.logged().count("Found")
            for i in range(5):
                write()
                time.sleep(0.1)
            wait_for(lambda: write == harmless or lab.logged().count("Found") == seen + 5,
                     5, "the lines are read")
            return work(actor)[1] - before

        def harmless():
            with open(lab.auth, "a") as f:
                f.write("May  1 00:05:28 mail x[1]: a line that is of no use to any filter\n")

        def failure():
            lab.fail("192.0.2.1")

        wakes(failure)   # sessions, tables, the first answers
        assert wakes(failure) >= 5
        assert wakes(harmless) < 5
