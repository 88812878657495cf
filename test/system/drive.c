/* SPDX-License-Identifier: GPL-2.0-or-later
 * drive.c - plays parent and engine for one child process, for tests.
 *
 *	drive [-s STATE] [-a NAME,PLUGIN,SCOPE[,KEY=VALUE]...]... PROGRAM [ARG]...
 *
 * Starts PROGRAM as bannerd would. Each line of standard input is a command, its words
 * parted by tabs (\n, \t, \\ and \0 within a word are escapes); each record of the
 * child is printed as one line. Ends with the child, or when the input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "banner/conf/conf.h"
#include "banner/daemon/proc/wire.h"

enum { WORDS = 40, ACTIONS = 16, OPTIONS = 64, MUTANT_MS = 20 };

struct drive {
	int parent, engine;
	struct buf out;			/* for the engine's socket */
	struct conf conf;
	struct conf_action actions[ACTIONS];
	struct conf_option options[ACTIONS][OPTIONS];
	uint32_t generation;
};

static void
die(const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			*to++ = (char)(*s == 'n' ? '\n' : *s == 't' ? '\t' : *s);
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
add_action(struct drive *d, char *spec)
{
	struct conf_action *a = &d->actions[d->conf.nactions];
	struct conf_option *o = d->options[d->conf.nactions++];
	char *word;

	unescape(spec);
	a->name = strsep(&spec, ",");
	a->plugin = strsep(&spec, ",");
	a->scope = strsep(&spec, ",");
	a->user = a->caps = a->why = a->command_name = a->file = "";
	a->options.v = o;
	while ((word = strsep(&spec, ",")) && *word) {
		char *key = strsep(&word, "=");

		o[a->options.n].key = key;
		for (char *p = key; *p; p++)
			if (*p == 2)
				*p = '=';
		/* A comma in a value is written as 0x01, "=" in a key as 0x02. */
		for (char *p = word; p && *p; p++)
			if (*p == 1)
				*p = ',';
		o[a->options.n++].value = word ? word : "";
	}
}

static void
start(struct drive *d, char **argv)
{
	struct buf image = { 0 };
	int sv[2], mem = memfd_create("conf", 0);

	conf_pack(&d->conf, &image);
	if (mem < 0 || write(mem, image.p, image.len) != (ssize_t)image.len)
		die("memfd");
	buf_fini(&image);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	d->parent = sv[0];
	if (fork() == 0) {
		int a = fcntl(sv[1], F_DUPFD, 10), b = fcntl(mem, F_DUPFD, 10);

		dup2(a, 3);
		dup2(b, 4);
		close(a);
		close(b);
		execv(argv[0], argv);
		die(argv[0]);
	}
	close(sv[1]);
	close(mem);
}

static void
new_engine(struct drive *d)
{
	struct buf b = { 0 };
	int sv[2];
	size_t at;

	if (d->engine >= 0) {
		wire_send(d->engine, &d->out, -1);
		close(d->engine);
	}
	buf_clear(&d->out);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	d->engine = sv[0];
	at = wire_start(&b, WIRE_SOCKET);
	wire_text(&b, "engine");
	wire_u32(&b, ++d->generation);
	wire_finish(&b, at);
	if (wire_send(d->parent, &b, sv[1]) < 0)
		die("send");
	close(sv[1]);
	buf_fini(&b);
	at = wire_start(&d->out, WIRE_HELLO);
	wire_u32(&d->out, WIRE_VERSION);
	wire_text(&d->out, "engine");
	wire_finish(&d->out, at);
}

static uint64_t
num(const char *s)
{
	return s ? strtoull(s, NULL, 0) : 0;
}

static struct subject
subject(const char *s)
{
	struct subject out = { .kind = SUBJECT_NONE, .text = STR("") };

	if (!s || strcmp(s, "none") == 0)
		return out;
	if (addr_parse_prefix(str_of(s), &out.addr) == 0) {
		out.kind = SUBJECT_ADDR;
		return out;
	}
	out.kind = strncmp(s, "id:", 3) == 0 ? SUBJECT_ID : SUBJECT_USER;
	out.text = str_of(out.kind == SUBJECT_ID ? s + 3 : s);
	return out;
}

/* ID SUBJECT [jail=] [since=] [until=] [failures=] [count=] [comment=] [line=]...
 * [field=NAME:VALUE]... [restored] [manual] */
static void
put_ban(struct buf *b, enum verb verb, char **w)
{
	struct ban n = { .id = num(w[0]), .jail = "j", .subject = subject(w[1]),
	    .since_ms = 1000, .failures = 3, .count = 1 };
	struct order o = { .verb = verb, .ban = &n };
	struct str lines[WORDS];
	struct field fields[WORDS];

	for (w += 2; *w; w++) {
		char *value = *w, *key = strsep(&value, "=");

		if (strcmp(key, "jail") == 0)
			n.jail = value;
		else if (strcmp(key, "since") == 0)
			n.since_ms = (int64_t)num(value);
		else if (strcmp(key, "until") == 0)
			n.until_ms = (int64_t)num(value);
		else if (strcmp(key, "failures") == 0)
			n.failures = (unsigned)num(value);
		else if (strcmp(key, "count") == 0)
			n.count = (unsigned)num(value);
		else if (strcmp(key, "comment") == 0)
			n.comment = value;
		else if (strcmp(key, "line") == 0)
			lines[o.nlines++] = str_of(value);
		else if (strcmp(key, "field") == 0) {
			fields[o.nfields].name = str_of(strsep(&value, ":"));
			fields[o.nfields++].value = str_of(value);
		}
		n.restored |= strcmp(key, "restored") == 0;
		n.manual |= strcmp(key, "manual") == 0;
	}
	o.lines = lines;
	o.fields = fields;
	wire_put_ban(b, &o);
}

/* INSTANCE FIRSTID COUNT BASE: bans of BASE, BASE + 1 ... */
static void
bulk(struct buf *b, enum verb verb, char **w)
{
	struct subject s = subject(w[3]);
	uint64_t n = num(w[2]);

	for (uint64_t i = 0; i < n; i++) {
		struct ban ban = { .id = num(w[1]) + i, .jail = "j", .subject = s };
		size_t at = wire_start(b, WIRE_CHANGE);
		int k = s.addr.family == 4 ? 3 : 15;

		wire_u32(b, (uint32_t)num(w[0]));
		wire_put_ban(b, &(struct order){ .verb = verb, .ban = &ban });
		wire_finish(b, at);
		while (++s.addr.ip[k] == 0)
			k--;
	}
}

static void
put_guard(struct buf *b, char **w)
{
	size_t at = wire_start(b, WIRE_GUARD);
	uint32_t n = 0;

	wire_text(b, w[0]);
	wire_u8(b, 0);
	while (w[1 + n])
		n++;
	wire_u32(b, n);
	for (uint32_t i = 0; i < n; i++) {
		struct subject s = subject(w[1 + i]);

		wire_addr(b, &s.addr);
		wire_text(b, "guarded by the test");
	}
	wire_finish(b, at);
}

static void
put_query(struct buf *b, char **w)
{
	struct subject s = subject(w[3]);

	wire_u64(b, num(w[0]));
	wire_u8(b, (uint8_t)num(w[1]));
	wire_text(b, w[2]);
	wire_subject(b, &s);
	wire_u32(b, 100);
}

/* How the words of a command become fields: n u64, u u32, i i64, b u8, t text. */
static const struct { const char *name, *fields; enum wire_type type; } plain[] = {
	{ "begin", "n", WIRE_BEGIN }, { "complete", "nb", WIRE_COMPLETE },
	{ "flush", "u", WIRE_FLUSH }, { "jail", "utb", WIRE_JAIL },
	{ "targets", "nn", WIRE_TARGETS }, { "mark", "n", WIRE_MARK },
	{ "count", "ttt", WIRE_COUNT }, { "session", "ttt", WIRE_SESSION },
	{ "place", "tt", WIRE_PLACE },
	{ "garbage", "t", WIRE_MARK }, { "anew", "", WIRE_ANEW },
	{ "soon", "", WIRE_SOON }, { "sooner", "t", WIRE_SOON },
};

static bool
put_plain(struct buf *b, char **w)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		const char *f = plain[i].fields;
		size_t at;

		if (strcmp(w[0], plain[i].name) != 0)
			continue;
		at = wire_start(b, plain[i].type);
		for (size_t k = 0; f[k]; k++) {
			const char *v = w[k + 1] ? w[k + 1] : "";

			if (f[k] == 'n' || f[k] == 'i')
				wire_i64(b, strtoll(v, NULL, 0));
			else if (f[k] == 'u')
				wire_u32(b, (uint32_t)strtoll(v, NULL, 0));
			else if (f[k] == 'b')
				wire_u8(b, (uint8_t)num(v));
			else
				wire_text(b, v);
		}
		wire_finish(b, at);
		return true;
	}
	return false;
}

