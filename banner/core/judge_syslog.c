/* SPDX-License-Identifier: GPL-2.0-or-later
 * judge_syslog.c - other forms in which syslog writes a line.
 *
 * rsyslog ($RepeatedMsgReduction) writes "TAG message repeated N times: [MESSAGE]" for
 * N further lines equal to the one before. The tag is as it was, so a filter sees the
 * line that was repeated. Nothing but date, host and tag may stand in front: text of a
 * client comes after the tag's colon.
 *
 * "<PRI>1 TIME HOST APP PID ID DATA MESSAGE" is RFC 5424's (rsyslog's template
 * RSYSLOG_SyslogProtocol23Format, syslog-ng's flags(syslog-protocol)); filters know
 * "TIME HOST APP[PID]: MESSAGE". Those of fail2ban are left to its own logtype.
 */
#include "banner/core/judge.h"

#include <string.h>

#include "banner/base/syslog.h"

#define REPEATED	"message repeated "
#define TIMES		" times: ["

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "DATE HOST TAG: ": the first ": " of the line is its end. */
static bool
is_head(struct str head)
{
	return head.len > 2 && str_ends(head, ": ") &&
	    !memmem(head.s, head.len - 2, ": ", 2);
}

/* Cuts "N times: [" off; false: there is none. */
static bool
read_times(struct str *s, unsigned *times)
{
	struct str number = { s->s, 0 };
	uint64_t n;

	while (number.len < s->len && is_digit(s->s[number.len]))
		number.len++;
	*s = (struct str){ s->s + number.len, s->len - number.len };
	if (str_u64(number, &n) < 0 || n < 1 || !str_starts(*s, TIMES))
		return false;
	*times = n < WEIGHT_MAX ? (unsigned)n : WEIGHT_MAX;
	*s = (struct str){ s->s + strlen(TIMES), s->len - strlen(TIMES) };
	return true;
}

static bool
unwrap(struct judge *j)
{
	struct buf *b = &j->rules->unwrapped;
	struct str s = j->line.s, head;
	const char *at;

	while (s.len > 0 && strchr("\r\n ", s.s[s.len - 1]))
		s.len--;
	at = s.len > 0 && s.s[s.len - 1] == ']' ?
	    memmem(s.s, s.len - 1, REPEATED, strlen(REPEATED)) : NULL;
	if (!at)
		return false;
	head = (struct str){ s.s, (size_t)(at - s.s) };
	s = (struct str){ at + strlen(REPEATED),
		s.len - 1 - head.len - strlen(REPEATED) };
	if (!is_head(head) || !read_times(&s, &j->times))
		return false;
	if (str_starts(s, " "))
		s = (struct str){ s.s + 1, s.len - 1 };
	buf_clear(b);
	buf_str(b, head);
	buf_str(b, s);
	j->line.s = buf_view(b);
	return true;
}

static bool
classic(struct judge *j)
{
	struct buf *b = &j->rules->classic;

	buf_clear(b);
	if (!j->rules->o.filter->ours || !syslog_classic(j->line.s, b))
		return false;
	j->line.s = buf_view(b);
	return true;
}

/* The second time nothing is learned of dates, and nobody else searches this text. */
static enum line_verdict
judge_again(struct judge *j)
{
	enum line_verdict verdict;
	bool still = j->still;

	j->still = true;
	j->shares = NULL;
	verdict = judge_once(j);
	j->still = still;
	return verdict;
}

enum line_verdict
judge_line(struct judge *j)
{
	enum line_verdict verdict;

	j->rules->stats.candidates++;
	j->shown = j->line.s;
	j->times = 1;
	j->rule = -1;
	verdict = judge_once(j);
	if (verdict == LINE_MISSED && !j->rules->multi && classic(j))
		verdict = judge_again(j);
	if (verdict == LINE_MISSED && !j->rules->multi && unwrap(j))
		verdict = judge_again(j);
	return verdict;
}
