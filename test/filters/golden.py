# SPDX-License-Identifier: GPL-2.0-or-later
"""golden.py BANREGEX FOLDER: the golden lines of every filter, without pytest."""
import pathlib
import subprocess
import sys

banregex, top = sys.argv[1], pathlib.Path(sys.argv[2])
bad = 0
for path in sorted((top / "test" / "filters").glob("*.log")):
    run = subprocess.run([banregex, "-c", str(top), "--test", str(path)],
                         capture_output=True, text=True)
    if run.returncode != 0:
        bad += 1
        print(run.stdout + run.stderr)
sys.exit(bad > 0)