static void
put_special(struct buf *b, char **w)
{
	static const char *const verbs[] = { "ban", "unban", "prolong" };
	static const enum wire_type types[] = { WIRE_BAN, WIRE_UNBAN, WIRE_BAN };
	const char *name = strncmp(w[0], "put", 3) == 0 ? w[0] + 3 : w[0];
	bool stored = name != w[0];
	size_t at;

	for (int i = 0; i < 3; i++) {
		if (strcmp(name, verbs[i]) != 0)
			continue;
		at = wire_start(b, stored ? types[i] : WIRE_CHANGE);
		if (!stored)
			wire_u32(b, (uint32_t)num(w[1]));
		if (stored && i == VERB_UNBAN) {
			wire_u64(b, num(w[1]));
			wire_u8(b, CAUSE_FAILURES);
		} else {
			put_ban(b, (enum verb)i, w + 1 + !stored);
		}
		wire_finish(b, at);
		return;
	}
	if (strcmp(w[0], "bulk") == 0 || strcmp(w[0], "bulkdel") == 0) {
		bulk(b, w[0][4] ? VERB_UNBAN : VERB_BAN, w + 1);
	} else if (strcmp(w[0], "query") == 0) {
		at = wire_start(b, WIRE_QUERY);
		put_query(b, w + 1);
		wire_finish(b, at);
	} else {
		fprintf(stderr, "drive: no command %s\n", w[0]);
		exit(2);
	}
}

