# SPDX-License-Identifier: GPL-2.0-or-later
"""A tenth of scripts/torture: kills while logs are replayed, against the model."""
import os
import time

import pytest

from lab import wait_for
from torture import POINTS, Torture, torture

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.mark.parametrize("seed,named", [(1, 0), (2, 1)])
def test_kills(seed, named):
    """At random moments, and at named points."""
    done = torture(seed, 50, named=named)
    assert done["pass"] and done["kills"] >= 50 and done["probed"] > 100
    assert done["rotations"] and done["bans"]
    assert not named or len(done["points"]) > len(POINTS) / 2, done


def test_more_rotations_than_are_followed_at_once():
    """Every file is read to its end, none twice, when the engine dies meanwhile."""
    t = Torture(7, 0)
    try:
        t.start()
        wait_for(t.told, 10)
        time.sleep(0.2)
        for _ in range(10):
            t.lines(30)
            for name in t.logs:
                t.rotate(name)
        t.lines(30)
        t.lab.kill("banner-engine")
        t.lines(30)
        t.agree("after rotations and a kill")
        t.probe()
    finally:
        t.close()
