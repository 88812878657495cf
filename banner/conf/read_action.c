/* SPDX-License-Identifier: GPL-2.0-or-later
 * read_action.c - a jail's "action =" list: which plugin carries it out, and how.
 */
#include <errno.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/definition.h"
#include "banner/conf/native.h"
#include "banner/conf/origin.h"
#include "banner/conf/reader.h"

#define ACTION_NAMES "actionstart", "actionstart_on_demand", "actionstop", \
	"actionflush", "actionreload", "actioncheck", "actionrepair", \
	"actionrepair_on_unban", "actionban", "actionprolong", "actionreban", \
	"actionunban", "norestored"

static const char *const action_names[] = { ACTION_NAMES, NULL };

/* "name" and "actname" are given to every action. */
static const char *const action_known[] = { ACTION_NAMES, "name", "actname", "timeout",
	NULL };

/* Tags whose values come with the ban: never replaced here. */
static const char *const dynamic[] = { "matches", "ipmatches", "ipjailmatches",
	"timeout", "bantime", NULL };
static const char *const escaped[] = { "matches", "ipmatches", "ipjailmatches", NULL };

/* One element of the list while it is being read. */
struct asked {
	struct jail_reading *jr;
	const char *name;
	struct place at;		/* in the list */
	struct conf_options brackets;
	struct definition def;
	struct conf_action action;
	struct conf_options four, six;	/* the commands and names, per family */
};

static bool
is_command(const char *name)
{
	for (const char *const *n = action_names; *n; n++)
		if (strcmp(*n, name) == 0)
			return true;
	return false;
}

/* fail2ban names each action after its file, and tells apart two of one file by what
 * their "name" adds to the jail's. */
static void
give_names(struct asked *q)
{
	struct arena *a = q->jr->r->arena;
	const char *jail = q->jr->jail->name, *name = options_get(&q->brackets, "name");
	const char *actname = options_get(&q->brackets, "actname");
	size_t n = strlen(jail);

	if (!name)
		options_set(a, &q->brackets, "name", name = jail);
	if (!actname && strcmp(name, jail) == 0)
		actname = q->name;
	else if (!actname && strncmp(name, jail, n) == 0)
		actname = arena_printf(a, "%s%s", q->name, name + n);
	else if (!actname)
		actname = arena_printf(a, "%s-%s", q->name, name);
	options_set(a, &q->brackets, "actname", actname);
	q->action.command_name = actname;
}

static int
find_static(void *arg, const char *name, const char **value, struct err *e)
{
	(void)arg;
	(void)e;
	*value = strcmp(name, "br") == 0 ? "\n" : strcmp(name, "sp") == 0 ? " " : NULL;
	return *value ? 0 : -ENOENT;
}

/* What fail2ban's server would make of the properties for one family. */
static int
for_family(struct asked *q, const struct conf_options *props, const char *condition,
    struct conf_options *out, struct err *e)
{
	struct tag_job job = { .arena = q->jr->r->arena, .tags = *props,
		.condition = condition, .ignore = escaped, .find = find_static,
		.watch = "port" };
	int rc = tags_resolve(&job, e);

	if (rc < 0 && q->def.sheet)
		definition_blame(&q->def, job.failed, 0);
	*out = job.tags;
	q->def.uses_port |= job.watched;
	return rc;
}

/* The action's properties: commands, brackets and [Init]. */
static int
properties(struct asked *q, struct conf_options *props, struct err *e)
{
	struct arena *a = q->jr->r->arena;
	struct conf_options all = { 0 };
	int rc = definition_read(&q->def, &q->jr->opts, false, e);

	if (rc == 0)
		rc = definition_combine(&q->def, dynamic, &all, e);
	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (is_command(all.v[i].key))
			options_set(a, props, all.v[i].key, all.v[i].value);
	for (size_t i = 0; rc == 0 && i < q->def.init.n; i++) {
		const struct conf_option *o = &q->def.init.v[i];

		if (!is_command(o->key) && strncmp(o->key, "known/", 6) != 0)
			options_set(a, props, o->key, options_get(&all, o->key));
	}
	return rc;
}

/* "x?family=inet6" beside an "x". */
static bool
has_base(const struct conf_options *o, const char *key)
{
	size_t n = strcspn(key, "?");

	for (size_t i = 0; i < o->n; i++)
		if (strncmp(o->v[i].key, key, n) == 0 && !o->v[i].key[n])
			return true;
	return false;
}

