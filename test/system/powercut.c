/* SPDX-License-Identifier: GPL-2.0-or-later
 * powercut.c - the store's file after the power went: a VFS that loses writes.
 *
 * powercut CUTS SEED: writes a history of cuts through the store's own code, each cut
 * telling its number in a counter and adding a ban; at a random write the power goes.
 * Of what was not synced each sector of 512 bytes is kept, lost or torn, in any order.
 * Then the store must open, be whole, hold a prefix of the history, and no less than
 * what it had acknowledged.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/daemon/proc/log.h"
#include "banner/daemon/store/store.h"

enum { FILES = 3, SECTOR = 512, HISTORY = 40, MAX = 1 << 20, REGION = 32768,
	REGIONS = 4 };

/* What the disk holds, and what the system says it holds. */
struct image {
	char name[200];
	uint8_t *now, *disk;
	size_t now_len, disk_len;
	bool there;
};

struct machine {
	sqlite3_vfs vfs, *real;
	struct image files[FILES];
	uint8_t shared[REGIONS * REGION];
	long left;		/* writes until the power goes; below 0: it is gone */
};

struct file { sqlite3_file base; struct image *i; struct machine *m; };

static bool
power(struct machine *m)
{
	return m->left >= 0 && m->left-- > 0;
}

static struct image *
image_of(struct machine *m, const char *name)
{
	for (int i = 0; i < FILES; i++)
		if (!m->files[i].name[0] || !strcmp(m->files[i].name, name)) {
			snprintf(m->files[i].name, sizeof(m->files[i].name), "%s",
			    name);
			return &m->files[i];
		}
	abort();
}

static int
f_close(sqlite3_file *f)
{
	return SQLITE_OK;
}

static int
f_read(sqlite3_file *sf, void *to, int n, sqlite3_int64 at)
{
	struct image *i = ((struct file *)sf)->i;
	size_t have = (size_t)at < i->now_len ? i->now_len - (size_t)at : 0;

	memset(to, 0, (size_t)n);
	memcpy(to, i->now + at, have < (size_t)n ? have : (size_t)n);
	return have < (size_t)n ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int
f_write(sqlite3_file *sf, const void *from, int n, sqlite3_int64 at)
{
	struct file *f = (struct file *)sf;

	if (!power(f->m) || at + n > MAX)
		return SQLITE_IOERR_WRITE;
	memcpy(f->i->now + at, from, (size_t)n);
	if ((size_t)(at + n) > f->i->now_len)
		f->i->now_len = (size_t)(at + n);
	return SQLITE_OK;
}

static int
f_truncate(sqlite3_file *sf, sqlite3_int64 n)
{
	struct file *f = (struct file *)sf;

	if (!power(f->m))
		return SQLITE_IOERR_TRUNCATE;
	if ((size_t)n < f->i->now_len)
		memset(f->i->now + n, 0, f->i->now_len - (size_t)n);
	f->i->now_len = (size_t)n;
	return SQLITE_OK;
}

static int
f_sync(sqlite3_file *sf, int flags)
{
	struct file *f = (struct file *)sf;

	if (!power(f->m))
		return SQLITE_IOERR_FSYNC;
	memcpy(f->i->disk, f->i->now, MAX);
	f->i->disk_len = f->i->now_len;
	return SQLITE_OK;
}

static int
f_size(sqlite3_file *sf, sqlite3_int64 *n)
{
	*n = (sqlite3_int64)((struct file *)sf)->i->now_len;
	return SQLITE_OK;
}

static int
f_lock(sqlite3_file *f, int how)
{
	return SQLITE_OK;
}

static int
f_reserved(sqlite3_file *f, int *out)
{
	*out = 0;
	return SQLITE_OK;
}

static int
f_control(sqlite3_file *f, int op, void *arg)
{
	return SQLITE_NOTFOUND;
}

static int
f_sector(sqlite3_file *f)
{
	return SECTOR;
}

static int
f_device(sqlite3_file *f)
{
	return 0;
}

/* Shared memory of the one process there is. */
static int
f_map(sqlite3_file *sf, int region, int size, int extend, void volatile **out)
{
	struct machine *m = ((struct file *)sf)->m;

	if (region >= REGIONS || size != REGION)
		return SQLITE_IOERR_SHMMAP;
	*out = m->shared + region * REGION;
	return SQLITE_OK;
}

static int
f_shared_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return SQLITE_OK;
}

