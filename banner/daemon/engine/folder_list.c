/* SPDX-License-Identifier: GPL-2.0-or-later
 * folder_list.c - the folders that the engine must be able to read, from the paths of
 * the configuration: the part before the first wildcard, the nearest ancestor that
 * exists, and where symbolic links lead.
 */
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/conf/conf.h"
#include "banner/daemon/engine/folder_list.h"

struct folders {
	char **v;
	size_t n;
};

static void
folders_add(struct folders *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->v[i], path))
			return;
	f->v = xrealloc(f->v, (f->n + 2) * sizeof(*f->v));
	f->v[f->n++] = xstrdup(path);
	f->v[f->n] = NULL;
}

/* Cut the last component off; "/x" gives "/". */
static void
cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		slash[slash == path] = '\0';
}

static void
add_existing(struct folders *f, char *path)
{
	char real[PATH_MAX];

	while (access(path, F_OK) < 0 && strlen(path) > 1)
		cut_last(path);
	if (realpath(path, real))
		folders_add(f, real);
	folders_add(f, path);
}

/* The folder of each file that is there now, where it really is. */
static void
add_targets(struct folders *f, const char *pattern)
{
	char real[PATH_MAX];
	glob_t g;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc && i < 1000; i++)
		if (realpath(g.gl_pathv[i], real)) {
			cut_last(real);
			folders_add(f, real);
		}
	globfree(&g);
}

static void
add_pattern(struct folders *f, const char *pattern)
{
	char *base = xstrdup(pattern), *wild = strpbrk(base, "*?[");

	if (wild)
		*wild = '\0';
	if (base[0] == '/') {
		cut_last(base);
		add_existing(f, base);
		add_targets(f, pattern);
	}
	free(base);
}

static void
add_file_entry(struct folders *f, const char *entry)
{
	if (entry && !strncmp(entry, "file:", 5))
		entry += 5;
	if (entry)
		add_pattern(f, entry);
}

/* journalpath and journalfiles of backend = systemd[...]. */
static void
add_journal(struct folders *f, const struct conf_options *o)
{
	const char *path = conf_option(o, "journalpath", NULL);
	const char *files = conf_option(o, "journalfiles", NULL);
	char *copy, *save = NULL;

	if (path && path[0] == '/') {
		copy = xstrdup(path);
		add_existing(f, copy);
		free(copy);
	}
	if (!files)
		return;
	copy = xstrdup(files);
	for (char *p = strtok_r(copy, ", \n", &save); p;
	     p = strtok_r(NULL, ", \n", &save))
		add_pattern(f, p);
	free(copy);
}

char **
feed_folders(const struct conf *c)
{
	static const char *const always[] = { "/run/log/journal", "/var/log/journal",
		"/run/systemd/journal", "/etc/machine-id", "/etc/localtime",
		"/usr/share/zoneinfo", "/usr/lib", "/proc/self", "/dev/null",
		"/sys/devices/system/cpu", "/etc/passwd", "/etc/group",
		"/etc/nsswitch.conf" };
	struct folders f = { 0 };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		folders_add(&f, always[i]);
	for (size_t i = 0; i < c->njails; i++) {
		const struct conf_jail *j = &c->jails[i];

		if (!j->enabled || j->refused)
			continue;
		for (size_t n = 0; n < j->nlogpath; n++)
			add_pattern(&f, j->logpath[n].glob);
		for (size_t n = 0; n < j->ignoreip.n; n++)
			add_file_entry(&f, j->ignoreip.v[n]);
		add_file_entry(&f, j->blocklist);
		add_journal(&f, &j->backend_options);
	}
	return f.v;
}

void
folder_ids_get(struct folder_ids *ids, const struct conf *c)
{
	char **folders = feed_folders(c);
	struct stat st;
	size_t n = 0;

	while (folders[n])
		n++;
	*ids = (struct folder_ids){ .v = xcalloc(n + 1, sizeof(*ids->v)) };
	for (size_t i = 0; i < n; i++) {
		if (stat(folders[i], &st) == 0)
			ids->v[ids->n++] = (struct folder_id){ st.st_dev, st.st_ino };
		free(folders[i]);
	}
	free(folders);
}

void
folder_ids_fini(struct folder_ids *ids)
{
	free(ids->v);
	*ids = (struct folder_ids){ 0 };
}

static bool
has_id(const struct folder_ids *ids, const struct folder_id *id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i].dev == id->dev && ids->v[i].ino == id->ino)
			return true;
	return false;
}

bool
folder_ids_changed(const struct folder_ids *old, const struct conf *c)
{
	struct folder_ids now;
	bool changed = false;

	folder_ids_get(&now, c);
	for (size_t i = 0; i < now.n; i++)
		changed |= !has_id(old, &now.v[i]);
	folder_ids_fini(&now);
	return changed;
}
