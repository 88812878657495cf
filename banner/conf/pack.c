/* SPDX-License-Identifier: GPL-2.0-or-later
 * pack.c - the configuration as one flat image, and back.
 *
 * Every struct has one function that names its fields in order; it writes or reads,
 * depending on the direction, so that the two cannot differ. All numbers are 64 bits
 * in host order: the image only goes to processes of the same build. Behind them all
 * texts follow, each once and with its NUL: whoever unpacks uses them where they are,
 * so processes that have the same image mapped share them.
 */
#include <errno.h>
#include <string.h>

#include "banner/base/table.h"
#include "banner/conf/conf.h"

struct head {
	char magic[16];
	uint64_t words;		/* offset of the texts */
};

static const char magic[16] = "banner-conf 3";

enum { NONE = 0xffffffff };	/* offset of a NULL text */

struct image {
	struct buf *out;	/* NULL when reading */
	struct buf words;	/* writing: the texts so far */
	struct table *seen;	/* and where each is, plus one */
	const unsigned char *p, *end;
	const char *texts;	/* reading */
	size_t ntexts;
	struct arena *arena;	/* reading: owns what is made */
	bool bad;
};

static void
bytes(struct image *im, void *p, size_t n)
{
	if (im->out) {
		buf_add(im->out, p, n);
	} else if (im->bad || (size_t)(im->end - im->p) < n) {
		im->bad = true;
		memset(p, 0, n);
	} else {
		memcpy(p, im->p, n);
		im->p += n;
	}
}

static uint32_t
place_of(struct image *im, const char *s)
{
	size_t n = strlen(s) + 1;
	uintptr_t at = (uintptr_t)table_find(im->seen, s, n);

	if (!at) {
		at = im->words.len + 1;
		buf_add(&im->words, s, n);
		table_set(im->seen, s, n, (void *)at);
	}
	return (uint32_t)(at - 1);
}

static void
text(struct image *im, const char **s)
{
	uint32_t at = im->out && *s ? place_of(im, *s) : NONE;

	bytes(im, &at, sizeof(at));
	if (im->out)
		return;
	*s = NULL;
	if (im->bad || at == NONE)
		return;
	if (at >= im->ntexts)
		im->bad = true;
	else
		*s = im->texts + at;
}

/* A text that is never NULL. */
static void
word(struct image *im, const char **s)
{
	text(im, s);
	if (!*s) {
		im->bad |= !im->out;
		*s = "";
	}
}

/* Room for a list of n; each element takes at least least bytes of the image, so a
 * lying count cannot ask for more memory than the image has. */
static void *
list(struct image *im, void *v, size_t *n, size_t size, size_t least)
{
	uint64_t count = *n;

	bytes(im, &count, sizeof(count));
	if (im->out)
		return v;
	if (count > (size_t)(im->end - im->p) / least) {
		im->bad = true;
		count = 0;
	}
	*n = (size_t)count;
	return count ? arena_alloc(im->arena, *n * size) : NULL;
}

static void
number(struct image *im, uint64_t *v)
{
	bytes(im, v, sizeof(*v));
}

static void
time_ms(struct image *im, int64_t *v)
{
	bytes(im, v, sizeof(*v));
}

static void
count(struct image *im, unsigned *v)
{
	uint64_t n = *v;

	number(im, &n);
	im->bad |= n > UINT32_MAX;
	*v = (unsigned)n;
}

static void
truth(struct image *im, bool *v)
{
	unsigned char b = *v;

	bytes(im, &b, 1);
	im->bad |= b > 1;
	*v = b == 1;
}

/* An enum with values 0 .. last. */
static int
choice(struct image *im, int v, int last)
{
	unsigned n = (unsigned)v;

	count(im, &n);
	if (n > (unsigned)last) {
		im->bad = true;
		n = 0;
	}
	return (int)n;
}

static void
texts(struct image *im, struct conf_list *l)
{
	l->v = list(im, l->v, &l->n, sizeof(*l->v), 4);
	for (size_t i = 0; i < l->n; i++)
		word(im, &l->v[i]);
}

