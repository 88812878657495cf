/* SPDX-License-Identifier: GPL-2.0-or-later
 * shim.c - LD_PRELOAD for the tests: calls that fail, die or lie about the time.
 *
 * What is to happen stands in a small file named by BANNER_SHIM, mapped by every
 * process, written by the test (shim.py has the same layout): the next call of that
 * name in that program, after so many others, returns an error, takes its time, or
 * ends the process before or after the call. "send:N" and "recv:N" are the calls whose
 * frame holds a record of type N (wire.h), "ask" and "answer" those to and from
 * netlink: these may lose what was received, send but half, or lose and regain
 * CAP_NET_ADMIN before. The wall clock is shifted by an offset.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { DO_FAIL, DO_KILL_BEFORE, DO_KILL_AFTER, DO_LOSE, DO_HALF, DO_CAPS, DO_SLEEP };

struct orders {
	char program[32], call[32];
	volatile int32_t armed, skip, what;
	volatile int32_t err, sticky, hits;	/* err of DO_SLEEP: milliseconds */
	volatile int64_t clock_ms;	/* added to the wall clock */
	char step[128];			/* a fifo that tells of steps of the clock */
	volatile int64_t boot_ms;	/* added to CLOCK_BOOTTIME: time in suspend */
};

static struct orders *orders;	/* NULL: nothing is to happen */
static int mine;
/* The fifo in place of the timer that tells of steps; the timer on CLOCK_BOOTTIME and
 * what it waits for: the kernel looks at it again after a suspend, and so do we. */
static int step_fd = -1, boot_fd = -1;
static int64_t boot_end_ms;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("BANNER_SHIM");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		orders = p;
}

static void
die(void)
{
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
}

/* err 0: it has it again. */
static void
lose_capability(int err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps) < 0)
		die();
	caps[0].effective = err ? caps[0].permitted & ~(1U << CAP_NET_ADMIN) :
	    caps[0].permitted;
	if (syscall(SYS_capset, &head, caps) < 0)
		die();
}

/* 0: go on; 1: fail with errno set; 2: die after the call; 3: lose what it got; 4: do
 * but half. */
static int
now(const char *call)
{
	struct orders *o = orders;

	if (!o || !o->armed || strcmp(o->call, call) != 0 ||
	    strcmp(o->program, program_invocation_short_name) != 0)
		return 0;
	if (__sync_fetch_and_sub(&o->skip, 1) > 0)
		return 0;
	if (!o->sticky)
		o->armed = 0;
	o->hits++;
	mine = o->what;
	if (mine == DO_KILL_BEFORE)
		die();
	if (mine == DO_CAPS) {
		lose_capability(o->err);
		return 0;
	}
	if (mine == DO_SLEEP) {
		poll(NULL, 0, o->err);
		return 0;
	}
	errno = o->err;
	return mine == DO_FAIL ? 1 : mine;
}

#define REAL(name) ((__typeof__(name) *)(uintptr_t)dlsym(RTLD_NEXT, #name))
#define WRAP(type, name, params, ...)				\
	type name params					\
	{							\
		static __typeof__(name) *real;			\
		int what = now(#name);				\
		type rc;					\
								\
		if (what == 1)					\
			return -1;				\
		if (!real)					\
			real = REAL(name);			\
		rc = real(__VA_ARGS__);				\
		if (what == 2)					\
			die();					\
		return rc;					\
	}

WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), fd, p, n, at)
WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), fd, p, n, at)
WRAP(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), fd, p, n, at)
WRAP(int, fdatasync, (int fd), fd)
WRAP(int, fsync, (int fd), fd)
WRAP(int, ftruncate64, (int fd, off64_t n), fd, n)
WRAP(int, memfd_create, (const char *name, unsigned flags), name, flags)
WRAP(pid_t, fork, (void))

