/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl.c - sends one line to bannerd's control socket and prints the reply.
 *
 * Called as fail2ban-client it asks for fail2ban's shapes and exits as that does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "banner/base/buf.h"
#include "banner/base/str.h"
#include "banner/tools/banctl_compare.h"
#include "banner/tools/banctl_f2b.h"

#define DEFAULT_SOCKET "/run/banner/banner.sock"
enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };
enum { HURRY_MS = 500 };
/* Silence is told after PATIENCE_S, and not waited for longer than the timeout. */
enum { PATIENCE_S = 5, TIMEOUT_S = 60 };

struct banctl {
	const char *socket;
	bool json, f2b;
	bool hurry; /* panic: an engine that hangs is not waited for */
	bool beside; /* bannerd was told of it without the engine */
	int fd, timeout_s;
	struct buf in;
};

static int
usage(FILE *to)
{
	fputs("usage: banctl [-s SOCKET] [--timeout SECONDS] [--json] COMMAND "
	      "[WORD ...]\n"
	      "       banctl import FAIL2BAN.sqlite3 [STATE-FOLDER]\n"
	      "       banctl compare FAIL2BAN-LOG [BANNER-LOG]\n"
	      "       banctl help    lists the commands\n",
	    to);
	return to == stdout ? EXIT_DONE : EXIT_USAGE;
}

/* In single quotes nothing but the quote itself is special. */
static void
put_word(struct buf *b, const char *word)
{
	if (b->len)
		buf_putc(b, ' ');
	buf_putc(b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_puts(b, "'\\''");
		else
			buf_putc(b, *word == '\n' ? ' ' : *word);
	}
	buf_putc(b, '\'');
}

/* No engine answers: bannerd looks for this file, ends it, and tells the next one. */
static void
panic_beside(struct banctl *c)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	struct buf path = { 0 };
	int fd;

	c->hurry = false;
	buf_printf(&path, "%s.panic", c->socket);
	fd = open(path.p, flags, 0600);
	c->beside = fd >= 0;
	fprintf(stderr, "banctl: the engine does not answer; %s: %s\n", path.p,
	    fd < 0 ? strerror(errno) : "made, bannerd goes on without it");
	if (fd >= 0)
		close(fd);
	buf_fini(&path);
}

static int
connect_to(struct banctl *c, const struct sockaddr_un *to)
{
	const struct sockaddr *addr = (const struct sockaddr *)to;
	struct timeval soon = { 0, HURRY_MS * 1000 }, wait = { c->timeout_s, 0 };

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	/* it waits when too many others wait already */
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, c->hurry ? &soon : &wait,
	    sizeof(wait));
	if (!c->hurry)
		return connect(c->fd, addr, sizeof(*to));
	if (connect(c->fd, addr, sizeof(*to)) == 0)
		return 0;
	if (errno != EAGAIN)
		return -1;
	panic_beside(c);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return connect(c->fd, addr, sizeof(*to));
}

static int
dial(struct banctl *c)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(c->socket) >= sizeof(to.sun_path)) {
		fprintf(stderr, "banctl: %s: the name is too long\n", c->socket);
		return EXIT_USAGE;
	}
	strcpy(to.sun_path, c->socket);
	if (connect_to(c, &to) == 0)
		return EXIT_DONE;
	if (c->f2b)
		return f2b_unreachable(c->socket, errno);
	fprintf(stderr, "banctl: %s: %s%s\n", c->socket, strerror(errno),
	    errno == EACCES                                ? " (root or group banner)"
		: errno == ENOENT || errno == ECONNREFUSED ? " (is bannerd running?)"
		: errno == EAGAIN ? " (bannerd takes no connection: see its log)"
							   : "");
	return EXIT_NO_DAEMON;
}

static int
send_all(int fd, const struct buf *b)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = send(fd, b->p + done, b->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* The last line: "ok" or "error CODE TEXT". */
static int
finish(const struct banctl *c, struct str line)
{
	struct str code;

	if (str_is(line, "ok"))
		return EXIT_DONE;
	if (str_starts(line, "error ")) {
		line.s += 6;
		line.len -= 6;
	}
	str_cut(&line, ' ', &code);
	if (!line.s)
		line = code;
	if (c->f2b) {
		f2b_refused(code, line);
		return F2B_ERROR;
	}
	fprintf(stderr, "banctl: %.*s\n", (int)line.len, line.s);
	return str_is(code, "usage") ? EXIT_USAGE : EXIT_REFUSED;
}

/* Print whole lines as they come: -1 while the reply goes on, else the exit code. */
static int
take_lines(struct banctl *c)
{
	char *end;

	while (c->in.len && (end = memchr(c->in.p, '\n', c->in.len))) {
		struct str line = { c->in.p, (size_t)(end - c->in.p) };

		if (!line.len || line.s[0] != ' ')
			return finish(c, line);
		fwrite(line.s + 1, 1, line.len - 1, stdout);
		putchar('\n');
		buf_drop(&c->in, line.len + 1);
	}
	return -1;
}

/* Wait until there is something to read. What is watched may come at any time. */
static int
await(const struct banctl *c, bool watched)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int first = PATIENCE_S < c->timeout_s ? PATIENCE_S : c->timeout_s, rc;

	if (watched)
		return EXIT_DONE;
	rc = poll(&p, 1, first * 1000);
	if (rc == 0 && first < c->timeout_s) {
		fprintf(stderr, "banctl: no answer for %d s: bannerd starts, or hangs; "
		    "waiting\n", first);
		rc = poll(&p, 1, (c->timeout_s - first) * 1000);
	}
	if (rc)
		return EXIT_DONE;
	fprintf(stderr, "banctl: no answer in %d s: see the log of bannerd\n",
	    c->timeout_s);
	return EXIT_NO_DAEMON;
}

