/* SPDX-License-Identifier: GPL-2.0-or-later
 * unit.h - what every unit test includes first: cmocka and the headers it needs.
 */
#ifndef BANNER_UNIT_H
#define BANNER_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array)	(sizeof(array) / sizeof(*(array)))

/* Under valgrind (scripts/memcheck) nothing is as fast as it should be. */
static inline bool
unit_slow(void)
{
	return getenv("UNIT_SLOW") != NULL;
}

/* Repeatable pseudo-random numbers (splitmix64, Steele and others 2014). */
static inline uint64_t
unit_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
