/* SPDX-License-Identifier: GPL-2.0-or-later
 * ini.c - our line reader in front, libinih behind it, sections and options out.
 *
 * Each item that lines.c finds is written for libinih as a few lines KIND=TEXT:
 * section= and name= and value= pieces and line=LINE, then header=LINE (broken=LINE),
 * option=LINE or problem=LINE, which completes the item. TEXT is a piece of at most
 * PIECE bytes with everything that libinih would strip or split written as %XX.
 */
#include "banner/conf/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/buf.h"
#include "banner/conf/lines.h"

enum { PIECE = 40,		/* at most 120 bytes when encoded */
	MOST_PROBLEMS = 100,	/* of one file, and notes */
	MOST_BAD = 20 };	/* lines that are not UTF-8; else it is no text */

#define NOT_UTF8	"not UTF-8 here; save the file as UTF-8"

struct feed {
	struct lines lines;
	struct buf out;		/* encoded lines waiting to be read */
	size_t at;
	bool ended;
};

struct glue {
	struct arena *arena;
	struct ini *ini;
	struct ini_section *current;
	struct buf section, name, value;
	struct buf lines;	/* int: of the value */
	struct buf bad;		/* int: lines that are not UTF-8 */
	size_t nbad;		/* and how many of them were told */
	bool skipping;		/* in a section that came twice */
};

void *
vec_room(struct arena *a, const void *list, size_t n, size_t bytes)
{
	void *more;

	if (n && (n < 4 || (n & (n - 1))))
		return (void *)(uintptr_t)list;
	more = arena_alloc(a, (n < 4 ? 4 : 2 * n) * bytes);
	if (n)
		memcpy(more, list, n * bytes);
	return more;
}

static void
write_pieces(struct buf *out, const char *kind, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (i % PIECE == 0)
			buf_printf(out, "%s%s=", i ? "\n" : "", kind);
		if (c <= ' ' || c == '%' || c == ';' || c == 0x7f)
			buf_printf(out, "%%%02X", c);
		else
			buf_putc(out, (char)c);
	}
	if (s.len)
		buf_putc(out, '\n');
}

static void
write_item(struct feed *f)
{
	struct item it;

	lines_next(&f->lines, &it);
	switch (it.kind) {
	case ITEM_END:
		f->ended = true;
		break;
	case ITEM_SECTION:
		write_pieces(&f->out, "section", it.name);
		write_pieces(&f->out, "value", it.value);
		buf_printf(&f->out, "%s=%d\n", it.broken ? "broken" : "header",
		    it.line);
		break;
	case ITEM_OPTION:
		write_pieces(&f->out, "name", it.name);
		write_pieces(&f->out, "value", it.value);
		for (size_t i = 0; i < it.nnumbers; i++)
			buf_printf(&f->out, "line=%d\n", it.numbers[i]);
		buf_printf(&f->out, "option=%d\n", it.line);
		break;
	case ITEM_PROBLEM:
		write_pieces(&f->out, "value", it.value);
		buf_printf(&f->out, "problem=%d\n", it.line);
		break;
	}
}

/* libinih's reader: fgets() over the encoded items. A buffer too small for a line
 * would only appear in a libinih built for lines below 140 bytes. */
static char *
feed_line(char *str, int num, void *stream)
{
	struct feed *f = stream;
	const char *end;
	size_t n;

	while (f->at >= f->out.len) {
		if (f->ended)
			return NULL;
		buf_clear(&f->out);
		f->at = 0;
		write_item(f);
	}
	end = memchr(f->out.p + f->at, '\n', f->out.len - f->at);
	n = end ? (size_t)(end - (f->out.p + f->at)) + 1 : f->out.len - f->at;
	if (num < 2 || n > (size_t)num - 1)
		return NULL;
	memcpy(str, f->out.p + f->at, n);
	str[n] = '\0';
	f->at += n;
	return str;
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

static void
decode(struct buf *out, const char *piece)
{
	for (; *piece; piece++) {
		if (*piece == '%') {
			buf_putc(out, (char)(hex(piece[1]) * 16 + hex(piece[2])));
			piece += 2;
		} else {
			buf_putc(out, *piece);
		}
	}
}

static bool
is_bad(const struct glue *g, int line)
{
	const int *bad = (const int *)(const void *)g->bad.p;

	for (size_t i = 0; i < g->bad.len / sizeof(int); i++)
		if (bad[i] == line)
			return true;
	return false;
}

static void
add_problem(struct glue *g, int line, const char *text)
{
	struct ini *ini = g->ini;

	if (ini->nproblems >= MOST_PROBLEMS)
		return;
	if (is_bad(g, line)) {		/* that is what is wrong with it */
		if (ini->nproblems && ini->problems[ini->nproblems - 1].line == line)
			return;
		text = NOT_UTF8;
	}
	ini->problems = vec_room(g->arena, ini->problems, ini->nproblems,
	    sizeof(*ini->problems));
	ini->problems[ini->nproblems++] = (struct ini_problem){
		.line = line, .section = g->current ? g->current->name : NULL,
		.text = text };
}

static bool
is_told(const struct ini_problem *v, size_t n, int line, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].line == line && !strcmp(v[i].text, text))
			return true;
	return false;
}

