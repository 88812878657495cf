/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal_lib.c - libsystemd, loaded when there is a journal to read.
 */
#include "banner/source/journal_lib.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libsystemd.so.0"	/* the 0 is its ABI, which headers follow */

int
journal_lib_load(struct journal_lib *lib, struct err *e)
{
	/* A pointer to data does not convert to one to a function: it is copied. */
	const struct { const char *name; size_t at; } all[] = {
#define JOURNAL_PLACE(name) \
	{ "sd_journal_" #name, offsetof(struct journal_lib, name) },
		JOURNAL_FUNCTIONS(JOURNAL_PLACE)
#undef JOURNAL_PLACE
	};
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *f;

	if (!handle)
		return err_set(e, -ENOENT, "the journal cannot be read: %s", dlerror());
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		f = dlsym(handle, all[i].name);
		if (!f)
			return err_set(e, -ENOENT, "%s has no %s", LIBRARY,
			    all[i].name);
		memcpy((char *)lib + all[i].at, &f, sizeof(f));
	}
	return 0;
}
