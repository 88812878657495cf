# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine's decisions a second time, as plainly as possible.

Written from the manual, not from the C code: every failure is kept for ever, every
question is answered by looking at all of them. Times are milliseconds since the start.
Covers what random scripts use: counting keys, windows, weights, distinct values, late
lines, bantime.increment, administrators' bans, restarts and caps on bans.
"""
import ipaddress

HOUR = 3600_000
T0 = 1_700_000_000_000       # the start, since 1970: buckets are cut from there


class Jail:
    def __init__(self, name, **options):
        self.name = name
        self.maxretry = 5
        self.findtime = 600_000
        self.bantime = 600_000
        self.count = "host"
        self.distinct = None
        self.increment = False
        self.maxtime = 0
        self.multipliers = None
        self.overalljails = False
        self.ban = "host"
        for key, value in options.items():
            setattr(self, key, value)
        self.seen = {}          # key -> [(when, weight, value)]

    def line(self):
        def secs(ms):
            return f"{ms / 1000:g}"
        words = [f"jail {self.name} maxretry={self.maxretry} count={self.count}",
                 f"findtime={secs(self.findtime)} bantime={secs(self.bantime)}",
                 "maxmatches=0"]
        if self.ban == "user":
            words.append("ban=user")
        if self.distinct:
            words.append(f"distinct={self.distinct}")
        if self.increment:
            words.append("increment=yes")
            if self.maxtime:
                words.append(f"maxtime={secs(self.maxtime)}")
            if self.multipliers:
                listed = " ".join(str(m) for m in self.multipliers)
                words.append(f'multipliers="{listed}"')
            if self.overalljails:
                words.append("overalljails=yes")
        return " ".join(words)

    def grain(self):
        """The unit of times: above 64 retries they fall into 64 buckets."""
        if self.maxretry > 64 and not self.distinct:
            return self.findtime // 64 + 1
        return 1

    def reached(self, key, when, weight, value):
        """Count a failure; how many there are now, and the newest, when that is enough."""
        grain = self.grain()
        when = (when + T0) // grain * grain - T0
        seen = self.seen.setdefault(key, [])
        newest = max([when] + [s[0] for s in seen])
        inside = [s for s in seen + [(when, weight, value)]
                  if newest - s[0] <= self.findtime]
        if self.distinct:
            total = len({s[2] for s in inside})
        else:
            total = sum(s[1] for s in inside)
        seen.append((when, weight, value))
        return (total, newest) if total >= self.maxretry else None


class Model:
    def __init__(self, jails, max_bans):
        self.jails = jails
        self.bans = {}          # (jail name, subject) -> [until, id, manual, count]
        self.history = {}       # (jail name, subject) -> count
        self.max_bans = max_bans
        self.ids = 0
        self.cap_said = None

    def expire(self, now):
        out = []
        due = [(b[0], b[1], k) for k, b in self.bans.items() if b[0] and b[0] <= now]
        for _, _, key in sorted(due):
            del self.bans[key]
            out.append(f"unban {key[0]} {key[1]} expired")
        return out

    @staticmethod
    def host(text):
        a = ipaddress.ip_address(text)
        if a.version == 4:
            return text
        return str(ipaddress.ip_network(f"{text}/64", strict=False))

    def target(self, jail, host, user):
        """(counting key, subject of the ban) or None."""
        if jail.count == "host":
            return self.host(host), self.host(host)
        if jail.count == "user":
            return (user, f"user:{user}") if user else None
        if jail.count == "host+user":
            if jail.ban == "user":
                return ((self.host(host), user), f"user:{user}") if user else None
            return (self.host(host), user), self.host(host)
        if jail.count == "net":
            plen = 24 if "." in host else 56
            net = str(ipaddress.ip_network(f"{host}/{plen}", strict=False))
            return net, net
        return "total", "total"

    def before(self, jail, subject):
        if jail.overalljails:
            return sum(n for (_, s), n in self.history.items() if s == subject)
        return self.history.get((jail.name, subject), 0)

    def weight(self, jail, subject, weight):
        if not jail.increment:
            return weight
        n = self.before(jail, subject)
        known = (1 << min(n, 20)) // 2 + 1 if n else 1
        return weight - 1 + min(known, jail.maxretry)

    def bantime(self, jail, subject):
        n, t = self.before(jail, subject), jail.bantime
        if not jail.increment or n == 0:
            return t
        if jail.multipliers:
            t = t * jail.multipliers[min(n, len(jail.multipliers) - 1)]
        else:
            t = t * (1 << min(n, 20))
        return min(t, jail.maxtime) if jail.maxtime else t

    def room(self, now):
        out = []
        while len(self.bans) >= self.max_bans:
            victims = [(b[0], b[1], k) for k, b in self.bans.items()
                       if b[0] and not b[2]]
            text = ("the ban that ends soonest is released" if victims
                    else "and no ban may be released")
            mark = ": " if victims else ", "
            if self.cap_said is None or now - self.cap_said >= 60_000:
                self.cap_said = now
                out.append(f"cap max_bans reached{mark}{text}")
            if not victims:
                return out, False
            key = min(victims)[2]
            del self.bans[key]
            out.append(f"unban {key[0]} {key[1]} evicted")
        return out, True

    def fail(self, now, jail, host, user, weight, when):
        target = self.target(jail, host, user)
        if not target:
            return []
        key, subject = target
        if (jail.name, subject) in self.bans:
            return None         # whether "already" is said is not modelled
        value = user if jail.distinct == "users" else self.host(host)
        weight = self.weight(jail, subject, weight)
        total = jail.reached(key, when, weight, value)
        if not total:
            return []
        count, newest = total
        since = max(newest, when)
        until = since + self.bantime(jail, subject)
        if until <= now:
            jail.seen.pop(key)
            return []
        out, ok = self.room(now)
        if not ok:
            jail.seen[key].pop()        # the failure that could not ban is not kept
            return out
        jail.seen.pop(key)
        self.ids += 1
        known = self.history.get((jail.name, subject), 0) + 1
        self.history[(jail.name, subject)] = known
        self.bans[(jail.name, subject)] = [until, self.ids, False, known]
        out.append(f"ban {jail.name} {subject} until {seconds(until)} "
                   f"failures {count} count {known}")
        return out

    def admin_ban(self, now, jail, host, span):
        key, until = (jail.name, host), now + span
        if key in self.bans:
            out = []
            if until > self.bans[key][0]:
                self.bans[key][0] = until
                out.append(f"prolong {jail.name} {host} until {seconds(until)} admin")
            return out + ["exists"]
        out, ok = self.room(now)
        if not ok:
            return out + [f"refused {len(self.bans)} bans, and none may be released"]
        self.ids += 1
        self.history[key] = self.history.get(key, 0) + 1
        self.bans[key] = [until, self.ids, True, self.history[key]]
        return out + [f"ban {jail.name} {host} until {seconds(until)} admin"]

    def unban(self, host):
        out = []
        for jail in self.jails:
            if self.bans.pop((jail.name, host), None):
                out.append(f"unban {jail.name} {host} admin")
            if jail.count in ("host", "net"):
                jail.seen.pop(host, None)
            if jail.count == "host+user" and jail.ban == "host":
                jail.seen.pop((host, ""), None)
            self.history.pop((jail.name, host), None)
        return out + [f"unbanned {len(out)}"]

    def restart(self):
        by_id = sorted((b[1], k, b) for k, b in self.bans.items())
        # The simulated store keeps no history but what the bans in force say.
        self.history = {k: b[3] for k, b in self.bans.items()}
        self.cap_said = None
        return [f"ban {k[0]} {k[1]} until {seconds(b[0])} restore" for _, k, b in by_id]


def seconds(ms):
    return f"{ms / 1000:.3f}" if ms % 1000 else str(ms // 1000)
