/* SPDX-License-Identifier: GPL-2.0-or-later
 * native.h - action files that one of our plugins can stand in for.
 *
 * A table of what the stock files of fail2ban say once resolved. A file that says
 * exactly this is carried out by the plugin; any other is run as written, by exec.
 */
#ifndef BANNER_CONF_NATIVE_H
#define BANNER_CONF_NATIVE_H

#include <stdbool.h>

#include "banner/conf/expand.h"

#define NATIVE_PLUGINS "exec, mail, nft, null, route, ssh"

struct native_choice {
	struct arena *arena;
	const char *name, *file;		/* of the action */
	const char *native;			/* auto, yes, no */
	const char *user;			/* that commands would run as */
	const struct conf_options *options;	/* resolved, as in actiondef.h */
	const char *plugin, *why;		/* out */
	struct conf_options plugin_options;	/* out, unless plugin is exec */
};

void		 native_choose(struct native_choice *);
bool		 native_is_plugin(const char *name);	/* one of NATIVE_PLUGINS */
/* For plugins that ban ports: "tcp/22,80" from their options, else "". */
const char	*native_scope(struct arena *, const char *plugin,
		    const struct conf_options *);

#endif
