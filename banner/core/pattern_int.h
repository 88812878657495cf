/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_int.h - what the files of pattern share: the regex on its way to PCRE2.
 *
 * The user's regex is expanded (tags), then translated (Python's dialect to PCRE2's).
 * Every byte on the way remembers which byte of the user's text it comes from, so
 * that errors found late still name the user's own column.
 */
#ifndef BANNER_PATTERN_INT_H
#define BANNER_PATTERN_INT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "banner/base/buf.h"
#include "banner/core/pattern.h"

enum {
	PATTERN_MAX_BYTES = 64 * 1024,	/* of a regex after tag expansion */
	PATTERN_MAX_GROUPS = 250,
	PATTERN_MAX_DEPTH = 200,	/* nested parentheses; PCRE2 stops at 250 */
	PATTERN_MAX_NAME = 32,		/* PCRE2 before 10.44 */
};

/* Text with its origin: at[i] is the offset of byte i in the user's regex. */
struct ptext {
	struct buf text;
	uint32_t *at;
	size_t cap;
};

void	ptext_add(struct ptext *, struct str, size_t at);
void	ptext_fini(struct ptext *);

/* What the translation found out. names[n] is the name of group n, or NULL. */
struct pattern_parts {
	struct ptext text;
	char *names[PATTERN_MAX_GROUPS + 1];
	bool open[PATTERN_MAX_GROUPS + 1];
	unsigned groups;
	bool wide;	/* holds characters beyond ASCII: only UTF will do */
	bool ascii;	/* (?a): \w, \d, \s and \b know ASCII only */
	bool atomic;	/* holds (?>: JIT of PCRE2 10.42 gets some of those wrong */
};

/* "column N: ..." where at is an offset into in. Returns -EINVAL. */
int	pattern_err(struct err *, const struct ptext *in, size_t at, const char *fmt,
	    ...) __attribute__((format(printf, 4, 5)));

/* Tags of filters replaced; flags as in pattern_new(). */
int	pattern_expand(const char *regex, unsigned flags, struct ptext *, struct err *);

/* Python's regex language to PCRE2's. */
int	pattern_translate(const struct ptext *, struct pattern_parts *, struct err *);

/* The part of the translator that reads escapes and sets. */
struct translator {
	const struct ptext *in;
	size_t i;			/* next byte of in */
	struct pattern_parts *out;
	struct err *err;
};

/* The next byte, or one further ahead; -1 at the end. */
int	translator_peek(const struct translator *, size_t ahead);
void	translator_text(struct translator *, size_t at, struct str);
void	translator_emit(struct translator *, size_t at, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	translator_char(struct translator *, size_t at, uint32_t code);
int	translator_fail(struct translator *, size_t at, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* One character of the text, UTF-8. */
int	translator_utf8(struct translator *, uint32_t *code);
/* The character an escape stands for; i is behind the letter c. 1: it is none. */
int	translator_escape_char(struct translator *, int c, uint32_t *code);
int	translator_set(struct translator *);	/* [...]; i is behind the bracket */

/* Programs of one pattern: the bits of their number. */
enum {
	PROGRAM_UTF = 1,	/* else for bytes */
	PROGRAM_GUARD = 2,	/* asks for the time: see pattern_guard.c */
	PROGRAMS = 4,
};

/* The compiled form. */
struct pattern {
	char *text;
	char **names;			/* groups + 1 */
	unsigned groups;
	uint32_t options;		/* common to all programs */
	bool wide, ascii;
	pcre2_code *code[PROGRAMS];	/* NULL: not used so far */
	bool jit_tried[PROGRAMS], jit[PROGRAMS]; /* tried: or not to be tried */
	bool unguarded;			/* a guard would not compile */
};

/* Compile one of the programs; error code and offset as PCRE2 gives them. */
pcre2_code	*pattern_compile(const struct pattern *, unsigned program, int *code,
		    size_t *at);
/* The regex with its callouts. */
void	pattern_guarded(const char *regex, struct buf *out);

#endif
