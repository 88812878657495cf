/* SPDX-License-Identifier: GPL-2.0-or-later
 * cachespec.c - ignorecache, read.
 */
#include "banner/conf/cachespec.h"

#include <errno.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/span.h"

enum { COUNT_MAX = 100000 };

static int
set(struct cachespec *c, struct str name, struct str value, struct err *e)
{
	if (str_is(name, "key")) {
		c->key = value;
		return 0;
	}
	if (str_is(name, "max-count")) {
		if (str_u64(value, &c->max) < 0 || c->max == 0 || c->max > COUNT_MAX)
			return err_set(e, -EINVAL, "max-count must be 1 to %d",
			    COUNT_MAX);
		return 0;
	}
	if (str_is(name, "max-time")) {
		int rc = span_ms(value, &c->time_ms, e);

		if (rc == 0 && c->time_ms <= 0)
			rc = err_set(e, -EINVAL, "found \"%.*s\", expected a time "
			    "longer than zero", (int)value.len, value.s);
		return rc < 0 ? err_prefix(e, rc, "max-time") : 0;
	}
	return err_set(e, -EINVAL, "unknown option '%.*s', expected key, max-count or "
	    "max-time", (int)name.len, name.s);
}

/* One name=value, value perhaps in quotes, up to a comma. */
static int
take_part(struct cachespec *c, struct str *rest, struct err *e)
{
	struct str name, value;
	const char *end;

	if (!str_cut(rest, '=', &name) || !rest->s)
		return err_set(e, -EINVAL, "found \"%.*s\", expected name=value",
		    (int)name.len, name.s);
	name = str_trim(name);
	*rest = str_trim(*rest);
	if (rest->len && (rest->s[0] == '"' || rest->s[0] == '\'')) {
		char quote = rest->s[0];

		end = memchr(rest->s + 1, quote, rest->len - 1);
		if (!end)
			return err_set(e, -EINVAL, "missing %c", quote);
		value = (struct str){ rest->s + 1, (size_t)(end - rest->s - 1) };
		rest->len -= (size_t)(end + 1 - rest->s);
		rest->s = end + 1;
		*rest = str_trim(*rest);
		if (rest->len && rest->s[0] == ',') {
			rest->s++;
			rest->len--;
		}
		return set(c, name, value, e);
	}
	str_cut(rest, ',', &value);
	return set(c, name, str_trim(value), e);
}

int
cachespec_parse(const char *text, struct cachespec *c, struct err *e)
{
	struct str rest = str_trim(str_of(text));
	int rc = 0;

	*c = (struct cachespec){ .max = 100, .time_ms = 5 * MS_PER_MIN };
	while (rc == 0 && rest.s && rest.len) {
		rc = take_part(c, &rest, e);
		if (rest.s)
			rest = str_trim(rest);
	}
	return rc == 0 && !c->key.len ? err_set(e, -EINVAL, "found no key, "
	    "expected key=\"<ip>\", max-count=100, max-time=5m") : rc;
}
