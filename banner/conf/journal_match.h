/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal_match.h - one journalmatch line into its words; options of the journal.
 */
#ifndef BANNER_CONF_JOURNAL_MATCH_H
#define BANNER_CONF_JOURNAL_MATCH_H

#include "banner/base/err.h"
#include "banner/base/str.h"
#include "banner/conf/filter.h"

/* Take the next word off the front as a shell would: blanks divide, quotes and
 * backslash protect. The word is written to out, which has room for line->len + 1
 * bytes, NUL added. 1 a word, 0 no more, -EINVAL: a quote is not closed, or the word is
 * neither
 * "+" nor FIELD=VALUE. */
int	journal_match_word(struct str *line, char *out, struct err *);

/* The options that stand in brackets behind systemd: 0, or -EINVAL with what is
 * wrong. */
int	journal_options_check(const struct conf_options *, struct err *);

#endif
