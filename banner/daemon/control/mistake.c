/* SPDX-License-Identifier: GPL-2.0-or-later
 * mistake.c - a word that nobody knows: refused with the one that was likely meant, or
 * with those there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/spell.h"
#include "banner/conf/conf.h"
#include "banner/core/runtime.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay.h"

enum { NAMED = 12 };

int
refuse_word(struct request *r, const char *code, struct mistake m)
{
	const char *near = spell_nearest(m.word, m.known);
	struct buf all = { 0 };
	size_t n = 0;

	if (near)
		return refuse(r, code, "no %s \"%.60s\"; is it \"%s\"?", m.what,
		    m.word, near);
	for (; m.known[n]; n++)
		if (n < NAMED)
			buf_printf(&all, "%s%s", n ? ", " : "; there are: ",
			    m.known[n]);
	if (n > NAMED)
		buf_printf(&all, " and %zu more", n - NAMED);
	refuse(r, code, "no %s \"%.60s\"%s", m.what, m.word, n ? all.p : "");
	buf_fini(&all);
	return -EINVAL;
}

static int
no_jail(struct request *r, const char *name)
{
	size_t n = engine_jails(r->d->engine);
	const char **names = xcalloc(n + 1, sizeof(*names));
	int rc;

	for (size_t i = 0; i < n; i++)
		names[i] = jail_name(engine_jail_at(r->d->engine, i));
	rc = refuse_word(r, "refused", (struct mistake){ "jail", name, names });
	free(names);
	return rc;
}

struct jail *
jail_wanted(struct request *r, const char *name)
{
	struct jail *j = engine_jail(r->d->engine, name);

	if (r->form == FORM_F2B) {
		if (j && !jail_is_stopped(j))
			return j;
		refuse(r, "refused", "Sorry but the jail '%s' does not exist", name);
	} else if (!j) {
		no_jail(r, name);
	} else if (!jail_is_stopped(j)) {
		return j;
	} else {
		refuse(r, "refused", "jail %s is stopped: banctl start %s", name, name);
	}
	return NULL;
}

int
no_command(struct request *r)
{
	const char *names[64];
	const struct command *c;
	const char *near;
	size_t n = 0;

	while (n < sizeof(names) / sizeof(names[0]) - 1 && (c = command_at(n)))
		names[n++] = c->name;
	names[n] = NULL;
	near = spell_nearest(r->argv[0], names);
	if (near)
		return refuse(r, "usage", "unknown command \"%.40s\"; is it \"%s\"?",
		    r->argv[0], near);
	return refuse(r, "usage", "unknown command \"%.40s\"; try help", r->argv[0]);
}

int
no_action(struct request *r, const char *name)
{
	size_t n = relay_actions(r->d->relay);
	const char **names = xcalloc(n + 1, sizeof(*names));
	int rc;

	for (size_t i = 0; i < n; i++)
		names[i] = relay_action(r->d->relay, i)->conf->name;
	rc = refuse_word(r, "refused", (struct mistake){ "action", name, names });
	free(names);
	return rc;
}
