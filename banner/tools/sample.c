/* SPDX-License-Identifier: GPL-2.0-or-later
 * sample.c - one text that a regex matches: first branches, fewest repetitions.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/tools/sample.h"

enum { DEPTH_MAX = 60 };

struct maker {
	struct sample *s;
	const char *p, *host, *content;
	int depth;
	unsigned alternative;
	size_t host_end;	/* in the text: behind the last address; 0: none */
	bool quiet;		/* look only: nothing is written */
	bool saw_host, repeats;	/* since they were last cleared */
};

static void	branches(struct maker *);

static void
emit(struct maker *m, const char *text, size_t n)
{
	if (!m->quiet)
		buf_add(&m->s->text, text, n);
}

/* Tags that stand for an address or an id. */
static bool
take_tag(struct maker *m)
{
	static const char *const hosts[] = { "<HOST>", "<ADDR>", "<IP4>", "<F-IP4/>",
		"<SUBNET>", "<F-ADDR/>", "<F-ID/>", "<DNS>", NULL };
	size_t n = strcspn(m->p, ">") + 1;

	for (const char *const *h = hosts; *h; h++)
		if (strlen(*h) == n && !strncmp(m->p, *h, n)) {
			emit(m, m->host, strlen(m->host));
			m->saw_host = true;
			m->host_end = m->s->text.len;
			m->s->has_host |= !m->quiet;
			m->p += n;
			return true;
		}
	if (!strncmp(m->p, "<F-CONTENT>", 11) && m->content) {
		if (!m->quiet) {
			m->s->content = m->s->text.len;
			m->s->has_content = true;
		}
		emit(m, m->content, strlen(m->content));
		m->p = strstr(m->p, "</F-CONTENT>");
		m->p = m->p ? m->p + 12 : "";
		return true;
	}
	return false;
}

static char
escaped(char c)
{
	switch (c) {
	case 'd': return '1';
	case 'w': return 'x';
	case 's': return ' ';
	case 'S': return 'x';
	case 'D': return 'x';
	case 'W': return '-';
	case 'n': return '\n';
	case 't': return '\t';
	}
	return c;
}

static void
set_add(bool in[128], char c)
{
	for (int i = 1; i < 128; i++) {
		bool alnum = (i >= '0' && i <= '9') || (i >= 'A' && i <= 'Z') ||
		    (i >= 'a' && i <= 'z') || i == '_';
		bool space = i == ' ' || (i >= 9 && i <= 13);

		in[i] |= c == 'd' ? i >= '0' && i <= '9' : c == 'w' ? alnum
		    : c == 's' ? space : c == 'S' ? !space : c == 'W' ? !alnum
		    : c == 'D' ? !(i >= '0' && i <= '9') : i == escaped(c);
	}
}

/* "[...]": the members. */
static void
read_set(struct maker *m, bool in[128])
{
	bool negated = m->p[1] == '^';
	const char *first = m->p += negated ? 2 : 1;

	for (; *m->p && (*m->p != ']' || m->p == first); m->p++) {
		if (*m->p == '\\' && m->p[1]) {
			set_add(in, *++m->p);
		} else if (m->p[1] == '-' && m->p[2] && m->p[2] != ']') {
			for (int c = (unsigned char)*m->p;
			    c <= m->p[2] && c > 0 && c < 128; c++)
				in[c] = true;
			m->p += 2;
		} else if (*m->p > 0) {
			in[(unsigned char)*m->p & 127] = true;
		}
	}
	m->p += *m->p == ']';
	for (int i = 1; negated && i < 128; i++)
		in[i] = !in[i];
}

static char
choose(const bool in[128])
{
	static const char wanted[] = "xX1 -.:/=aAbB0";

	for (const char *c = wanted; *c; c++)
		if (in[(unsigned char)*c])
			return *c;
	for (int i = 33; i < 127; i++)
		if (in[i])
			return (char)i;
	return 'x';
}

/* Could an address stand in it? */
static bool
is_free(const bool in[128])
{
	return in['1'] && in['.'] && in[' '];
}

/* "?", "*", "+", "{n,m}" with what may follow. False: none. */
static bool
quantifier(struct maker *m, unsigned *least, bool *endless)
{
	char *end;

	*least = 1;
	*endless = false;
	if (*m->p == '*' || *m->p == '?') {
		*least = 0;
		*endless = *m->p++ == '*';
	} else if (*m->p == '+') {
		*endless = true;
		m->p++;
	} else if (*m->p == '{' && m->p[1] && strchr(",0123456789", m->p[1])) {
		*least = (unsigned)strtoul(m->p + 1, &end, 10);
		*endless = *end == ',' && end[1] == '}';
		m->p = strchr(end, '}');
		m->p = m->p ? m->p + 1 : "";
	} else
		return false;
	if (*m->p == '?' || *m->p == '+')
		m->p++;
	return true;
}

/* One character class, with its quantifier. */
static void
put_class(struct maker *m, const bool in[128])
{
	unsigned least;
	bool endless;
	char c = choose(in);

	quantifier(m, &least, &endless);
	m->repeats |= endless;
	if (endless && !m->quiet && is_free(in) && !m->s->has_host &&
	    m->s->nwild < SAMPLE_SPOTS)
		m->s->wild[m->s->nwild++] = m->s->text.len;
	for (unsigned i = 0; i < least && i < 64; i++)
		emit(m, &c, 1);
	/* an address ends where no letter or digit follows */
	if (!least && endless && in[' '] && m->host_end &&
	    m->host_end == m->s->text.len)
		emit(m, " ", 1);
}

