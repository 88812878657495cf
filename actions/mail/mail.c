/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail.c - the action that tells people: bans are gathered, a digest goes out.
 *
 * The first ban is told after "delay", what comes then not before "every" has passed,
 * so an attack of thousands is a few messages. Log lines never go out: they may hold
 * passwords. What does is reduced to printable ASCII before it is stored, so neither a
 * header nor a line of the message can be made by a client.
 */
#include "mail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_S = 60, DAY_S = 86400 };

struct mail {
	const struct bn_host *host;
	struct mail_setup setup;
	struct mail_digest digest;
	char *password;
	int timer;
	long delay_s, every_s;
	int64_t last_ms;	/* when the last message went out, 0: none did */
	bool armed;
	uint64_t sent, failed;
	char why[256];		/* the last message did not go out */
};

static const struct bn_key mail_keys[] = {
	{ "to", NULL, "addresses, separated by blanks" },
	{ "from", "", "sender; banner@ and the name of the machine" },
	{ "server", "smtp://127.0.0.1:25", "smtp:// or smtps://, host, port" },
	{ "tls", "auto", "auto (required but to this machine), required, off" },
	{ "ca", "", "file of certificates to trust instead of the system's" },
	{ "login", "", "name to log in to the server with" },
	{ "password_file", "", "file that holds the password and nothing else" },
	{ "sendmail", "", "program to start instead of talking to a server" },
	{ "subject", "", "of the message; <ip> <user> <jail> <failures> <bans>" },
	{ "delay", "10", "seconds from the first ban to its message" },
	{ "every", "600", "seconds between two messages at least" },
	{ "timeout", "30", "seconds that sending may take" },
	{ NULL, NULL, NULL }
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static const char *
get(const struct mail *m, const char *key)
{
	return m->host->get(m->host->ctx, key);
}

static int
bad(const struct mail *m, const char *what, const char *value)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: \"%.100s\"", what, value);
	m->host->log(m->host->ctx, BN_ERROR, text);
	return -EINVAL;
}

static int
seconds(const struct mail *m, const char *key, long least, long *out)
{
	const char *text = get(m, key);
	char *end, what[80];

	*out = strtol(text, &end, 10);
	if (*text && !*end && *out >= least && *out <= DAY_S)
		return 0;
	snprintf(what, sizeof(what), "%s is a number of seconds, %ld to %d, not", key,
	    least, (int)DAY_S);
	return bad(m, what, text);
}

/* What stands in a header and on a command line: no blank, no control, no option. */
static bool
is_address(const char *s)
{
	if (!*s || *s == '-' || strlen(s) > 254)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("<>,;:\"\\()", *s))
			return false;
	return true;
}

static int
read_to(struct mail *m)
{
	char *copy = strdup(get(m, "to")), *save = NULL, *word;
	int rc = copy ? 0 : -ENOMEM;

	for (word = copy ? strtok_r(copy, " \t\n,", &save) : NULL; word && rc == 0;
	     word = strtok_r(NULL, " \t\n,", &save)) {
		if (!is_address(word) || m->setup.nto == MAIL_TO)
			rc = bad(m, "to is up to 20 addresses, not", word);
		else if (!(m->setup.to[m->setup.nto++] = strdup(word)))
			rc = -ENOMEM;
	}
	free(copy);
	if (rc == 0 && m->setup.nto == 0)
		rc = bad(m, "to is up to 20 addresses, not", "");
	return rc;
}

/* Read before the process is confined; only the first line. */
static int
read_password(struct mail *m)
{
	const char *path = get(m, "password_file");
	char line[512];
	FILE *f;

	if (!*path)
		return 0;
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f)) {
		int rc = f ? -EINVAL : -errno;

		bad(m, f ? "password_file is empty" : errno == EACCES ?
		    "password_file may not be read by the action's user" :
		    "password_file cannot be read", path);
		if (f)
			fclose(f);
		return rc;
	}
	fclose(f);
	if (strlen(line) == sizeof(line) - 1)
		return bad(
		    m, "password_file holds a line of more than 510 bytes", path);
	line[strcspn(line, "\r\n")] = '\0';
	m->password = strdup(line);
	m->setup.password = m->password;
	return m->password ? 0 : -ENOMEM;
}

