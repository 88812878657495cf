/* SPDX-License-Identifier: GPL-2.0-or-later
 * reader.h - what one conf_read() carries about; inside banner/conf only.
 */
#ifndef BANNER_CONF_READER_H
#define BANNER_CONF_READER_H

#include "banner/conf/conf.h"
#include "banner/conf/expand.h"
#include "banner/conf/sheet.h"

/* The releases of fail2ban whose files and answers are followed; what configurations
 * read as %(fail2ban_version)s. */
#define COMPAT_VERSION "1.1.1"
#define COMPAT_OLDER "1.0.2"

struct reader {
	struct conf *conf;
	struct arena *arena;
	struct files *files;
	struct sheet *jails;		/* all jail files merged */
	const struct sheet *own;	/* banner.conf; may be NULL */
	bool older;			/* the folder came with fail2ban before 1.1.1 */
	bool enable_all;
	const char *only_jail;
	bool journal;
};

/* Where something was found; file NULL: nowhere in particular. */
struct place {
	const char *file;
	int line;
	const char *jail;
};

/* One jail while it is being read. */
struct jail_reading {
	struct reader *r;
	struct conf_jail *jail;
	struct conf_options vars;	/* known/x from its filter */
	struct conf_options opts;	/* its options that fail2ban knows, resolved */
};

const char	*layout_filters(enum conf_layout);	/* filter.d or filters */
const char	*layout_actions(enum conf_layout);
/* 0, or -ENOENT with text naming what makes a folder a configuration. */
int		 layout_find(const char *dir, enum conf_layout *, struct err *);

/* Note a problem, unless the same was told of this place and jail. */
void	reader_tell(struct reader *, enum conf_level, const struct place *,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* What has no effect in these files, each thing once. */
void	reader_tell_notes(struct reader *, const struct sheet *);
void	list_add(struct arena *, struct conf_list *, const char *);
/* Words between blanks, commas and line ends. */
void	list_words(struct arena *, struct conf_list *, const char *);
/* Lines that are not empty. */
void	list_lines(struct arena *, struct conf_list *, const char *);

/* read_daemon.c: [bannerd], fail2ban.conf. */
void	daemon_read(struct reader *);
/* Sections [action NAME] that no jail led to; after the jails. */
void	daemon_tell_unused(struct reader *);
/* read_jail.c: one section of the jail files. */
void	jail_read(struct reader *, const char *section, struct conf_jail *);
/* read_options.c: the typed options, from the resolved ones. */
void	jail_options(struct jail_reading *);
/* An error at that option (NULL: the section); the jail is lost. */
void	jail_error(struct jail_reading *, const char *option, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Where an option of the jail is set, or else where its section is. */
struct place	jail_place(const struct jail_reading *, const char *option);
/* Where that line (from 1) of its resolved text comes from. */
struct place	jail_line_place(const struct jail_reading *, const char *option,
		    const char *text, size_t line);
/* Note an error there; the jail is lost. */
void	jail_error_at(struct jail_reading *, const struct place *, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* As fail2ban, whatever does not say yes says no; but a slip of the pen is told. */
bool	jail_bool(struct jail_reading *, const char *option, const char *text);
/* read_filter.c: the rules; the first step gives known/x for the jail's own options. */
struct definition;
int	filter_begin(struct jail_reading *, const char *spec, const char *backend,
	    struct definition *, struct err *);
int	filter_finish(struct jail_reading *, struct definition *, struct err *);
/* read_action.c: the jail's "action =" list. */
void	actions_read(struct jail_reading *, const char *list);
/* instance.c: the same action of several jails is one; returns its index. */
unsigned	action_add(struct reader *, const struct conf_action *);
/* spell.c: options that nobody knows and nothing refers to. */
void	spell_check(struct reader *);
/* Does any value say %(name)s? */
bool	spell_mentions(const struct sheet *, const char *name);
/* spell_file.c: what nothing reads in the file of a filter or action, and in the
 * brackets behind its name, as warnings. */
struct spell_request {
	const struct sheet *sheet;
	const struct conf_options *brackets;
	const char *const *known;	/* options that act; ends with NULL */
	const struct section *own;	/* [action NAME] of banner.conf, or NULL */
	const char *option;		/* of the jail, that names it */
	bool all;			/* also what looks like no option at all */
};
void	spell_file(struct jail_reading *, const struct spell_request *);
extern const char *const jail_known[];	/* options of a jail; ends with NULL */

#endif
