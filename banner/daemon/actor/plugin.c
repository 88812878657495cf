/* SPDX-License-Identifier: GPL-2.0-or-later
 * plugin.c - finding, checking and loading action plugins.
 */
#include "banner/daemon/actor/plugin.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/buf.h"

/* The oldest description that this build understands ends with close. */
static const size_t oldest =
    offsetof(struct bn_action_ops, close) + sizeof(void (*)(void *));

static int
check_name(const char *name, struct err *e)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");

	if (n == 0 || name[n] != '\0' || n > 32)
		return err_set(
		    e, -EINVAL, "\"%s\" cannot be the name of a plugin", name);
	return 0;
}

static int
check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0 && (geteuid() == 0 || st.st_uid != geteuid()))
		return err_set(e, -EPERM, "%s belongs to user %u, not to root", path,
		    (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EPERM,
		    "%s is writable by others than its owner (mode "
		    "%03o)",
		    path, (unsigned)st.st_mode & 0777);
	return 0;
}

/* A link would lead to where owner and rights of the folder say nothing. */
static int
check_file(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	return S_ISREG(st.st_mode) ? 0 : err_set(e, -EPERM,
	    "%s is no plain file (links are not followed)", path);
}

/* The checks of plugin_load on the description alone. 0 or -EPROTO with text. */
static int
plugin_check(const struct bn_action_ops *o, const char *name, struct err *e)
{
	uint32_t known = BN_STATE | BN_EVENT | BN_PER_JAIL | BN_OPEN_KEYS | BN_FIELDS |
	    BN_PROLONGS;

	if (o->abi != BN_ACTION_ABI)
		return err_set(e, -EPROTO, "plugin %s is built for version %u of the "
		    "action interface, this is %d", name, o->abi, BN_ACTION_ABI);
	if (o->size < oldest)
		return err_set(e, -EPROTO, "plugin %s describes itself in %u bytes, at "
		    "least %zu are needed", name, o->size, oldest);
	if (!o->name || strcmp(o->name, name) != 0)
		return err_set(e, -EPROTO, "the file of plugin %s holds a plugin that "
		    "calls itself \"%s\"", name, o->name ? o->name : "");
	if (!o->open || !o->apply || !o->close || !o->keys)
		return err_set(e, -EPROTO, "plugin %s lacks open, apply, close or keys",
		    name);
	if (o->flags & ~known || !(o->flags & BN_STATE) == !(o->flags & BN_EVENT))
		return err_set(e, -EPROTO,
		    "plugin %s has flags 0x%x; one of BN_STATE and "
		    "BN_EVENT is needed",
		    name, o->flags);
	if (o->kinds == 0 || o->kinds >> (BN_NONE + 1))
		return err_set(e, -EPROTO,
		    "plugin %s can carry out nothing (kinds 0x%x)", name, o->kinds);
	for (const struct bn_key *k = o->keys; k->name; k++)
		for (const struct bn_key *j = o->keys; j != k; j++)
			if (strcmp(j->name, k->name) == 0)
				return err_set(e, -EPROTO,
				    "plugin %s describes the option "
				    "\"%s\" twice",
				    name, k->name);
	if (!o->poll_fd != !o->run)
		return err_set(e, -EPROTO, "plugin %s has only one of poll_fd and run",
		    name);
	return 0;
}

static const struct bn_key *
key_find(const struct bn_action_ops *o, const char *key)
{
	for (const struct bn_key *k = o->keys; k->name; k++)
		if (strcmp(k->name, key) == 0)
			return k;
	return NULL;
}

static int
unknown_key(const struct bn_action_ops *o, const char *key, struct err *e)
{
	struct buf known = { 0 };
	int rc;

	for (const struct bn_key *k = o->keys; k->name; k++)
		buf_printf(&known, "%s%s", known.len ? ", " : "", k->name);
	rc = err_set(e, -EINVAL, "action %s has no option \"%s\"; it knows: %s",
	    o->name, key, known.len ? known.p : "none");
	buf_fini(&known);
	return err_about(e, rc, key, 0);
}

int
plugin_check_options(const struct bn_action_ops *o, const struct conf_options *v,
    struct err *e)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!(o->flags & BN_OPEN_KEYS) && !key_find(o, v->v[i].key))
			return unknown_key(o, v->v[i].key, e);
		for (size_t j = 0; j < i; j++)
			if (strcmp(v->v[i].key, v->v[j].key) == 0)
				return err_set(e, -EINVAL,
				    "action %s: option \"%s\" is "
				    "given twice",
				    o->name, v->v[i].key);
	}
	for (const struct bn_key *k = o->keys; k->name; k++)
		if (!k->fallback && !conf_option(v, k->name, NULL))
			return err_set(e, -EINVAL,
			    "action %s needs the option \"%s\": %s", o->name, k->name,
			    k->help);
	return 0;
}

const char *
plugin_option(
    const struct bn_action_ops *o, const struct conf_options *v, const char *key)
{
	const struct bn_key *k = key_find(o, key);

	return conf_option(v, key, k ? k->fallback : NULL);
}

static int
load(struct plugin *p, const char *path, const char *name, struct err *e)
{
	const struct bn_action_ops *ops;
	int rc;

	p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!p->handle)
		return err_set(e, -ENOEXEC, "%s", dlerror());
	ops = dlsym(p->handle, "bn_action");
	if (!ops)
		return err_set(e, -ENOEXEC, "%s is no action plugin: it has no symbol "
		    "bn_action", path);
	rc = plugin_check(ops, name, e);
	if (rc < 0)
		return rc;
	memcpy(&p->ops, ops, ops->size < sizeof(p->ops) ? ops->size : sizeof(p->ops));
	return 0;
}

int
plugin_load(struct plugin *p, const char *dir, const char *name, struct err *e)
{
	struct buf path = { 0 };
	int rc;

	*p = (struct plugin){ 0 };
	rc = check_name(name, e);
	if (rc < 0)
		return rc;
	buf_printf(&path, "%s/%s.so", dir, name);
	rc = check_owner(dir, e);
	if (rc == 0)
		rc = check_owner(path.p, e);
	if (rc == 0)
		rc = check_file(path.p, e);
	if (rc == -ENOENT)
		err_set(e, rc, "there is no action plugin \"%s\" (%s)", name, path.p);
	if (rc == 0)
		rc = load(p, path.p, name, e);
	if (rc < 0)
		plugin_unload(p);
	buf_fini(&path);
	return rc;
}

void
plugin_unload(struct plugin *p)
{
	if (p->handle)
		dlclose(p->handle);
	*p = (struct plugin){ 0 };
}

const char *
plugin_folder(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - sizeof(PLUGIN_FOLDER));
	char *slash;

	if (n < 0)
		return NULL;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (!slash)
		return NULL;
	strcpy(slash + 1, PLUGIN_FOLDER);
	return out;
}
