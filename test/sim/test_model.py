# SPDX-License-Identifier: GPL-2.0-or-later
"""Random scripts through the engine and through the model: the same orders."""
import os
import random
import subprocess
import time

import pytest

import model

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIMRUN = os.environ.get("SIMRUN", os.path.join(TOP, "build", "test", "sim", "simrun"))
STEPS = int(os.environ.get("SIM_STEPS", "400"))
SECONDS = float(os.environ.get("SIM_SECONDS", "6"))

HOSTS = ([f"192.0.2.{i}" for i in range(1, 6)] + ["198.51.100.7", "203.0.113.9"] +
         ["2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1"])
USERS = ["", "root", "bob", "eve", "mallory"]


def random_jail(rng, name):
    findtime = rng.choice([1000, 10_000, 60_000, 600_000, 7 * 24 * model.HOUR])
    jail = model.Jail(
        name, findtime=findtime,
        maxretry=rng.choice([1, 2, 3, 5, 8, 63, 64, 65, 100]),
        bantime=rng.choice([5_000, 60_000, 600_000]),
        count=rng.choice(["host", "host", "host", "user", "host+user", "net", "total"]),
        distinct=rng.choice([None, None, None, "users", "hosts"]),
        increment=rng.random() < 0.4)
    if jail.distinct:
        jail.maxretry = min(jail.maxretry, 3)
    if jail.count == "host+user" and rng.random() < 0.5:
        jail.ban = "user"
    if jail.increment:
        jail.maxtime = rng.choice([0, 90_000])
        jail.multipliers = rng.choice([None, None, [1, 5, 30]])
        jail.overalljails = rng.random() < 0.3
    return jail


class Run:
    """One script, built together with what the model expects of each line."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.jails = [random_jail(self.rng, f"j{i}")
                      for i in range(self.rng.randint(1, 3))]
        cap = self.rng.choice([12, 1000])
        self.model = model.Model(self.jails, cap)
        self.now = 0
        self.lines = [f"conf max_bans={cap} ban_rate=1000000"]
        self.lines += [j.line() for j in self.jails]
        self.want = []

    def step(self):
        rng = self.rng
        scale = max(j.findtime for j in self.jails)
        self.now += int(rng.choice([0, 1, rng.randint(1, 2000),
                                    rng.randint(1, scale // 4 + 1),
                                    rng.randint(1, scale)
                                    if rng.random() < 0.1 else 3]))
        self.want += self.model.expire(self.now)
        what = rng.random()
        if what < 0.94:
            self.fail()
        elif what < 0.96:
            self.admin()
        elif what < 0.985:
            host = model.Model.host(rng.choice(HOSTS))
            self.say(f"unban {host}", self.model.unban(host))
        else:
            self.say("restart", self.model.restart())

    def say(self, words, want):
        self.lines.append(f"{self.now / 1000:.3f} {words}")
        self.want += want

    def fail(self):
        rng, jail = self.rng, self.rng.choice(self.jails)
        host, user = rng.choice(HOSTS), rng.choice(USERS)
        weight = rng.choice([1, 1, 1, 2, 7] if jail.maxretry < 60 else [1, 9, 30])
        when = self.now
        if rng.random() < 0.3:
            when -= rng.randint(0, min(jail.findtime, max(self.now, 1)))
        words = f"fail {host} jail={jail.name} weight={weight} at={when / 1000:.3f}"
        if user:
            words += f" user={user}"
        want = self.model.fail(self.now, jail, host, user, weight, when)
        self.say(words, want or [])

    def admin(self):
        if sum(b[2] for b in self.model.bans.values()) >= 6:
            return
        jail = self.rng.choice(self.jails)
        host = model.Model.host(self.rng.choice(HOSTS))
        span = self.rng.randint(1000, 100_000)
        self.say(f"ban {host} jail={jail.name} for={span / 1000:.3f}",
                 self.model.admin_ban(self.now, jail, host, span))

    def result(self):
        script = "\n".join(self.lines) + "\n"
        done = subprocess.run([SIMRUN, "-p", "-"], input=script, text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        got = [s for s in done.stdout.splitlines() if not s.startswith("already ")]
        return script, got


def settled(lines):
    """Bans that end in the same moment may be released in any order."""
    out, run = [], []
    for line in lines + [""]:
        if line.endswith(" expired"):
            run.append(line)
            continue
        out += sorted(run) + ([line] if line else [])
        run = []
    return out


def check(seed):
    run = Run(seed)
    for _ in range(STEPS):
        run.step()
    script, got = run.result()
    want = settled(run.want)
    got = settled(got)
    if got != want:
        path = f"/tmp/sim-{os.getpid()}-{seed}.sim"
        with open(path, "w", encoding="ascii") as f:
            f.write(script)
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                  min(len(got), len(want)))
        pytest.fail(f"seed {seed}: order {at}: engine {got[at:at + 3]}, "
                    f"model {want[at:at + 3]}; script in {path}")
    return len(want)


def test_random_scripts():
    """As many seeds as fit into the time, always the same first ones."""
    end, seed, orders = time.monotonic() + SECONDS, 0, 0
    while seed < 20 or time.monotonic() < end:
        orders += check(seed)
        seed += 1
    print(f"{seed} scripts of {STEPS} steps, {orders} orders")
    assert orders > seed
