/* SPDX-License-Identifier: GPL-2.0-or-later
 * ask.c - the link to the helper process.
 *
 * ASK: u64 ticket, str names, str command, u32 n, n times str name, str value: the
 * tags that the command may use (never given to a shell as text). ANSWER: u64 ticket,
 * u8 ignore. NAME and ADDRS look a host name up (names.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/subject.h"
#include "banner/daemon/engine/answers.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"

struct ask {
	struct engined *d;
	struct link link;
	uint64_t open[ASK_MAX]; /* tickets */
	size_t n;
	uint64_t refused;
	bool wanted; /* the parent was asked for a helper */
};

static bool
take_ticket(struct ask *a, uint64_t ticket)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->open[i] == ticket) {
			a->open[i] = a->open[--a->n];
			return true;
		}
	return false;
}

static int
take_addrs(struct ask *a, struct wire_in *in)
{
	uint64_t ticket = wire_get_u64(in);
	uint32_t n = wire_get_u32(in);
	struct addr v[NAMES_ADDRS] = { { 0 } };

	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct addr one = wire_get_addr(in);

		if (i < NAMES_ADDRS)
			v[i] = one;
	}
	if (in->bad)
		return -EBADMSG;
	a->d->read_ms = engined_now();
	names_answer(a->d->names, ticket, v, n);
	engined_touch(a->d);
	engined_turn(a->d);
	return 0;
}

static int
on_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct ask *a = arg;
	uint64_t ticket;
	uint8_t ignore;

	if (type == WIRE_HELLO)
		return 0;
	if (type == WIRE_ADDRS)
		return take_addrs(a, in);
	ticket = wire_get_u64(in);
	ignore = wire_get_u8(in);
	if (type != WIRE_ANSWER || in->bad)
		return -EBADMSG;
	if (take_ticket(a, ticket)) {
		a->d->read_ms = engined_now();
		engine_answer(a->d->engine, ticket, ignore != 0, a->d->read_ms);
		engined_turn(a->d);
	}
	return 0;
}

static void
on_closed(void *arg)
{
	struct ask *a = arg;

	log_error(
	    "banner.engine", "the helper is gone: %zu questions count as \"no\"", a->n);
	while (a->n)
		engine_answer(a->d->engine, a->open[--a->n], false, engined_now());
	names_lost(a->d->names);
}

static const struct link_ops ask_ops = { .record = on_record, .closed = on_closed };

static void
put_field(struct buf *b, const char *name, struct str value)
{
	wire_text(b, name);
	wire_str(b, value);
}

static void
put_fields(struct buf *b, const struct question *q)
{
	const struct failure *f = q->failure;
	char addr[ADDR_TEXT] = "";
	struct buf id = { 0 };

	if (f->addr.family)
		addr_print(&f->addr, addr);
	subject_text(&f->subject, &id);
	wire_u32(b, (uint32_t)f->nfields + 3);
	put_field(b, "ip", str_of(addr));
	put_field(b, "fid", buf_view(&id));
	put_field(b, "jail", str_of(q->jail));
	for (size_t i = 0; i < f->nfields; i++) {
		wire_str(b, f->fields[i].name);
		wire_str(b, f->fields[i].value);
	}
	buf_fini(&id);
}

void
ask_question(void *arg, const struct question *q)
{
	struct engined *d = arg;
	struct ask *a = d->ask;
	size_t at;

	if (!link_is_open(&a->link) || a->n == ASK_MAX) {
		a->refused++;
		engine_answer(d->engine, q->ticket, false, engined_now());
		return;
	}
	a->open[a->n++] = q->ticket;
	at = wire_start(&a->link.out, WIRE_ASK);
	wire_u64(&a->link.out, q->ticket);
	wire_text(&a->link.out, q->names);
	wire_text(&a->link.out, q->command);
	put_fields(&a->link.out, q);
	wire_finish(&a->link.out, at);
	link_flush(&a->link);
}

void
ask_entry(struct ask *a, const char *entry)
{
	struct addr addr;

	if (a->wanted || link_is_open(&a->link) ||
	    addr_parse_prefix(str_of(entry), &addr) == 0)
		return;
	a->wanted = true;
	engined_ask_parent(a->d, UINT64_MAX, "helper", "banner.engine");
}

bool
ask_name(struct ask *a, uint64_t ticket, const char *name)
{
	size_t at;

	if (!link_is_open(&a->link))
		return false;
	at = wire_start(&a->link.out, WIRE_NAME);
	wire_u64(&a->link.out, ticket);
	wire_text(&a->link.out, name);
	wire_finish(&a->link.out, at);
	link_flush(&a->link);
	return true;
}

struct ask *
ask_new(struct engined *d)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	a->d = d;
	link_init(&a->link, d->base, &ask_ops, a);
	return a;
}

void
ask_connect(struct ask *a, int sock)
{
	link_open(&a->link, sock);
}

size_t
ask_waiting(const struct ask *a)
{
	return a->n;
}

uint64_t
ask_refused(const struct ask *a)
{
	return a->refused;
}

void
ask_free(struct ask *a)
{
	if (!a)
		return;
	link_close(&a->link);
	free(a);
}
