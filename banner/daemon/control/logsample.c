/* SPDX-License-Identifier: GPL-2.0-or-later
 * logsample.c - the ends of logs, looked at with eyes of their own.
 */
#include "banner/daemon/control/logsample.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"

enum { SAMPLE_BYTES = 256 * 1024, FILES_MAX = 256, HASHES = 64, ALIKE_LEAST = 3 };

/* A file, by whose filter it is read, and its last lines that speak of logins. */
struct reading {
	dev_t dev;
	ino_t ino;
	const struct conf_jail *jail;
	const char *name;
	uint64_t hash[HASHES];
	size_t n;
};

struct logsample {
	struct reading files[FILES_MAX];
	size_t n;
	char text[SAMPLE_BYTES];
};

struct logsample *
logsample_new(void)
{
	return xcalloc(1, sizeof(struct logsample));
}

void
logsample_free(struct logsample *s)
{
	free(s);
}

/* Does the line, in lower case, speak of a failed login? */
static bool
speaks(struct str line)
{
	static const char *const words[] = { "authentication failed", "auth failed",
		"authentication failure", "login failed", "failed login", "badlogin",
		"failed password", "password mismatch", "invalid password",
		"incorrect authentication data", "authentication unsuccessful" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (line.len &&
		    memmem(line.s, line.len, words[i], strlen(words[i])))
			return true;
	return false;
}

static size_t
count_lines(struct str text)
{
	struct str line;
	size_t n = 0;

	while (text.len > 0 && str_cut(&text, '\n', &line))
		n++;
	return n;
}

/* The end of the log, in lower case. */
static void
read_end(struct logsample *s, int fd, off_t size, struct logsample_sum *sum)
{
	struct reading *f = &s->files[s->n];
	struct str rest = { s->text, 0 }, line;
	struct hash_key key = { { 0 } };
	ssize_t n = pread(fd, s->text, SAMPLE_BYTES,
	    size > SAMPLE_BYTES ? size - SAMPLE_BYTES : 0);
	bool judged, spoke;

	for (ssize_t i = 0; i < n; i++)
		s->text[i] = (char)tolower((unsigned char)s->text[i]);
	rest.len = n > 0 ? (size_t)n : 0;
	for (size_t left = count_lines(rest); left > 0; left--) {
		str_cut(&rest, '\n', &line);
		judged = left <= sum->judged;
		spoke = speaks(line);
		sum->lines += judged;
		sum->speaking += judged && spoke;
		if (spoke)
			f->hash[f->n++ % HASHES] = hash64(&key, line.s, line.len);
	}
}

static bool
is_sasl(const char *filter)
{
	return !strcmp(filter, "postfix-sasl") || !strcmp(filter, "zimbra-smtp");
}

/* Two files that hold the same lines, as when syslog writes to both. */
static bool
are_alike(const struct reading *a, const struct reading *b)
{
	size_t na = a->n < HASHES ? a->n : HASHES, nb = b->n < HASHES ? b->n : HASHES;
	size_t same = 0;

	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++)
			same += a->hash[i] == b->hash[k];
	return same >= ALIKE_LEAST;
}

/* One jail reads a file once, whatever its names, but not two files with the same
 * lines; and these filters see the same attempts in different lines. */
static bool
counts_twice(const struct reading *a, const struct reading *b)
{
	const char *fa = a->jail->filter.name, *fb = b->jail->filter.name;
	bool same = a->dev == b->dev && a->ino == b->ino;

	if (a->jail == b->jail)
		return !same && are_alike(a, b);
	return (same || are_alike(a, b)) &&
	    ((is_sasl(fa) && !strcmp(fb, "postfix-auth0")) ||
	    (is_sasl(fb) && !strcmp(fa, "postfix-auth0")));
}

static void
find_twice(const struct logsample *s, struct buf *twice)
{
	const struct reading *f = &s->files[s->n];

	for (const struct reading *o = s->files; o < f; o++)
		if (counts_twice(o, f))
			buf_printf(twice, "attempts in %s are counted twice: jail %s "
			    "finds them in %s", f->name, o->jail->name, o->name);
}

void
logsample_file(struct logsample *s, const struct conf_jail *jail, const char *name,
    struct logsample_sum *sum, struct buf *twice)
{
	int fd = name[0] == '/' ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->files[s->n] = (struct reading){ .dev = st.st_dev, .ino = st.st_ino,
			.jail = jail, .name = name };
		read_end(s, fd, st.st_size, sum);
		find_twice(s, twice);
		s->n += s->n + 1 < FILES_MAX;
	}
	close(fd);
}