static int
check_files(const struct mail *m)
{
	const struct mail_setup *s = &m->setup;

	if (!*s->login != !*get(m, "password_file"))
		return bad(m, "login and password_file belong together; login is",
		    s->login);
	if (*s->sendmail && access(s->sendmail, X_OK) < 0)
		return bad(
		    m, "sendmail is no program that can be started", s->sendmail);
	if (*s->ca && access(s->ca, R_OK) < 0)
		return bad(m, "ca is no file that can be read", s->ca);
	return 0;
}

static int
read_setup(struct mail *m)
{
	struct mail_setup *s = &m->setup;
	int rc = read_to(m);

	s->server = get(m, "server");
	s->sendmail = get(m, "sendmail");
	s->from = get(m, "from");
	s->login = get(m, "login");
	s->tls = get(m, "tls");
	s->ca = get(m, "ca");
	s->subject = get(m, "subject");
	if (rc == 0 && *s->from && !is_address(s->from))
		rc = bad(m, "from is an address, not", s->from);
	if (rc == 0 && *s->sendmail && *s->sendmail != '/')
		rc = bad(m, "sendmail is an absolute path, not", s->sendmail);
	if (rc == 0 && strcmp(s->tls, "auto") && strcmp(s->tls, "required") &&
	    strcmp(s->tls, "off"))
		rc = bad(m, "tls is auto, required or off, not", s->tls);
	if (rc == 0)
		rc = seconds(m, "delay", 0, &m->delay_s);
	if (rc == 0)
		rc = seconds(m, "every", 0, &m->every_s);
	if (rc == 0)
		rc = seconds(m, "timeout", 1, &s->timeout_s);
	return rc < 0 ? rc : check_files(m);
}

static void	mail_close(void *self);

/* Without sendmail: can this build speak SMTP as it was set up? */
static int
check_smtp(const struct mail *m)
{
	char why[256];
	int rc;

	if (m->setup.sendmail && *m->setup.sendmail)
		return 0;
	rc = mail_smtp_check(&m->setup, why);
	if (rc < 0)
		m->host->log(m->host->ctx, BN_ERROR, why);
	return rc;
}

static int
mail_check(const struct bn_host *host)
{
	struct mail *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->host = host;
	m->timer = -1;
	rc = read_setup(m);
	if (rc == 0)
		rc = read_password(m);
	if (rc == 0)
		rc = check_smtp(m);
	mail_close(m);
	return rc;
}

static int
mail_open(const struct bn_host *host, void **self)
{
	struct mail *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return -ENOMEM;
	m->host = host;
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	rc = m->timer < 0 ? -errno : read_setup(m);
	if (rc == 0)
		rc = read_password(m);
	if (rc == 0)
		rc = check_smtp(m);
	if (rc < 0) {
		mail_close(m);
		return rc;
	}
	*self = m;
	return 0;
}

static void
arm(struct mail *m, int64_t seconds)
{
	struct itimerspec t = { .it_value = { .tv_sec = seconds > 0 ? seconds : 0,
	    .tv_nsec = seconds > 0 ? 0 : 1 } };

	m->armed = timerfd_settime(m->timer, 0, &t, NULL) == 0;
}

static void
clear(struct mail_digest *d)
{
	for (size_t i = 0; i < d->nbans; i++) {
		free(d->bans[i].jail);
		free(d->bans[i].subject);
		free(d->bans[i].user);
	}
	for (size_t i = 0; i < d->nrows; i++) {
		free(d->rows[i].addr);
		free(d->rows[i].service);
		free(d->rows[i].user);
	}
	memset(d, 0, sizeof(*d));
}

static int
send_digest(struct mail *m)
{
	char *text = mail_text(&m->setup, &m->digest, now_ms());
	int rc;

	if (!text)
		return -ENOMEM;
	rc = *m->setup.sendmail ? mail_pipe(&m->setup, text, m->why)
	    : mail_smtp(&m->setup, text, m->why);
	free(text);
	if (rc < 0) {
		m->failed++;
		m->host->log(m->host->ctx, BN_ERROR, m->why);
		return rc;
	}
	m->why[0] = '\0';
	m->sent++;
	m->last_ms = now_ms();
	clear(&m->digest);
	return 0;
}

