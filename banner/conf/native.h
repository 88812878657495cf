/* SPDX-License-Identifier: GPL-2.0-or-later
 * native.h - action files that one of our plugins can stand in for.
 *
 * What a stock file of fail2ban does is known by a fingerprint: the file is resolved
 * once more with marks ("@port@") in place of the options that may differ from jail to
 * jail, and the commands that come out are hashed. A file with a known fingerprint,
 * whose commands in this jail are those with the marks filled in, is carried out by
 * the plugin; any other is run as written, by exec.
 */
#ifndef BANNER_CONF_NATIVE_H
#define BANNER_CONF_NATIVE_H

#include <stdbool.h>

#include "banner/conf/expand.h"

struct native_choice {
	struct arena *arena;
	const char *name, *file;		/* of the action */
	const char *native;			/* auto, yes, no */
	const char *user;			/* that commands would run as */
	const struct conf_options *options;	/* resolved, as in actiondef.h */
	const struct conf_options *marked;	/* with marks, native_marks() */
	const char *plugin, *why;		/* out */
	struct conf_options plugin_options;	/* out, unless plugin is exec */
};

/* Bracket options that put the marks in; type, if given, is kept. */
void		 native_marks(struct arena *, const struct conf_options *brackets,
		    struct conf_options *marks);
void		 native_choose(struct native_choice *);
bool		 native_has_nft(void);		/* in this build */
/* The plugins of this build, by the names that jails may use. NATIVE_PLUGINS, which
 * actions/meson.build makes, is all of them as text. */
bool		 native_is_plugin(const char *name);
/* For plugins that ban ports: "tcp/22,80" from their options, else "". */
const char	*native_scope(struct arena *, const char *plugin,
		    const struct conf_options *);

#endif
