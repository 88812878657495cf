/* SPDX-License-Identifier: GPL-2.0-or-later
 * plugin.h - finding, checking and loading action plugins.
 *
 * A plugin runs with the rights of its actor, so its file and folder must belong to
 * root (or to the user who runs an unprivileged banner) and be writable by nobody
 * else, and a link is not followed. What a loaded file says of itself is checked
 * before anything of it is called.
 */
#ifndef BANNER_PLUGIN_H
#define BANNER_PLUGIN_H

#include <limits.h>

#include "banner/action.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"

struct plugin {
	struct bn_action_ops ops;	/* a copy; what an older plugin lacks is NULL */
	void *handle;
};

/* dir/NAME.so. 0, or with text: -EINVAL (bad name), -ENOENT, -EPERM (owner, mode,
 * link), -ENOEXEC (no plugin, missing symbol), -EPROTO (abi, size, name, contents). */
int	plugin_load(struct plugin *, const char *dir, const char *name, struct err *);
void	plugin_unload(struct plugin *);
/* The folder of plugins lies beside the programs that load them, in a build folder as
 * in the installed one. That of this program: returns out, or NULL. */
#define PLUGIN_FOLDER "actions"
const char	*plugin_folder(char out[PATH_MAX]);

/* All options known (BN_OPEN_KEYS: any), none twice, none missing. 0 or -EINVAL. */
int	plugin_check_options(const struct bn_action_ops *, const struct conf_options *,
	    struct err *);
/* Value, fallback of the schema, or NULL. */
const char *plugin_option(
    const struct bn_action_ops *, const struct conf_options *, const char *key);

#endif
