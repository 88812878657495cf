/* SPDX-License-Identifier: GPL-2.0-or-later
 * sandbox_seccomp.c - the system calls that each profile may make.
 *
 * Allow lists by name; a name that this architecture does not have is skipped. What is
 * not listed fails with EPERM, but calls that no part of banner ever makes kill the
 * process: they only come from code that is not ours.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "banner/daemon/proc/sandbox.h"

/* Every process: memory, time, the loop, the sockets it was given, its end. */
static const char *const calls_base[] = { "brk", "mmap", "munmap", "mremap", "madvise",
	"mprotect", "read", "readv", "write", "writev", "close", "fstat", "newfstatat",
	"fstat64", "fstatat64", "statx", "lseek", "_llseek", "fcntl", "fcntl64", "dup",
	"dup3", "pipe2", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl",
	"epoll_create1", "eventfd2", "timerfd_create", "timerfd_settime",
	"timerfd_gettime", "poll", "ppoll", "ppoll_time64", "recvmsg", "sendmsg",
	"recvfrom", "sendto", "getsockopt", "setsockopt", "getsockname", "getpeername",
	"shutdown", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"clock_nanosleep_time64", "clock_getres", "gettimeofday", "time", "nanosleep",
	"getrandom", "futex", "futex_time64", "sched_yield", "sched_getaffinity",
	"set_robust_list", "rseq", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn",
	"sigreturn", "sigaltstack", "restart_syscall", "getpid", "gettid", "getppid",
	"getuid", "geteuid", "getgid", "getegid", "getrusage", "prlimit64", "getrlimit",
	"sysinfo", "uname", "tgkill", "exit", "exit_group", "membarrier", "ioctl",
	"alarm", "setitimer", NULL };
/* Reading files, and following them. */
static const char *const calls_files[] = { "open", "openat", "openat2", "pread64",
	"preadv", "access", "faccessat", "faccessat2", "stat", "lstat", "stat64",
	"lstat64", "readlink", "readlinkat", "getdents64", "getdents", "fstatfs",
	"statfs", "fstatfs64", "statfs64", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch", "fadvise64", "fadvise64_64", "getcwd", "readahead", NULL };
static const char *const calls_change[] = { "pwrite64", "pwritev", "fsync", "fdatasync",
	"ftruncate", "ftruncate64", "unlink", "unlinkat", "rename", "renameat",
	"renameat2", "mkdir", "mkdirat", "fchmod", "chmod", "fchmodat", "fchown",
	"flock", "fallocate", "umask", "utimensat", NULL };
static const char *const calls_accept[] = { "accept4", "accept", NULL };
static const char *const calls_threads[] = { "clone", "clone3", NULL };
/* A process per question, and its end. */
static const char *const calls_wait[] = { "wait4", "waitid", "kill", "setpgid", NULL };
static const char *const calls_net[] = { "connect", "bind", "sendmmsg", "recvmmsg",
	"select", "pselect6", "_newselect", NULL };
static const char *const calls_listen[] = { "bind", "listen", NULL };
/* Never made by banner: their use is an attack, not an oversight. */
static const char *const calls_kill[] = { "ptrace", "process_vm_readv",
	"process_vm_writev", "bpf", "io_uring_setup", "init_module", "finit_module",
	"kexec_load", "kexec_file_load", "mount", "move_mount", "unshare", "setns",
	"pivot_root", "userfaultfd", "perf_event_open", "add_key", "keyctl",
	"request_key", NULL };

enum { PROFILE_LISTS = 5, LOAD_S = 10 };
struct profile {
	const char *const *lists[PROFILE_LISTS];
	const int *families; /* socket() families; ends with -1 */
	bool run_pages; /* JIT, or libraries loaded late (name service) */
	bool threads;
};

static const int families_netlink[] = { AF_NETLINK, AF_UNIX, -1 };
static const int families_serve[] = { AF_INET, AF_INET6, -1 };
static const int families_net[] = { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, -1 };

static const struct profile profiles[] = {
	[PROFILE_ENGINE] = { .lists = { calls_files, calls_accept },
	    .run_pages = true,
	    .threads = true },
	[PROFILE_STORE] = { .lists = { calls_files, calls_change } },
	[PROFILE_NETLINK] = { .lists = { calls_files, calls_net },
	    .families = families_netlink },
	[PROFILE_EDGE] = { .lists = { calls_files, calls_change, calls_net },
	    .families = families_netlink },
	[PROFILE_NET] = { .lists = { calls_files, calls_change, calls_net },
	    .families = families_net,
	    .run_pages = true,
	    .threads = true },
	[PROFILE_SERVE] = { .lists = { calls_accept, calls_listen },
	    .families = families_serve },
	[PROFILE_HELPER] = { .lists = { calls_files, calls_net, calls_wait },
	    .families = families_net,
	    .run_pages = true,
	    .threads = true },
	[PROFILE_PLAIN] = { .lists = { calls_files, calls_change } },
	[PROFILE_EXEC] = { .lists = { NULL } },
};

static int
filter_names(scmp_filter_ctx f, uint32_t act, const char *const *names)
{
	int rc = 0;

	for (size_t i = 0; names && names[i] && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		/* mprotect and mmap are handled by their protection bits */
		if (nr < 0 || !strcmp(names[i], "mprotect") ||
		    !strcmp(names[i], "mmap"))
			continue;
		rc = seccomp_rule_add(f, act, nr, 0);
		if (rc == -EDOM)
			rc = 0;
	}
	return rc;
}

/* Pages may be made executable by the JIT only. Without it, a mapping with PROT_EXEC
 * is refused, also by mprotect. */
static int
filter_memory(scmp_filter_ctx f, bool run_pages)
{
	static const char *const names[] = { "mmap", "mmap2", "mprotect" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr < 0)
			continue;
		rc = run_pages ? seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0)
			       : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	}
	return rc;
}

