/* SPDX-License-Identifier: GPL-2.0-or-later
 * bracket.c - name[option=value, ...]: filters, actions and backends with options.
 */
#include <errno.h>
#include <string.h>

#include "banner/conf/expand.h"

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || (c & 0x80);
}

static size_t
skip_space(struct str s, size_t i)
{
	while (i < s.len && is_space(s.s[i]))
		i++;
	return i;
}

/* Length of the value at i: quoted text with its quotes, or up to , and ]. */
static size_t
value_length(struct str s, size_t i)
{
	size_t n = i;

	if (i < s.len && (s.s[i] == '"' || s.s[i] == '\'')) {
		const char *end = memchr(s.s + i + 1, s.s[i], s.len - i - 1);

		if (end)
			return (size_t)(end - (s.s + i)) + 1;
	}
	while (n < s.len && s.s[n] != ',' && s.s[n] != ']')
		n++;
	return n - i;
}

/* Does the value begin with a quote that nothing closes? */
static bool
is_open(struct str v)
{
	return v.len && (v.s[0] == '"' || v.s[0] == '\'') &&
	    (v.len < 2 || v.s[v.len - 1] != v.s[0]);
}

static size_t
name_length(struct str s, size_t i)
{
	size_t n = i;

	while (n < s.len && is_name(s.s[n]))
		n++;
	if (n > i && n < s.len && s.s[n] == '?') {	/* x?family=inet6 */
		size_t k = n + 1;

		while (k < s.len && is_name(s.s[k]))
			k++;
		if (k > n + 1 && k + 1 < s.len && s.s[k] == '=') {
			size_t m = k + 1;

			while (m < s.len && is_name(s.s[m]))
				m++;
			if (m > k + 1 && m < s.len && s.s[m] == '=')
				n = m;
		}
	}
	return n - i;
}

/* Between two options: a comma, or "] [". Returns where the next one starts. */
static int
separator(struct str s, size_t *i)
{
	size_t k = skip_space(s, *i);

	if (k < s.len && s.s[k] == ',') {
		*i = skip_space(s, k + 1);
		return 0;
	}
	if (k < s.len && s.s[k] == ']') {
		k = skip_space(s, k + 1);
		if (k < s.len && s.s[k] == '[') {
			*i = skip_space(s, k + 1);
			return 0;
		}
		return -EINVAL;
	}
	*i = k;
	return k == s.len ? 0 : -EINVAL;
}

static int
parse_options(struct arena *a, struct str s, struct conf_options *out, struct err *e)
{
	size_t i = skip_space(s, 0);

	while (i < s.len) {
		size_t n = name_length(s, i), len;
		struct str value;
		const char *key;

		if (!n || i + n >= s.len || s.s[i + n] != '=')
			return err_set(e, -EINVAL, "found \"%.*s\" in brackets, "
			    "expected name=value without blanks around \"=\"",
			    (int)(s.len - i > 25 ? 25 : s.len - i), s.s + i);
		key = arena_dup(a, (struct str){ s.s + i, n });
		i += n + 1;
		len = value_length(s, i);
		value = (struct str){ s.s + i, len };
		if (is_open(value))
			return err_set(e, -EINVAL, "found \"%.*s\" in option %s, "
			    "expected a closing %c", (int)(len > 25 ? 25 : len),
			    value.s, key, value.s[0]);
		if (len >= 2 && (value.s[0] == '"' || value.s[0] == '\'') &&
		    value.s[len - 1] == value.s[0])
			value = (struct str){ value.s + 1, len - 2 };
		i += len;
		if (separator(s, &i) < 0)
			return err_set(e, -EINVAL, "found \"%.*s\" after option %s, "
			    "expected \",\" or \"]\"",
			    (int)(s.len - i > 25 ? 25 : s.len - i), s.s + i, key);
		options_set(a, out, key, arena_dup(a, str_trim(value)));
	}
	return 0;
}

static int
not_closed(struct str s, struct err *e)
{
	const char *last = memrchr(s.s, ']', s.len);
	struct str more;

	if (!last)
		return err_set(e, -EINVAL, "found \"%.*s\", expected a closing \"]\"",
		    (int)(s.len > 60 ? 60 : s.len), s.s);
	more = str_trim((struct str){ last + 1, (size_t)(s.s + s.len - last) - 1 });
	return err_set(e, -EINVAL, "found \"%.*s\" behind \"]\", expected nothing more",
	    (int)(more.len > 60 ? 60 : more.len), more.s);
}

int
bracket_parse(struct arena *a, struct str s, const char **name,
    struct conf_options *out, struct err *e)
{
	const char *open;

	s = str_trim(s);
	*out = (struct conf_options){ 0 };
	open = s.len ? memchr(s.s, '[', s.len) : NULL;
	*name = arena_dup(a, str_trim((struct str){ s.s,
	    open ? (size_t)(open - s.s) : s.len }));
	if (!**name)
		return err_set(e, -EINVAL, "found \"%.*s\", expected a name before "
		    "\"[\"", (int)(s.len > 25 ? 25 : s.len), s.s ? s.s : "");
	if (!open)
		return 0;
	if (s.s[s.len - 1] != ']')
		return not_closed(s, e);
	return parse_options(a, (struct str){ open + 1,
	    (size_t)(s.s + s.len - open) - 2 }, out, e);
}

/* End of the bracket group that opens at i, or 0 when it is not closed. */
static size_t
group_end(struct str s, size_t i)
{
	while (++i < s.len && s.s[i] != ']')
		if (s.s[i] == '=')
			i += value_length(s, i + 1);
	return i < s.len ? i + 1 : 0;
}

bool
bracket_split(struct str *rest, struct str *one)
{
	struct str s = *rest;
	size_t i, k, end;

	if (!s.s)
		return false;
	i = skip_space(s, 0);
	for (k = i; k < s.len && !is_space(s.s[k]) && s.s[k] != '['; k++)
		;
	for (end = skip_space(s, k); end < s.len && s.s[end] == '[';
	    end = skip_space(s, k)) {
		end = group_end(s, end);
		if (!end) {
			while (k < s.len && !is_space(s.s[k]))
				k++;
			break;
		}
		k = end;
	}
	*one = (struct str){ s.s + i, k - i };
	*rest = (struct str){ s.s + k, s.len - k };
	return k > i;
}
