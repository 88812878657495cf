/* SPDX-License-Identifier: GPL-2.0-or-later
 * origin.c - the head of a syslog message: priority off, the sender's host out. Pure.
 */
#include "banner/source/origin.h"

#include <ctype.h>

enum { RFC3164_TIME = 15 };	/* "Nov 21 21:52:05" */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct str
from(struct str s, size_t n)
{
	return (struct str){ s.s + n, s.len - n };
}

/* Length of "<0>" to "<191>"; 0: there is none. */
static size_t
priority(struct str s)
{
	size_t n = 1;

	if (s.len < 3 || s.s[0] != '<')
		return 0;
	while (n < s.len && n < 4 && is_digit(s.s[n]))
		n++;
	if (n == 1 || n >= s.len || s.s[n] != '>')
		return 0;
	return n + 1;
}

/* Length of the time at the front, 0: none that is known. */
static size_t
time_len(struct str s)
{
	static const char shape[] = "Aaa d0 00:00:00";
	size_t i = 0;

	while (i < RFC3164_TIME && i < s.len) {
		char c = s.s[i], want = shape[i];
		bool fits = want == '0' ? is_digit(c) :
		    want == 'd' ? is_digit(c) || c == ' ' :
		    want == 'A' || want == 'a' ? isalpha((unsigned char)c) : c == want;

		if (!fits)
			break;
		i++;
	}
	if (i == RFC3164_TIME)
		return i;
	/* RFC 3339: "2026-11-21T21:52:05.003Z" */
	if (s.len < 20 || !is_digit(s.s[0]) || s.s[4] != '-' || s.s[10] != 'T')
		return 0;
	for (i = 11; i < s.len && s.s[i] != ' '; i++)
		;
	return i;
}

struct str
origin_cut(struct str *text)
{
	struct str rest, host, none = { "", 0 };
	size_t n;

	*text = from(*text, priority(*text));
	n = time_len(*text);
	if (n == 0 || n + 1 >= text->len || text->s[n] != ' ')
		return none;
	rest = from(*text, n + 1);
	if (!str_cut(&rest, ' ', &host) || !rest.s)
		return none;
	/* "sshd[123]:" is the program: the sender left the host out. */
	for (size_t i = 0; i < host.len; i++)
		if (host.s[i] == '[' || !isgraph((unsigned char)host.s[i]))
			return none;
	if (host.len == 0 || host.s[host.len - 1] == ':' || str_is(host, "-"))
		return none;
	return host;
}
