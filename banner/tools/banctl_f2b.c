/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_f2b.c - fail2ban-client's own part: options, and errors in its shape.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "banner/tools/banctl_f2b.h"

/* Its logger: time, name padded to 24, process, level padded to 7. */
static void
log_error_line(const char *text)
{
	char when[32];
	struct timeval tv;
	struct tm tm;

	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(stderr, "%s,%03d %-24s[%d]: ERROR   %s\n", when,
	    (int)(tv.tv_usec / 1000), "fail2ban", (int)getpid(), text);
}

/* As Python writes a text: single quotes, unless it holds some and no double ones. */
static size_t
python_text(char *out, size_t room, struct str s)
{
	bool single = memchr(s.s, '\'', s.len), dbl = memchr(s.s, '"', s.len);
	char quote = single && !dbl ? '"' : '\'';
	size_t n = 0;

	out[n++] = quote;
	for (size_t i = 0; i < s.len && n + 4 < room; i++) {
		if (s.s[i] == quote || s.s[i] == '\\')
			out[n++] = '\\';
		out[n++] = s.s[i];
	}
	out[n++] = quote;
	out[n] = '\0';
	return n;
}

static bool
between(struct str s, const char *head, const char *tail, struct str *out)
{
	size_t h = strlen(head), t = strlen(tail);

	if (s.len < h + t || memcmp(s.s, head, h) != 0 ||
	    memcmp(s.s + s.len - t, tail, t) != 0)
		return false;
	*out = (struct str){ s.s + h, s.len - h - t };
	return true;
}

void
f2b_refused(struct str code, struct str text)
{
	char quoted[2048], line[2200];
	struct str argument = text;

	if (str_is(code, "config")) {
		snprintf(line, sizeof(line), "Failed during configuration: %.*s",
		    (int)text.len, text.s);
		log_error_line(line);
		return;
	}
	if (!between(text, "Sorry but the jail '", "' does not exist", &argument) &&
	    str_is(text, "Sorry but the command is invalid"))
		argument = STR("list index out of range");
	python_text(quoted, sizeof(quoted), argument);
	snprintf(line, sizeof(line), "NOK: (%s,)", quoted);
	log_error_line(line);
	printf("%.*s\n", (int)text.len, text.s);
}

int
f2b_unreachable(const char *socket, int err)
{
	char line[400];

	if (access(socket, F_OK) < 0)
		snprintf(line, sizeof(line),
		    "Failed to access socket path: %s. Is fail2ban running?", socket);
	else if (access(socket, W_OK) < 0)
		snprintf(line, sizeof(line),
		    "Permission denied to socket: %s, (you must be root)", socket);
	else
		snprintf(line, sizeof(line),
		    "[[Errno %d] %s] Unable to contact server. Is it running?", err,
		    strerror(err));
	log_error_line(line);
	return F2B_ERROR;
}

/* Its exit code; out is closed when quiet. */
static int
bannerd(const struct f2b *f, const char *option, bool quiet)
{
	const char *argv[] = { "bannerd", option, f->dir ? "-c" : NULL, f->dir, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (quiet && !freopen("/dev/null", "w", stdout))
			_exit(F2B_ERROR);
		execvp("bannerd", (char **)(uintptr_t)argv);
		perror("bannerd");
		_exit(F2B_ERROR);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return F2B_ERROR;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : F2B_ERROR;
}

static int
test_configuration(const struct f2b *f)
{
	int rc = bannerd(f, "-t", true);

	if (rc == 0)
		puts("OK: configuration test is successful");
	else
		puts("ERROR: test configuration failed");
	return rc;
}

static int
start(const struct f2b *f)
{
	const char *argv[] = { "bannerd", f->dir ? "-c" : NULL, f->dir, NULL };

	if (f->socket && access(f->socket, F_OK) == 0) {
		log_error_line("Server already running");
		return F2B_ERROR;
	}
	execvp("bannerd", (char **)(uintptr_t)argv);
	perror("bannerd");
	return F2B_ERROR;
}

static int
not_here(const char *option)
{
	fprintf(stderr, "fail2ban-client (banner): %s is not offered; see banctl(1)\n",
	    option);
	return F2B_ERROR;
}

static int
f2b_usage(FILE *to)
{
	fputs("Usage: fail2ban-client [-c DIR] [-s SOCKET] [-d | -t] [-V] <COMMAND>\n"
	      "This is banctl(1) of banner, speaking fail2ban's language.\n", to);
	return to == stdout ? 0 : F2B_ERROR;
}

/* -1 go on, else the exit code. */
static int
take_option(struct f2b *f, int c, char *test)
{
	switch (c) {
	case 'c': f->dir = optarg; return -1;
	case 's': f->socket = optarg; return -1;
	case 't':
	case 'd': *test = (char)c; return -1;
	case 'h': return f2b_usage(stdout);
	case 'V': puts("banner " BANNER_VERSION); return 0;
	case 'i': return not_here("-i");
	}
	return f2b_usage(stderr);
}

int
f2b_begin(struct f2b *f, char **argv)
{
	int argc = 0, c, rc = -1;
	char test = 0;

	while (argv[argc])
		argc++;
	while (rc < 0 && (c = getopt(argc, argv, "+c:s:tdhVi")) != -1)
		rc = take_option(f, c, &test);
	if (rc >= 0)
		return rc;
	f->words = argv + optind;
	if (test == 't')
		return test_configuration(f);
	if (test == 'd')
		return bannerd(f, "--dump", false);
	if (!f->words[0])
		return f2b_usage(stderr);
	return strcmp(f->words[0], "start") || f->words[1] ? -1 : start(f);
}
