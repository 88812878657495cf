/* SPDX-License-Identifier: GPL-2.0-or-later
 * park.c - decisions that wait for an answer from outside.
 */
#include "banner/core/park.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/uncleared.h"
#include "banner/core/inside.h"
#include "banner/core/kept.h"
#include "banner/core/subject.h"

struct parked {
	struct parked *next;		/* younger */
	uint64_t ticket;
	struct verdict verdict;
	struct kept kept;
};

struct park {
	struct parked *oldest, **end;
	struct table *by_subject;
	struct parked *taken;		/* lent to the caller */
	uint64_t last_ticket;
	size_t n;
};

struct park *
park_new(void)
{
	struct park *p = xcalloc(1, sizeof(*p));

	p->end = &p->oldest;
	p->by_subject = table_new();
	return p;
}

void
park_free(struct park *p)
{
	if (!p)
		return;
	while (p->oldest) {
		struct parked *k = p->oldest;

		p->oldest = k->next;
		free(k);
	}
	free(p->taken);
	table_free(p->by_subject);
	free(p);
}

uint64_t
park_put(struct park *p, const struct verdict *v)
{
	struct parked *k;
	uint8_t key[SUBJECT_KEY] UNCLEARED;
	size_t len = subject_key(key, v->jail->index, &v->target.subject);

	if (p->n >= PARK_MAX)
		return 0;
	k = xmalloc(sizeof(*k));
	k->next = NULL;
	k->ticket = ++p->last_ticket;
	k->verdict = *v;
	kept_set(&k->kept, v->failure);
	k->verdict.failure = &k->kept.failure;
	k->verdict.target.subject.text = kept_text(&k->kept, v->target.subject.text);
	*p->end = k;
	p->end = &k->next;
	p->n++;
	table_set(p->by_subject, key, len, k);
	return k->ticket;
}

const struct verdict *
park_take(struct park *p, uint64_t ticket)
{
	uint8_t key[SUBJECT_KEY] UNCLEARED;
	struct parked **at = &p->oldest, *k;
	size_t len;

	while (*at && (*at)->ticket != ticket)
		at = &(*at)->next;
	k = *at;
	if (!k)
		return NULL;
	*at = k->next;
	if (p->end == &k->next)
		p->end = at;
	len = subject_key(key, k->verdict.jail->index, &k->verdict.target.subject);
	table_del(p->by_subject, key, len);
	p->n--;
	free(p->taken);
	p->taken = k;
	return &k->verdict;
}

uint64_t
park_late(const struct park *p, int64_t now_ms)
{
	if (p->oldest && now_ms - p->oldest->verdict.now_ms >= PARK_WAIT_MS)
		return p->oldest->ticket;
	return 0;
}

bool
park_has(const struct park *p, const struct jail *j, const struct subject *s)
{
	uint8_t key[SUBJECT_KEY] UNCLEARED;

	return p->n > 0 &&
	    table_find(p->by_subject, key, subject_key(key, j->index, s)) != NULL;
}

size_t
park_count(const struct park *p)
{
	return p->n;
}

void
park_shift(struct park *p, int64_t delta_ms)
{
	for (struct parked *k = p->oldest; k; k = k->next) {
		k->verdict.now_ms += delta_ms;
		k->kept.failure.when_ms += delta_ms;
		k->verdict.sum.newest_ms += delta_ms;
	}
}
