/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal_lib.h - libsystemd, loaded when there is a journal to read.
 *
 * With what it needs itself it is seven libraries, a megabyte of memory and some
 * milliseconds of every start; most machines have log files. See sd-journal(3).
 */
#ifndef BANNER_JOURNAL_LIB_H
#define BANNER_JOURNAL_LIB_H

#include <systemd/sd-journal.h>

#include "banner/base/err.h"

#define JOURNAL_FUNCTIONS(FUNCTION) \
	FUNCTION(add_disjunction) FUNCTION(add_match) FUNCTION(close) \
	FUNCTION(get_cursor) FUNCTION(get_data) FUNCTION(get_fd) \
	FUNCTION(get_monotonic_usec) FUNCTION(get_realtime_usec) FUNCTION(next) \
	FUNCTION(open) FUNCTION(open_directory) FUNCTION(open_files) \
	FUNCTION(open_namespace) FUNCTION(previous) FUNCTION(process) \
	FUNCTION(reliable_fd) FUNCTION(seek_cursor) FUNCTION(seek_realtime_usec) \
	FUNCTION(seek_tail) FUNCTION(set_data_threshold) FUNCTION(test_cursor)

/* sd_journal_NAME of the library. */
struct journal_lib {
#define JOURNAL_MEMBER(name) __typeof__(sd_journal_##name) *name;
	JOURNAL_FUNCTIONS(JOURNAL_MEMBER)
#undef JOURNAL_MEMBER
};

/* It stays loaded until the process ends. 0, or -ENOENT with text. */
int	journal_lib_load(struct journal_lib *, struct err *);

#endif
