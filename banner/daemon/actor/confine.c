/* SPDX-License-Identifier: GPL-2.0-or-later
 * confine.c - what an actor may still do, by the plugin that it serves.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "banner/daemon/actor/confine.h"
#include "banner/daemon/actor/plugin.h"
#include "banner/daemon/proc/sandbox.h"

struct profile_name {
	const char *plugin;
	enum sandbox_profile profile;
};

static enum sandbox_profile
profile_of(const char *plugin)
{
	static const struct profile_name known[] = {
		{ "route", PROFILE_NETLINK },
		{ "nft", PROFILE_NETLINK },
		{ "ssh", PROFILE_NET },
		{ "mail", PROFILE_NET },
		{ "login", PROFILE_SERVE },
		{ "null", PROFILE_PLAIN },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(plugin, known[i].plugin) == 0)
			return known[i].profile;
	return PROFILE_EXEC;
}

/* What a plugin that talks to hosts reads while it runs: what names stand for, whom to
 * trust (option key: a file that is replaced by renaming, so its folder). */
static void
net_paths(const struct confined *m, const char *key, const char *read[],
    char folder[PATH_MAX])
{
	static const char *const names[] = { "/etc/resolv.conf", "/etc/hosts",
	    "/etc/nsswitch.conf", "/etc/gai.conf", "/usr/lib", "/lib",
	    "/run/systemd/resolve", "/etc/ssl", "/etc/pki",
	    "/usr/share/ca-certificates", "/etc/localtime", "/usr/share/zoneinfo" };
	const char *file = plugin_option(m->ops, &m->conf->options, key);
	char *slash;
	size_t n = 0;

	snprintf(folder, PATH_MAX, "%s", file ? file : "");
	slash = strrchr(folder, '/');
	if (slash && slash > folder) {
		*slash = '\0';
		read[n++] = folder;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		read[n++] = names[i];
}

int
confine(const struct confined *m, struct sandbox_level *level, struct err *e)
{
	const char *read[20] = { NULL }, *carrier;
	char folder[PATH_MAX];
	struct sandbox s = { .want = m->want,
	    .profile = profile_of(m->conf->plugin), .read = read };

	if (strcmp(m->conf->plugin, "ssh") == 0) {
		carrier = plugin_option(m->ops, &m->conf->options, "carrier");
		if (carrier && strcmp(carrier, "openssh") == 0)
			s.profile = PROFILE_EXEC;
		net_paths(m, "known_hosts", read, folder);
	}
	if (strcmp(m->conf->plugin, "mail") == 0) {
		carrier = plugin_option(m->ops, &m->conf->options, "sendmail");
		if (carrier && *carrier)
			s.profile = PROFILE_EXEC;
		net_paths(m, "ca", read, folder);
	}
	return sandbox_enter(&s, level, e);
}
