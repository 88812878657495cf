/* SPDX-License-Identifier: GPL-2.0-or-later
 * err.c - the text a human needs when something was refused.
 */
#include "banner/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Make what was printed one line, and show that it was cut if it was. */
static void
err_finish(struct err *e, int printed)
{
	size_t max = sizeof(e->text) - 1;

	if (printed < 0)
		strcpy(e->text, "(unprintable error)");
	else if ((size_t)printed > max)
		memcpy(e->text + max - 3, "...", 3);
	for (char *p = e->text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
}

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	err_finish(e, vsnprintf(e->text, sizeof(e->text), fmt, ap));
	va_end(ap);
	e->option = NULL;
	e->number = e->column = 0;
	return code;
}

int
err_about(struct err *e, int code, const char *option, size_t number)
{
	if (e) {
		e->option = option;
		e->number = number;
	}
	return code;
}

int
err_prefix(struct err *e, int code, const char *fmt, ...)
{
	char was[sizeof(e->text)];
	size_t room, n;
	va_list ap;
	int printed;

	if (!e)
		return code;
	memcpy(was, e->text, sizeof(was));
	va_start(ap, fmt);
	printed = vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (printed >= 0 && (size_t)printed < sizeof(e->text)) {
		n = (size_t)printed;
		room = sizeof(e->text) - n;
		printed += snprintf(e->text + n, room, ": %s", was);
	}
	err_finish(e, printed);
	return code;
}

int
err_column(struct err *e, int code, size_t column)
{
	if (!e)
		return code;
	e->column = column;
	return err_prefix(e, code, "column %zu", column);
}

const char *
err_change(int err)
{
	switch (err) {
	case EEXIST: return "somebody else's entry is in the way";
	case ENOSPC: return "no room for more (a limit, or a full disk)";
	default: return strerror(err);
	}
}
