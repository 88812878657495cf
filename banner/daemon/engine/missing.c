/* SPDX-License-Identifier: GPL-2.0-or-later
 * missing.c - which far sides of an action do not hold a ban.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/daemon/engine/missing.h"

enum { NAMED = 5 };

void
targets_fini(struct targets *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->name[i]);
	free(t->name);
	*t = (struct targets){ 0 };
}

int
targets_find(struct targets *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!strcmp(t->name[i], name))
			return (int)i;
	if (t->n == TARGETS_MAX)
		return -1;
	t->name = xrealloc(t->name, (t->n + 1) * sizeof(*t->name));
	t->name[t->n] = xstrdup(name);
	return (int)t->n++;
}

void
missing_clear(struct missing *m)
{
	free(m->v);
	*m = (struct missing){ 0 };
}

void
missing_set(struct missing *m, unsigned target, int err)
{
	unsigned i = 0;

	while (i < m->n && m->v[i].target != target)
		i++;
	if (i == m->n) {
		if (!err)
			return;
		m->v = xrealloc(m->v, (m->n + 1) * sizeof(*m->v));
		m->n++;
	}
	m->v[i] = (struct lack){ target, err };
	if (err)
		return;
	m->v[i] = m->v[--m->n];
	if (!m->n)
		missing_clear(m);
}

bool
missing_is_late(const struct missing *m)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->v[i].err == ETIMEDOUT || m->v[i].err == ENOTCONN)
			return true;
	return false;
}

void
missing_text(const struct missing *m, const struct targets *t, struct buf *out)
{
	unsigned all = t->all > m->n ? t->all : m->n;

	buf_printf(out, "%u/%u proxies", all - m->n, all);
	for (unsigned i = 0; i < m->n && i < NAMED; i++)
		buf_printf(out, "%s%s: %s", i ? ", " : " (", t->name[m->v[i].target],
		    err_change(m->v[i].err));
	if (m->n > NAMED)
		buf_printf(out, " and %u more", m->n - NAMED);
	if (m->n)
		buf_putc(out, ')');
}