static int
mail_run(void *self)
{
	struct mail *m = self;
	uint64_t ticks;

	if (read(m->timer, &ticks, sizeof(ticks)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	m->armed = false;
	if (m->digest.nbans > 0 && send_digest(m) < 0)
		arm(m, RETRY_S);
	return 0;
}

static int
mail_poll_fd(void *self)
{
	struct mail *m = self;

	return m->timer;
}

static char *
subject_text(const struct bn_subject *s)
{
	char addr[INET6_ADDRSTRLEN], text[64];
	bool four = s->addr.family == 4;

	if (s->kind == BN_NONE)
		return strdup("all together");
	if (s->kind != BN_ADDR)
		return mail_clean(s->text, strlen(s->text));
	inet_ntop(four ? AF_INET : AF_INET6, s->addr.ip, addr, sizeof(addr));
	if (s->addr.plen == (four ? 32 : 128))
		return strdup(addr);
	snprintf(text, sizeof(text), "%s/%u", addr, s->addr.plen);
	return strdup(text);
}

/* One word of a row, up to TAB or the end of the line; moves behind it. */
static char *
word(const char **at)
{
	size_t n = strcspn(*at, "\t\n");
	char *text = mail_clean(*at, n);

	*at += n;
	*at += **at == '\t';
	return text;
}

static void
add_rows(struct mail_digest *d, const char *rows)
{
	for (; *rows; rows += strcspn(rows, "\n"), rows += *rows == '\n') {
		struct mail_row *r = &d->rows[d->nrows];
		char *end;

		if (d->nrows == MAIL_ROWS) {
			d->more_rows++;
			continue;
		}
		r->when_ms = strtoll(rows, &end, 10);
		rows = end + (*end == '\t');
		r->addr = word(&rows);
		r->service = word(&rows);
		r->user = word(&rows);
		d->nrows++;
	}
}

static const char *
field(const struct bn_change *c, const char *name)
{
	for (const struct bn_field *f = c->fields; f && f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f->value;
	return "";
}

static void
add(struct mail *m, const struct bn_change *c)
{
	struct mail_digest *d = &m->digest;
	struct mail_ban *b = &d->bans[d->nbans];
	const char *user = field(c, "user");

	d->failures += c->failures;
	if (d->nbans == MAIL_BANS) {
		d->more_bans++;
		return;
	}
	*b = (struct mail_ban){ mail_clean(c->jail, strlen(c->jail)),
		subject_text(&c->subject), mail_clean(user, strlen(user)), c->since_ms,
		c->until_ms, c->failures, c->count };
	d->nbans++;
	for (const struct bn_field *f = c->fields; f && f->name; f++)
		if (strcmp(f->name, "attempts") == 0)
			add_rows(d, f->value);
}

static int
mail_apply(void *self, struct bn_change *v, size_t n)
{
	struct mail *m = self;
	int64_t wait;

	for (size_t i = 0; i < n; i++) {
		v[i].err = 0;
		if (v[i].verb == BN_ADD && !v[i].restored)
			add(m, &v[i]);
	}
	if (m->armed || m->digest.nbans == 0)
		return 0;
	wait = m->last_ms ? m->every_s - (now_ms() - m->last_ms) / 1000 : 0;
	arm(m, wait > m->delay_s ? wait : m->delay_s);
	return 0;
}

static int
mail_targets(void *self, bn_target_fn *fn, void *arg)
{
	struct mail *m = self;
	char state[384];

	snprintf(state, sizeof(state), "%llu sent, %llu failed, %zu waiting%s%s",
	    (unsigned long long)m->sent, (unsigned long long)m->failed, m->digest.nbans,
	    m->why[0] ? ": " : "", m->why);
	fn(arg, *m->setup.sendmail ? m->setup.sendmail : m->setup.server, state);
	return 0;
}

static void
mail_close(void *self)
{
	struct mail *m = self;

	if (m->digest.nbans > 0)
		send_digest(m);
	clear(&m->digest);
	for (size_t i = 0; i < m->setup.nto; i++)
		free(m->setup.to[i]);
	free(m->password);
	if (m->timer >= 0)
		close(m->timer);
	free(m);
}

BN_ACTION(mail) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops),
	.flags = BN_EVENT | BN_FIELDS, .name = "mail",
	.kinds = 1 << BN_ADDR | 1 << BN_USER | 1 << BN_ID | 1 << BN_NONE,
	.keys = mail_keys, .open = mail_open, .apply = mail_apply,
	.poll_fd = mail_poll_fd, .run = mail_run, .targets = mail_targets,
	.close = mail_close, .check = mail_check,
};
