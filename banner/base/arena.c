/* SPDX-License-Identifier: GPL-2.0-or-later
 * arena.c - memory that is freed all at once, and heap memory that never fails.
 */
#include "banner/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Chunks double from the first on: a small arena takes little; a big one is in few
 * pieces, which malloc gets from the system and gives back to it one by one. */
enum { CHUNK_FIRST = 512, CHUNK_LAST = 512 * 1024, MALLOC_HEAD = 16 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *chunks;	/* the first is the one being filled */
	size_t next;		/* bytes of the next one, all heads counted */
};

/* Nothing here may allocate, stdio included. */
static _Noreturn void
out_of_memory(void)
{
	static const char text[] = "banner: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static void *
checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

void *
xmalloc(size_t n)
{
	return checked(malloc(n ? n : 1));
}

void *
xcalloc(size_t n, size_t bytes)
{
	return checked(n && bytes ? calloc(n, bytes) : calloc(1, 1));
}

void *
xrealloc(void *p, size_t n)
{
	return checked(realloc(p, n ? n : 1));
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *copy = xmalloc(n + 1);

	if (n > 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

struct arena *
arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->next = CHUNK_FIRST;
	return a;
}

void
arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static struct chunk *
chunk_new(size_t size)
{
	struct chunk *c;

	if (size > SIZE_MAX - sizeof(*c))
		out_of_memory();
	c = xcalloc(1, sizeof(*c) + size);
	c->size = size;
	c->used = 0;
	return c;
}

static size_t
next_size(struct arena *a)
{
	size_t size = a->next - MALLOC_HEAD - sizeof(struct chunk);

	if (a->next < CHUNK_LAST)
		a->next *= 2;
	return size;
}

/* A big piece gets a chunk of its own behind the first, so that what is left of
 * the first is not lost. */
static struct chunk *
chunk_for(struct arena *a, size_t bytes)
{
	struct chunk *c = a->chunks;
	size_t size;

	if (c && c->size - c->used >= bytes)
		return c;
	if (c && bytes > a->next / 4) {
		struct chunk *own = chunk_new(bytes);

		own->next = c->next;
		c->next = own;
		return own;
	}
	size = next_size(a);
	c = chunk_new(bytes > size ? bytes : size);
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

static void *
take(struct arena *a, size_t bytes, size_t align)
{
	struct chunk *c = a->chunks;
	void *p;

	if (bytes > SIZE_MAX - align)
		out_of_memory();
	if (c && c->used % align) {
		size_t up = align - c->used % align;

		c->used = up > c->size - c->used ? c->size : c->used + up;
	}
	c = chunk_for(a, bytes);
	p = c->data + c->used;
	c->used += bytes;
	return p;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	return take(a, bytes, _Alignof(max_align_t));
}

char *
arena_dup(struct arena *a, struct str s)
{
	char *p = take(a, s.len + 1, 1);

	if (s.len > 0)
		memcpy(p, s.s, s.len);
	return p;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_dup(a, str_of(s)) : NULL;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	p = take(a, (size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
