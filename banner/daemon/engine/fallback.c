/* SPDX-License-Identifier: GPL-2.0-or-later
 * fallback.c - backend = auto: the journal, as long as a jail has no log.
 */
#include <glob.h>
#include <string.h>

#include "banner/conf/jail.h"
#include "banner/daemon/engine/fallback.h"
#include "banner/daemon/proc/log.h"

bool
source_is_journal(const struct source *s)
{
	return strncmp(source_name(s), "journal:", 8) == 0;
}

static bool
has_log(const struct conf_jail *c)
{
	bool found = false;

	for (size_t i = 0; i < c->nlogpath && !found; i++) {
		glob_t g = { 0 };

		found = glob(c->logpath[i].glob, GLOB_NOSORT, NULL, &g) == 0;
		globfree(&g);
	}
	return found;
}

bool
fallback_wanted(const struct conf_jail *c)
{
	return c->systemd_if_nologs && c->filter.journalmatch.n > 0 && !has_log(c);
}

bool
fallback_skips(const struct conf_jail *c)
{
	bool missing = c->skip_if_nologs && c->nlogpath && !has_log(c);

	switch (c->backend) {
	case BACKEND_AUTO: return missing && !fallback_wanted(c);
	case BACKEND_FILE:
	case BACKEND_POLLING: return missing;
	case BACKEND_JOURNAL:
	case BACKEND_SOCKET:
	case BACKEND_STDIN: break;
	}
	return false;
}

void
fallback_opened(struct source *s)
{
	void *const *groups;
	size_t n = source_is_journal(s) ? 0 : source_groups(s, &groups);

	for (size_t i = 0; i < n; i++) {
		struct watch *w = groups[i];

		if (w->fallback && !w->has_file)
			log_info("banner.source", "[%s] reads %s, no more the journal",
			    w->conf->name, source_name(s));
		w->has_file = w->fallback;
	}
}

bool
fallback_over(const struct source *s)
{
	void *const *groups;

	/* each jail has a journal of its own */
	return source_groups(s, &groups) && ((struct watch *)groups[0])->has_file;
}

bool
fallback_told(struct watch *w, const struct failure *failure, bool by_journal)
{
	if (!w->fallback)
		return false;
	if (!by_journal)
		return failure->when_ms <= w->journal_ms;
	if (failure->when_ms > w->journal_ms)
		w->journal_ms = failure->when_ms;
	return false;
}
