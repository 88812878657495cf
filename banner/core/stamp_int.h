/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_int.h - what the files of stamp share: templates, fields, zones, clock.
 */
#ifndef BANNER_STAMP_INT_H
#define BANNER_STAMP_INT_H

#include "banner/base/buf.h"
#include "banner/core/pattern.h"
#include "banner/core/stamp.h"

/* Stands in a template's regex for the last decade of %ExY, which moves with time. */
#define STAMP_DECADE	'\x01'

enum {
	STAMP_VALUES = 16,		/* fields of one template */
	STAMP_TEMPLATES = 512,		/* of one detector */
	STAMP_QUARTERS = 4,		/* of an hour, whose offsets are remembered */
};

/* Shapes that are read by hand. */
enum stamp_shape { SHAPE_NONE, SHAPE_SYSLOG, SHAPE_ISO, SHAPE_CLF };

/* What a line must hold for a default template to match; only for ASCII lines. */
enum stamp_hint {
	HINT_COLON = 1,
	HINT_AT = 2,
	HINT_YEAR_SEP = 4,	/* 20dd and one of - / . */
	HINT_DIGIT_SEP = 8,	/* digit, - or /, digit */
	HINT_MONTH_SPACE = 16,	/* "nov " */
	HINT_MONTH_DASH = 32,	/* "nov-" */
	HINT_MONTH_SEP = 64,	/* "/nov/" or "-nov-" */
	HINT_RUN6 = 128, HINT_RUN8 = 256, HINT_RUN10 = 512,	/* digits in a row */
};

/* How an ASCII line begins for an anchored default template to match: the first letter,
 * digit or "_", before which at most three other characters stand. For a line, ADDRESS
 * is one to three digits and a dot; for a template, NO_ADDRESS is anything else. */
enum stamp_first { FIRST_ANY, FIRST_LETTER, FIRST_DIGIT, FIRST_NONE, FIRST_ADDRESS,
	FIRST_NO_ADDRESS };

struct stamp_hints {
	unsigned found;
	size_t month_sep;	/* offset of the first HINT_MONTH_SEP */
};

enum stamp_kind { STAMP_FIELDS, STAMP_EPOCH, STAMP_LONG_EPOCH, STAMP_TAI };

struct stamp_template {
	char *name, *regex;
	enum stamp_kind kind;
	bool anchored;			/* at line begin or line end */
	double weight;
	unsigned needs;			/* enum stamp_hint: else it cannot match */
	enum stamp_shape shape;
	enum stamp_first first;		/* FIRST_ANY: not known */
	bool whole;			/* the cut text holds all its fields */
	/* What was learned. */
	uint64_t hits;			/* times it won */
	uint64_t matches;		/* times it matched, also as a candidate */
	int64_t used_ms;
	size_t distance;		/* characters before the last winning match */
	/* Compiled on first use. */
	struct pattern *re;
	int decade;			/* that re was compiled for */
	struct { char field; unsigned group; } field[STAMP_VALUES];
	size_t nfields;
};

/* A field's text in a line: its letter as in strptime(3). */
struct stamp_value { char field; struct str text; };

/* One match of one template. */
struct stamp_match {
	size_t start, end;		/* the whole match */
	size_t cut_start, cut_end;	/* group 1 */
	struct stamp_value value[STAMP_VALUES];
	size_t nvalues;
};

struct stamp_list {
	struct stamp_template **v;
	size_t n;
	size_t first_unused;	/* that has never won */
};

/* Regex and display name of a pattern's %fields; -EINVAL for an unknown one. */
int	stamp_fields(const char *pattern, struct buf *regex, struct buf *name,
	    struct err *);

/* One template from a pattern, "EPOCH" or "TAI64N" as in datepattern. */
int	stamp_template_new(const char *pattern, struct stamp_template **, struct err *);
void	stamp_template_free(struct stamp_template *);

/* One line of datepattern, which may stand for many templates. 1: only defaults were
 * added, 0: something written by somebody. */
int	stamp_list_add(struct stamp_list *, const char *pattern, struct err *);
/* The name of those defaults, if the pattern is nothing else; or NULL. */
const char	*stamp_list_defaults(const char *pattern);
/* Move a winner forward: to the first unused place or half way, else by one. Where it
 * is then. */
size_t	stamp_list_forward(struct stamp_list *, size_t i);
void	stamp_list_fini(struct stamp_list *);

struct stamp_zone { bool set; int minutes; };	/* east of Greenwich */

/* "UTC", "+0200", "CET+01:00"; -EINVAL when unknown. */
int	stamp_zone_parse(struct str, int *minutes);

/* The present, and local time, which is asked of libc once per quarter of an hour:
 * no zone changes its offset at another moment. */
struct stamp_clock {
	int64_t now_ms;
	int64_t now_quarter, now_offset_s;
	struct { int64_t quarter, offset_s; bool known; } civil[STAMP_QUARTERS];
	bool now_known;
	bool asked;			/* for the present, since this was cleared */
};

/* The local wall clock now, as seconds of a day count without zone. */
int64_t	stamp_clock_now(struct stamp_clock *);

enum stamp_first	stamp_first(struct str line);
void	stamp_hints(struct str line, struct stamp_hints *);
/* The match of a template with a shape at from (a line-anchored one: at the line
 * begin), without its regex. False: not sure, ask the regex. */
bool	stamp_fast(const struct stamp_template *, struct str line, size_t from,
	    int decade, struct stamp_match *);

/* Regexes alone, for tests. */
void	stamp_no_shortcuts(struct stamp *);

/* Since 1970-01-01, in the Gregorian calendar. */
void	stamp_civil(int64_t days, int *year, int *month, int *day);

/* The number of STAMP_EPOCH or STAMP_LONG_EPOCH, and the label of STAMP_TAI. */
double	stamp_epoch(enum stamp_kind, struct str);
double	stamp_tai(struct str);
/* Values to seconds since the epoch. -EINVAL: no such moment, or an unknown zone. */
int	stamp_convert(struct stamp_clock *, const struct stamp_match *,
	    const struct stamp_zone *, int64_t *seconds);

#endif
