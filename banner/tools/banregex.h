/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex.h - the parts of banregex and what they share.
 *
 * One struct trial is one filter on one log: banregex_filter.c makes its rules,
 * banregex_read.c feeds the lines, and a struct reporter (text, json, -o, --test)
 * tells what came of them.
 */
#ifndef BANREGEX_H
#define BANREGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/buf.h"
#include "banner/conf/conf.h"
#include "banner/core/match.h"

enum { SHOWN_LINES = 20, LONGEST_LINE = 16 * 1024 };

struct options {
	const char *config, *datepattern, *timezone, *encoding, *usedns, *out, *test;
	const char *trusted, *now, *journalmatch;
	const char *loglevel;
	const char *log, *filter, *ignoreregex;	/* positions */
	unsigned maxlines;		/* 0: as the filter says */
	int verbose;
	bool lint, json, raw, journal, no_prefilter, first_match, invert, debuggex;
	bool explain;
	bool verbose_date, simulate;
	bool no_missed, no_ignored, all_matched, all_missed, all_ignored;
};

/* 0 go on, 1 done (help, version), -EINVAL with text. */
int	options_read(int argc, char **argv, struct options *, struct err *);

struct trial;

struct reporter {
	enum match_watch watch;		/* which lines it wants at first */
	bool numbers;			/* needs trial.line of each failure */
	void (*start)(struct trial *);
	void (*failure)(struct trial *, const struct failure *);
	void (*line)(struct trial *, struct str, enum line_verdict, int rule);
	void (*end)(struct trial *);
};

struct trial {
	const struct options *o;
	const struct reporter *reporter;
	void *report;			/* the reporter's own */
	struct arena *arena;
	struct conf *conf;		/* of a jail, else NULL */
	const struct conf_jail *jail;	/* in it */
	struct conf_filter filter;
	struct rules_options rules_options;
	struct addr *trusted;
	struct rules *rules;
	struct match *match;
	int64_t now_ms;
	enum match_watch watch;
	const char *segment;		/* text of the lines being matched */
	size_t counted;			/* in it, up to the line at hand */
	uint64_t line;			/* number of the line at hand, from 1 */
	uint64_t too_long;		/* lines that were skipped */
	int64_t entry_ms;		/* time of the journal's entry at hand */
};

/* spec is a jail, a filter with options, a path or a regex. */
int	trial_init(struct trial *, const struct options *, const char *spec,
	    struct err *);
void	trial_fini(struct trial *);
/* Whole lines, the first with this number; how many there were. */
uint64_t	trial_feed(struct trial *, struct str text, uint64_t first_line);
/* The same when a thread has looked through it already. */
struct scan_run;
uint64_t	trial_found(struct trial *, struct scan_run *, struct str text,
		    uint64_t first_line);
/* Has the text nothing but lines that count, none too long? */
bool	trial_is_plain(struct str text);
/* The first size bytes of a big file, with as many threads as there are processors:
 * 0 done, -errno, or 1: not worth it, nothing was read. */
struct trial_file {
	int fd;
	uint64_t size;
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
};
int	trial_ahead(struct trial *, const struct trial_file *);
/* A file, "-" or the line itself; after log_check(). */
int	trial_read(struct trial *, const char *log, struct err *);
/* systemd-journal, with options in brackets. */
bool	log_is_journal(const char *log);
int	trial_journal(struct trial *, struct err *);
/* 0: it can be read, as far as can be told before; else a negative errno with text. */
int	log_check(const char *log, struct err *);
/* Is it something that can be opened, rather than a line? */
bool	log_is_file(const char *log);

extern const struct reporter text_reporter, json_reporter;
extern const struct reporter out_reporter, invert_reporter, explain_reporter;

/* What options alone say of a trial: clock, zone, encoding, trusted addresses (without
 * the option those of the configuration). For a trial without a filter of its own. */
int	trial_settings(struct trial *, const struct conf *, struct err *);

/* --test and --simulate: exit code. */
int	test_run(const struct options *, struct err *);
/* --lint: exit code, 1 with findings. */
int	lint_run(const struct options *, struct err *);
int	simulate_run(const struct options *, struct err *);

/* "192.0.2.1", the id, or the name. */
const char	*failure_id(const struct failure *, char out[SUBJECT_TEXT + 1]);
/* Value of a capture, or an empty text. */
struct str	 failure_field(const struct failure *, const char *name);
/* What an option of -o or a regex tester's URL needs: text in a URL. */
void		 buf_url(struct buf *, struct str);

#endif
