/* SPDX-License-Identifier: GPL-2.0-or-later
 * compile.c - a filter becomes one jail's compiled rules.
 */
#include "banner/core/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

static void
regex_free(struct regex *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		pattern_free(v[i].re);
	free(v);
}

void
rules_free(struct rules *r)
{
	if (!r)
		return;
	regex_free(r->fail, r->nfail);
	regex_free(r->ignore, r->nignore);
	regex_free(r->pref, 1);
	sessions_free(r->sessions);
	multiline_free(r->multi);
	stamp_free(r->stamp);
	decoder_free(r->decoder);
	decoder_free(r->earlier);
	capture_names_fini(&r->names);
	arena_free(r->arena);
	buf_fini(&r->cut);
	buf_fini(&r->classic);
	buf_fini(&r->unwrapped);
	buf_fini(&r->content);
	buf_fini(&r->joined);
	buf_fini(&r->joined_pre);
	free(r);
}

static int
regex_new(struct rules *r, const char *text, unsigned flags, struct regex *x,
    struct err *e)
{
	int rc;

	if (r->o.usedns == DNS_NO)
		flags |= PATTERN_NO_DNS;
	rc = pattern_new(text, flags, &x->re, e);
	if (rc < 0)
		return rc;
	x->weight = 1;
	return capture_map_new(x->re, &r->names, &x->map, e);
}

/* What looks like a tag and is none: "<rules-foo>", where a filter has no mode foo. */
static struct str
unknown_tag(const char *text)
{
	for (const char *p = text; (p = strchr(p, '<')); p++) {
		size_t n = strcspn(p + 1, "<>()?= ");

		if (n && p[1 + n] == '>' && (p == text || !strchr("?P", p[-1])))
			return (struct str){ p, n + 2 };
	}
	return STR("");
}

static int
no_id(const char *text, struct err *e)
{
	struct str tag = unknown_tag(text);

	return err_set(e, -EINVAL, "no host, address or id in \"%s\"%s%.*s%s", text,
	    tag.len ? ": " : "", (int)tag.len, tag.s,
	    tag.len ? " is neither an option of the filter nor a tag" : "");
}

/* Of a regex: which one. */
static int
wrong(struct err *e, int rc, const char *option, size_t number)
{
	err_about(e, rc, option, number);
	return err_prefix(e, rc, "%s %zu", option, number);
}

/* An id may come from the prefregex: then no failregex needs one of its own. */
static int
compile_one(struct rules *r, const char *text, struct err *e)
{
	bool multi = r->o.filter->maxlines > 1;
	struct regex *x = &r->fail[r->nfail++];
	int rc = regex_new(r, text, PATTERN_PREFIX | (multi ? PATTERN_MULTILINE : 0), x,
	    e);

	if (rc == 0 && !capture_map_has_id(&x->map) &&
	    !(r->pref && capture_map_has_id(&r->pref->map)))
		rc = no_id(text, e);
	return rc;
}

static int
compile_login(struct rules *r, struct err *e)
{
	const struct conf_list *list = &r->o.filter->loginregex;
	int rc;

	for (; r->nlogin < list->n; r->nlogin++) {
		rc = compile_one(r, list->v[r->nlogin], e);
		if (rc < 0)
			return wrong(e, rc, "loginregex", r->nlogin + 1);
	}
	return 0;
}

static int
compile_fail(struct rules *r, struct err *e)
{
	const struct conf_filter *f = r->o.filter;
	int rc;

	r->fail = xcalloc(f->failregex.n + f->loginregex.n, sizeof(*r->fail));
	for (size_t i = 0; i < f->failregex.n; i++) {
		struct regex *x = &r->fail[i];
		uint64_t weight;

		rc = compile_one(r, f->failregex.v[i], e);
		if (rc == 0 && i < f->weight.n) {
			rc = str_u64(str_of(f->weight.v[i]), &weight);
			if (rc < 0 || weight < 1 || weight > 1000)
				rc = err_set(e, -EINVAL,
				    "weight \"%s\" is not 1 to 1000", f->weight.v[i]);
			else
				x->weight = (unsigned)weight;
		}
		if (rc < 0)
			return wrong(e, rc, "failregex", i + 1);
	}
	return r->o.gains ? compile_login(r, e) : 0;
}

static int
compile_ignore(struct rules *r, struct err *e)
{
	const struct conf_filter *f = r->o.filter;
	int rc;

	r->ignore = xcalloc(f->ignoreregex.n, sizeof(*r->ignore));
	for (size_t i = 0; i < f->ignoreregex.n; i++) {
		r->nignore++;
		rc = regex_new(r, f->ignoreregex.v[i], PATTERN_PREFIX, &r->ignore[i],
		    e);
		if (rc < 0)
			return wrong(e, rc, "ignoreregex", i + 1);
	}
	return 0;
}

static bool
has_sessions(const struct rules *r)
{
	if (r->pref)
		for (size_t k = 0; k < r->pref->map.n; k++)
			if (r->pref->map.v[k].slot == CAP_MLFID)
				return true;
	for (size_t i = 0; i < r->nfail; i++)
		for (size_t k = 0; k < r->fail[i].map.n; k++)
			if (r->fail[i].map.v[k].slot == CAP_MLFID)
				return true;
	return false;
}

