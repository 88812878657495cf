/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_conf.c - a jail.conf: read, packed, unpacked: the same configuration.
 */
#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "test/fuzz/folder.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf *c, *again;
	char dir[64];
	struct conf_request q = { .dir = dir, .enable_all = true };
	struct buf pack = { 0 }, a = { 0 }, b = { 0 };
	struct err e;
	int rc;

	if (conf_unpack((struct str){ (const char *)p, n }, CONF_WHOLE, &c, &e) == 0)
		conf_free(c);
	folder_put(dir, "jail.conf", p, n);
	rc = conf_read(&q, &c, &e);
	folder_drop(dir);
	if (rc < 0)
		return 0;
	conf_pack(c, &pack);
	if (conf_unpack(buf_view(&pack), CONF_WHOLE, &again, &e) < 0)
		abort();
	conf_dump(c, &a);
	conf_dump(again, &b);
	if (!str_eq(buf_view(&a), buf_view(&b)))
		abort();
	buf_fini(&a);
	buf_fini(&b);
	conf_free(again);
	buf_fini(&pack);
	conf_free(c);
	return 0;
}