static int
filter_sockets(scmp_filter_ctx f, const int *families)
{
	int rc = 0;

	for (size_t i = 0; families && families[i] >= 0 && rc == 0; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
	return rc;
}

static int
filter_fill(scmp_filter_ctx f, const struct profile *p)
{
	int rc = filter_names(f, SCMP_ACT_ALLOW, calls_base);

	for (size_t i = 0; i < PROFILE_LISTS && rc == 0; i++)
		rc = filter_names(f, SCMP_ACT_ALLOW, p->lists[i]);
	if (rc == 0 && p->threads)
		rc = filter_names(f, SCMP_ACT_ALLOW, calls_threads);
	if (rc == 0)
		rc = filter_memory(f, p->run_pages);
	if (rc == 0)
		rc = filter_sockets(f, p->families);
	if (rc == 0)
		rc = filter_names(f, SCMP_ACT_KILL_PROCESS, calls_kill);
	return rc;
}

bool
sandbox_has_filter(void)
{
	unsigned action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int
sandbox_filter(enum sandbox_profile profile, struct err *e)
{
	scmp_filter_ctx f;
	int rc;

	f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!f)
		return err_set(e, -ENOMEM, "seccomp: no filter");
	/* libseccomp 2.5 goes round for ever when it gets no memory */
	alarm(LOAD_S);
	/* and may leave calls out of a filter without a word; malloc() says it */
	errno = 0;
	rc = filter_fill(f, &profiles[profile]);
	if (rc == 0 && errno != ENOMEM)
		rc = seccomp_load(f);
	if (rc == 0 && errno == ENOMEM)
		rc = -ENOMEM;
	seccomp_release(f);
	alarm(0);
	/* EINVAL and ENOSYS: a kernel built without filters */
	if (rc == -ENOSYS || rc == -EINVAL)
		return -ENOSYS;
	if (rc < 0)
		return err_set(e, rc, "seccomp: %s", strerror(-rc));
	return 0;
}
