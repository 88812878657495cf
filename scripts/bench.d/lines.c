/* SPDX-License-Identifier: GPL-2.0-or-later
 * lines.c - reads a file in blocks and counts its lines: what no scanner can beat.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK (256 * 1024)

/* The compiler makes vector code of this with -O3. */
static size_t
newlines(const char *p, size_t n)
{
	size_t count = 0;

	for (size_t at = 0; at < n;) {
		unsigned char part = 0;
		size_t end = n - at > 255 ? at + 255 : n;

		for (; at < end; at++)
			part = (unsigned char)(part + (p[at] == '\n'));
		count += part;
	}
	return count;
}

int
main(int argc, char **argv)
{
	char *block = aligned_alloc(4096, BLOCK);
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	size_t count = 0;
	ssize_t n;

	if (fd < 0 || !block)
		return 1;
	while ((n = read(fd, block, BLOCK)) > 0)
		count += newlines(block, (size_t)n);
	printf("%zu\n", count);
	return 0;
}
