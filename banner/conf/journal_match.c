/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal_match.c - one journalmatch line into its words; options of the journal.
 */
#include "banner/conf/journal_match.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static char
take(struct str *s)
{
	s->len--;
	return *s->s++;
}

/* Field names as journald accepts them: capital letters, digits and _. */
static bool
is_match(const char *word)
{
	size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n > 0 && word[n] == '=';
}

int
journal_match_word(struct str *line, char *out, struct err *e)
{
	const char *begin = out;
	char quote = 0;

	while (line->len > 0 && isspace((unsigned char)*line->s))
		take(line);
	if (line->len == 0)
		return 0;
	while (line->len > 0 && (quote || !isspace((unsigned char)*line->s))) {
		char c = take(line);

		if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
		else if (c == '\\' && quote != '\'' && line->len > 0)
			*out++ = take(line);
		else
			*out++ = c;
	}
	*out = '\0';
	if (quote)
		return err_set(e, -EINVAL, "found \"%s\", expected a closing %c", begin,
		    quote);
	if (strcmp(begin, "+") != 0 && !is_match(begin))
		return err_set(e, -EINVAL, "found \"%s\", expected FIELD=VALUE or +",
		    begin);
	return 1;
}

/* rotated is fail2ban's: here rotated files of the journal are read in any case. */
int
journal_options_check(const struct conf_options *o, struct err *e)
{
	static const char *const known[] = { "journalpath", "journalfiles",
		"journalflags", "namespace", "rotated", NULL };

	for (size_t i = 0; i < o->n; i++) {
		const char *const *k = known;
		uint64_t flags;

		while (*k && strcmp(*k, o->v[i].key) != 0)
			k++;
		if (!*k)
			return err_set(e, -EINVAL, "no option \"%s\" in brackets, "
			    "expected journalpath, journalfiles, journalflags or "
			    "namespace", o->v[i].key);
		if (!strcmp(*k, "journalflags") &&
		    (str_u64(str_of(o->v[i].value), &flags) < 0 || flags > 255))
			return err_set(e, -EINVAL, "found \"%s\", expected a number up "
			    "to 255 as journalflags", o->v[i].value);
	}
	return 0;
}
