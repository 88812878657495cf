/* SPDX-License-Identifier: GPL-2.0-or-later
 * minban.c - the least a daemon can do between a log line and a blackhole route.
 *
 *	minban LOG MAXRETRY [apart]
 *
 * inotify, read, a literal, PCRE2 JIT, a count, RTM_NEWROUTE. A yardstick: no windows,
 * no dates, no unban, a small fixed table, one process. With "apart" two of them, the
 * least that keeps the right to change routes from what reads the log.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 65536
#define NOBODY 65534

struct counted {
	unsigned char addr[16];
	int n;
};

struct order {
	int family;
	unsigned char addr[16];
};

struct minban {
	int nl, need;
	int orders; /* to the other process; -1: there is none */
	unsigned sequence;
	pcre2_code *re;
	pcre2_match_data *md;
	struct counted *table;
};

static void
blackhole(struct minban *m, int family, const unsigned char *addr)
{
	unsigned short size = family == AF_INET ? 4 : 16;
	struct {
		struct nlmsghdr h;
		struct rtmsg r;
		struct rtattr a;
		unsigned char addr[16];
	} msg = {
		.h = { .nlmsg_len =
			   NLMSG_LENGTH(sizeof(struct rtmsg)) + RTA_LENGTH(size),
		    .nlmsg_type = RTM_NEWROUTE,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL,
		    .nlmsg_seq = ++m->sequence },
		.r = { .rtm_family = (unsigned char)family,
		    .rtm_dst_len = (unsigned char)(size * 8),
		    .rtm_table = RT_TABLE_MAIN,
		    .rtm_protocol = RTPROT_STATIC,
		    .rtm_scope = RT_SCOPE_UNIVERSE,
		    .rtm_type = RTN_BLACKHOLE },
		.a = { .rta_len = (unsigned short)RTA_LENGTH(size),
		    .rta_type = RTA_DST },
	};

	memcpy(msg.addr, addr, size);
	if (send(m->nl, &msg, msg.h.nlmsg_len, 0) < 0)
		perror("minban: netlink");
}

static void
ban(struct minban *m, int family, const unsigned char *addr)
{
	struct order o = { .family = family };

	memcpy(o.addr, addr, sizeof(o.addr));
	if (m->orders < 0)
		blackhole(m, family, addr);
	else if (send(m->orders, &o, sizeof(o), 0) < 0)
		perror("minban: order");
}

/* From here on this process may do nothing, and the other one what it is told. */
static int
part(struct minban *m)
{
	struct order o;
	int ends[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0 || (child = fork()) < 0)
		return -1;
	close(ends[child == 0]);
	m->orders = ends[child != 0];
	if (child != 0)
		return setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		    setresuid(NOBODY, NOBODY, NOBODY) < 0 ? -1 : 0;
	while (recv(m->orders, &o, sizeof(o), 0) == sizeof(o))
		blackhole(m, o.family, o.addr);
	exit(0);
}

static void
count(struct minban *m, const char *text)
{
	unsigned char addr[16] = { 0 };
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	unsigned h = 2166136261u;

	if (inet_pton(family, text, addr) != 1)
		return;
	for (int i = 0; i < 16; i++)
		h = (h ^ addr[i]) * 16777619u;
	for (h %= SLOTS; m->table[h].n && memcmp(m->table[h].addr, addr, 16) != 0;)
		h = (h + 1) % SLOTS;
	memcpy(m->table[h].addr, addr, 16);
	if (++m->table[h].n == m->need)
		ban(m, family, addr);
}

static void
line(struct minban *m, const char *p, size_t len)
{
	static const char literal[] = "]: Failed ";
	PCRE2_SIZE *o = pcre2_get_ovector_pointer(m->md);
	char text[64];

	if (!memmem(p, len, literal, sizeof(literal) - 1))
		return;
	if (pcre2_jit_match(m->re, (PCRE2_SPTR)p, len, 0, 0, m->md, NULL) < 2)
		return;
	if (o[3] - o[2] >= sizeof(text))
		return;
	memcpy(text, p + o[2], o[3] - o[2]);
	text[o[3] - o[2]] = '\0';
	count(m, text);
}

static size_t
lines(struct minban *m, char *buf, size_t len)
{
	char *p = buf, *end = buf + len, *nl;

	for (; (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1)
		line(m, p, (size_t)(nl - p));
	memmove(buf, p, (size_t)(end - p));
	return (size_t)(end - p);
}

static int
follow(struct minban *m, const char *path, bool apart)
{
	static char buf[1 << 16], events[4096];
	size_t have = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CREAT, 0644), in = inotify_init1(0);

	if (fd < 0 || in < 0 || inotify_add_watch(in, path, IN_MODIFY) < 0)
		return -1;
	lseek(fd, 0, SEEK_END);
	if (apart && part(m) < 0)
		return -1;
	while (read(in, events, sizeof(events)) > 0)
		while ((n = read(fd, buf + have, sizeof(buf) - have)) > 0)
			have = lines(m, buf, have + (size_t)n);
	return -1;
}

int
main(int argc, char **argv)
{
	static const char regex[] =
	    "sshd\\[\\d+\\]: Failed \\S+ for (?:invalid user )?\\S+ "
	    "from (\\d+\\.\\d+\\.\\d+\\.\\d+|[0-9a-fA-F:]+) port \\d+";
	struct minban m = { .need = argc > 2 ? atoi(argv[2]) : 0, .orders = -1 };
	PCRE2_SIZE at;
	int code;

	if (argc < 3 || (argc > 3 && strcmp(argv[3], "apart") != 0))
		return 2;
	m.table = calloc(SLOTS, sizeof(*m.table));
	m.nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	m.re = pcre2_compile(
	    (PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);
	m.md = pcre2_match_data_create(8, NULL);
	if (!m.table || m.nl < 0 || !m.re || !m.md)
		return 1;
	pcre2_jit_compile(m.re, PCRE2_JIT_COMPLETE);
	follow(&m, argv[1], argc > 3);
	perror(argv[1]);
	return 1;
}
