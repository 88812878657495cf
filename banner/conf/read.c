/* SPDX-License-Identifier: GPL-2.0-or-later
 * read.c - a folder of configuration files becomes one struct conf.
 */
#include "banner/conf/conf.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "banner/base/spell.h"
#include "banner/conf/reader.h"

#define BETWEEN " \t,\n"		/* words of a list */

/* What a jail of ours has without saying it; as text, so that files overlay it and
 * %(known/x)s reaches it. */
static const char our_defaults[] =
    "[DEFAULT]\n"
    "maxretry = 5\n"
    "findtime = 10m\n"
    "bantime = 10m\n"
    "backend = auto\n"
    "mode = normal\n"
    "filter = %(__name__)s[mode=%(mode)s]\n"
    "port = 0:65535\n"
    "protocol = tcp\n"
    "banaction = route\n"
    "action = %(banaction)s\n";

/* A folder of fail2ban has its jail.conf; this is for one that lacks it. */
static const char their_defaults[] =
    "[DEFAULT]\n"
    "mode = normal\n"
    "filter = %(__name__)s[mode=%(mode)s]\n";

const char *
layout_filters(enum conf_layout l)
{
	return l == LAYOUT_FAIL2BAN ? "filter.d" : "filters";
}

const char *
layout_actions(enum conf_layout l)
{
	return l == LAYOUT_FAIL2BAN ? "action.d" : "actions";
}

static bool
has(const char *dir, const char *name)
{
	struct buf path = { 0 };
	bool there;

	buf_printf(&path, "%s/%s", dir, name);
	there = access(path.p, F_OK) == 0;
	buf_fini(&path);
	return there;
}

int
layout_find(const char *dir, enum conf_layout *layout, struct err *e)
{
	if (access(dir, R_OK | X_OK) < 0)
		return err_set(e, -errno, "%s: %s", dir, strerror(errno));
	*layout = LAYOUT_FAIL2BAN;
	if (has(dir, "jail.conf") || has(dir, "jail.local") || has(dir, "jail.d"))
		return 0;
	*layout = LAYOUT_BANNER;
	if (has(dir, "jails.d"))
		return 0;
	return err_set(e, -ENOENT, "%s holds no configuration: expected jails.d/, or "
	    "fail2ban's jail.conf, jail.local or jail.d/", dir);
}

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
is_told(const struct conf *c, const struct place *at, const char *text)
{
	for (size_t i = 0; i < c->nproblems; i++) {
		const struct conf_problem *p = &c->problems[i];

		if (p->line == at->line && is_same(p->file, at->file) &&
		    is_same(p->jail, at->jail) && strcmp(p->text, text) == 0)
			return true;
	}
	return false;
}

void
reader_tell(struct reader *r, enum conf_level level, const struct place *at,
    const char *fmt, ...)
{
	struct conf *c = r->conf;
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (!is_told(c, at, text.p)) {
		c->problems = vec_room(r->arena, c->problems, c->nproblems,
		    sizeof(*c->problems));
		c->problems[c->nproblems++] = (struct conf_problem){ .level = level,
			.file = at->file, .line = at->line, .jail = at->jail,
			.text = arena_dup(r->arena, buf_view(&text)) };
	}
	buf_fini(&text);
}

void
reader_tell_notes(struct reader *r, const struct sheet *sh)
{
	for (size_t i = 0; i < sh->nnotes; i++) {
		struct place at = { sh->notes[i].file, sh->notes[i].line, NULL };

		reader_tell(r, CONF_WARNING, &at, "%s", sh->notes[i].text);
	}
}

void
list_add(struct arena *a, struct conf_list *l, const char *text)
{
	l->v = vec_room(a, l->v, l->n, sizeof(*l->v));
	l->v[l->n++] = text;
}

void
list_words(struct arena *a, struct conf_list *l, const char *text)
{
	while (text && *text) {
		size_t skip = strspn(text, BETWEEN);
		size_t n = strcspn(text + skip, BETWEEN);
		struct str w = str_trim((struct str){ text + skip, n });

		if (w.len)
			list_add(a, l, arena_dup(a, w));
		text += skip + n;
	}
}

void
list_lines(struct arena *a, struct conf_list *l, const char *text)
{
	struct str rest = str_of(text), line;

	while (text && str_cut(&rest, '\n', &line))
		if (line.len)
			list_add(a, l, arena_dup(a, line));
}

/* The stock jail.conf sets banaction; since 1.1.1 the paths-*.conf do. */
static bool
is_older(const struct sheet *jails)
{
	const struct value *v = sheet_find(jails, "DEFAULT", "banaction");

	for (; v; v = v->prev) {
		const char *slash = strrchr(v->file, '/');

		if (slash && strcmp(slash, "/jail.conf") == 0)
			return true;
	}
	return false;
}

