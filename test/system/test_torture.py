# SPDX-License-Identifier: GPL-2.0-or-later
"""A tenth of scripts/torture: kills while logs are replayed, against the model."""
import os

import pytest

from torture import torture

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a namespace")


@pytest.mark.parametrize("seed", [1, 2])
def test_kills(seed):
    done = torture(seed, 50)
    assert done["pass"] and done["kills"] >= 50 and done["probed"] > 100
