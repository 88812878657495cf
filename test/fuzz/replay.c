/* SPDX-License-Identifier: GPL-2.0-or-later
 * replay.c - the inputs that fuzzing found, given to a fuzz target once more.
 *
 *	replay FILE		as pack.py writes it
 *
 * The unit tests run this for every target, also with sanitizers and under valgrind.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* 1, 0 at the end, -1: the file is not one of ours. */
static int
one(FILE *f)
{
	uint8_t *p;
	size_t n, got;
	int rc = fscanf(f, "%zu", &n);

	if (rc != 1)
		return rc == EOF ? 0 : -1;
	if (fgetc(f) != '\n' || n > 1 << 20)
		return -1;
	/* of just that size: reading behind it shows */
	p = malloc(n ? n : 1);
	got = p ? fread(p, 1, n, f) : 0;
	rc = got == n && fgetc(f) == '\n' ? 1 : -1;
	if (rc == 1)
		LLVMFuzzerTestOneInput(p, n);
	free(p);
	return rc;
}

int
main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	unsigned n = 0;
	int rc = f ? 1 : -1;

	while (rc > 0 && (rc = one(f)) > 0)
		n++;
	if (f)
		fclose(f);
	printf("%u inputs\n", n);
	return rc < 0 || n == 0;
}