void
ini_note(struct arena *a, struct ini *ini, int line, const char *text)
{
	if (ini->nnotes >= MOST_PROBLEMS ||
	    is_told(ini->notes, ini->nnotes, line, text))
		return;
	ini->notes = vec_room(a, ini->notes, ini->nnotes, sizeof(*ini->notes));
	ini->notes[ini->nnotes++] = (struct ini_problem){ .line = line, .text = text };
}

void
ini_problem(struct arena *a, struct ini *ini, int line, const char *text)
{
	struct glue g = { .arena = a, .ini = ini };

	if (!is_told(ini->problems, ini->nproblems, line, text))
		add_problem(&g, line, text);
}

static void
add_section(struct glue *g, int line)
{
	struct ini *ini = g->ini;
	const struct ini_section *old;
	char *name = arena_dup(g->arena, buf_view(&g->section));

	old = ini_section_find(ini, name);
	g->skipping = false;
	if (old && strcmp(name, "DEFAULT") == 0) {	/* may come again */
		g->current = (struct ini_section *)(uintptr_t)old;
		return;
	}
	if (old || ini->nsections >= INI_MAX_SECTIONS) {
		g->current = old ? (struct ini_section *)(uintptr_t)old : g->current;
		g->skipping = true;
		add_problem(g, line, old ? arena_printf(g->arena,
		    "section [%s] is there twice (first in line %d); join them",
		    name, old->line) : "too many sections");
		return;
	}
	ini->sections = vec_room(g->arena, ini->sections, ini->nsections,
	    sizeof(*ini->sections));
	g->current = &ini->sections[ini->nsections++];
	*g->current = (struct ini_section){ .name = name, .line = line };
}

static void
add_option(struct glue *g, int line)
{
	struct ini_section *s = g->current;
	const struct ini_option *old;
	int *lines = NULL;
	char *name = arena_dup(g->arena, buf_view(&g->name));

	if (!s || g->skipping)
		return;
	old = ini_option_find(s, name);
	if (old || s->n >= INI_MAX_OPTIONS) {
		add_problem(g, line, old ? arena_printf(g->arena,
		    "option \"%s\" is in [%s] twice (first in line %d); remove one",
		    name, s->name, old->line) : "too many options in one section");
		return;
	}
	if (g->lines.len) {
		lines = arena_alloc(g->arena, g->lines.len);
		memcpy(lines, g->lines.p, g->lines.len);
	}
	s->options = vec_room(g->arena, s->options, s->n, sizeof(*s->options));
	s->options[s->n++] = (struct ini_option){ .name = name, .line = line,
		.lines = lines,
		.value = arena_dup(g->arena, buf_view(&g->value)) };
}

/* Those before that line are in the section at hand. */
static void
tell_bad(struct glue *g, int before)
{
	const int *line = (const int *)(const void *)g->bad.p;

	for (; g->nbad < g->bad.len / sizeof(int) && line[g->nbad] < before; g->nbad++)
		add_problem(g, line[g->nbad], NOT_UTF8);
}

static void
glue_item(struct glue *g, const char *kind, int line)
{
	if (strcmp(kind, "line") == 0) {
		buf_add(&g->lines, &line, sizeof(line));
		return;
	}
	tell_bad(g, line);
	if (strcmp(kind, "header") == 0) {
		add_section(g, line);
		if (g->value.len)
			ini_note(g->arena, g->ini, line,
			    arena_dup(g->arena, buf_view(&g->value)));
	} else if (strcmp(kind, "broken") == 0) {
		add_section(g, line);
		add_problem(g, line, arena_dup(g->arena, buf_view(&g->value)));
	} else if (strcmp(kind, "option") == 0) {
		add_option(g, line);
	} else {
		add_problem(g, line, arena_dup(g->arena, buf_view(&g->value)));
	}
	buf_clear(&g->section);
	buf_clear(&g->name);
	buf_clear(&g->value);
	buf_clear(&g->lines);
}

static int
glue_piece(void *user, const char *group, const char *kind, const char *piece)
{
	struct glue *g = user;

	(void)group;
	if (strcmp(kind, "section") == 0) {
		decode(&g->section, piece);
	} else if (strcmp(kind, "name") == 0) {
		decode(&g->name, piece);
	} else if (strcmp(kind, "value") == 0) {
		decode(&g->value, piece);
	} else {
		glue_item(g, kind, (int)strtol(piece, NULL, 10));
	}
	return 1;
}