static int
receive(struct banctl *c, bool watch)
{
	struct pollfd answer = { .fd = c->fd, .events = POLLIN };
	char room[65536];
	bool watched = false;
	ssize_t n;
	int rc = -1;

	if (c->hurry && poll(&answer, 1, HURRY_MS) == 0)
		panic_beside(c);
	while (rc < 0) {
		if (await(c, watched) != EXIT_DONE)
			return EXIT_NO_DAEMON;
		n = read(c->fd, room, sizeof(room));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && c->beside)
			return EXIT_NO_DAEMON;
		if (n <= 0) {
			fprintf(stderr, "banctl: bannerd closed the connection\n");
			return EXIT_NO_DAEMON;
		}
		buf_add(&c->in, room, (size_t)n);
		rc = take_lines(c);
		fflush(stdout);
		/* what is watched comes after the ok */
		if (rc == EXIT_DONE && watch) {
			watched = true;
			buf_drop(&c->in, 3);
			rc = take_lines(c);
		}
	}
	return rc;
}

static int
ask(struct banctl *c, char **words)
{
	struct buf request = { 0 };
	int rc = dial(c);

	if (rc != EXIT_DONE)
		return rc;
	if (c->json || c->f2b)
		buf_puts(&request, c->json ? "json" : "f2b");
	for (char **w = words; *w; w++)
		put_word(&request, *w);
	buf_putc(&request, '\n');
	if (send_all(c->fd, &request) < 0)
		rc = EXIT_NO_DAEMON;
	else
		rc = receive(c, !strcmp(words[0], "watch"));
	buf_fini(&request);
	buf_fini(&c->in);
	close(c->fd);
	return rc;
}

static int
run(struct banctl *c, char **words)
{
	int rc;

	c->hurry = !c->f2b && !strcmp(words[0], "panic");
	rc = ask(c, words);
	/* the engine that hung had taken the question: the next one answers it */
	if (rc == EXIT_NO_DAEMON && c->beside)
		rc = ask(c, words);
	return rc;
}

static int
take_timeout(struct banctl *c, const char *text)
{
	uint64_t s;

	if (str_u64(str_of(text), &s) < 0 || s < 1 || s > 86400) {
		fprintf(stderr, "banctl: --timeout: found \"%s\", expected seconds, "
		    "from 1 to 86400\n", text);
		return EXIT_USAGE;
	}
	c->timeout_s = (int)s;
	return -1;
}

/* Options stand before the command; --json also after it. Returns the words. */
static char **
take_options(struct banctl *c, char **argv, int *status)
{
	char **words, **kept;

	*status = -1;
	for (argv++; *argv && (*argv)[0] == '-'; argv++) {
		if (!strcmp(*argv, "-s") && argv[1])
			c->socket = *++argv;
		else if (!strcmp(*argv, "--timeout") && argv[1])
			*status = take_timeout(c, *++argv);
		else if (!strcmp(*argv, "--json"))
			c->json = true;
		else if (!strcmp(*argv, "-h") || !strcmp(*argv, "--help"))
			*status = usage(stdout);
		else if (!strcmp(*argv, "--version")) {
			puts("banctl " BANNER_VERSION);
			*status = EXIT_DONE;
		} else {
			fprintf(stderr,
			    "banctl: no option \"%s\", or no value for it\n", *argv);
			*status = usage(stderr);
		}
		if (*status >= 0)
			return argv;
	}
	words = kept = argv;
	for (; *argv; argv++) {
		if (!strcmp(*argv, "--json"))
			c->json = true;
		else
			*kept++ = *argv;
	}
	*kept = NULL;
	return words;
}

/* What needs no daemon but more than this program links is done by another, which lies
 * beside this one in a build folder, else where the others are installed. */
static int
run_beside(const char *program, char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		strcpy(slash ? slash + 1 : path, program);
		execv(path, argv);
	}
	snprintf(path, sizeof(path), "%s/%s", BANNER_LIBEXECDIR, program);
	execv(path, argv);
	fprintf(stderr, "banctl: %s: %s\n", path, strerror(errno));
	return EXIT_REFUSED;
}

/* Who reads the file that the reply went to would miss a part of it. */
static int
written(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "banctl: the reply cannot be written: %s\n", strerror(errno));
	return status == EXIT_DONE ? EXIT_REFUSED : status;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *env = getenv("BANNER_SOCKET");
	struct banctl c = { .socket = env ? env : DEFAULT_SOCKET, .fd = -1,
		.timeout_s = TIMEOUT_S };
	char **words;
	int status;

	name = name ? name + 1 : argv[0];
	c.f2b = !strcmp(name, "fail2ban-client");
	if (c.f2b) {
		struct f2b f = { .socket = c.socket };

		status = f2b_begin(&f, argv);
		c.socket = f.socket;
		words = f.words;
	} else
		words = take_options(&c, argv, &status);
	if (status >= 0)
		return status;
	if (!*words)
		return usage(stderr);
	if (!c.f2b && !strcmp(words[0], "compare"))
		return banctl_compare(words, c.json);
	if (!c.f2b && !strcmp(words[0], "import"))
		return run_beside("banner-import", words);
	if (!c.f2b && !c.json &&
	    (!strcmp(words[0], "help") || !strcmp(words[0], "completion")))
		return run_beside("banner-engine", words - 1);
	return written(run(&c, words));
}
