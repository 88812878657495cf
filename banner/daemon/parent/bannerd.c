/* SPDX-License-Identifier: GPL-2.0-or-later
 * bannerd.c - options of the daemon, and what they lead to.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/parent/checkconf.h"
#include "banner/daemon/parent/notify.h"
#include "banner/daemon/parent/parent.h"

enum { EXIT_USAGE = 2 };
enum { OPT_DUMP = 256, OPT_DRY_RUN, OPT_STATE, OPT_SOCKET, OPT_EXPIRE, OPT_VERSION,
	OPT_FORCE };

static const struct option long_options[] = { { "config", required_argument, NULL,
						  'c' },
	{ "foreground", no_argument, NULL, 'f' }, { "test", no_argument, NULL, 't' },
	{ "dump", no_argument, NULL, OPT_DUMP },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "expire", no_argument, NULL, OPT_EXPIRE },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };

static const char usage_text[] =
    "usage: bannerd [-c DIR] [-f] [-t] [--dump] [--dry-run] [--force] [--state DIR]\n"
    "               [--socket PATH]\n"
    "       bannerd --expire | --version | -h\n"
    "  -c DIR         configuration folder, ours or fail2ban's (" BANNER_CONFDIR ")\n"
    "  -f             stay in the foreground\n"
    "  -t             read and compile everything, report, and exit\n"
    "  --dump         print the resolved configuration and exit\n"
    "  --dry-run      decide and log (STATE/dry-run/bans.log), carry nothing out\n"
    "  --force        start although fail2ban runs\n"
    "  --state DIR    folder of the database\n"
    "  --socket PATH  control socket\n"
    "  --expire       with no daemon running: remove what should have ended, and "
    "exit\n";

static int
usage(FILE *to)
{
	fputs(usage_text, to);
	return to == stdout ? 0 : EXIT_USAGE;
}

/* 0 go on, 1 answered; EXIT_USAGE wrong. */
static int
parse_option(int c, struct options *o)
{
	switch (c) {
	case 'c': o->dir = optarg; return 0;
	case 'f': o->foreground = true; return 0;
	case 't': o->test = true; return 0;
	case OPT_DUMP: o->dump = true; return 0;
	case OPT_DRY_RUN: o->dry_run = true; return 0;
	case OPT_FORCE: o->force = true; return 0;
	case OPT_STATE: o->state = optarg; return 0;
	case OPT_SOCKET: o->socket = optarg; return 0;
	case OPT_EXPIRE: o->expire = true; return 0;
	case OPT_VERSION: printf("bannerd %s\n", BANNER_VERSION); return 1;
	case 'h': usage(stdout); return 1;
	}
	usage(stderr);
	return EXIT_USAGE;
}

static int
parse_options(int argc, char **argv, struct options *o)
{
	int c, rc = 0;

	while (
	    rc == 0 && (c = getopt_long(argc, argv, "c:fth", long_options, NULL)) != -1)
		rc = parse_option(c, o);
	if (rc == 0 && optind < argc) {
		fprintf(stderr, "bannerd: unexpected \"%s\"\n", argv[optind]);
		rc = usage(stderr);
	}
	if (rc == 0 && o->test + o->dump + o->expire + o->dry_run > 1) {
		fputs("bannerd: only one of -t, --dump, --expire, --dry-run\n", stderr);
		rc = usage(stderr);
	}
	return rc;
}

static int
complain(const struct err *e)
{
	fprintf(stderr, "bannerd: %s\n", e->text);
	return 1;
}

/* A report that did not get out is none: 0, else 1. */
static int
print_buf(struct buf *b)
{
	struct err e;

	fwrite(b->p, 1, b->len, stdout);
	buf_fini(b);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	err_set(&e, -EIO, "standard output: %s", strerror(errno));
	return complain(&e);
}

static int
run_test(struct conf *c)
{
	struct buf b = { 0 };
	size_t errors = checkconf_report(c, &b);

	conf_free(c);
	return print_buf(&b) || errors ? 1 : 0;
}

static int
run_dump(struct conf *c)
{
	struct buf b = { 0 };

	conf_dump(c, &b);
	conf_free(c);
	return print_buf(&b);
}

/* In the background the working folder is another one. */
static const char *
absolute(const char *path)
{
	char *cwd, *whole = NULL;

	if (!path || *path == '/' || !(cwd = getcwd(NULL, 0)))
		return path;
	if (asprintf(&whole, "%s/%s", cwd, path) < 0)
		whole = NULL;
	free(cwd);
	return whole ? whole : path;
}

static void
in_background(struct options *o)
{
	o->background = true;
	o->dir = absolute(o->dir);
	o->state = absolute(o->state);
	o->socket = absolute(o->socket);
}

int
main(int argc, char **argv)
{
	struct options opt = { .dir = BANNER_CONFDIR };
	struct conf_request want = { 0 };
	struct conf *c;
	struct err e = { "" };
	int rc = parse_options(argc, argv, &opt);

	if (rc)
		return rc == EXIT_USAGE ? EXIT_USAGE : 0;
	if (!opt.foreground && !opt.expire && !opt.test && !opt.dump &&
	    !notify_wanted())
		in_background(&opt);
	want.dir = opt.dir;
	if (conf_read(&want, &c, &e) < 0)
		return complain(&e);
	parent_configure(&opt, c);
	if (opt.dump)
		return run_dump(c);
	if (opt.test)
		return run_test(c);
	if (checkconf_start(c, &e) < 0) {
		conf_free(c);
		return complain(&e);
	}
	rc = parent_run(&opt, c, &e);
	return rc < 0 ? complain(&e) : rc;
}
