/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_idle.c - what a jail costs while none of its lines was seen.
 *
 * Regexes are read for their literals, checked by compiling them, and have dates before
 * them: none of what that takes may stay. A sanitizer's malloc counts nothing.
 */
#include <malloc.h>
#include <stdlib.h>

#include "test/unit/unit.h"

#include "banner/base/err.h"
#include "banner/core/rules.h"

enum { JAILS = 50, JAIL_BYTES = 32 * 1024 };

static const char *regexes[] = {
	"^(?:error: (?:PAM: )?)?[aA]uthentication (?:failure|error|failed) for "
	"(?:illegal |invalid )?user .{0,100}? from <HOST>(?: port \\d+)?(?: ssh\\d*)?$",
	"^Failed (?:password|publickey|none) for (?:invalid user )?<F-USER>.*</F-USER> "
	"from <HOST>(?: port \\d+)?(?: on \\S+(?: port \\d+)?)?(?: ssh\\d*)?$",
	"(?i)^connection (?:closed|reset) by (?:authenticating|invalid) user "
	"<F-USER>\\S+</F-USER> <HOST>(?: port \\d+)? \\[preauth\\]$",
	"^User <F-USER>\\S+</F-USER> from <HOST> not allowed because "
	"(?:not listed in AllowUsers|listed in DenyUsers|not in any group)$",
	"^maximum authentication attempts exceeded for <F-USER>.*</F-USER> from <HOST>"
	"(?: port \\d+)?(?: ssh\\d*)?$",
};

static size_t
used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
costs_little(void **state)
{
	struct conf_filter filter = { .name = "sshd", .maxlines = 1,
		.failregex = { regexes, sizeof(regexes) / sizeof(*regexes) } };
	struct rules_options o = { .filter = &filter };
	struct rules *rules[JAILS];
	size_t before = used(), each;
	struct err e;

	for (size_t i = 0; i < JAILS; i++)
		if (rules_new(&o, &rules[i], &e) < 0)
			fail_msg("%s", e.text);
	each = (used() - before) / JAILS;
	if (each > JAIL_BYTES)
		fail_msg("%zu bytes for each jail", each);
	for (size_t i = 0; i < JAILS; i++)
		rules_free(rules[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
