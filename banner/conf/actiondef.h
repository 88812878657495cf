/* SPDX-License-Identifier: GPL-2.0-or-later
 * actiondef.h - the actions that jails name, resolved.
 *
 * Part of conf.h, which is what others include.
 *
 * The options of plugin exec are those of the action file: actionstart, actionban ...
 * and every name of [Init] and of the brackets. In each value all names known from
 * the configuration are already replaced, <br> and <sp> too; what is left are the
 * dynamic tags (<ip>, <F-USER>, <matches> ...) and <fq-hostname>, <sh-hostname>.
 * "actionban" is the command for IPv4; "actionban?family=inet6" is there when the one
 * for IPv6 differs.
 */
#ifndef BANNER_CONF_ACTIONDEF_H
#define BANNER_CONF_ACTIONDEF_H

#include "banner/conf/filter.h"

/* One way to carry out bans, equal for all jails that name it with equal options.
 * Instances with the same actor number share a process. */
struct conf_action {
	const char *name;		/* as shown: "route", "nftables-multiport" */
	const char *plugin;		/* "route", "exec", "null" ... */
	const char *user, *caps;	/* "" = the plugin's default */
	const char *scope;		/* "" = all traffic; "tcp/22,80" */
	struct conf_options options;	/* for the plugin; exec: see above */
	const char *why;		/* for -t: native or exec, and why */
	unsigned actor;			/* process group, 0.. */
	const char *file;		/* where it was defined */
	int line;
	struct conf_origins origins;	/* of plugin, user, caps; not packed */
	const char *command_name;	/* fail2ban's actname in the jail (for dumps) */
};

#endif