static void
print_ban(struct wire_in *in)
{
	char text[ADDR_TEXT];
	struct wire_ban b;

	if (wire_get_ban(in, &b) < 0) {
		printf("BAD");
		return;
	}
	printf("%u\t%llu\t%s\t%s\t%lld\t%lld\t%u\t%u\t%d", b.verb,
	    (unsigned long long)b.ban.id, b.ban.jail,
	    b.ban.subject.kind == SUBJECT_ADDR ? addr_print(&b.ban.subject.addr, text)
					       : b.ban.subject.text.s,
	    (long long)b.ban.since_ms, (long long)b.ban.until_ms, b.ban.failures,
	    b.ban.count, b.ban.manual);
	for (uint32_t i = 0; i < b.nlines; i++)
		printf("\tline=%s", wire_get_str(&b.lines).s);
	for (uint32_t i = 0; i < b.nfields; i++) {
		printf("\tfield=%s", wire_get_str(&b.fields).s);
		printf(":%s", wire_get_str(&b.fields).s);
	}
}

/* As plain[], and B a ban, s a subject. */
static const struct { enum wire_type type; const char *name, *fields; } known[] = {
	{ WIRE_HELLO, "hello", "ut" }, { WIRE_READY, "ready", "t" },
	{ WIRE_LOG, "log", "btt" }, { WIRE_BEAT, "beat", "" },
	{ WIRE_DONE, "done", "unbtui" }, { WIRE_STATE, "state", "unnnnnnnit" },
	{ WIRE_TARGET, "target", "nutt" }, { WIRE_END, "end", "n" },
	{ WIRE_COMMITTED, "committed", "nut" }, { WIRE_BAN, "ban", "B" },
	{ WIRE_COUNT, "count", "ttt" }, { WIRE_SESSION, "session", "ttt" },
	{ WIRE_PLACE, "place", "tt" }, { WIRE_HISTORY, "history", "tsui" },
	{ WIRE_ROW, "row", "nibB" }, { WIRE_LOST, "lost", "bt" },
};

static void
print_field(char f, struct wire_in *in)
{
	char text[ADDR_TEXT];
	struct subject s;

	printf("\t");
	if (f == 'n' || f == 'i')
		printf("%lld", (long long)wire_get_i64(in));
	else if (f == 'u')
		printf("%u", wire_get_u32(in));
	else if (f == 'b')
		printf("%u", wire_get_u8(in));
	else if (f == 't')
		printf("%s", wire_get_str(in).s);
	else if (f == 'B')
		print_ban(in);
	else if (f == 's') {
		s = wire_get_subject(in);
		printf("%s",
		    s.kind == SUBJECT_ADDR ? addr_print(&s.addr, text) : s.text.s);
	}
}

static void
print_record(const char *who, enum wire_type type, struct wire_in *in)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (known[i].type != type)
			continue;
		printf("%s", known[i].name);
		for (const char *f = known[i].fields; *f; f++)
			print_field(*f, in);
		printf("%s\n", wire_done(in) < 0 ? "\tBAD" : "");
		return;
	}
	printf("%s: unknown record %u\n", who, type);
}

/* False at the end of the file. */
static bool
take(const char *who, int sock)
{
	static uint8_t frame[WIRE_FRAME];
	struct wire_in in, body;
	enum wire_type type;
	int fd, rc;

	while ((rc = wire_recv(sock, frame, &in, &fd)) > 0) {
		while (wire_next(&in, &type, &body) > 0)
			print_record(who, type, &body);
		fflush(stdout);
	}
	return rc == -EAGAIN;
}

/* SEED ID ADDRESS: a frame with a ban of it, some bytes of which are something else.
 * It is answered, or the other end gives the connection up: then there is another. */
