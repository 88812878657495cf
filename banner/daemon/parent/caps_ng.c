/* SPDX-License-Identifier: GPL-2.0-or-later
 * caps_ng.c - capabilities by libcap-ng.
 */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/str.h"
#include "banner/daemon/parent/caps.h"

static int
find_cap(struct str word, struct err *e)
{
	char name[40];
	int cap;

	snprintf(name, sizeof(name), "%.*s", (int)word.len, word.s);
	cap = capng_name_to_capability(name);
	return cap >= 0 ? cap
			: err_set(e, -EINVAL, "unknown capability \"%s\"", name);
}

int
caps_check(const char *caps, struct err *e)
{
	struct str rest = str_of(caps), word;

	while (str_word(&rest, &word))
		if (find_cap(word, e) < 0)
			return -EINVAL;
	return 0;
}

/* The kernel refuses what we do not have; so it is not asked for. */
static int
caps_choose(const char *caps, struct err *e)
{
	struct str rest = str_of(caps), word;
	int cap;

	if (capng_get_caps_process() < 0)
		return err_set(e, -EPERM, "cannot read the capabilities");
	int has[CAP_LAST_CAP + 1] = { 0 };
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		has[cap] = capng_have_capability(CAPNG_PERMITTED, (unsigned)cap);
	capng_clear(CAPNG_SELECT_ALL);
	while (str_word(&rest, &word)) {
		cap = find_cap(word, e);
		if (cap < 0)
			return cap;
		if (has[cap])
			capng_update(CAPNG_ADD,
			    CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
				CAPNG_BOUNDING_SET | CAPNG_AMBIENT,
			    (unsigned)cap);
	}
	return 0;
}

int
caps_become(const struct identity *id, const char *caps, struct err *e)
{
	int rc = caps_choose(caps, e);

	if (rc < 0)
		return rc;
	if (id->change) {
		if (initgroups(id->name, id->gid) < 0)
			return err_set(
			    e, -errno, "groups of %s: %s", id->name, strerror(errno));
		rc = capng_change_id((int)id->uid, (int)id->gid, CAPNG_CLEAR_BOUNDING);
		if (rc < 0)
			return err_set(
			    e, -EPERM, "cannot become user %s (%d)", id->name, rc);
		rc = capng_apply(CAPNG_SELECT_AMBIENT);
	} else if (geteuid() == 0)
		rc = capng_apply(CAPNG_SELECT_ALL);
	if (rc < 0)
		return err_set(e, -EPERM, "cannot drop capabilities (%d)", rc);
	return 0;
}