/* Length of the character at i; 0: not UTF-8, or a NUL. */
static size_t
utf8_length(struct str t, size_t i)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)t.s[i];
	size_t more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	uint32_t u = c < 0x80 ? c : c & (0x3fu >> more);

	if (!c || (c >= 0x80 && c < 0xc2) || c > 0xf4 || t.len - i <= more)
		return 0;
	for (size_t k = 1; k <= more; k++) {
		if ((t.s[i + k] & 0xc0) != 0x80)
			return 0;
		u = u << 6 | (t.s[i + k] & 0x3f);
	}
	if (u < least[more] || u > 0x10ffff || (u >= 0xd800 && u < 0xe000))
		return 0;
	return more + 1;
}

/* A copy in which "?" stands for each byte that is not UTF-8, and the numbers of their
 * lines, but for comments: those are harmless. */
static void
repair(struct glue *g, struct str t, struct buf *out)
{
	int line = 1, told = 0;
	char first = 0;		/* of the line, but for blanks */
	size_t n;

	for (size_t i = 0; i < t.len; i += n ? n : 1) {
		char c = t.s[i];

		n = utf8_length(t, i);
		if (n)
			buf_add(out, t.s + i, n);
		else
			buf_putc(out, '?');
		if (!first && c != ' ' && c != '\t')
			first = c;
		if (!n && told != line && (first == '#' || first == ';'))
			ini_note(g->arena, g->ini, line,
			    "not UTF-8 in this comment; save the file as UTF-8");
		else if (!n && told != line)
			buf_add(&g->bad, &line, sizeof(line));
		told = n ? told : line;
		if (c == '\n' ||
		    (c == '\r' && (i + 1 == t.len || t.s[i + 1] != '\n'))) {
			line++;
			first = 0;
		}
	}
}

static bool
is_utf8(struct str t)
{
	size_t n = 1;

	for (size_t i = 0; n && i < t.len; i += n)
		n = utf8_length(t, i);
	return n > 0;
}

static struct str
skip_mark(struct glue *g, struct str text)
{
	if (!str_starts(text, "\xef\xbb\xbf"))
		return text;
	ini_note(g->arena, g->ini, 1, "the file begins with a byte order mark, which "
	    "is passed over; save it as UTF-8 without BOM");
	return (struct str){ text.s + 3, text.len - 3 };
}

static void
parse(struct glue *g, struct str text)
{
	struct feed f = { .at = 0 };
	int rc;

	lines_init(&f.lines, text);
	rc = ini_parse_stream(feed_line, &f, glue_piece, g);
	tell_bad(g, INT_MAX);
	if (rc || !f.ended)
		add_problem(g, 0, "this build of libinih cannot read short lines");
	lines_fini(&f.lines);
	buf_fini(&f.out);
}

struct ini *
ini_parse_text(struct arena *a, const char *path, struct str text)
{
	struct glue g = { .arena = a };
	struct buf good = { 0 };
	bool no_text = false;

	g.ini = arena_alloc(a, sizeof(*g.ini));
	g.ini->path = arena_strdup(a, path);
	text = skip_mark(&g, text);
	if (!is_utf8(text)) {
		repair(&g, text, &good);
		no_text = g.bad.len > MOST_BAD * sizeof(int) ||
		    memchr(text.s, 0, text.len);
		text = buf_view(&good);
	}
	if (no_text) {
		g.ini->nnotes = 0;
		add_problem(&g, g.bad.len ? *(const int *)(const void *)g.bad.p : 1,
		    NOT_UTF8);
	} else {
		parse(&g, text);
	}
	buf_fini(&good);
	buf_fini(&g.section);
	buf_fini(&g.name);
	buf_fini(&g.value);
	buf_fini(&g.lines);
	buf_fini(&g.bad);
	return g.ini;
}

static int
read_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		if (out->len > INI_MAX_BYTES)
			return -EFBIG;
		buf_reserve(out, 65536);
		n = read(fd, out->p + out->len, 65536);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

int
ini_load(struct arena *a, const char *path, struct ini **out, struct err *e)
{
	struct buf text = { 0 };
	struct stat st;
	int fd, rc = 0;

	*out = NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = err_set(e, -EINVAL, "%s: not a file", path);
	if (rc == 0)
		rc = read_all(fd, &text);
	close(fd);
	if (rc == 0) {
		*out = ini_parse_text(a, path, buf_view(&text));
		if (st.st_mode & S_IWOTH)
			ini_note(a, *out, 1, "anybody may write this file, and so "
			    "decide what bannerd does (chmod o-w)");
	} else if (rc != -EINVAL)
		err_set(e, rc, "%s: %s", path, strerror(-rc));
	buf_fini(&text);
	return rc;
}

const struct ini_section *
ini_section_find(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->nsections; i++)
		if (strcmp(ini->sections[i].name, name) == 0)
			return &ini->sections[i];
	return NULL;
}

const struct ini_option *
ini_option_find(const struct ini_section *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->options[i].name, name) == 0)
			return &s->options[i];
	return NULL;
}
