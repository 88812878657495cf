/* SPDX-License-Identifier: GPL-2.0-or-later
 * ttb.c - time from the write of offending lines to the ban in the kernel.
 *
 *	ttb LOG TRIES LINES FIRST
 *
 * Each try appends LINES sshd failures of a new address (number FIRST and up) with one
 * write and waits for the kernel's message about a route to it; then it pauses 20 to
 * 60 ms, so that the daemon is met in every phase. One line on standard output for each
 * try: microseconds, or -1 after five seconds without a route.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 5.0

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
monitor(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_ROUTE };
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("ttb: netlink");
		exit(1);
	}
	return s;
}

static size_t
failures(char *out, size_t size, int count, const char *addr)
{
	time_t t = time(NULL);
	struct tm tm;
	char stamp[64];
	size_t len = 0;

	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", localtime_r(&t, &tm));
	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(out + len, size - len,
		    "%s mail sshd[%d]: Failed password for invalid user u%d from %s "
		    "port "
		    "%d ssh2\n",
		    stamp, 10000 + rand() % 50000, i, addr, 1024 + i);
	return len;
}

static int
has_route(int s, const unsigned char addr[4])
{
	static char buf[1 << 17];
	ssize_t n = recv(s, buf, sizeof(buf), 0);
	struct nlmsghdr *h = (struct nlmsghdr *)buf;

	for (; n > 0 && NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n))
		if (h->nlmsg_type == RTM_NEWROUTE &&
		    memmem(NLMSG_DATA(h), h->nlmsg_len - NLMSG_HDRLEN, addr, 4))
			return 1;
	return 0;
}

/* Microseconds from the write to the route, or -1. */
static double
once(int fd, int s, int count, unsigned number)
{
	char text[16384], name[32];
	unsigned char addr[4] = { 198, (unsigned char)(18 + (number >> 16 & 1)),
		(unsigned char)(number >> 8), (unsigned char)number };
	struct pollfd p = { .fd = s, .events = POLLIN };
	double start;
	size_t len;

	inet_ntop(AF_INET, addr, name, sizeof(name));
	len = failures(text, sizeof(text), count, name);
	while (recv(s, name, sizeof(name), 0) >= 0)
		;
	start = now();
	if (write(fd, text, len) != (ssize_t)len)
		return -1;
	for (double left = PATIENCE; left > 0; left = start + PATIENCE - now()) {
		if (poll(&p, 1, (int)(left * 1000) + 1) == 1 && has_route(s, addr))
			return (now() - start) * 1e6;
	}
	return -1;
}

int
main(int argc, char **argv)
{
	int fd, s = monitor();

	if (argc < 5)
		return 2;
	fd = open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0644);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	srand(1);
	for (int i = 0; i < atoi(argv[2]); i++) {
		printf("%.0f\n",
		    once(fd, s, atoi(argv[3]), (unsigned)(atoi(argv[4]) + i)));
		fflush(stdout);
		usleep(20000 + (useconds_t)(rand() % 40000));
	}
	return 0;
}
