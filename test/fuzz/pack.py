#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pack.py - the inputs that a fuzz target found worth keeping, as one file.

    pack.py pack FOLDER FILE        each file of the folder: its length, LF, it, LF
    pack.py unpack FILE FOLDER

replay.c reads the file in the unit tests; scripts/fuzz begins with what is in it.
"""
import hashlib
import pathlib
import sys


def pack(folder, file):
    inputs = sorted({p.read_bytes() for p in pathlib.Path(folder).iterdir()},
                    key=lambda b: (len(b), b))
    pathlib.Path(file).write_bytes(b"".join(b"%d\n%s\n" % (len(b), b) for b in inputs))


def unpack(file, folder):
    data = pathlib.Path(file).read_bytes()
    while data:
        head, data = data.split(b"\n", 1)
        one, data = data[:int(head)], data[int(head) + 1:]
        (pathlib.Path(folder) / hashlib.sha1(one).hexdigest()).write_bytes(one)


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:4])
