/* SPDX-License-Identifier: GPL-2.0-or-later
 * kept.c - a failure that outlives its block: a copy with its own texts.
 */
#include "banner/core/kept.h"

#include <string.h>

struct str
kept_text(struct kept *k, struct str s)
{
	char *to = k->text + k->used;

	if (s.len > KEPT_BYTES - k->used)
		return (struct str){ "", 0 };
	if (s.len)
		memcpy(to, s.s, s.len);
	k->used += s.len;
	return (struct str){ to, s.len };
}

void
kept_set(struct kept *k, const struct failure *f)
{
	size_t skip = f->nlines > KEPT_LINES ? f->nlines - KEPT_LINES : 0;

	k->used = 0;
	k->failure = *f;
	k->failure.subject.text = kept_text(k, f->subject.text);
	k->failure.user = kept_text(k, f->user);
	k->failure.origin = kept_text(k, f->origin);
	k->failure.attempt = (struct attempt_id){ 0 };
	k->failure.fields = k->fields;
	if (k->failure.nfields > FAILURE_FIELDS)
		k->failure.nfields = FAILURE_FIELDS;
	for (size_t i = 0; i < k->failure.nfields; i++) {
		k->fields[i].name = kept_text(k, f->fields[i].name);
		k->fields[i].value = kept_text(k, f->fields[i].value);
	}
	k->failure.lines = k->lines;
	k->failure.nlines = f->nlines - skip;
	for (size_t i = 0; i < k->failure.nlines; i++)
		k->lines[i] = kept_text(k, f->lines[skip + i]);
}
