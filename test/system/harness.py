# SPDX-License-Identifier: GPL-2.0-or-later
"""Talks to build/test/system/drive: one child process of banner under test."""
import os
import pathlib
import queue
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BANNER_BUILD", TOP / "build"))


class Drive:
    def __init__(self, program, args=(), actions=(), state=None, purge=None, netns=None,
                 shim=None, bound=None, mounts=None):
        cmd = ["ip", "netns", "exec", netns] if netns else []
        if mounts:                      # seen by the child only: target -> file
            binds = "".join(f"mount --bind {source} {target} && "
                            for target, source in mounts.items())
            cmd += ["unshare", "-m", "bash", "-c", binds + 'exec "$@"', "bash"]
        if bound:
            cmd += ["setpriv", "--inh-caps", bound, "--bounding-set", bound]
        cmd += [str(BUILD / "test/system/drive")]
        for action in actions:
            cmd += ["-a", action]
        if state:
            cmd += ["-s", str(state)]
        if purge is not None:
            cmd += ["-p", str(purge)]
        cmd += [str(BUILD / program), *map(str, args)]
        # The leak checker of a sanitizer build cannot work under a call filter.
        env = dict(os.environ)
        env.setdefault("DRIVE_SANDBOX", "off")
        if shim:
            env.update(shim.env())
        self.p = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, errors="surrogateescape", env=env)
        self.q = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.p.stdout:
            self.q.put(line.rstrip("\n").split("\t"))
        self.q.put(None)

    def send(self, *words):
        def esc(w):
            return (str(w).replace("\\", "\\\\").replace("\n", "\\n")
                    .replace("\t", "\\t"))
        self.p.stdin.write("\t".join(map(esc, words)) + "\n")
        self.p.stdin.flush()

    def expect(self, *want, timeout=10):
        """The next record that begins with these fields ("*" is any)."""
        end = time.monotonic() + timeout
        while True:
            try:
                rec = self.q.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {want}; seen: {self.seen[-20:]}") from None
            if rec is None:
                raise AssertionError(f"ended before {want}; seen: {self.seen[-20:]}")
            self.seen.append(rec)
            if len(rec) >= len(want) and all(
                    w in ("*", r) for w, r in zip(map(str, want), rec)):
                return rec

    def says(self, text):
        """A log line with this text came, or comes: it takes a way of its own."""
        while not any(r[0] == "log" and text in r[2] for r in self.seen):
            self.expect("log")

    def engine(self):
        """A new engine, which the child takes."""
        self.send("engine")
        self.expect("ready")

    def empty(self, number):
        """What the new engine wants in force: nothing, so far."""
        self.send("begin", number)
        self.send("complete", number)

    def ban(self, action, ban, subject, *more):
        """Ordered, and told to be in force."""
        self.send("ban", action, ban, subject, *more)
        self.expect("done", action, ban, 0, "", 0)

    def unban(self, action, ban, subject, *more):
        """Ordered, and told to be over."""
        self.send("unban", action, ban, subject, *more)
        self.expect("done", action, ban, 1, "", 0)

    def until(self, name, timeout=10):
        """All records up to and including the next of this name."""
        start = len(self.seen)
        self.expect(name, timeout=timeout)
        return self.seen[start:]

    def stop(self):
        self.send("stop")
        code = self.expect("exit", "*")[1]
        self.p.stdin.close()
        self.p.wait(10)
        return int(code)

    def kill(self):
        self.p.kill()
        self.p.wait()