/* Both families side by side: "x" for IPv4, "x?family=inet6" where IPv6 differs. */
static void
join_families(struct asked *q)
{
	struct arena *a = q->jr->r->arena;
	struct conf_options *out = &q->action.options;

	for (size_t i = 0; i < q->four.n; i++) {
		const char *key = q->four.v[i].key;
		const char *given, *other = q->six.v[i].value;

		if (strchr(key, '?')) {
			if (!has_base(&q->four, key))
				options_set(a, out, key, other);
			continue;
		}
		given = options_get(&q->six, arena_printf(a, "%s?family=inet6", key));
		other = given ? given : other;
		given = options_get(&q->four, arena_printf(a, "%s?family=inet4", key));
		given = given ? given : q->four.v[i].value;
		options_set(a, out, key, given);
		if (strcmp(given, other) != 0)
			options_set(a, out,
			    arena_printf(a, "%s?family=inet6", key), other);
	}
}

static int
read_file(struct asked *q, struct err *e)
{
	struct conf_options props = { 0 };
	int rc = definition_check(&q->def, e);

	q->def.arena = q->jr->r->arena;
	q->def.names = action_names;
	q->def.own_families = q->jr->r->older;
	q->def.init = q->brackets;
	if (rc == 0)
		rc = properties(q, &props, e);
	if (rc == 0)
		rc = for_family(q, &props, "family=inet4", &q->four, e);
	if (rc == 0)
		rc = for_family(q, &props, "family=inet6", &q->six, e);
	if (rc == 0)
		join_families(q);
	return rc;
}

/* Traffic that the ban is about: actions that name ports, unless for all of them. */
static const char *
scope(struct asked *q)
{
	struct arena *a = q->jr->r->arena;
	const char *port = options_get(&q->action.options, "port");
	const char *protocol = options_get(&q->action.options, "protocol");
	const char *type = options_get(&q->action.options, "type");
	struct buf out = { 0 };
	const char *text;

	if (!q->def.uses_port || !port || !*port ||
	    str_ends(str_of(q->name), "-allports") ||
	    (type && strcmp(type, "allports") == 0))
		return "";
	buf_puts(&out, protocol && *protocol ? protocol : "tcp");
	buf_putc(&out, '/');
	for (; *port; port++)
		if (*port != ' ' && *port != '\t' && *port != '\n')
			buf_putc(&out, *port);
	text = arena_dup(a, buf_view(&out));
	buf_fini(&out);
	return text;
}

/* [action NAME] of banner.conf over what the brackets say; NULL when there is none. */
static const struct section *
own_section(struct asked *q)
{
	struct reader *r = q->jr->r;

	return r->own ? sheet_section(r->own,
	    arena_printf(r->arena, "action %s", q->name)) : NULL;
}

/* What the section says of the action itself; NULL for its options. */
static const char **
own_field(struct asked *q, const char *key)
{
	if (strcmp(key, "plugin") == 0)
		return &q->action.plugin;
	if (strcmp(key, "user") == 0)
		return &q->action.user;
	return strcmp(key, "caps") == 0 ? &q->action.caps : NULL;
}

/* Into options, except those that are there. */
static int
own_options(struct asked *q, const struct section *s, struct conf_options *options,
    struct err *e)
{
	struct reader *r = q->jr->r;
	struct interp in = { r->own, s->name, NULL, r->arena };
	struct origin_source from = { .sheet = r->own, .section = s->name };
	struct origin_job job = { r->arena, &from, &q->action.origins };

	q->action.file = s->file;
	q->action.line = s->line;
	for (size_t i = 0; i < s->n; i++) {
		const char *key = s->entries[i].name, *value;
		const char **field = own_field(q, key);

		if (interp_get(&in, key, &value, e) < 0) {
			const struct value *v = sheet_find(r->own, s->name,
			    e->option ? e->option : key);

			q->def.file = v->file;
			q->def.line = value_line(v, e->number ? (int)e->number - 1 : 0);
			return err_prefix(e, -EINVAL, "option %s", key);
		}
		if (field) {
			*field = value;
			origin_add(&job, key, value, 1);
		} else if (!options_get(options, key))
			options_set(r->arena, options, key, value);
	}
	return 0;
}

/* What the file does not know is an option of the plugin that stands in for it. */
static void
own_rest(struct asked *q, const struct section *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		const char *key = s->entries[i].name;

		if (!own_field(q, key) && !sheet_find(q->def.sheet, "Init", key) &&
		    !sheet_find(q->def.sheet, "Definition", key))
			options_set(q->jr->r->arena, &q->action.options, key,
			    options_get(&q->brackets, key));
	}
}

