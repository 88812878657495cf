/* SPDX-License-Identifier: GPL-2.0-or-later
 * folder.h - a configuration folder with one file of the input.
 */
#ifndef BANNER_FUZZ_FOLDER_H
#define BANNER_FUZZ_FOLDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of this process below /tmp; name is jail.conf or filter.d/x.conf. */
static inline void
folder_put(char dir[64], const char *name, const uint8_t *p, size_t n)
{
	char path[256];
	int fd;

	snprintf(dir, 64, "/tmp/banner-fuzz-%ld", (long)getpid());
	mkdir(dir, 0700);
	snprintf(path, sizeof(path), "%s/filter.d", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/jail.conf", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		exit(1);
	close(fd);
}

static inline void
folder_drop(const char *dir)
{
	const char *const names[] = { "jail.conf", "filter.d/x.conf", "filter.d", "" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
}

#endif
