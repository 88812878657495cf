/* SPDX-License-Identifier: GPL-2.0-or-later
 * carrier_libssh2.c - a session per host in this process, without blocking.
 *
 * The library reads as long as there is something to read, so one host that sends
 * without end would keep the others waiting. Two things stand before it: its bytes come
 * through receive(), which hands out no more than a turn's worth, and it is only called
 * once a proper identification line is there (RFC 4253, 4.2).
 *
 * A call that was -EAGAIN has to be repeated before any other that sends, so nothing is
 * read while a packet of ours is half out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/ssh/carrier.h"
#include "actions/ssh/hostkey.h"

enum {
	TURN_BYTES = 256 << 10,
	LOGIN_BYTES = 256 << 10,
	WRITE_BYTES = 30000,
	IDENT_BYTES = 255,
	KEY_BYTES = 64 << 10,
	SILENT_MS = 30000,
};

enum phase {
	PHASE_NAME,
	PHASE_CONNECT,
	PHASE_IDENT,
	PHASE_KEYS,
	PHASE_AUTH,
	PHASE_CHANNEL,
	PHASE_EXEC,
	PHASE_OPEN
};

struct session {
	LIBSSH2_SESSION *ssh;
	LIBSSH2_CHANNEL *channel;
	enum phase phase;
	size_t turn, login; /* bytes left for this turn, and before the pipe */
	size_t writing; /* length of the write to repeat */
	LIBSSH2_AGENT *agent;
	struct libssh2_agent_publickey *identity; /* the one that is tried */
	bool closing, stuck; /* stuck: a packet of ours is half out */
};

/* The private key, in memory that is neither swapped nor dumped. */
struct keys {
	char *p;
	size_t len;
};

static bool
by_agent(const struct ssh *s)
{
	return strcmp(s->o.key, "agent") == 0;
}

