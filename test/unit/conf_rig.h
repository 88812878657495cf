/* SPDX-License-Identifier: GPL-2.0-or-later
 * conf_rig.h - a configuration folder made of texts, for tests.
 */
#ifndef BANNER_TEST_CONF_RIG_H
#define BANNER_TEST_CONF_RIG_H

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/conf/conf.h"
#include "test/unit/unit.h"

struct folder {
	char dir[64];
};

static inline void
folder_write(const struct folder *f, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	for (char *slash = path + strlen(f->dir) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static inline int
folder_setup(void **state)
{
	struct folder *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/banner-conf-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static inline int
folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline int
folder_teardown(void **state)
{
	struct folder *f = *state;

	nftw(f->dir, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static inline struct conf *
folder_read(const struct folder *f)
{
	struct conf_request q = { .dir = f->dir };
	struct conf *c = NULL;
	struct err e = { "" };

	assert_int_equal(conf_read(&q, &c, &e), 0);
	return c;
}

/* The first problem whose text holds part, or NULL. */
static inline const struct conf_problem *
find_problem(const struct conf *c, const char *part)
{
	for (size_t i = 0; i < c->nproblems; i++)
		if (strstr(c->problems[i].text, part))
			return &c->problems[i];
	return NULL;
}

#endif
