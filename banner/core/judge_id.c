/* SPDX-License-Identifier: GPL-2.0-or-later
 * judge_id.c - whom a failure is about: address, name or raw id.
 */
#include "banner/core/judge.h"

/* An id that reads as an address is one; any other text stays text. */
static bool
text_subject(struct rules *r, struct str id, struct subject *s)
{
	if (addr_parse_prefix(id, &s->addr) == 0) {
		s->kind = SUBJECT_ADDR;
		return true;
	}
	s->kind = SUBJECT_ID;
	s->text = id;
	if (id.len <= SUBJECT_TEXT)
		return true;
	r->stats.bad_host++;
	return false;
}

/* The text is what a regex for addresses let pass: "999.1.1.1" is not one; it becomes a
 * raw id where fail2ban's files are read. A prefix length longer than the address is
 * ignored. */
static void
read_address(const struct captures *c, struct str text, struct addr *a)
{
	uint64_t plen;

	if (addr_parse(text, a) < 0) {
		a->family = 0;
		return;
	}
	if (c->v[CAP_CIDR].len > 0 && str_u64(c->v[CAP_CIDR], &plen) == 0 &&
	    plen < a->plen)
		*a = addr_mask(a, (unsigned)plen);
}

static bool
name_subject(struct rules *r, struct str name, struct failure *f)
{
	if (!text_subject(r, name, &f->subject))
		return false;
	if (f->subject.kind == SUBJECT_ADDR) {
		f->addr = f->subject.addr;
		return true;
	}
	if (r->o.usedns == DNS_NO) {
		r->stats.bad_host++;
		return false;
	}
	f->lookup = true;
	return true;
}

bool
judge_subject(struct rules *r, const struct captures *c, struct failure *f)
{
	struct str fid = c->v[CAP_FID], ip = { 0 };
	bool raw = r->o.raw || r->o.usedns == DNS_RAW;

	if (c->v[CAP_IP4].s)
		ip = c->v[CAP_IP4];
	else if (c->v[CAP_IP6].s)
		ip = c->v[CAP_IP6];
	else if (c->v[CAP_DNS].s && !raw)
		return name_subject(r, c->v[CAP_DNS], f);
	else if (c->v[CAP_DNS].s)
		ip = c->v[CAP_DNS];

	if (ip.s)
		read_address(c, ip, &f->addr);
	if (fid.s && !(ip.s && str_eq(fid, ip)))
		return text_subject(r, fid, &f->subject);
	if (!ip.s)
		return false;
	if (f->addr.family == 0 && r->o.filter->ours && ip.s != c->v[CAP_DNS].s) {
		r->stats.bad_host++;
		return false;
	}
	if (f->addr.family == 0)
		return text_subject(r, ip, &f->subject);
	f->subject = (struct subject){ .kind = SUBJECT_ADDR, .addr = f->addr };
	return true;
}
