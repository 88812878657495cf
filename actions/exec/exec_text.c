/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec_text.c - commands with the values of a ban in them.
 *
 * A value that holds any character with a meaning for the shell never becomes part of
 * the program text. The script gets a first line f2bV_NAME=$0, the value is handed
 * over as an argument, and $f2bV_NAME stands in place of the tag; that is the scheme
 * that action files are written for. Values are replaced once, never again within
 * each other. Direct words go to execve as they are, without any shell.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "actions/exec/exec.h"

enum { VALUE_MAX = 256 };

/* A growing text; out of memory makes it NULL for good. */
struct text {
	char *p;
	size_t len, cap;
	bool bad;
};

static void
add(struct text *t, const char *s, size_t n)
{
	if (!t->p || t->len + n >= t->cap) {
		size_t cap = 2 * (t->len + n + 1);
		char *more = t->bad ? NULL : realloc(t->p, cap);

		if (!more) {
			t->bad = true;
			return;
		}
		t->p = more;
		t->cap = cap;
	}
	memcpy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

static void
add_string(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

static const char *
print_address(const struct bn_addr *a, char out[VALUE_MAX])
{
	unsigned full = a->family == 4 ? 32 : 128;

	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, VALUE_MAX);
	if (a->plen != full)
		snprintf(out + strlen(out), 8, "/%u", a->plen);
	return out;
}

/* As in the names of reverse lookups, with a dot at the end. */
static const char *
print_reverse(const struct bn_addr *a, char out[VALUE_MAX])
{
	char *at = out;

	for (int i = a->family == 4 ? 3 : 15; i >= 0; i--) {
		if (a->family == 4)
			at += sprintf(at, "%u.", a->ip[i]);
		else
			at += sprintf(at, "%x.%x.", a->ip[i] & 15U,
			    (unsigned)a->ip[i] >> 4);
	}
	return out;
}

static const char *
print_number(long long v, char out[VALUE_MAX])
{
	snprintf(out, VALUE_MAX, "%lld", v);
	return out;
}

static bool
same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a == '-' ? '_' : (char)tolower((unsigned char)*a);
		char y = *b == '-' ? '_' : (char)tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}

static const char *
field(const struct bn_change *c, const char *name)
{
	for (const struct bn_field *f = c->fields; f && f->name; f++)
		if (same_name(f->name, name))
			return f->value;
	return "";
}

static const char *
host_name(bool whole, char out[VALUE_MAX])
{
	if (gethostname(out, VALUE_MAX) < 0)
		out[0] = '\0';
	out[VALUE_MAX - 1] = '\0';
	if (!whole)
		out[strcspn(out, ".")] = '\0';
	return out;
}

static const char *
subject_value(const struct bn_change *c, const char *tag, char out[VALUE_MAX])
{
	const struct bn_subject *s = &c->subject;
	bool address = s->kind == BN_ADDR;
	const char *whole = address ? NULL : s->text ? s->text : "";

	/* No name is ever looked up: ip-host is the address. */
	if (!strcmp(tag, "ip") || !strcmp(tag, "fid") || !strcmp(tag, "ip-host"))
		return whole ? whole : print_address(&s->addr, out);
	if (!strcmp(tag, "family") && !c->jail)
		return c->scope; /* exec_argv put it there */
	if (!strcmp(tag, "family"))
		return address && s->addr.family == 6 ? "inet6" : "inet4";
	if (!strcmp(tag, "ip-rev"))
		return address ? print_reverse(&s->addr, out) : "";
	return NULL;
}

static const char *
number_value(const struct bn_change *c, const char *tag, char out[VALUE_MAX])
{
	if (!strcmp(tag, "failures") || !strcmp(tag, "ipfailures") ||
	    !strcmp(tag, "ipjailfailures"))
		return print_number(c->failures, out);
	if (!strcmp(tag, "time"))
		return print_number(c->since_ms / 1000, out);
	if (!strcmp(tag, "bantime"))
		return print_number(
		    c->until_ms ? (c->until_ms - c->since_ms + 999) / 1000 : -1, out);
	if (!strcmp(tag, "bancount"))
		return print_number(c->count, out);
	if (!strcmp(tag, "restored"))
		return c->restored ? "1" : "0";
	return NULL;
}

/* The value of a dynamic tag (without < and >) for this change, in out or elsewhere;
 * NULL: no such tag. */
static const char *
exec_value(const struct bn_change *c, const char *tag, char out[VALUE_MAX])
{
	const char *v;

	if (!strcmp(tag, "fq-hostname") || !strcmp(tag, "sh-hostname"))
		return host_name(tag[0] == 'f', out);
	v = subject_value(c, tag, out);
	if (!v)
		v = number_value(c, tag, out);
	if (v)
		return v;
	if (!strcmp(tag, "matches") || !strcmp(tag, "ipmatches") ||
	    !strcmp(tag, "ipjailmatches"))
		return field(c, "matches");
	if (!strncmp(tag, "F-", 2))
		return field(c, tag + 2);
	if (!strcmp(tag, "raw-ticket") || !strncmp(tag, "jail.", 5))
		return "";
	return NULL;
}

/* The tag that begins at s ("<name>"): its length with brackets, 0 if there is none. */
static size_t
tag_at(const char *s, char name[TAG_MAX])
{
	size_t n = 1;

	if (*s != '<')
		return 0;
	while (isalnum((unsigned char)s[n]) || (s[n] && strchr("-_.", s[n])))
		n++;
	if (s[n] != '>' || n == 1 || n >= TAG_MAX)
		return 0;
	memcpy(name, s + 1, n - 1);
	name[n - 1] = '\0';
	return n + 1;
}