static void
bracket_options(struct asked *q)
{
	for (size_t i = 0; i < q->brackets.n; i++) {
		const struct conf_option *o = &q->brackets.v[i];

		if (strcmp(o->key, "name") && strcmp(o->key, "actname"))
			options_set(q->jr->r->arena, &q->action.options, o->key,
			    o->value);
	}
}

/* Commands written into banner.conf: their tags are replaced as in an action file. */
static int
own_commands(struct asked *q, struct err *e)
{
	struct arena *a = q->jr->r->arena;
	struct conf_options props = q->action.options;
	int rc;

	options_set(a, &props, "name", options_get(&q->brackets, "name"));
	options_set(a, &props, "actname", q->action.command_name);
	q->action.options = (struct conf_options){ 0 };
	rc = for_family(q, &props, "family=inet4", &q->four, e);
	if (rc == 0)
		rc = for_family(q, &props, "family=inet6", &q->six, e);
	if (rc == 0)
		join_families(q);
	return rc;
}

/* No action file: a plugin of ours, by [action NAME] or by its own name. */
static int
read_plugin(struct asked *q, const struct section *own, struct err *e)
{
	struct reader *r = q->jr->r;

	if (!q->action.plugin && native_is_plugin(q->name))
		q->action.plugin = q->name;
	if (!q->action.plugin && own)
		return err_set(e, -ENOENT, "[%s] in %s:%d has no plugin, expected one "
		    "of: " NATIVE_PLUGINS, own->name, own->file, own->line);
	if (!q->action.plugin)
		return err_set(e, -ENOENT, "action \"%s\" not found: expected "
		    "%s/%s.conf, [action %s] in banner.conf, or a plugin (%s)", q->name,
		    layout_actions(r->conf->layout), q->name, q->name, NATIVE_PLUGINS);
	bracket_options(q);
	if (strcmp(q->action.plugin, "exec") == 0 && own_commands(q, e) < 0)
		return -EINVAL;
	q->action.scope = strcmp(q->action.plugin, "exec") == 0 ? scope(q) :
	    native_scope(r->arena, q->action.plugin, &q->action.options);
	q->action.why = arena_printf(r->arena, "plugin %s%s", q->action.plugin,
	    q->action.file ? ", by its section in banner.conf" : "");
	return 0;
}

/* Commands that are about no ban (actionstart ...) see the jail's time as <bantime>. */
static void
give_bantime(struct asked *q)
{
	int64_t ms = q->jr->jail->bantime_ms;
	struct arena *a = q->jr->r->arena;

	if (!options_get(&q->action.options, "bantime"))
		options_set(a, &q->action.options, "bantime",
		    arena_printf(a, "%lld", (long long)(ms < 0 ? -1 : ms / MS_PER_S)));
}

/* An action file: our plugin when it says what the plugin does, else exec. */
static int
decide(struct asked *q, const struct section *own, struct err *e)
{
	struct reader *r = q->jr->r;
	struct asked marked = { .jr = q->jr, .name = q->name,
		.def = { .sheet = q->def.sheet } };
	struct native_choice choice = { .arena = r->arena, .name = q->name,
		.user = "root", .file = q->def.sheet->file,
		.native = r->conf->daemon.native };
	struct conf_options given = q->brackets;
	int rc = own ? own_options(q, own, &q->brackets, e) : 0;

	if (rc == 0)
		rc = read_file(q, e);
	reader_tell_notes(r, q->def.sheet);
	native_marks(r->arena, &q->brackets, &marked.brackets);
	if (rc == 0) {
		rc = read_file(&marked, e);
		q->def.file = marked.def.file;
		q->def.line = marked.def.line;
	}
	if (rc < 0)
		return rc;
	choice.marked = &marked.action.options;
	q->action.scope = scope(q);
	if (!q->action.file) {
		q->action.file = q->def.sheet->file;
		q->action.line = sheet_section(q->def.sheet, "Definition")->line;
	}
	choice.options = &q->action.options;
	if (*q->action.user)
		choice.user = q->action.user;
	native_choose(&choice);
	spell_file(q->jr, &(struct spell_request){ .sheet = q->def.sheet,
	    .brackets = &given, .known = action_known, .option = "action",
	    .own = strcmp(choice.plugin, "exec") == 0 ? own : NULL });
	q->action.plugin = choice.plugin;
	q->action.why = choice.why;
	if (strcmp(choice.plugin, "exec") == 0) {
		q->action.user = choice.user;
		give_bantime(q);
	} else {
		q->action.options = choice.plugin_options;
		own_rest(q, own);
		q->action.scope = native_scope(r->arena, choice.plugin,
		    &q->action.options);
	}
	return 0;
}