static void
f_barrier(sqlite3_file *f)
{
}

static int
f_unmap(sqlite3_file *sf, int gone)
{
	struct machine *m = ((struct file *)sf)->m;

	memset(m->shared, 0, sizeof(m->shared));
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = { .iVersion = 2, .xClose = f_close,
	.xRead = f_read, .xWrite = f_write, .xTruncate = f_truncate, .xSync = f_sync,
	.xFileSize = f_size, .xLock = f_lock, .xUnlock = f_lock,
	.xCheckReservedLock = f_reserved, .xFileControl = f_control,
	.xSectorSize = f_sector, .xDeviceCharacteristics = f_device, .xShmMap = f_map,
	.xShmLock = f_shared_lock, .xShmBarrier = f_barrier, .xShmUnmap = f_unmap };

static int
v_open(sqlite3_vfs *v, const char *name, sqlite3_file *sf, int flags, int *out)
{
	struct machine *m = v->pAppData;
	struct file *f = (struct file *)sf;

	f->base.pMethods = &methods;
	f->m = m;
	f->i = image_of(m, name ? name : "temporary");
	f->i->there = true;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int
v_delete(sqlite3_vfs *v, const char *name, int sync)
{
	struct image *i = image_of(v->pAppData, name);

	if (!power(v->pAppData))
		return SQLITE_IOERR_DELETE;
	i->there = false;
	memset(i->now, 0, MAX);
	i->now_len = 0;
	return SQLITE_OK;
}

static int
v_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	struct image *i = image_of(v->pAppData, name);

	*out = i->there && i->now_len > 0;
	return SQLITE_OK;
}

static int
v_path(sqlite3_vfs *v, const char *name, int n, char *out)
{
	snprintf(out, (size_t)n, "%s", name);
	return SQLITE_OK;
}

/* Each sector that is not on disk yet: there, not there, or half of it. */
static void
cut(struct machine *m)
{
	for (int k = 0; k < FILES; k++) {
		struct image *i = &m->files[k];
		size_t len = random() % 2 ? i->now_len : i->disk_len;

		for (size_t at = 0; at < MAX; at += SECTOR) {
			long what = random() % 4;
			size_t n = what == 0 ? 0 :
			    what == 1 ? (size_t)(random() % SECTOR) : SECTOR;

			if (memcmp(i->disk + at, i->now + at, SECTOR) != 0)
				memcpy(i->disk + at, i->now + at, n);
		}
		memset(i->disk + len, 0, MAX - len);
		memcpy(i->now, i->disk, MAX);
		i->now_len = i->disk_len = len;
	}
	m->left = -1;
}

static void
take(struct store *s, enum wire_type type, const struct buf *b, size_t at)
{
	const uint8_t *p = (const uint8_t *)b->p + at;
	struct wire_in frame = { p, (const uint8_t *)b->p + b->len, false }, body;
	bool marked;

	if (wire_next(&frame, &type, &body) <= 0 ||
	    store_take(s, type, &body, 1000, &marked) < 0)
		abort();
}

/* One cut: counter = n, ban n, MARK n. True: on disk. */
static bool
one_cut(struct store *s, unsigned n)
{
	struct ban ban = { .id = n, .jail = "j", .since_ms = 1000,
	    .subject = { .kind = SUBJECT_ADDR, .addr = { 4, 32, { 10, 0, 0, 0 } },
	    .text = STR("") } };
	struct buf b = { 0 };
	size_t at;
	struct err e;

	ban.subject.addr.ip[3] = (uint8_t)n;
	at = wire_start(&b, WIRE_BAN);
	wire_put_ban(&b, &(struct order){ .verb = VERB_BAN, .ban = &ban });
	wire_finish(&b, at);
	take(s, WIRE_BAN, &b, at);
	at = wire_start(&b, WIRE_COUNT);
	wire_text(&b, "j");
	wire_text(&b, "k");
	wire_str(&b, (struct str){ (const char *)&n, sizeof(n) });
	wire_finish(&b, at);
	take(s, WIRE_COUNT, &b, at);
	at = wire_start(&b, WIRE_MARK);
	wire_u64(&b, n);
	wire_finish(&b, at);
	take(s, WIRE_MARK, &b, at);
	buf_fini(&b);
	return store_commit(s, &e) == 0;
}

/* The state: bans 1..n and the counter n. n, or -1: it is no prefix. */
static int
read_back(struct store *s)
{
	struct buf out = { 0 };
	struct wire_in frame, body;
	enum wire_type type;
	unsigned bans = 0, counter = 0;
	bool good = true;
	struct err e;
	int rc = store_stream(s, &(struct store_sink){ .out = &out }, &e);

	frame = (struct wire_in){ (const uint8_t *)out.p,
	    (const uint8_t *)out.p + out.len, false };
	while (rc == 0 && wire_next(&frame, &type, &body) > 0) {
		struct wire_ban b;
		struct str record;

		if (type == WIRE_BAN && wire_get_ban(&body, &b) == 0)
			good = good && b.ban.id == ++bans;
		if (type != WIRE_COUNT)
			continue;
		wire_get_text(&body);
		wire_get_str(&body);
		record = wire_get_str(&body);
		memcpy(&counter, record.s, sizeof(counter));
	}
	buf_fini(&out);
	return rc == 0 && good && bans == counter ? (int)bans : -1;
}

static bool
one_power_cut(struct machine *m, const char *path)
{
	struct store s = { 0 };
	unsigned n = 0, acked = 0;
	struct err e;
	int got;

	for (int i = 0; i < FILES; i++) {
		memset(m->files[i].now, 0, MAX);
		memset(m->files[i].disk, 0, MAX);
		m->files[i].now_len = m->files[i].disk_len = 0;
		m->files[i].name[0] = '\0';
	}
	m->left = random() % 500;
	if (store_open(&s, path, &e) == 0)
		while (m->left > 0 && n < HISTORY)
			if (one_cut(&s, ++n))
				acked = n;
	cut(m);
	store_close(&s);
	m->left = 1L << 40;
	s = (struct store){ 0 };
	got = store_open(&s, path, &e) == 0 && !s.anew ? read_back(&s) : -1;
	store_close(&s);
	if (got >= (int)acked && got <= (int)n)
		return true;
	fprintf(stderr, "wrote %u, acknowledged %u, found %d: %s\n", n, acked, got,
	    e.text);
	return false;
}

int
main(int argc, char **argv)
{
	static struct machine m;
	long cuts = argc > 1 ? atol(argv[1]) : 200, bad = 0;

	srandom(argc > 2 ? (unsigned)atol(argv[2]) : 1);
	m.real = sqlite3_vfs_find(NULL);
	m.vfs = *m.real;
	m.vfs.zName = "cut";
	m.vfs.szOsFile = sizeof(struct file);
	m.vfs.pAppData = &m;
	m.vfs.xOpen = v_open;
	m.vfs.xDelete = v_delete;
	m.vfs.xAccess = v_access;
	m.vfs.xFullPathname = v_path;
	sqlite3_vfs_register(&m.vfs, 1);
	for (int i = 0; i < FILES; i++) {
		m.files[i].now = xcalloc(1, MAX);
		m.files[i].disk = xcalloc(1, MAX);
	}
	log_open(NULL, NULL, LEVEL_CRITICAL);
	for (long i = 0; i < cuts; i++)
		bad += !one_power_cut(&m, "/nonexistent/banner.sqlite3");
	printf("{\"id\": \"powercut\", \"n\": %ld, \"bad\": %ld}\n", cuts, bad);
	return bad > 0;
}
