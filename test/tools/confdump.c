/* SPDX-License-Identifier: GPL-2.0-or-later
 * confdump.c - prints a resolved configuration and its problems, for tests.
 *
 * confdump [-a] DIR: the dump on stdout, problems on stderr; -a enables all jails.
 * With -p the configuration is packed and unpacked on the way.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "banner/conf/conf.h"

static void
print_problems(const struct conf *c)
{
	static const char *const levels[] = {
		[CONF_NOTE] = "note",
		[CONF_WARNING] = "warning",
		[CONF_ERROR] = "error",
	};

	for (size_t i = 0; i < c->nproblems; i++) {
		const struct conf_problem *p = &c->problems[i];

		fprintf(stderr, "%s:%d: %s: %s%s%s%s\n", p->file ? p->file : "-",
		    p->line, levels[p->level], p->jail ? "[" : "",
		    p->jail ? p->jail : "", p->jail ? "] " : "", p->text);
	}
}

/* The same configuration after a trip through the packed form, which it needs. */
static struct conf *
travel(struct conf *c, struct buf *image)
{
	struct conf *copy = NULL;
	struct err e;

	conf_pack(c, image);
	if (conf_unpack(buf_view(image), CONF_WHOLE, &copy, &e) < 0)
		fprintf(stderr, "unpack: %s\n", e.text);
	conf_free(c);
	return copy;
}

int
main(int argc, char **argv)
{
	struct conf_request q = { 0 };
	struct buf out = { 0 }, image = { 0 };
	struct conf *c;
	struct err e;
	bool pack = false;
	int o;

	while ((o = getopt(argc, argv, "ap")) != -1) {
		if (o == 'a')
			q.enable_all = true;
		else if (o == 'p')
			pack = true;
		else
			return 2;
	}
	if (optind + 1 != argc)
		return 2;
	q.dir = argv[optind];
	if (conf_read(&q, &c, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	if (pack && !(c = travel(c, &image)))
		return 1;
	conf_dump(c, &out);
	fwrite(out.p, 1, out.len, stdout);
	print_problems(c);
	buf_fini(&out);
	conf_free(c);
	buf_fini(&image);
	return 0;
}