static void
options(struct image *im, struct conf_options *o)
{
	o->v = list(im, o->v, &o->n, sizeof(*o->v), 16);
	for (size_t i = 0; i < o->n; i++) {
		word(im, &o->v[i].key);
		word(im, &o->v[i].value);
		text(im, &o->v[i].file);
		bytes(im, &o->v[i].line, sizeof(o->v[i].line));
	}
}

static void
origins(struct image *im, struct conf_origins *l)
{
	l->v = list(im, l->v, &l->n, sizeof(*l->v), 28);
	for (size_t i = 0; i < l->n; i++) {
		word(im, &l->v[i].option);
		word(im, &l->v[i].file);
		bytes(im, &l->v[i].number, sizeof(l->v[i].number));
		bytes(im, &l->v[i].n, sizeof(l->v[i].n));
		bytes(im, &l->v[i].line, sizeof(l->v[i].line));
	}
}

static void
daemon_part(struct image *im, struct conf_daemon *d)
{
	texts(im, &d->trusted);
	texts(im, &d->never_ban);
	word(im, &d->state);
	word(im, &d->socket);
	word(im, &d->admin_group);
	word(im, &d->log);
	word(im, &d->loglevel);
	word(im, &d->native);
	word(im, &d->sandbox);
	number(im, &d->max_bans);
	number(im, &d->max_tracked);
	number(im, &d->max_line_bytes);
	number(im, &d->evidence_bytes);
	number(im, &d->ban_rate);
	truth(im, &d->hold);
	time_ms(im, &d->purge_age_ms);
}

static void
action_part(struct image *im, struct conf_action *a)
{
	word(im, &a->name);
	word(im, &a->plugin);
	word(im, &a->user);
	word(im, &a->caps);
	word(im, &a->scope);
	options(im, &a->options);
	word(im, &a->why);
	count(im, &a->actor);
	text(im, &a->file);
	bytes(im, &a->line, sizeof(a->line));
	word(im, &a->command_name);
}

static void
filter_part(struct image *im, struct conf_filter *f)
{
	word(im, &f->name);
	text(im, &f->file);
	texts(im, &f->failregex);
	texts(im, &f->ignoreregex);
	text(im, &f->prefregex);
	texts(im, &f->datepattern);
	texts(im, &f->journalmatch);
	texts(im, &f->loginregex);
	count(im, &f->maxlines);
	text(im, &f->parser);
	texts(im, &f->weight);
	word(im, &f->logtype);
	truth(im, &f->ours);
	options(im, &f->options);
	origins(im, &f->origins);
}

static void
increment_part(struct image *im, struct conf_increment *c)
{
	truth(im, &c->on);
	truth(im, &c->overalljails);
	bytes(im, &c->factor, sizeof(c->factor));
	text(im, &c->factor_expr);
	text(im, &c->formula);
	text(im, &c->multipliers);
	time_ms(im, &c->maxtime_ms);
	time_ms(im, &c->rndtime_ms);
}

static void
source_part(struct image *im, struct conf_jail *j)
{
	j->backend = (enum conf_backend)choice(im, (int)j->backend, BACKEND_STDIN);
	options(im, &j->backend_options);
	j->logpath = list(im, j->logpath, &j->nlogpath, sizeof(*j->logpath), 5);
	for (size_t i = 0; i < j->nlogpath; i++) {
		word(im, &j->logpath[i].glob);
		truth(im, &j->logpath[i].tail);
	}
	truth(im, &j->skip_if_nologs);
	truth(im, &j->systemd_if_nologs);
	text(im, &j->logencoding);
	text(im, &j->logtimezone);
}

static void
limits_part(struct image *im, struct conf_jail *j)
{
	time_ms(im, &j->findtime_ms);
	time_ms(im, &j->bantime_ms);
	count(im, &j->maxretry);
	count(im, &j->maxmatches);
	j->usedns = (enum conf_dns)choice(im, (int)j->usedns, DNS_RAW);
	truth(im, &j->ignoreself);
	texts(im, &j->ignoreip);
	text(im, &j->ignorecommand);
	text(im, &j->ignorecache);
	increment_part(im, &j->increment);
	j->count = (enum conf_count)choice(im, (int)j->count, COUNT_TOTAL);
	count(im, &j->net4);
	count(im, &j->net6);
	count(im, &j->host6);
	bytes(im, &j->distinct, 1);
	truth(im, &j->ban_user);
	time_ms(im, &j->known_ms);
	time_ms(im, &j->known_host_ms);
	text(im, &j->blocklist);
}

