/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex.c - tries a filter on a log, with the matching code of the daemon.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "banner/tools/banregex.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 255 };

const char *
failure_id(const struct failure *f, char out[SUBJECT_TEXT + 1])
{
	switch (f->subject.kind) {
	case SUBJECT_ADDR:
		return addr_print(&f->subject.addr, out);
	case SUBJECT_USER:
	case SUBJECT_ID:
		memcpy(out, f->subject.text.s, f->subject.text.len);
		out[f->subject.text.len] = '\0';
		return out;
	case SUBJECT_NONE:
		break;
	}
	out[0] = '\0';
	return out;
}

struct str
failure_field(const struct failure *f, const char *name)
{
	for (size_t i = 0; i < f->nfields; i++)
		if (str_is(f->fields[i].name, name))
			return f->fields[i].value;
	return (struct str){ 0 };
}

void
buf_url(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c < 0x80 && (isalnum(c) || strchr("-_.~", c)))
			buf_putc(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

static const struct reporter *
choose(const struct options *o)
{
	if (o->json)
		return &json_reporter;
	if (o->out && !o->invert)
		return &out_reporter;
	if (o->explain)
		return &explain_reporter;
	return o->invert ? &invert_reporter : &text_reporter;
}

static int
run(const struct options *o, struct err *e)
{
	struct trial t = { .reporter = choose(o) };
	int rc = trial_init(&t, o, o->filter, e);

	if (rc == 0) {
		if (t.reporter->start)
			t.reporter->start(&t);
		rc = trial_read(&t, o->log, e);
		if (t.reporter->end)
			t.reporter->end(&t);
	}
	trial_fini(&t);
	return rc < 0 ? EXIT_USAGE : 0;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err e = { "" };
	int rc = options_read(argc, argv, &o, &e);

	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = o.lint ? lint_run(&o, &e)
		    : o.test ? test_run(&o, &e)
		    : o.simulate ? simulate_run(&o, &e)
		    : run(&o, &e);
	else
		rc = EXIT_USAGE;
	if (e.text[0])
		fprintf(stderr, "banregex: %s\n", e.text);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILED;
	return rc;
}
