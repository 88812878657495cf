/* SPDX-License-Identifier: GPL-2.0-or-later
 * guardfeed.c - telling engine and actors whom never to ban, live.
 *
 * Groups: own addresses, gateways, name servers (resolv.conf), peers of live sessions
 * (utmp, logind), and what the configuration trusts. A group is sent whole when it
 * differs from what was sent before. Netlink and inotify wake us; nothing is polled.
 */
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <utmp.h>

#include "banner/base/arena.h"
#include "banner/daemon/parent/netfeed.h"
#include "banner/daemon/parent/parent.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define SESSIONS "/run/systemd/sessions"
#define UTMP "/run/utmp"
enum { GROUP_CAP = CONF_NETS_MAX, GROUP_FRAME = 200, SETTLE_MS = 50 };

enum group {
	GROUP_OWN,
	GROUP_GATEWAY,
	GROUP_RESOLVER,
	GROUP_SESSION,
	GROUP_TRUSTED,
	GROUP_NEVER,
	GROUPS
};
static const char *const group_names[GROUPS] = { "own", "gateway", "resolver",
	"session", "trusted", "never_ban" };

struct entries {
	struct addr *v;
	const char **reason; /* literals */
	size_t n, cap;
	bool cut; /* there are more */
};

/* What tells of changes. Each may be missing on a machine, and come later: the folder
 * it is awaited in, which is watched before, tells of its name. */
static const struct place {
	const char *path, *awaited; /* NULL: whatever happens there */
} places[] = {
	{ "/etc", "resolv.conf" },
	{ "/run", "utmp" },
	{ "/run", "systemd" },
	{ "/run/systemd", "sessions" },
	{ RESOLV_CONF, NULL },
	{ UTMP, NULL },
	{ SESSIONS, NULL },
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

struct guardfeed {
	struct parent *parent;
	int netlink, inotify, watch[PLACES];
	struct event *on_netlink, *on_inotify, *settle;
	struct entries groups[GROUPS];
};

static void
entries_add(struct entries *e, const struct addr *a, const char *reason)
{
	for (size_t i = 0; i < e->n; i++)
		if (addr_eq(&e->v[i], a))
			return;
	e->cut |= e->n == GROUP_CAP;
	if (e->cut)
		return;
	if (e->n == e->cap) {
		e->cap = e->cap ? e->cap * 2 : 16;
		e->v = xrealloc(e->v, e->cap * sizeof(*e->v));
		e->reason = xrealloc(e->reason, e->cap * sizeof(*e->reason));
	}
	e->v[e->n] = *a;
	e->reason[e->n++] = reason;
}

static void
entries_fini(struct entries *e)
{
	free(e->v);
	free(e->reason);
	memset(e, 0, sizeof(*e));
}

static bool
entries_eq(const struct entries *a, const struct entries *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->v, b->v, a->n * sizeof(*a->v)));
}

static void
add_net(void *arg, const struct addr *a, const char *reason)
{
	entries_add(arg, a, reason);
}

static void
add_text(struct entries *e, struct str text, const char *reason)
{
	struct addr a;

	if (addr_parse_prefix(str_trim(text), &a) == 0)
		entries_add(e, &a, reason);
}

static void
read_resolvers(struct entries *e)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		struct str rest = str_of(line), word;

		if (str_word(&rest, &word) && str_is(word, "nameserver") &&
		    str_word(&rest, &word))
			add_text(e, word, "name server");
	}
	if (f)
		fclose(f);
}

static void
read_utmp(struct entries *e)
{
	int fd = open(UTMP, O_RDONLY | O_CLOEXEC);
	struct utmp u;

	while (fd >= 0 && read(fd, &u, sizeof(u)) == (ssize_t)sizeof(u)) {
		struct addr a = { 0 };
		bool v6 = u.ut_addr_v6[1] || u.ut_addr_v6[2] || u.ut_addr_v6[3];

		if (u.ut_type != USER_PROCESS || (!v6 && !u.ut_addr_v6[0]))
			continue;
		a.family = v6 ? 6 : 4;
		a.plen = v6 ? 128 : 32;
		memcpy(a.ip, u.ut_addr_v6, v6 ? 16 : 4);
		entries_add(e, &a, "peer of a live session");
	}
	if (fd >= 0)
		close(fd);
}

/* logind keeps one small file of NAME=value lines per session. */
static void
read_session(const char *name, struct entries *e)
{
	char path[300], line[512];
	FILE *f;

	snprintf(path, sizeof(path), SESSIONS "/%s", name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "REMOTE_HOST=", 12))
			add_text(e, str_of(line + 12), "peer of a live session");
	if (f)
		fclose(f);
}

static void
read_sessions(struct entries *e)
{
	DIR *d = opendir(SESSIONS);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && !strstr(entry->d_name, ".ref"))
			read_session(entry->d_name, e);
	if (d)
		closedir(d);
	read_utmp(e);
}

static void
read_list(const struct conf_list *l, const char *reason, struct entries *e)
{
	for (size_t i = 0; i < l->n; i++)
		add_text(e, str_of(l->v[i]), reason);
}