/* Everything a failure may carry must fit in it, whatever the session collected. */
static int
check_fields(const struct rules *r, struct err *e)
{
	size_t n = 0, most = FAILURE_FIELDS - CAP_FORGET;

	if (has_sessions(r))
		most -= SESSION_USERS;
	for (size_t i = 0; i < r->names.nshown; i++)
		n += r->names.shown[i] >= CAP_NAMED;
	if (n > most) {
		err_set(e, -EINVAL, "%zu different named groups; at most %zu are kept",
		    n, most);
		return err_about(e, -EINVAL, "failregex", 0);
	}
	return 0;
}

static int
compile_regexes(struct rules *r, struct err *e)
{
	const struct conf_filter *f = r->o.filter;
	int rc;

	if (f->prefregex) {
		r->pref = xcalloc(1, sizeof(*r->pref));
		rc = regex_new(r, f->prefregex, PATTERN_PREFIX, r->pref, e);
		if (rc < 0) {
			err_about(e, rc, "prefregex", 1);
			return err_prefix(e, rc, "prefregex");
		}
	}
	rc = compile_fail(r, e);
	if (rc == 0)
		rc = compile_ignore(r, e);
	if (rc == 0)
		rc = check_fields(r, e);
	if (rc == 0 && has_sessions(r))
		r->sessions = sessions_new(&r->names);
	return rc;
}

static int
use_parser(struct rules *r, struct err *e)
{
	const struct conf_filter *f = r->o.filter;

	r->parser = parser_find(f->parser);
	if (!r->parser) {
		err_set(e, -EINVAL, "unknown parser \"%s\", expected zimbra",
		    f->parser);
		return err_about(e, -EINVAL, "parser", 0);
	}
	return r->parser->check ? r->parser->check(&f->options, e) : 0;
}

static int
compile(struct rules *r, struct err *e)
{
	const struct conf_filter *f = r->o.filter;
	int rc = decoder_new(r->o.logencoding, &r->decoder, e);

	if (rc == 0)
		rc = decoder_new(r->o.logencoding, &r->earlier, e);
	if (rc == 0)
		rc = stamp_new(&f->datepattern, r->o.logtimezone, &r->stamp, e);
	if (rc == 0 && f->parser)
		rc = use_parser(r, e);
	if (rc == 0)
		rc = compile_regexes(r, e);
	if (rc == 0 && f->maxlines > MULTILINE_MAX) {
		rc = err_set(e, -EINVAL, "maxlines %u is more than %d", f->maxlines,
		    MULTILINE_MAX);
		err_about(e, rc, "maxlines", 0);
	}
	if (rc == 0 && f->maxlines > 1)
		r->multi = multiline_new(f->maxlines);
	return rc;
}

int
rules_new(const struct rules_options *o, struct rules **out, struct err *e)
{
	struct rules *r = xcalloc(1, sizeof(*r));
	int rc;

	r->o = *o;
	capture_names_init(&r->names);
	rc = compile(r, e);
	if (rc < 0) {
		rules_free(r);
		return rc;
	}
	plan_literals(r);
	*out = r;
	return 0;
}

const struct rules_stats *
rules_stats(const struct rules *r)
{
	return &r->stats;
}

size_t
rules_count(const struct rules *r)
{
	return r->nfail - r->nlogin;
}

uint64_t
rules_hits(const struct rules *r, size_t rule)
{
	return rule < r->nfail ? r->fail[rule].hits : 0;
}

uint64_t
rules_prefix_hits(const struct rules *r)
{
	return r->pref ? r->pref->hits : 0;
}

uint64_t
rules_ignore_hits(const struct rules *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->nignore; i++)
		n += r->ignore[i].hits;
	return n;
}

void
rules_slow(const struct rules *r, struct buf *b)
{
	if (r->pref)
		slow_print(&r->pref->slow, "prefregex", 0, b);
	for (size_t i = 0; i < r->nfail; i++)
		slow_print(&r->fail[i].slow, "failregex", i + 1, b);
	for (size_t i = 0; i < r->nignore; i++)
		slow_print(&r->ignore[i].slow, "ignoreregex", i + 1, b);
}

const char *
rules_text(const struct rules *r, size_t rule)
{
	return rule < r->nfail ? pattern_text(r->fail[rule].re) : "";
}

bool
rules_every_line(const struct rules *r)
{
	return r->every_line;
}

/* Those used more often are counted, and equal ones before it in the list. */
static size_t
template_rank(const struct rules *r, size_t i, uint64_t hits)
{
	const char *name;
	uint64_t h;
	size_t rank = 0;

	for (size_t k = 0; stamp_template(r->stamp, k, &name, &h); k++)
		rank += h > hits || (h == hits && k < i);
	return rank;
}

bool
rules_dates(const struct rules *r, size_t i, const char **name, uint64_t *hits)
{
	for (size_t k = 0; stamp_template(r->stamp, k, name, hits); k++)
		if (template_rank(r, k, *hits) == i)
			return true;
	return false;
}

void
rules_sessions(struct rules *r, rules_session_fn *fn, void *arg)
{
	if (r->sessions)
		sessions_each(r->sessions, fn, arg);
}

int
rules_session_put(struct rules *r, struct str key, struct str record)
{
	return r->sessions ? sessions_put(r->sessions, key, record) : -EINVAL;
}

/* Most of a handful say nothing. */
bool
rules_peers_only(const struct rules *r)
{
	enum { LEAST = 20 };

	return r->stats.own_peer >= LEAST && r->stats.own_peer * 2 > r->stats.matched;
}