bool
exec_uses(const char *text, bool (*fn)(const char *))
{
	char name[TAG_MAX];

	for (; *text; text++)
		if (tag_at(text, name) && fn(name))
			return true;
	return false;
}

bool
exec_unknown(const char *text, char tag[TAG_MAX])
{
	const struct bn_change any = { .scope = "", .subject = { .addr.family = 4 } };
	char value[VALUE_MAX];

	for (; *text; text++)
		if (tag_at(text, tag) && !exec_value(&any, tag, value))
			return true;
	return false;
}

static bool
is_special(const char *v)
{
	for (; *v; v++)
		if (iscntrl((unsigned char)*v) || strchr("\\#&;`|*?~<>^()[]{}$'\"", *v))
			return true;
	return false;
}

/* Words that are being made, each ended by NUL. */
struct words {
	struct text text;
	size_t n;
};

static void
add_word(struct words *w, const char *s)
{
	add(&w->text, s, strlen(s) + 1);
	w->n++;
}

/* NULL when memory ran out, or there are too many. */
static struct argv *
to_argv(struct words *w)
{
	size_t head = sizeof(struct argv) + (w->n + 1) * sizeof(char *);
	struct argv *a = w->text.bad || w->n > WORDS_MAX ? NULL :
	    malloc(head + w->text.len);

	if (a) {
		char *at = memcpy((char *)a + head, w->text.p, w->text.len);

		a->n = w->n;
		a->v[w->n] = NULL;
		for (size_t i = 0; i < w->n; i++, at += strlen(at) + 1)
			a->v[i] = at;
	}
	free(w->text.p);
	return a;
}

/* One script that is being made: its assignments, its text, its arguments. */
struct script {
	struct text vars, body;
	struct words args;
};

static void
add_variable(struct script *s, const char *tag, const char *value)
{
	char name[TAG_MAX + 8], place[16], line[TAG_MAX + 32];
	size_t i = s->args.n;

	snprintf(name, sizeof(name), "f2bV_%s", tag);
	for (char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	snprintf(line, sizeof(line), "%s=$", name);
	/* The same tag again: it has its variable. */
	if (!s->vars.p || !strstr(s->vars.p, line)) {
		snprintf(place, sizeof(place), i < 10 ? "%zu " : "{%zu} ", i);
		add_string(&s->vars, line);
		add_string(&s->vars, place);
		add_word(&s->args, value);
	}
	add(&s->body, "$", 1);
	add_string(&s->body, name);
}

static void
fill_script(struct script *s, const char *text, const struct bn_change *c)
{
	char tag[TAG_MAX], out[VALUE_MAX];

	while (*text) {
		size_t n = tag_at(text, tag);
		const char *v = n ? exec_value(c, tag, out) : NULL;

		if (!v) {
			add(&s->body, text, 1);
			text++;
			continue;
		}
		if (is_special(v))
			add_variable(s, tag, v);
		else
			add_string(&s->body, v);
		text += n;
	}
}

/* sh -c SCRIPT $0 $1 ... */
static struct argv *
shell_argv(const char *text, const struct bn_change *c)
{
	struct script s = { .vars = { 0 } };
	struct words w = { .n = 0 };

	fill_script(&s, text, c);
	if (s.vars.len)
		add(&s.vars, "\n", 1);
	add(&s.vars, s.body.p ? s.body.p : "", s.body.len);
	w.text.bad = s.vars.bad || s.body.bad || s.args.text.bad;
	add_word(&w, "/bin/sh");
	add_word(&w, "-c");
	add_word(&w, s.vars.p ? s.vars.p : "");
	add(&w.text, s.args.text.p ? s.args.text.p : "", s.args.text.len);
	w.n += s.args.n;
	free(s.vars.p);
	free(s.body.p);
	free(s.args.text.p);
	return to_argv(&w);
}

/* One word of direct words; a "quoted one" may hold blanks. False: a quote has no
 * pair. */
static bool
take_word(const char **at, struct text *out, const struct bn_change *c)
{
	char tag[TAG_MAX], value[VALUE_MAX];
	const char *text = *at;
	bool quoted = false;

	while (*text && (quoted || !strchr(" \t\n", *text))) {
		size_t n = tag_at(text, tag);
		const char *v = n ? exec_value(c, tag, value) : NULL;

		if (v)
			add_string(out, v);
		else if (*text == '"')
			quoted = !quoted;
		else
			add(out, text, 1);
		text += v ? n : 1;
	}
	add(out, "", 1);
	*at = text;
	return !quoted;
}

static struct argv *
direct_argv(const char *text, const struct bn_change *c)
{
	struct words w = { .n = 0 };
	bool good = true;

	for (; good && *text; text += strspn(text, " \t\n")) {
		good = take_word(&text, &w.text, c);
		w.n++;
	}
	w.text.bad |= !good;
	return to_argv(&w);
}

/* What a command sees that is about no ban: nobody, the jail's bantime, the family if
 * the action knows any. */
static struct bn_change
about_nobody(const struct exec *x, enum family f)
{
	static const char *const families[] = { [INET4] = "inet4", [INET6] = "inet6" };
	int64_t now = (int64_t)time(NULL) * 1000;

	return (struct bn_change){ .subject = { .kind = BN_NONE, .text = "" },
		.since_ms = now,
		.until_ms = x->bantime_s < 0 ? 0 : now + x->bantime_s * 1000,
		.scope = x->by_family ? families[f] : "" };
}

struct argv *
exec_argv(
    const struct exec *x, enum command cmd, enum family f, const struct bn_change *c)
{
	const char *text = x->text[cmd][f];
	struct bn_change nobody;

	if (!*text)
		return NULL;
	if (!c) {
		nobody = about_nobody(x, f);
		c = &nobody;
	}
	return x->direct[cmd] ? direct_argv(text, c) : shell_argv(text, c);
}
