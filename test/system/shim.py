# SPDX-License-Identifier: GPL-2.0-or-later
"""shim.py - tells shim.c what is to go wrong next, and what time it is."""
import mmap
import os
import re
import struct

from lab import BUILD, TOP

FAIL, KILL_BEFORE, KILL_AFTER, LOSE, HALF, CAPS, SLEEP = range(7)   # SLEEP: err is in ms
HEAD = struct.Struct("=32s32siiiiii")
CLOCK = struct.Struct("=q128sq")
SIZE = 4096


def records():
    """Name -> number of the records of wire.h."""
    text = (TOP / "banner/daemon/proc/wire.h").read_text()
    body = re.search(r"enum wire_type \{(.*?)WIRE_LAST", text, re.S)[1]
    names = re.findall(r"\bWIRE_(\w+)(?: = 1)?,", re.sub(r"/\*.*?\*/", "", body, flags=re.S))
    return {name: n + 1 for n, name in enumerate(names)}


class Shim:
    def __init__(self, folder):
        self.path = folder / "shim"
        self.fifo = folder / "steps"
        self.path.write_bytes(bytes(SIZE))
        os.mkfifo(self.fifo)
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), SIZE)
        self.tell = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)

    def env(self):
        return {"LD_PRELOAD": str(BUILD / "test/system/libshim.so"),
                "BANNER_SHIM": str(self.path)}

    def arm(self, program, call, skip=0, what=FAIL, err=0, sticky=False):
        if ":" in call:                 # "send:MARK"
            verb, name = call.split(":")
            call = f"{verb}:{records()[name]}"
        HEAD.pack_into(self.map, 0, program.encode(), call.encode(), 0, skip, what, err,
                       sticky, 0)
        struct.pack_into("=i", self.map, 64, 1)

    def disarm(self):
        struct.pack_into("=i", self.map, 64, 0)

    def left(self):
        """So many calls may still go well."""
        return HEAD.unpack_from(self.map, 0)[3]

    def hits(self):
        return HEAD.unpack_from(self.map, 0)[7]

    def clock(self, offset_s, told=True):
        """The wall clock of all processes is the true one plus this. Untold: as if it
        had been so since before they started."""
        CLOCK.pack_into(self.map, HEAD.size, int(offset_s * 1000), str(self.fifo).encode(), 0)
        if told:
            os.write(self.tell, bytes(8))

    def suspended(self, seconds):
        """The machine slept: the wall clock and CLOCK_BOOTTIME went on, all else not."""
        CLOCK.pack_into(self.map, HEAD.size, int(seconds * 1000), str(self.fifo).encode(),
                        int(seconds * 1000))
        os.write(self.tell, bytes(8))

    def close(self):
        self.map.close()
        os.close(self.tell)