/* Is a record of the type that "send:" or "recv:" names in these n bytes? */
static int
named(const char *prefix, const struct msghdr *m, ssize_t n)
{
	struct { uint32_t type, len; } head;
	const char *p;
	uint32_t want;

	if (!orders || !orders->armed || m->msg_name || !m->msg_iovlen ||
	    strncmp(orders->call, prefix, 5) != 0)
		return 0;
	want = (uint32_t)atoi(orders->call + 5);
	for (p = m->msg_iov[0].iov_base; n >= (ssize_t)sizeof(head);) {
		memcpy(&head, p, sizeof(head));
		if (head.type == want)
			return 1;
		p += sizeof(head) + head.len;
		n -= (ssize_t)(sizeof(head) + head.len);
	}
	return 0;
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	static __typeof__(sendmsg) *real;
	int what = m->msg_iovlen && named("send:", m, (ssize_t)m->msg_iov[0].iov_len)
	    ? now(orders->call) : now("sendmsg");
	ssize_t rc;

	if (what == 1)
		return -1;
	if (!real)
		real = REAL(sendmsg);
	rc = real(fd, m, flags);
	if (what == 2)
		die();
	return rc;
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	static __typeof__(recvmsg) *real;
	int what = now(m->msg_name && orders && !strcmp(orders->call, "answer") ?
	    "answer" : "recvmsg");
	ssize_t rc;

	if (what == 1)
		return -1;
	if (!real)
		real = REAL(recvmsg);
	rc = real(fd, m, flags);
	if (what == 2 || (named("recv:", m, rc) && now(orders->call) == 2))
		die();
	if (what == 3) {
		errno = orders->err;
		return -1;
	}
	return rc;
}

ssize_t
sendto(int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t l)
{
	static __typeof__(sendto) *real;
	int what = now(a && a->sa_family == AF_NETLINK && orders &&
	    !strcmp(orders->call, "ask") ? "ask" : "sendto");
	ssize_t rc;

	if (what == 1)
		return -1;
	if (!real)
		real = REAL(sendto);
	rc = real(fd, p, what == 4 ? n / 2 : n, f, a, l);
	if (what == 2)
		die();
	return rc;
}

int
open64(const char *path, int flags, ...)
{
	static __typeof__(open64) *real;
	int what = now("open64"), fd;
	va_list ap;

	if (what == 1)
		return -1;
	if (!real)
		real = REAL(open64);
	va_start(ap, flags);
	fd = real(path, flags, va_arg(ap, mode_t));
	va_end(ap);
	if (what == 2)
		die();
	return fd;
}

void *
malloc(size_t n)
{
	return now("malloc") ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return now("malloc") ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return now("malloc") ? NULL : __libc_realloc(p, n);
}

static void
shift(struct timespec *t, int64_t by_ms)
{
	int64_t ms = by_ms + t->tv_nsec / 1000000;

	t->tv_sec += ms / 1000;
	t->tv_nsec = t->tv_nsec % 1000000 + ms % 1000 * 1000000;
	if (t->tv_nsec < 0) {
		t->tv_sec--;
		t->tv_nsec += 1000000000;
	}
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, t);

	if (rc == 0 && orders && clock == CLOCK_REALTIME)
		shift(t, orders->clock_ms);
	else if (rc == 0 && orders && clock == CLOCK_BOOTTIME)
		shift(t, orders->boot_ms);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

static int64_t
boot_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The kernel does not know of our steps: the fifo tells instead of the timer. */
int
timerfd_create(int clock, int flags)
{
	if (orders && orders->step[0] && clock == CLOCK_REALTIME)
		return step_fd = open(orders->step, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (clock == CLOCK_BOOTTIME)
		return boot_fd = (int)syscall(SYS_timerfd_create, clock, flags);
	return (int)syscall(SYS_timerfd_create, clock, flags);
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *was)
{
	if (fd == boot_fd)
		boot_end_ms = boot_now_ms() + at->it_value.tv_sec * 1000 +
		    at->it_value.tv_nsec / 1000000;
	return (int)syscall(SYS_timerfd_settime, fd, flags, at, was);
}

ssize_t
read(int fd, void *p, size_t n)
{
	int64_t left = boot_end_ms - boot_now_ms();
	struct itimerspec at = { .it_value = { left / 1000, left % 1000 * 1000000 } };

	if (fd == step_fd && boot_fd >= 0) {
		if (left <= 0)
			at.it_value = (struct timespec){ 0, 1 };
		syscall(SYS_timerfd_settime, boot_fd, 0, &at, NULL);
	}
	return syscall(SYS_read, fd, p, n);
}