static void
jail_part(struct image *im, struct conf_jail *j, size_t nactions)
{
	word(im, &j->name);
	text(im, &j->file);
	bytes(im, &j->line, sizeof(j->line));
	truth(im, &j->enabled);
	truth(im, &j->refused);
	filter_part(im, &j->filter);
	source_part(im, j);
	limits_part(im, j);
	j->action = list(im, j->action, &j->naction, sizeof(*j->action), 8);
	for (size_t i = 0; i < j->naction; i++) {
		count(im, &j->action[i]);
		im->bad |= j->action[i] >= nactions;
	}
	options(im, &j->options);
}

static void
problem_part(struct image *im, struct conf_problem *p)
{
	p->level = (enum conf_level)choice(im, (int)p->level, CONF_ERROR);
	text(im, &p->file);
	bytes(im, &p->line, sizeof(p->line));
	text(im, &p->jail);
	word(im, &p->text);
}

static void
head_part(struct image *im, struct conf *c)
{
	word(im, &c->dir);
	c->layout = (enum conf_layout)choice(im, (int)c->layout, LAYOUT_FAIL2BAN);
	daemon_part(im, &c->daemon);
	c->actions = list(im, c->actions, &c->nactions, sizeof(*c->actions), 44);
	for (size_t i = 0; i < c->nactions && !im->bad; i++)
		action_part(im, &c->actions[i]);
	c->problems = list(im, c->problems, &c->nproblems, sizeof(*c->problems), 20);
	for (size_t i = 0; i < c->nproblems && !im->bad; i++)
		problem_part(im, &c->problems[i]);
}

static void
jails_part(struct image *im, struct conf *c)
{
	c->jails = list(im, c->jails, &c->njails, sizeof(*c->jails), 200);
	for (size_t i = 0; i < c->njails && !im->bad; i++)
		jail_part(im, &c->jails[i], c->nactions);
}

void
conf_pack(const struct conf *c, struct buf *out)
{
	struct image im = { .out = out, .seen = table_new() };
	struct conf copy = *c;		/* writing changes none, but wants pointers */
	struct head head = { .words = 0 };

	memcpy(head.magic, magic, sizeof(magic));
	buf_add(out, &head, sizeof(head));
	head_part(&im, &copy);
	jails_part(&im, &copy);
	head.words = out->len;
	memcpy(out->p, &head, sizeof(head));
	buf_str(out, buf_view(&im.words));
	buf_fini(&im.words);
	table_free(im.seen);
}

static bool
open_image(struct image *im, const void *p, size_t n)
{
	struct head head;

	if (n < sizeof(head))
		return false;
	memcpy(&head, p, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 ||
	    head.words < sizeof(head) || head.words >= n)
		return false;
	im->texts = (const char *)p + head.words;
	im->ntexts = n - head.words;
	im->p = (const unsigned char *)p + sizeof(head);
	im->end = (const unsigned char *)im->texts;
	return im->texts[im->ntexts - 1] == '\0';
}

int
conf_unpack(struct str packed, enum conf_part part, struct conf **out, struct err *e)
{
	struct image im = { .arena = NULL };
	struct conf *c;

	*out = NULL;
	if (!open_image(&im, packed.s, packed.len))
		return err_set(e, -EINVAL, "not a configuration of this version");
	im.arena = arena_new();
	c = arena_alloc(im.arena, sizeof(*c));
	c->arena = im.arena;
	head_part(&im, c);
	if (part == CONF_WHOLE) {
		jails_part(&im, c);
		im.bad |= im.p != im.end;
	}
	if (im.bad) {
		arena_free(im.arena);
		return err_set(e, -EINVAL, "damaged image of a configuration");
	}
	*out = c;
	return 0;
}
