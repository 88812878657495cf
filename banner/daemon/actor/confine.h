/* SPDX-License-Identifier: GPL-2.0-or-later
 * confine.h - what an actor may still do, by the plugin that it serves.
 *
 * All actions of an actor have one plugin and one user, so the first speaks for them.
 */
#ifndef BANNER_CONFINE_H
#define BANNER_CONFINE_H

struct bn_action_ops;
struct conf_action;
struct err;
struct sandbox_level;

struct confined {
	const char *want;		/* conf_daemon.sandbox */
	const struct conf_action *conf;
	const struct bn_action_ops *ops;
};

/* As sandbox_enter. */
int	confine(const struct confined *, struct sandbox_level *, struct err *);

#endif
