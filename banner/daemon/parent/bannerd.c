/* SPDX-License-Identifier: GPL-2.0-or-later
 * bannerd.c - options of the daemon, and what they lead to.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	return rc;
}

static void
print_buf(struct buf *b)
{
	fwrite(b->p, 1, b->len, stdout);
	buf_fini(b);
}

static int
run_test(struct conf *c)
{
	struct buf b = { 0 };
	struct err e;
	size_t errors = checkconf_report(c, &b);

	if (!checkconf_can_run(c, &e)) {
		buf_printf(&b, "error: %s\n", e.text);
		errors++;
	}
	print_buf(&b);
	conf_free(c);
	return errors ? 1 : 0;
}

static int
run_dump(struct conf *c)
{
	struct buf b = { 0 };

	conf_dump(c, &b);
	print_buf(&b);
	conf_free(c);
	return 0;
}

static int
complain(const struct err *e)
{
	fprintf(stderr, "bannerd: %s\n", e->text);
	return 1;
}

/* Nobody reads the streams of a process in the background. */
static int
background(struct conf *c)
{
	if (!strncmp(c->daemon.log, "STD", 3))
		c->daemon.log = "SYSLOG";
	return daemon(0, 0);
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
	want.dir = opt.dir;
	if (conf_read(&want, &c, &e) < 0)
		return complain(&e);
	parent_configure(&opt, c);
	if (opt.dump)
		return run_dump(c);
	if (opt.test)
		return run_test(c);
	if (!checkconf_can_run(c, &e)) {
		conf_free(c);
		return complain(&e);
	}
	if (!opt.foreground && !opt.expire && !notify_wanted() && background(c) < 0)
		return complain(&(struct err){ "cannot go to the background" });
	rc = parent_run(&opt, c, &e);
	return rc < 0 ? complain(&e) : rc;
}
