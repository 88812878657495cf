/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail.h - the parts of the mail action.
 *
 * mail.c gathers bans and decides when to send; mail_text.c writes the message;
 * mail_curl.c (or mail_nocurl.c) speaks SMTP, mail_pipe.c starts a sendmail.
 */
#ifndef BANNER_MAIL_H
#define BANNER_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/action.h"

enum { MAIL_BANS = 200, MAIL_ROWS = 200, MAIL_TO = 20, MAIL_LINE = 200 };

/* One attempt. Texts are printable ASCII. */
struct mail_row {
	int64_t when_ms;
	char *addr, *service, *user;
};

struct mail_ban {
	char *jail, *subject, *user;	/* user: of the deciding failure, or "-" */
	int64_t since_ms, until_ms;
	uint32_t failures, count;
};

/* What the next message tells. The caps hold; what is beyond is counted. */
struct mail_digest {
	struct mail_ban bans[MAIL_BANS];
	struct mail_row rows[MAIL_ROWS];
	size_t nbans, nrows;
	uint64_t more_bans, more_rows, failures;
};

struct mail_setup {
	const char *server, *sendmail, *from, *login, *password, *tls, *ca;
	const char *subject;		/* template, or "" */
	char *to[MAIL_TO];
	size_t nto;
	long timeout_s;
};

/* Printable ASCII, everything else '?', at most MAIL_LINE bytes; to be freed. NULL when
 * memory is short. */
char	*mail_clean(const char *text, size_t len);
/* The whole message with CRLF, to be freed; NULL when memory is short. */
char	*mail_text(const struct mail_setup *, const struct mail_digest *,
	    int64_t now_ms);

/* 0, or -errno with a reason in why. */
int	mail_smtp(const struct mail_setup *, const char *text, char why[256]);
int	mail_pipe(const struct mail_setup *, const char *text, char why[256]);
int	mail_smtp_check(const struct mail_setup *, char why[256]);

#endif