static int
read_one(struct asked *q, struct str text, struct err *e)
{
	struct reader *r = q->jr->r;
	const struct section *own;
	int rc = bracket_parse(r->arena, text, &q->name, &q->brackets, e);

	if (rc < 0)
		return rc;
	if (str_ends(str_of(q->name), ".py"))
		return err_set(e, -EINVAL, "action \"%s\" is a Python program, which "
		    "cannot be run here; plugin mail replaces smtp.py", q->name);
	q->action = (struct conf_action){ .name = q->name, .user = "", .caps = "",
		.scope = "", .why = "" };
	give_names(q);
	own = own_section(q);
	if (own && section_find(own, "plugin"))
		rc = own_options(q, own, &q->action.options, e);
	else if (strncmp(q->name, "./", 2) == 0)
		q->def.sheet = sheet_read(r->files, ".", q->name + 2);
	else
		q->def.sheet = sheet_read(r->files, arena_printf(r->arena, "%s/%s",
		    r->conf->dir, layout_actions(r->conf->layout)), q->name);
	if (rc < 0)
		return rc;
	return q->def.sheet ? decide(q, own, e) : read_plugin(q, own, e);
}

/* Where an option that is no plugin's own default stands. */
static struct place
option_place(const struct asked *q, const struct section *own, const char *key)
{
	struct place at = q->at;
	const char *name = arena_dup(q->jr->r->arena,
	    (struct str){ key, strcspn(key, "?") });
	const struct value *v = section_find(own, key);

	if (!v && q->def.sheet && !options_get(&q->brackets, name)) {
		v = sheet_find(q->def.sheet, "Definition", key);
		v = v ? v : sheet_option(q->def.sheet, "Definition", name);
	}
	return v ? (struct place){ v->file, v->line, at.jail } : at;
}

static void
give_places(struct asked *q)
{
	const struct section *own = own_section(q);
	struct conf_options *o = &q->action.options;

	for (size_t i = 0; i < o->n; i++) {
		struct place at = option_place(q, own, o->v[i].key);

		o->v[i].file = at.file;
		o->v[i].line = at.line;
	}
}

/* The name of what was not found is rather in banaction than in the list. */
static void
blame_banaction(struct asked *q)
{
	static const char *const names[] = { "banaction", "banaction_allports" };
	struct reader *r = q->jr->r;
	struct interp in = { r->jails, q->jr->jail->name, NULL, r->arena };
	const char *value;

	for (size_t i = 0; i < 2; i++)
		if (interp_get(&in, names[i], &value, NULL) == 0 &&
		    strcmp(value, q->name) == 0)
			q->at = jail_place(q->jr, names[i]);
}

/* In the action's file, if that is known. */
static void
action_error(struct asked *q, int rc, const struct err *e)
{
	if (rc == -ENOENT)
		blame_banaction(q);
	if (q->def.file)
		jail_error_at(q->jr, &(struct place){ q->def.file, q->def.line,
		    q->jr->jail->name }, "action %s: %s", q->name, e->text);
	else
		jail_error_at(q->jr, &q->at, "action: %s", e->text);
}

/* Number of the line of a list in which it stands, not counting empty ones. */
static size_t
line_of(const char *list, const char *one)
{
	struct str rest = { list, (size_t)(one - list) }, line;
	size_t n = 0;

	while (str_cut(&rest, '\n', &line))
		n += line.len > 0;
	return n + (one == list || one[-1] == '\n');
}

void
actions_read(struct jail_reading *jr, const char *list)
{
	struct conf_jail *j = jr->jail;
	struct str rest = str_of(list), one;
	struct conf_action *found = NULL;
	size_t n = 0;
	struct err e;

	while (list && bracket_split(&rest, &one)) {
		struct asked q = { .jr = jr, .at = jail_line_place(jr, "action", list,
		    line_of(list, one.s)) };

		int rc = read_one(&q, one, &e);

		if (rc < 0) {
			action_error(&q, rc, &e);
			return;		/* and no instance of it is left behind */
		}
		give_places(&q);
		found = vec_room(jr->r->arena, found, n, sizeof(*found));
		found[n++] = q.action;
	}
	j->action = arena_alloc(jr->r->arena, (n + 1) * sizeof(*j->action));
	for (size_t i = 0; i < n; i++)
		j->action[j->naction++] = action_add(jr->r, &found[i]);
	if (!n) {
		struct place at = { j->file, j->line, j->name };

		reader_tell(jr->r, CONF_WARNING, &at, "no action: bans are counted and "
		    "stored, but nothing carries them out");
	}
}