static int
read_key(struct ssh *s, struct keys *k)
{
	int fd = open(s->o.key, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		ssh_log(s, BN_ERROR, "key %s: %s", s->o.key, strerror(errno));
		return -errno;
	}
	if (st.st_mode & (S_IRWXO | S_IWGRP) || st.st_size > KEY_BYTES) {
		ssh_log(s, BN_ERROR, "key %s can be read by others, or is no key",
		    s->o.key);
		close(fd);
		return -EPERM;
	}
	k->p = mmap(NULL, KEY_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (k->p == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	mlock(k->p, KEY_BYTES);
	madvise(k->p, KEY_BYTES, MADV_DONTDUMP);
	n = read(fd, k->p, KEY_BYTES - 1);
	close(fd);
	k->len = n > 0 ? (size_t)n : 0;
	return k->len ? 0 : -EIO;
}

static int
init(struct ssh *s)
{
	struct keys *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return -ENOMEM;
	s->carrier_self = k;
	k->p = MAP_FAILED;
	rc = libssh2_init(0);
	return rc ? -ENOMEM : by_agent(s) ? 0 : read_key(s, k);
}

static void
fini(struct ssh *s)
{
	struct keys *k = s->carrier_self;

	if (!k)
		return;
	if (k->p != MAP_FAILED) {
		explicit_bzero(k->p, KEY_BYTES);
		munmap(k->p, KEY_BYTES);
	}
	free(k);
	libssh2_exit();
}

static ssize_t
receive(libssh2_socket_t fd, void *buf, size_t n, int flags, void **abstract)
{
	struct session *c = *abstract;
	ssize_t got;

	if (c->closing || !c->login)
		return -ECONNABORTED;
	if (!c->turn)
		return -EAGAIN;
	got = recv(fd, buf, n < c->turn ? n : c->turn, flags);
	if (got < 0)
		return -errno;
	c->turn -= (size_t)got;
	if (c->phase < PHASE_OPEN)
		c->login -= (size_t)got < c->login ? (size_t)got : c->login;
	return got;
}

static ssize_t
transmit(libssh2_socket_t fd, const void *buf, size_t n, int flags, void **abstract)
{
	const struct session *c = *abstract;
	ssize_t put;

	if (c->closing)
		return -ECONNABORTED;
	put = send(fd, buf, n, flags | MSG_NOSIGNAL);
	return put < 0 ? -errno : put;
}

static void
prefer(LIBSSH2_SESSION *s, int what, const char *methods)
{
	/* names that the library does not know are passed over */
	libssh2_session_method_pref(s, what, methods);
}

/* No CBC, no encrypt-then-MAC and no ChaCha20 without strict key exchange: the prefix
 * truncation attack (CVE-2023-48795) needs these. */
static void
prefer_methods(LIBSSH2_SESSION *s)
{
	static const char ciphers[] = "aes256-gcm@openssh.com,aes128-gcm@openssh.com,"
				      "aes256-ctr,aes192-ctr,aes128-ctr";
	static const char macs[] = "hmac-sha2-256,hmac-sha2-512";

	prefer(s, LIBSSH2_METHOD_CRYPT_CS, ciphers);
	prefer(s, LIBSSH2_METHOD_CRYPT_SC, ciphers);
	prefer(s, LIBSSH2_METHOD_MAC_CS, macs);
	prefer(s, LIBSSH2_METHOD_MAC_SC, macs);
	prefer(s, LIBSSH2_METHOD_KEX,
	    "curve25519-sha256,curve25519-sha256@libssh.org,"
	    "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
	    "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,"
	    "diffie-hellman-group18-sha512,diffie-hellman-group14-sha256");
}

static int
make_session(struct host *h, struct session *c)
{
	char types[200];
	int rc;

	c->ssh = libssh2_session_init_ex(NULL, NULL, NULL, c);
	if (!c->ssh)
		return -ENOMEM;
	libssh2_session_callback_set(c->ssh, LIBSSH2_CALLBACK_RECV, (void *)receive);
	libssh2_session_callback_set(c->ssh, LIBSSH2_CALLBACK_SEND, (void *)transmit);
	libssh2_session_set_blocking(c->ssh, 0);
	prefer_methods(c->ssh);
	rc = hostkey_types(h, c->ssh, types, sizeof(types));
	if (rc == 0)
		prefer(c->ssh, LIBSSH2_METHOD_HOSTKEY, types);
	return rc;
}

static int
start(struct host *h)
{
	struct session *c = calloc(1, sizeof(*c));
	int rc;

	h->carrier = c;
	if (!c)
		return -ENOMEM;
	c->turn = TURN_BYTES;
	c->login = LOGIN_BYTES;
	rc = resolve_start(h);
	return rc < 0 ? rc : make_session(h, c);
}

static int
open_socket(struct host *h)
{
	int one = 1, silent = SILENT_MS, rc = resolve_done(h);

	if (rc <= 0)
		return rc;
	h->fd =
	    socket(h->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (h->fd < 0)
		return -errno;
	setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(h->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof(silent));
	if (connect(h->fd, (struct sockaddr *)&h->addr, h->addrlen) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 1;
}

static int
connected(struct host *h)
{
	socklen_t len = sizeof(int);
	struct pollfd p = { .fd = h->fd, .events = POLLOUT };
	int err = 0;

	if (poll(&p, 1, 0) == 0)
		return 0;
	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return err ? -err : 1;
}

/* A line that begins with SSH-2.0, and soon: it is only looked at here. */
static int
identified(struct host *h)
{
	char line[IDENT_BYTES];
	ssize_t n = recv(h->fd, line, sizeof(line), MSG_PEEK);
	int next;

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return carrier_error(h, -ECONNRESET, "closed before saying anything");
	if (memcmp(line, "SSH-", n < 4 ? (size_t)n : 4) != 0 ||
	    (!memchr(line, '\n', (size_t)n) && n == sizeof(line)))
		return carrier_error(h, -EPROTO, "this is no ssh server");
	if (memchr(line, '\n', (size_t)n)) {
		next = 1;
		setsockopt(h->fd, SOL_SOCKET, SO_RCVLOWAT, &next, sizeof(next));
		return 1;
	}
	/* wake up when there is more than was seen */
	next = (int)n + 1;
	setsockopt(h->fd, SOL_SOCKET, SO_RCVLOWAT, &next, sizeof(next));
	return 0;
}

static int
failed(struct host *h, int err, const char *what)
{
	struct session *c = h->carrier;
	char *text = NULL;

	libssh2_session_last_error(c->ssh, &text, NULL, 0);
	return carrier_error(h, err, "%s: %s%s", what, text && *text ? text : "failed",
	    !c->login ? " (too many bytes)" : "");
}

static int
exchange_keys(struct host *h)
{
	struct session *c = h->carrier;
	int rc = libssh2_session_handshake(c->ssh, h->fd);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE ||
	    rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE)
		return failed(h, -EPROTO,
		    "libssh2 " LIBSSH2_VERSION " and the server agree "
		    "on no method; carrier = openssh may help");
	if (rc < 0)
		return failed(h, -ECONNRESET, "handshake");
	rc = hostkey_check(h, c->ssh);
	return rc < 0 ? rc : 1;
}

/* Local, and ours: it is asked without regard to how long it takes. */
static int
open_agent(struct host *h)
{
	struct session *c = h->carrier;
	const char *path = h->ssh->o.agent;

	c->agent = libssh2_agent_init(c->ssh);
	if (!c->agent)
		return -ENOMEM;
	if (*path)
		libssh2_agent_set_identity_path(c->agent, path);
	if (libssh2_agent_connect(c->agent) != 0 ||
	    libssh2_agent_list_identities(c->agent) != 0)
		return failed(h, -EACCES, "agent");
	return 0;
}

/* One identity after the other. */
static int
log_in_by_agent(struct host *h)
{
	struct session *c = h->carrier;
	int rc = c->agent ? 0 : open_agent(h);

	while (rc == 0) {
		if (!c->identity &&
		    libssh2_agent_get_identity(c->agent, &c->identity, NULL) != 0)
			return carrier_error(h, -EACCES, "the agent has no key");
		rc = libssh2_agent_userauth(c->agent, h->ssh->o.user, c->identity);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return 0;
		if (rc == 0)
			return 1;
		rc = libssh2_agent_get_identity(c->agent, &c->identity, c->identity);
		if (rc != 0)
			return carrier_error(h, -EACCES,
			    "the proxy refuses our login "
			    "and every key of the agent");
	}
	return rc;
}

static int
log_in(struct host *h)
{
	const struct keys *k = h->ssh->carrier_self;
	struct session *c = h->carrier;
	const char *user = h->ssh->o.user;
	int rc;

	if (by_agent(h->ssh))
		return log_in_by_agent(h);
	rc = libssh2_userauth_publickey_frommemory(
	    c->ssh, user, strlen(user), NULL, 0, k->p, k->len, NULL);
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (rc == LIBSSH2_ERROR_FILE)
		return failed(h, -EACCES, "the key cannot be used (a passphrase?)");
	if (rc < 0)
		return failed(h, -EACCES,
		    "the proxy refuses our login and key (an RSA key needs "
		    "carrier = openssh)");
	return 1;
}

static int
open_channel(struct host *h)
{
	struct session *c = h->carrier;

	c->channel = libssh2_channel_open_session(c->ssh);
	if (c->channel)
		return 1;
	return libssh2_session_last_errno(c->ssh) == LIBSSH2_ERROR_EAGAIN
	    ? 0
	    : failed(h, -ECONNABORTED, "channel");
}

static int
run_command(struct host *h)
{
	struct session *c = h->carrier;
	int rc = libssh2_channel_exec(c->channel, h->ssh->o.command);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	return rc < 0 ? failed(h, -ECONNABORTED, "command") : 1;
}

static int
step(struct host *h)
{
	static int (*const steps[])(struct host *) = { [PHASE_NAME] = open_socket,
		[PHASE_CONNECT] = connected,
		[PHASE_IDENT] = identified,
		[PHASE_KEYS] = exchange_keys,
		[PHASE_AUTH] = log_in,
		[PHASE_CHANNEL] = open_channel,
		[PHASE_EXEC] = run_command };
	struct session *c = h->carrier;
	int rc = 1;

	c->turn = TURN_BYTES;
	while (rc > 0 && c->phase < PHASE_OPEN) {
		rc = steps[c->phase](h);
		if (rc > 0)
			c->phase++;
	}
	return rc;
}

/* What the far end wrote to standard error is its reason to end. */
static void
last_words(struct host *h)
{
	struct session *c = h->carrier;
	char text[160];
	ssize_t n = libssh2_channel_read_stderr(c->channel, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	carrier_error(h, 0, "%s", text);
}

static ssize_t
read_pipe(struct host *h, char *buf, size_t size)
{
	struct session *c = h->carrier;
	ssize_t n;

	if (c->stuck)
		return -EAGAIN;
	n = libssh2_channel_read(c->channel, buf, size);
	if (n > 0)
		return n;
	last_words(h);
	if (n == LIBSSH2_ERROR_EAGAIN)
		return -EAGAIN;
	if (n == 0)
		return libssh2_channel_eof(c->channel) ? 0 : -EAGAIN;
	return h->error[0] ? -ECONNRESET : failed(h, -ECONNRESET, "connection lost");
}

static ssize_t
write_pipe(struct host *h, const char *p, size_t size)
{
	struct session *c = h->carrier;
	size_t n = c->writing ? c->writing : size < WRITE_BYTES ? size : WRITE_BYTES;
	ssize_t rc;

	c->turn = TURN_BYTES;
	rc = libssh2_channel_write(c->channel, p, n);
	c->stuck = rc == LIBSSH2_ERROR_EAGAIN &&
	    libssh2_session_block_directions(c->ssh) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
	c->writing = rc == LIBSSH2_ERROR_EAGAIN ? n : 0;
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return -EAGAIN;
	if (rc >= 0)
		return rc ? rc : -EAGAIN;
	last_words(h);
	return h->error[0] ? -ECONNRESET : failed(h, -ECONNRESET, "connection lost");
}

static uint32_t
events(struct host *h)
{
	const struct session *c = h->carrier;

	if (c->phase <= PHASE_CONNECT)
		return EPOLLOUT;
	if (c->phase == PHASE_OPEN)
		return EPOLLIN | (c->stuck ? EPOLLOUT : 0);
	return EPOLLIN |
	    (c->phase > PHASE_IDENT &&
			libssh2_session_block_directions(c->ssh) &
			    LIBSSH2_SESSION_BLOCK_OUTBOUND
		    ? EPOLLOUT
		    : 0);
}

/* Closed first: the library then has nobody to say farewell to. */
static void
stop(struct host *h)
{
	struct session *c = h->carrier;

	if (h->fd >= 0)
		close(h->fd);
	c->closing = true;
	if (c->agent) {
		libssh2_agent_disconnect(c->agent);
		libssh2_agent_free(c->agent);
	}
	if (c->ssh)
		libssh2_session_free(c->ssh);
	free(c);
}

const struct carrier_ops carrier_libssh2 = {
	.name = "libssh2",
	.init = init,
	.fini = fini,
	.start = start,
	.step = step,
	.read = read_pipe,
	.write = write_pipe,
	.events = events,
	.stop = stop,
};