/* Behind the ")" that closes what begins at p. */
static const char *
skip_group(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '[') {
			p += p[1] == '^' ? 2 : 1;
			for (p += *p == ']'; *p && *p != ']'; p++)
				p += *p == '\\' && p[1];
			if (!*p)
				break;
		} else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return p;
}

/* What a group begins with. False: it matches no text (a look around). */
static bool
open_group(struct maker *m)
{
	m->p++;
	if (*m->p != '?')
		return true;
	if (!strncmp(m->p, "?P<", 3)) {
		m->p += strcspn(m->p, ">") + 1;
		return true;
	}
	if (!strncmp(m->p, "?(", 2)) {		/* a condition: as if it were true */
		m->p += strcspn(m->p, ")") + 1;
		return true;
	}
	if (m->p[1] == ':' || m->p[1] == '>' || (m->p[1] >= 'a' && m->p[1] <= 'z')) {
		m->p += strcspn(m->p, ":>)");
		return *m->p++ != ')';
	}
	return false;
}

/* Each alternative once, twice over: what such a group may swallow. */
static void
note_nested(struct maker *m, const char *start, const char *after)
{
	struct sample inner = { 0 };
	struct maker look = { .s = &inner, .host = m->host, .depth = m->depth + 1 };
	struct buf body = { 0 };

	if (m->s->nnested == SAMPLE_SPOTS || m->depth > DEPTH_MAX / 2)
		return;
	for (look.p = start; look.p < after && *look.p;) {
		branches(&look);
		if (*look.p != '|')
			break;
		look.p++;
	}
	buf_puts(&body, "xx");
	buf_str(&body, buf_view(&inner.text));
	if (body.len < sizeof(m->s->nested[0].round)) {
		m->s->nested[m->s->nnested].at = m->s->text.len;
		memcpy(m->s->nested[m->s->nnested++].round, body.p, body.len + 1);
	}
	buf_fini(&body);
	sample_free(&inner);
}

static void
put_group(struct maker *m)
{
	const char *start = m->p, *after = skip_group(start), *body;
	struct maker look = *m;
	unsigned least, rounds;
	bool endless;

	if (m->depth > DEPTH_MAX || !open_group(m)) {
		m->p = after;
		quantifier(m, &least, &endless);
		return;
	}
	body = m->p;
	look = (struct maker){ .s = m->s, .p = body, .host = m->host, .quiet = true,
		.content = m->content, .depth = m->depth + 1,
		.alternative = m->alternative };
	branches(&look);
	m->p = after;
	quantifier(m, &least, &endless);
	after = m->p;
	m->saw_host |= look.saw_host;
	if (endless && !m->quiet &&
	    (look.repeats || strchr("*+", skip_group(start)[-2])))
		note_nested(m, body, after);
	m->repeats |= endless || look.repeats;
	rounds = least ? least : look.saw_host;
	for (unsigned i = 0; i < rounds && i < 64; i++) {
		struct maker again = look;

		again.p = body;
		again.quiet = m->quiet;
		branches(&again);
	}
	m->p = after;
}

static void
put_one(struct maker *m)
{
	bool in[128] = { false };

	if (*m->p == '<' && take_tag(m))
		return;
	if (*m->p == '<' && (!strncmp(m->p, "<F-", 3) || !strncmp(m->p, "</F-", 4))) {
		m->p += strcspn(m->p, ">");
		m->p += *m->p == '>';
		return;
	}
	if (*m->p == '^' || *m->p == '$') {
		m->p++;
		return;
	}
	if (*m->p == '\\' && m->p[1] && strchr("bBAZ", m->p[1])) {
		m->p += 2;
		return;
	}
	if (*m->p == '[') {
		read_set(m, in);
	} else if (*m->p == '.') {
		for (int i = 1; i < 128; i++)
			in[i] = i != '\n';
		m->p++;
	} else if (*m->p == '\\' && m->p[1]) {
		set_add(in, m->p[1]);
		m->p += 2;
	} else {
		in[(unsigned char)*m->p & 127] = true;
		m->p++;
	}
	put_class(m, in);
}

/* Where alternative number n begins, or p itself. */
static const char *
find_alternative(const char *p, unsigned n)
{
	const char *at = p;

	while (n && *at && *at != ')') {
		if (*at == '(' || *at == '[') {
			const char *set = at[1] ? strchr(at + 2, ']') : NULL;

			at = *at == '(' ? skip_group(at) : set ? set + 1 : "";
		} else if (*at == '|') {
			at++;
			if (--n == 0)
				return at;
		} else
			at += 1 + (*at == '\\' && at[1]);
	}
	return n ? p : at;
}

/* One alternative; the others are skipped. */
static void
branches(struct maker *m)
{
	m->p = find_alternative(m->p, m->alternative);
	if (++m->depth > DEPTH_MAX) {
		m->p = "";
		return;
	}
	while (*m->p && *m->p != ')' && *m->p != '|') {
		if (*m->p == '(')
			put_group(m);
		else
			put_one(m);
	}
	m->depth--;
}

void
sample_make(struct sample *s, const char *regex, const struct sample_wish *wish)
{
	struct maker m = { .s = s, .p = regex, .host = wish->host,
		.content = wish->content, .alternative = wish->alternative };

	*s = (struct sample){ 0 };
	buf_puts(&s->text, "");
	branches(&m);
}

void
sample_free(struct sample *s)
{
	buf_fini(&s->text);
}
