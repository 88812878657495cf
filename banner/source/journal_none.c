/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal_none.c - a build without libsystemd has no journal.
 */
#include <errno.h>

#include "banner/source/source.h"

int
sources_add_journal(struct sources *set, const struct journal_request *req, void *group,
    struct err *e)
{
	return err_set(e, -ENOTSUP, "this build has no libsystemd: the journal "
	    "cannot be read");
}