static void
read_jail_files(struct reader *r)
{
	bool ours = r->conf->layout == LAYOUT_BANNER;
	const char *text = ours ? our_defaults : their_defaults, *dir = r->conf->dir;

	r->jails = sheet_new(r->arena);
	sheet_merge(r->jails, ini_parse_text(r->arena, SHEET_BUILT_IN, str_of(text)));
	if (ours)
		sheet_merge_folder(r->jails, r->files,
		    arena_printf(r->arena, "%s/jails.d", dir));
	else
		sheet_merge_base(r->jails, r->files, dir, "jail");
	r->older = is_older(r->jails);
	sheet_set(r->jails, "DEFAULT", "fail2ban_version",
	    r->older ? COMPAT_OLDER : COMPAT_VERSION);
	sheet_set(r->jails, "DEFAULT", "fail2ban_confpath", dir);
}

/* Mistakes outside any jail's section concern them all. */
static void
tell_common(struct reader *r)
{
	reader_tell_notes(r, r->jails);
	for (size_t i = 0; i < r->jails->nproblems; i++) {
		const struct sheet_problem *p = &r->jails->problems[i];
		struct place at = { p->file, p->line, NULL };

		if (sheet_problem_is_common(p))
			reader_tell(r, CONF_ERROR, &at, "%s; this concerns all jails",
			    p->text);
	}
}

/* A jail that nothing enables, by nearly the name of what is no jail. */
static void
tell_nearly(struct reader *r, const struct section *s)
{
	static const char *const common[] = { "DEFAULT", "INCLUDES", NULL };
	struct place at = { s->file, s->line, NULL };
	const char *near = spell_nearest(s->name, common);

	for (size_t i = 0; !near && common[i]; i++)
		if (strcasecmp(s->name, common[i]) == 0)
			near = common[i];
	if (near && strcmp(s->name, near) != 0 && !section_find(s, "enabled"))
		reader_tell(r, CONF_WARNING, &at, "section [%s] is a jail that is not "
		    "enabled; is it [%s]?", s->name, near);
}

/* Every section here is a jail, but nobody means one by these. */
static bool
is_misplaced(struct reader *r, size_t i)
{
	const struct section *s = &r->jails->sections[i];
	struct place at = { s->file, s->line, NULL };
	bool daemons = strcmp(s->name, "bannerd") == 0 ||
	    strncmp(s->name, "action ", 7) == 0;
	bool filters = strcmp(s->name, "Definition") == 0 ||
	    strcmp(s->name, "Init") == 0;

	if (!daemons && !filters)
		tell_nearly(r, s);
	if (daemons || filters)
		reader_tell(r, CONF_ERROR, &at, "found section [%s] among the jails, "
		    "expected it in %s%s", s->name, daemons ? "banner.conf" :
		    "a file of ", daemons ? "" : layout_filters(r->conf->layout));
	return daemons || filters;
}

static void
read_jails(struct reader *r)
{
	struct conf *c = r->conf;

	c->jails = arena_alloc(r->arena, (r->jails->n + 1) * sizeof(*c->jails));
	for (size_t i = 0; i < r->jails->n; i++) {
		const char *name = r->jails->sections[i].name;

		if (strcmp(name, "INCLUDES") == 0 || is_misplaced(r, i))
			continue;
		jail_read(r, name, &c->jails[c->njails++]);
	}
}

/* The one limit on which the two layouts differ without a word in any file. */
static void
tell_host6(struct reader *r)
{
	struct place at = { NULL, 0, NULL };
	bool theirs = r->conf->layout == LAYOUT_FAIL2BAN;

	for (size_t i = 0; theirs && i < r->conf->njails; i++)
		if (r->conf->jails[i].host6 == 128) {
			reader_tell(r, CONF_NOTE, &at, "IPv6 addresses are counted one "
			    "by one, as fail2ban does; host6 = 64 takes a /64 for one "
			    "host");
			return;
		}
}

int
conf_read(const struct conf_request *q, struct conf **out, struct err *e)
{
	struct reader r = { .enable_all = q->enable_all, .only_jail = q->only_jail,
		.journal = q->journal };
	enum conf_layout layout = LAYOUT_BANNER;
	size_t len = strlen(q->dir);
	int rc = layout_find(q->dir, &layout, e);

	*out = NULL;
	if (rc < 0)
		return rc;
	while (len > 1 && q->dir[len - 1] == '/')
		len--;
	r.arena = arena_new();
	r.files = files_new(r.arena);
	r.conf = arena_alloc(r.arena, sizeof(*r.conf));
	r.conf->arena = r.arena;
	r.conf->dir = arena_dup(r.arena, (struct str){ q->dir, len });
	r.conf->layout = layout;
	daemon_read(&r);
	read_jail_files(&r);
	tell_common(&r);
	read_jails(&r);
	if (!q->only_jail)
		daemon_tell_unused(&r);
	spell_check(&r);
	tell_host6(&r);
	*out = r.conf;
	return 0;
}
