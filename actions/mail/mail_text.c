/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail_text.c - the message: headers, who and how many, the attempts.
 */
#include "mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TOP = 10, TALLY = 200 };

char *
mail_clean(const char *text, size_t len)
{
	size_t n = len < MAIL_LINE ? len : MAIL_LINE;
	char *out = malloc(n + 2);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	if (n == 0)
		out[n++] = '-';
	out[n] = '\0';
	return out;
}

static void
put_time(FILE *f, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	fputs(text, f);
}

static const char *
show(const char *s)
{
	return s ? s : "-";
}

/* The template: tags for the first ban; nothing else is special. */
static void
put_template(FILE *f, const char *t, const struct mail_digest *d)
{
	const struct mail_ban *b = &d->bans[0];
	const struct { const char *tag, *text; } tags[] = {
		{ "<ip>", d->nrows ? show(d->rows[d->nrows - 1].addr)
		    : show(b->subject) },
		{ "<user>", show(b->user) }, { "<jail>", show(b->jail) },
		{ "<subject>", show(b->subject) },
	};

	for (; *t; t++) {
		size_t i, n = 0;

		for (i = 0; i < sizeof(tags) / sizeof(*tags); i++)
			if (!strncmp(t, tags[i].tag, n = strlen(tags[i].tag)))
				break;
		if (i < sizeof(tags) / sizeof(*tags)) {
			fputs(tags[i].text, f);
			t += n - 1;
		} else if (!strncmp(t, "<failures>", 10)) {
			fprintf(f, "%llu", (unsigned long long)d->failures);
			t += 9;
		} else if (!strncmp(t, "<bans>", 6)) {
			fprintf(f, "%llu",
			    (unsigned long long)(d->nbans + d->more_bans));
			t += 5;
		} else {
			fputc(*t >= ' ' && *t <= '~' ? *t : '?', f);
		}
	}
	if (d->nbans > 1)
		fprintf(f, " (and %llu more)",
		    (unsigned long long)(d->nbans - 1 + d->more_bans));
}

static void
put_head(FILE *f, const struct mail_setup *s, const struct mail_digest *d, int64_t now)
{
	char host[256] = "localhost", date[64];
	time_t t = (time_t)(now / 1000);
	struct tm tm;

	gethostname(host, sizeof(host) - 1);
	localtime_r(&t, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm);
	if (*s->from)
		fprintf(f, "From: %s\r\n", s->from);
	else
		fprintf(f, "From: banner@%s\r\n", host);
	fputs("To: ", f);
	for (size_t i = 0; i < s->nto; i++)
		fprintf(f, "%s%s", i ? ",\r\n " : "", s->to[i]);
	fputs("\r\nSubject: ", f);
	put_template(f, *s->subject ? s->subject : "[banner] <jail>: <subject>, "
	    "<failures> failures", d);
	fprintf(f, "\r\nDate: %s\r\nMessage-ID: <%lld.%d.banner@%s>\r\n"
	    "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n", date, (long long)now,
	    (int)getpid(), host);
	fprintf(f, "Machine: %s\r\n", host);
}

static void
put_bans(FILE *f, const struct mail_digest *d)
{
	fprintf(f, "\r\n%llu reached a limit, with %llu failures:\r\n",
	    (unsigned long long)(d->nbans + d->more_bans),
	    (unsigned long long)d->failures);
	for (size_t i = 0; i < d->nbans; i++) {
		const struct mail_ban *b = &d->bans[i];

		fprintf(f, "  ");
		put_time(f, b->since_ms);
		fprintf(f, "  %s  %s  %u failures, time %u, until ", show(b->jail),
		    show(b->subject), b->failures, b->count);
		if (b->until_ms)
			put_time(f, b->until_ms);
		else
			fputs("for ever", f);
		fputs("\r\n", f);
	}
	if (d->more_bans)
		fprintf(f, "  and %llu more\r\n", (unsigned long long)d->more_bans);
}

struct tally { const char *text; unsigned n; };

static int
by_count(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

static void
put_top(FILE *f, const char *title, const struct mail_digest *d, bool users)
{
	struct tally t[TALLY];
	size_t n = 0;

	for (size_t i = 0; i < d->nrows; i++) {
		const char *text = show(users ? d->rows[i].user : d->rows[i].addr);
		size_t k = 0;

		while (k < n && strcmp(t[k].text, text))
			k++;
		if (k == n && n < TALLY)
			t[n++] = (struct tally){ text, 0 };
		if (k < n)
			t[k].n++;
	}
	/* cppcheck-suppress uninitvar; the first n are set */
	qsort(t, n, sizeof(*t), by_count);
	fprintf(f, "\r\n%s: %zu\r\n", title, n);
	for (size_t i = 0; i < n && i < TOP; i++)
		fprintf(f, "  %5u  %s\r\n", t[i].n, t[i].text);
}

static void
put_rows(FILE *f, const struct mail_digest *d)
{
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (size_t i = 0; i < d->nrows; i++) {
		if (d->rows[i].when_ms < first)
			first = d->rows[i].when_ms;
		if (d->rows[i].when_ms > last)
			last = d->rows[i].when_ms;
	}
	fputs("\r\nFirst ", f);
	put_time(f, first);
	fputs(", last ", f);
	put_time(f, last);
	fputs("\r\n", f);
	put_top(f, "Addresses", d, false);
	put_top(f, "Accounts", d, true);
	fprintf(f, "\r\nAttempts:\r\n  %-25s  %-39s  %-9s  %s\r\n", "date", "address",
	    "protocol", "login");
	for (size_t i = 0; i < d->nrows; i++) {
		const struct mail_row *r = &d->rows[i];

		fputs("  ", f);
		put_time(f, r->when_ms);
		fprintf(f, "  %-39s  %-9s  %s\r\n", show(r->addr), show(r->service),
		    show(r->user));
	}
	if (d->more_rows)
		fprintf(f, "  and %llu more\r\n", (unsigned long long)d->more_rows);
}

char *
mail_text(const struct mail_setup *s, const struct mail_digest *d, int64_t now_ms)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	put_head(f, s, d, now_ms);
	put_bans(f, d);
	if (d->nrows > 0)
		put_rows(f, d);
	fputs("\r\n\"banctl explain\" with an address or account says more.\r\n", f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}