static void
send_mutant(struct drive *d, char **w)
{
	static const char odd[] = { 0, 1, 4, 6, 32, 127, -128, -1 };
	uint64_t n = num(w[0]);
	unsigned short seed[3] = { (unsigned short)n, (unsigned short)(n >> 16) };
	char *ban[] = { w[1], w[2], NULL };
	struct buf b = { 0 };
	size_t at;

	if (d->engine >= 0) {
		wire_send(d->engine, &d->out, -1);
	} else {
		new_engine(d);
		wire_send(d->engine, &d->out, -1);
	}
	at = wire_start(&b, WIRE_CHANGE);
	wire_u32(&b, 0);
	put_ban(&b, VERB_BAN, ban);
	wire_finish(&b, at);
	for (long k = nrand48(seed) % 6; k >= 0; k--) {
		size_t i = (size_t)nrand48(seed) % b.len;
		long v = nrand48(seed);

		b.p[i] = v % 2 ? odd[v / 2 % 8] : (char)(v / 2);
	}
	if (nrand48(seed) % 8 == 0)
		b.len -= (size_t)nrand48(seed) % b.len;
	send(d->engine, b.p, b.len, MSG_NOSIGNAL);
	buf_fini(&b);
	if (poll(&(struct pollfd){ d->engine, POLLIN, 0 }, 1, MUTANT_MS) <= 0 ||
	    take("engine", d->engine))
		return;
	close(d->engine);
	d->engine = -1;
}

static void
command(struct drive *d, char *line)
{
	struct buf parent = { 0 };
	char *w[WORDS + 1] = { NULL };
	int n = 0;

	while (n < WORDS && (w[n] = strsep(&line, "\t")))
		unescape(w[n++]);
	if (strcmp(w[0], "engine") == 0) {
		new_engine(d);
	} else if (strcmp(w[0], "gone") == 0) {
		close(d->engine);
		d->engine = -1;
	} else if (strcmp(w[0], "stop") == 0 || strcmp(w[0], "beat") == 0) {
		wire_empty(&parent, w[0][0] == 's' ? WIRE_STOP : WIRE_BEAT);
		wire_send(d->parent, &parent, -1);
		buf_fini(&parent);
	} else if (strcmp(w[0], "guard") == 0) {
		put_guard(&parent, w + 1);
		wire_send(d->parent, &parent, -1);
		buf_fini(&parent);
	} else if (strcmp(w[0], "mutant") == 0) {
		send_mutant(d, w + 1);
	} else if (!put_plain(&d->out, w)) {
		put_special(&d->out, w);
	}
}

static bool
take_input(struct drive *d, struct buf *in)
{
	char part[65536], *end;
	ssize_t n = read(0, part, sizeof(part));

	if (n <= 0)
		return false;
	buf_add(in, part, (size_t)n);
	while (in->len && (end = memchr(in->p, '\n', in->len))) {
		*end = '\0';
		end++;
		command(d, in->p);
		buf_drop(in, (size_t)(end - in->p));
	}
	return true;
}

static int
loop(struct drive *d)
{
	struct buf in = { 0 };
	int status = 0;

	for (;;) {
		struct pollfd p[3] = { { 0, POLLIN, 0 }, { d->parent, POLLIN, 0 },
		    { d->engine, (short)(POLLIN | (d->out.len ? POLLOUT : 0)), 0 } };

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents && !take_input(d, &in))
			break;
		if (p[1].revents && !take("parent", d->parent))
			break;
		if (d->engine < 0)
			continue;
		if (p[2].revents && p[2].fd == d->engine &&
		    !take("engine", d->engine)) {
			close(d->engine);
			d->engine = -1;
			printf("engine socket closed\n");
			fflush(stdout);
			continue;
		}
		wire_send(d->engine, &d->out, -1);
	}
	close(d->parent);
	wait(&status);
	printf(
	    "exit\t%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	buf_fini(&in);
	buf_fini(&d->out);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct drive d = { .engine = -1 };
	int c;

	signal(SIGPIPE, SIG_IGN);
	d.conf.dir = "";
	d.conf.daemon = (struct conf_daemon){ .state = "",
		.socket = "",
		.admin_group = "",
		.log = "",
		.loglevel = "DEBUG",
		.native = "",
		.sandbox = "auto",
		.purge_age_ms = 86400000 };
	if (getenv("DRIVE_SANDBOX"))
		d.conf.daemon.sandbox = getenv("DRIVE_SANDBOX");
	d.conf.actions = d.actions;
	while ((c = getopt(argc, argv, "+a:s:p:")) != -1) {
		if (c == 'a')
			add_action(&d, optarg);
		else if (c == 's')
			d.conf.daemon.state = optarg;
		else if (c == 'p')
			d.conf.daemon.purge_age_ms = (int64_t)num(optarg);
		else
			return 2;
	}
	if (optind == argc)
		return 2;
	start(&d, argv + optind);
	return loop(&d);
}