static void
read_group(struct guardfeed *g, enum group group, struct entries *e)
{
	const struct conf_daemon *c = &g->parent->conf->daemon;
	int rc = 0;

	switch (group) {
	case GROUP_OWN: rc = netfeed_dump(NETFEED_OWN, add_net, e); break;
	case GROUP_GATEWAY: rc = netfeed_dump(NETFEED_GATEWAY, add_net, e); break;
	case GROUP_RESOLVER: read_resolvers(e); break;
	case GROUP_SESSION: read_sessions(e); break;
	case GROUP_TRUSTED: read_list(&c->trusted, "trusted", e); break;
	case GROUP_NEVER: read_list(&c->never_ban, "never_ban", e); break;
	case GROUPS: break;
	}
	if (rc < 0)
		log_error("banner.parent", "guard: cannot read %s: %s",
		    group_names[group], strerror(-rc));
}

static void
send_part(struct kid *k, enum group group, const struct entries *e, size_t from)
{
	size_t n = e->n - from < GROUP_FRAME ? e->n - from : GROUP_FRAME;
	size_t at = wire_start(&k->out, WIRE_GUARD);

	wire_text(&k->out, group_names[group]);
	wire_u8(&k->out, from + n < e->n);
	wire_u32(&k->out, (uint32_t)n);
	for (size_t i = from; i < from + n; i++) {
		wire_addr(&k->out, &e->v[i]);
		wire_text(&k->out, e->reason[i]);
	}
	wire_finish(&k->out, at);
}

static void
send_group(struct kid *k, enum group group, const struct entries *e)
{
	size_t from = 0;

	do {
		send_part(k, group, e, from);
		from += GROUP_FRAME;
	} while (from < e->n);
}

void
guardfeed_send(struct guardfeed *g, struct kid *k)
{
	for (int i = 0; i < GROUPS; i++)
		send_group(k, (enum group)i, &g->groups[i]);
	kid_send(k);
}

static void
send_changed(struct guardfeed *g, enum group group)
{
	for (struct kid *k = g->parent->kids; k; k = k->next)
		if (kid_runs(k) && (k->role == ROLE_ENGINE || k->role == ROLE_ACTOR)) {
			send_group(k, group, &g->groups[group]);
			kid_send(k);
		}
}

void
guardfeed_refresh(struct guardfeed *g)
{
	for (int i = 0; i < GROUPS; i++) {
		struct entries now = { 0 };

		read_group(g, (enum group)i, &now);
		if (entries_eq(&now, &g->groups[i])) {
			entries_fini(&now);
			continue;
		}
		entries_fini(&g->groups[i]);
		g->groups[i] = now;
		if (now.cut)
			log_error("banner.parent",
			    "guard: %s has more than %d entries; only the first "
			    "are never banned",
			    group_names[i], GROUP_CAP);
		send_changed(g, (enum group)i);
	}
}

/* Each of them may be a new file since. */
static void
watch_again(struct guardfeed *g)
{
	const uint32_t appears = IN_CREATE | IN_MOVED_TO;
	const uint32_t changes = appears | IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE |
	    IN_DELETE_SELF | IN_MOVE_SELF;

	for (size_t i = 0; g->inotify >= 0 && i < PLACES; i++)
		g->watch[i] = inotify_add_watch(
		    g->inotify, places[i].path, places[i].awaited ? appears : changes);
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	struct guardfeed *g = arg;

	watch_again(g);
	guardfeed_refresh(g);
}

/* Changes come in bursts: read once they have settled. */
static void
soon(struct guardfeed *g)
{
	struct timeval wait = { 0, SETTLE_MS * 1000 };

	if (!evtimer_pending(g->settle, NULL))
		evtimer_add(g->settle, &wait);
}

static void
on_netlink(evutil_socket_t fd, short what, void *arg)
{
	struct guardfeed *g = arg;

	if (netfeed_drain(fd))
		soon(g);
}

static bool
concerns_us(const struct guardfeed *g, const struct inotify_event *e)
{
	for (size_t i = 0; i < PLACES; i++)
		if (g->watch[i] == e->wd &&
		    (!places[i].awaited || e->len == 0 ||
			!strcmp(e->name, places[i].awaited)))
			return true;
	return e->mask & IN_Q_OVERFLOW;
}

static void
on_inotify(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char room[4096];
	const struct inotify_event *e;
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0)
		for (char *p = room; p < room + n; p += sizeof(*e) + e->len) {
			e = (const void *)p;
			if (concerns_us(arg, e))
				soon(arg);
		}
}

static void
watch_files(struct guardfeed *g)
{
	g->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (g->inotify < 0)
		return;
	watch_again(g);
	g->on_inotify =
	    event_new(g->parent->base, g->inotify, EV_READ | EV_PERSIST, on_inotify, g);
	event_add(g->on_inotify, NULL);
}

struct guardfeed *
guardfeed_new(struct parent *p)
{
	struct guardfeed *g = xcalloc(1, sizeof(*g));

	g->parent = p;
	g->settle = evtimer_new(p->base, on_settle, g);
	g->netlink = netfeed_open();
	if (g->netlink >= 0) {
		g->on_netlink =
		    event_new(p->base, g->netlink, EV_READ | EV_PERSIST, on_netlink, g);
		event_add(g->on_netlink, NULL);
	} else
		log_error("banner.parent", "guard: no news of addresses: %s",
		    strerror(-g->netlink));
	watch_files(g);
	guardfeed_refresh(g);
	return g;
}

void
guardfeed_free(struct guardfeed *g)
{
	if (!g)
		return;
	if (g->on_netlink)
		event_free(g->on_netlink);
	if (g->on_inotify)
		event_free(g->on_inotify);
	event_free(g->settle);
	if (g->netlink >= 0)
		close(g->netlink);
	if (g->inotify >= 0)
		close(g->inotify);
	for (int i = 0; i < GROUPS; i++)
		entries_fini(&g->groups[i]);
	free(g);
}
