/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_conf.c - whole folders: layouts, typed options, problems, actions.
 */
#include "banner/base/units.h"
#include "test/unit/conf_rig.h"

static void
defaults_of_our_layout(void **state)
{
	struct folder *f = *state;
	const struct conf_jail *j;
	struct conf *c;

	folder_write(f, "jails.d/a.conf", "[web]\nenabled = yes\nlogpath = /a b tail\n"
	    " /c*.log\n[off]\nfilter = nothing\n");
	folder_write(f, "filters/web.conf", "[Definition]\nfailregex = ^x <HOST>$\n");
	c = folder_read(f);
	assert_int_equal(c->layout, LAYOUT_BANNER);
	assert_int_equal(c->nproblems, 0);
	assert_int_equal(c->njails, 2);
	j = conf_jail_find(c, "web");
	assert_true(j->enabled && !j->refused);
	assert_int_equal(j->maxretry, 5);
	assert_int_equal(j->maxmatches, 5);
	assert_int_equal(j->findtime_ms, 600000);
	assert_int_equal(j->bantime_ms, 600000);
	assert_int_equal(j->host6, 64);
	assert_int_equal(j->usedns, DNS_NO);
	assert_int_equal(j->nlogpath, 2);
	assert_string_equal(j->logpath[0].glob, "/a b");
	assert_true(j->logpath[0].tail && !j->logpath[1].tail);
	assert_int_equal(j->naction, 1);
	assert_string_equal(c->actions[0].plugin, "route");
	assert_false(conf_jail_find(c, "off")->enabled);
	assert_null(conf_jail_find(c, "none"));
	conf_free(c);
}

static void
every_option_is_typed(void **state)
{
	struct folder *f = *state;
	const struct conf_jail *j;
	struct conf *c;

	folder_write(f, "jails.d/a.conf",
	    "[j]\nenabled = 1\nfilter =\nfailregex = ^<HOST>\n"
	    "  ^b <HOST>\nignoreregex = ^c\ndatepattern = %%Y\nmaxlines = 3\n"
	    "journalmatch = _COMM=x\nbackend = systemd[journalflags=1]\nmaxretry = 7\n"
	    "maxmatches = 2\nfindtime = 1d\nbantime = -1\nusedns = raw\nignoreself = "
	    "no\n"
	    "ignoreip = ::1, 10.0.0.0/8\n  host.example\nignorecommand = /bin/x <ip>\n"
	    "ignorecache = key=\"<ip>\"\nlogencoding = latin-1\nlogtimezone = "
	    "UTC+0200\n"
	    "bantime.increment = true\nbantime.factor = 2\nbantime.formula = "
	    "ban.Time*2\n"
	    "bantime.multipliers = 1 2 4\nbantime.maxtime = 5w\nbantime.rndtime = 8m\n"
	    "bantime.overalljails = on\ncount = net/28,60\ndistinct = user\n"
	    "host6 = 56\nblocklist = file:/x\nskip_if_nologs = yes\n"
	    "systemd_if_nologs = no\nprefregex = "
	    "^<F-CONTENT>"
	    ".</F-CONTENT>\naction =\n"
	    "[k]\nenabled = 1\nfilter =\ncount = host+user\nban = user\n");
	c = folder_read(f);
	j = conf_jail_find(c, "j");
	assert_false(j->refused);
	assert_string_equal(j->filter.failregex.v[1], "^b <HOST>");
	assert_string_equal(j->filter.ignoreregex.v[0], "^c");
	assert_string_equal(j->filter.datepattern.v[0], "%Y");
	assert_string_equal(j->filter.journalmatch.v[0], "_COMM=x");
	assert_int_equal(j->filter.maxlines, 3);
	assert_null(j->filter.file);
	assert_int_equal(j->backend, BACKEND_JOURNAL);
	assert_string_equal(conf_option(&j->backend_options, "journalflags", ""), "1");
	assert_int_equal(j->maxretry, 7);
	assert_int_equal(j->maxmatches, 2);
	assert_int_equal(j->findtime_ms, 86400000);
	assert_int_equal(j->bantime_ms, -1);
	assert_int_equal(j->usedns, DNS_RAW);
	assert_false(j->ignoreself);
	assert_int_equal(j->ignoreip.n, 3);
	assert_string_equal(j->ignoreip.v[2], "host.example");
	assert_string_equal(j->ignorecommand, "/bin/x <ip>");
	assert_string_equal(j->logencoding, "latin-1");
	assert_string_equal(j->logtimezone, "UTC+0200");
	assert_true(j->increment.on && j->increment.overalljails);
	assert_true(j->increment.factor == 2.0 && !j->increment.factor_expr);
	assert_string_equal(j->increment.formula, "ban.Time*2");
	assert_string_equal(j->increment.multipliers, "1 2 4");
	assert_int_equal(j->increment.maxtime_ms, 35LL * 86400000);
	assert_int_equal(j->increment.rndtime_ms, 480000);
	assert_int_equal(j->count, COUNT_NET);
	assert_int_equal(j->net4, 28);
	assert_int_equal(j->net6, 60);
	assert_int_equal(j->distinct, 'u');
	assert_true(!j->ban_user && j->skip_if_nologs && !j->systemd_if_nologs);
	assert_true(conf_jail_find(c, "k")->ban_user);
	assert_int_equal(j->host6, 56);
	assert_string_equal(j->blocklist, "file:/x");
	assert_int_equal(j->naction, 0);
	assert_non_null(find_problem(c, "no action"));
	conf_free(c);
}

static const struct {
	const char *option, *says;
	const char *file;		/* NULL: that of the jail */
	int line;			/* there */
} mistakes[] = {
	{ "maxretry = x", "expected a number" },
	{ "maxretry = 0", "from 1 to 1000000" },
	{ "findtime = 1q", "a unit" },
	{ "findtime = 0", "longer than zero" },
	{ "bantime =", "such as 10m" },
	{ "backend = magic", "expected auto" },
	{ "usedns = perhaps", "expected yes" },
	{ "count = planets", "net/24,56" },
	{ "count = net/99", "net/24,56" },
	{ "count = net/23,56", "never banned" },
	{ "count = net/24,48", "never banned" },
	{ "distinct = x", "user or host" },
	{ "distinct = host", "only one" },
	{ "ban = all", "user or host" },
	{ "ban = user", "host+user" },
	{ "host6 = 200", "56 to 128" },
	{ "host6 = 55", "56 to 128" },
	{ "logpath = /a bcd", "head or tail" },
	{ "maxlines = none", "1 to 1000" },
	{ "bantime.formula = os.exit()", "ban.Time" },
	{ "bantime.factor = x", "a number" },
	{ "bantime.factor = -1", "more than 0" },
	{ "bantime.multipliers = 1 b", "numbers" },
	{ "bantime.multipliers = 1 0", "above 0" },
	{ "bantime.rndtime = -1", "not negative" },
	{ "filter = gone", "not found" },
	{ "filter = f[x]", "name=value" },
	{ "action = gone", "not found" },
	{ "action = route[x", "a closing \"]\"" },
	{ "action = smtp.py[a=b]", "Python" },
	{ "ignoreip = %(nothing)s", "not set" },
	{ "port = 50%", NULL },
	{ "ignoreip = 50%", "literal %" },
	{ "filter = f[x=\"y]", "closing \"" },
	{ "filter = nodef", "[Definition]", "filters/nodef.conf", 1 },
	{ "filter = twice", "first in line 2", "filters/twice.conf", 3 },
	{ "filter = weighed", "for each", "filters/weighed.conf", 3 },
	{ "filter = light", "from 1 to 1000", "filters/light.conf", 3 },
	{ "filter = many", "1 to 1000", "filters/many.conf", 3 },
	{ "filter = odd", "%(x)s", "filters/odd.conf", 2 },
	{ "filter = self", "refers to itself", "filters/self.conf", 2 },
};

/* Each names file and line, and loses this jail only. */
static void
mistakes_cost_one_jail(void **state)
{
	struct folder *f = *state;

	folder_write(f, "filters/f.conf", "[Definition]\nfailregex = ^<HOST>\n");
	folder_write(f, "filters/nodef.conf", "[definition]\nfailregex = ^<HOST>\n");
	folder_write(
	    f, "filters/twice.conf", "[Definition]\nfailregex = a\nfailregex = b\n");
	folder_write(
	    f, "filters/weighed.conf", "[Definition]\nfailregex = a\nweight = 1 2\n");
	folder_write(
	    f, "filters/light.conf", "[Definition]\nfailregex = a\nweight = 0\n");
	folder_write(
	    f, "filters/many.conf", "[Definition]\nfailregex = a\nmaxlines = 1001\n");
	folder_write(f, "filters/odd.conf", "[Definition]\nfailregex = %(x)s\n");
	folder_write(
	    f, "filters/self.conf", "[Definition]\nfailregex = <a>\na = x<a>\n");
	folder_write(f, "jails.d/a.conf", "[good]\nenabled = yes\nfilter = f\n");
	for (size_t i = 0; i < N(mistakes); i++) {
		char text[256];
		struct conf *c;
		const struct conf_problem *p;

		snprintf(text, sizeof(text), "[bad]\nenabled = yes\n%s%s\n",
		    strncmp(mistakes[i].option, "filter", 6) ? "filter = f\n" : "",
		    mistakes[i].option);
		folder_write(f, "jails.d/b.conf", text);
		c = folder_read(f);
		assert_false(conf_jail_find(c, "good")->refused);
		assert_int_equal(conf_jail_find(c, "bad")->refused, !!mistakes[i].says);
		if (mistakes[i].says) {
			p = find_problem(c, mistakes[i].says);
			assert_non_null(p);
			assert_string_equal(p->jail, "bad");
			assert_non_null(strstr(p->file,
			    mistakes[i].file ? mistakes[i].file : "jails.d/b.conf"));
			assert_int_equal(p->line, mistakes[i].file ? mistakes[i].line :
			    strncmp(mistakes[i].option, "filter", 6) ? 4 : 3);
		}
		conf_free(c);
	}
}

static void
broken_files_name_the_fix(void **state)
{
	struct folder *f = *state;
	const struct conf_problem *p;
	struct conf *c;

	folder_write(f, "filters/f.conf", "[Definition]\nfailregex = ^<HOST>\n");
	folder_write(f, "jails.d/a.conf",
	    "[a]\nenabled = yes\nfilter = f\nnonsense\n[b]\n"
	    "enabled = yes\nfilter = f\nmaxretyr = 3\nmine = 4\nbantime = %(mine)s\n");
	c = folder_read(f);
	assert_true(conf_jail_find(c, "a")->refused);
	assert_false(conf_jail_find(c, "b")->refused);
	p = find_problem(c, "name = value");
	assert_int_equal(p->line, 4);
	p = find_problem(c, "\"maxretry\"?");
	assert_non_null(p);
	assert_int_equal(p->level, CONF_WARNING);
	assert_int_equal(p->line, 8);
	assert_null(find_problem(c, "mine"));
	conf_free(c);

	folder_write(f, "jails.d/0.conf", "bantime = 5\n");
	c = folder_read(f);
	assert_non_null(find_problem(c, "before the first section"));
	assert_true(conf_jail_find(c, "b")->refused);
	conf_free(c);
}

static void
refuses_what_is_no_folder(void **state)
{
	struct folder *f = *state;
	struct conf_request q = { .dir = f->dir };
	struct conf *c;
	struct err e;

	assert_int_equal(conf_read(&q, &c, &e), -ENOENT);
	assert_non_null(strstr(e.text, "jails.d"));
	q.dir = "/no/such/folder";
	assert_int_equal(conf_read(&q, &c, &e), -ENOENT);
}

static void
overlays_and_order(void **state)
{
	struct folder *f = *state;
	struct conf *c;

	folder_write(f, "jail.conf",
	    "[DEFAULT]\nbantime = 1\n[INCLUDES]\nafter = z.conf\n"
	    "[s]\nfilter = f\nenabled = true\nmaxretry = 1\nfindtime = 1\n");
	folder_write(f, "z.conf", "[DEFAULT]\nbantime = 2\n[s]\nfindtime = 2\n");
	folder_write(f, "z.local", "[s]\nfindtime = 3\n");
	folder_write(f, "jail.d/b.conf", "[s]\nmaxretry = 2\n");
	folder_write(f, "jail.local", "[s]\nmaxretry = 3\n");
	folder_write(f, "jail.d/a.local", "[s]\nmaxretry = 4\n");
	folder_write(f, "filter.d/f.conf", "[Definition]\nfailregex = a\n");
	folder_write(f, "filter.d/f.local",
	    "[Definition]\nfailregex = %(known/failregex)s"
	    "\n  b\n");
	c = folder_read(f);
	assert_int_equal(c->layout, LAYOUT_FAIL2BAN);
	assert_int_equal(c->jails[0].maxretry, 4);
	assert_int_equal(c->jails[0].bantime_ms, 2000);
	assert_int_equal(c->jails[0].findtime_ms, 3000);
	assert_int_equal(c->jails[0].host6, 128);
	assert_int_equal(c->jails[0].filter.failregex.n, 2);
	conf_free(c);
}

static void
actions_share_processes(void **state)
{
	struct folder *f = *state;
	struct conf *c;

	folder_write(f, "banner.conf",
	    "[bannerd]\nmax-bans = 10\ntrusted = 192.0.2.1 "
	    "2001:db8::/32\nlok = x\n[action proxies]\nplugin = ssh\nuser = u\ncaps = "
	    "c\n"
	    "hosts = p1 p2\n[action cmd2]\nuser = nobody\n[jail]\n");
	folder_write(f, "actions/cmd.conf",
	    "[Definition]\nactionban = c <ip> <name> <port>\n"
	    "[Init]\nport = 22\n");
	folder_write(f, "actions/cmd2.conf", "[Definition]\nactionban = c <ip>\n");
	folder_write(f, "filters/f.conf", "[Definition]\nfailregex = a\n");
	folder_write(f, "jails.d/a.conf",
	    "[DEFAULT]\nfilter = f\nenabled = yes\n[a]\n"
	    "action = route\n proxies\n cmd[port=\"1, 2\"]\n cmd2\n[b]\naction = "
	    "route\n"
	    " route[blocktype=blackhole]\n proxies[hosts=p3]\n cmd\n");
	c = folder_read(f);
	assert_false(c->jails[0].refused || c->jails[1].refused);
	assert_int_equal(c->jails[0].action[0], c->jails[1].action[0]);
	assert_int_equal(c->nactions, 7);
	assert_string_equal(c->actions[1].plugin, "ssh");
	assert_string_equal(c->actions[1].user, "u");
	assert_string_equal(c->actions[1].caps, "c");
	assert_string_equal(conf_option(&c->actions[1].options, "hosts", ""), "p1 p2");
	assert_string_equal(c->actions[2].scope, "tcp/1,2");
	assert_string_equal(c->actions[2].user, "root");
	assert_string_equal(conf_option(&c->actions[2].options, "actionban", ""),
	    "c <ip> a 1, 2");
	assert_string_equal(c->actions[3].user, "nobody");
	assert_string_equal(c->actions[6].scope, "tcp/22");
	assert_int_equal(c->actions[2].actor, c->actions[6].actor);
	assert_int_not_equal(c->actions[2].actor, c->actions[3].actor);
	assert_int_not_equal(c->actions[1].actor, c->actions[5].actor);
	assert_int_not_equal(c->actions[0].actor, c->actions[4].actor);
	assert_int_equal(c->daemon.max_bans, 10);
	assert_int_equal(c->daemon.trusted.n, 2);
	assert_non_null(find_problem(c, "is it \"log\"?"));
	assert_non_null(find_problem(c, "jails belong into jails.d/"));
	conf_free(c);
}

/* What is wrong in [bannerd] leaves the default; too many addresses, the first. */
static void
wrong_leaves_the_default(void **state)
{
	struct folder *f = *state;
	char text[1 << 17];
	int n = sprintf(text, "[bannerd]\nmax_bans = 0\nmax_tracked = 0\n"
	    "max_line = 255\nevidence = 65535\nban_rate = 0\npurge_age = -1\n"
	    "never_ban = 192.0.2.1, nonsense, 192.0.2.3\ntrusted =");
	struct conf *c;

	for (int i = 0; i < CONF_NETS_MAX + 1; i++)
		n += sprintf(text + n, " 10.0.%d.%d", i / 256, i % 256);
	folder_write(f, "banner.conf", strcat(text, "\n"));
	folder_write(f, "jails.d/a.conf", "");
	c = folder_read(f);
	assert_int_equal(c->daemon.max_bans, 200000);
	assert_int_equal(c->daemon.max_tracked, 400000);
	assert_int_equal(c->daemon.max_line_bytes, 16384);
	assert_int_equal(c->daemon.evidence_bytes, 4 << 20);
	assert_int_equal(c->daemon.ban_rate, 600);
	assert_int_equal(c->daemon.purge_age_ms, 30 * MS_PER_DAY);
	assert_int_equal(c->daemon.never_ban.n, 2);
	assert_int_equal(c->daemon.trusted.n, CONF_NETS_MAX);
	assert_non_null(find_problem(c, "the first 4096 count"));
	conf_free(c);
}

/* The route action file: stock, edited, and with native = yes and no. */
static void
native_or_as_written(void **state)
{
	static const struct {
		const char *ban, *native, *plugin;
	} cases[] = {
		{ "ip route add <blocktype> <ip>", "auto", "route" },
		{ "ip route add <blocktype> <ip>", "no", "exec" },
		{ "ip route replace <blocktype> <ip>", "auto", "exec" },
		{ "ip route replace <blocktype> <ip>", "yes", "route" },
	};
	struct folder *f = *state;

	folder_write(f, "jail.local",
	    "[a]\nenabled = yes\nfilter =\nfailregex = ^<HOST>\n"
	    "action = route[blocktype=prohibit]\n");
	for (size_t i = 0; i < N(cases); i++) {
		struct conf *c;
		char text[256];

		snprintf(text, sizeof(text),
		    "[Definition]\nactionban = %s\nactionunban = "
		    "ip route del <blocktype> <ip>\n[Init]\nblocktype = unreachable\n",
		    cases[i].ban);
		folder_write(f, "action.d/route.conf", text);
		snprintf(
		    text, sizeof(text), "[bannerd]\nnative = %s\n", cases[i].native);
		folder_write(f, "banner.conf", text);
		c = folder_read(f);
		assert_int_equal(c->nactions, 1);
		assert_string_equal(c->actions[0].plugin, cases[i].plugin);
		assert_string_equal(
		    conf_option(&c->actions[0].options, "blocktype", ""), "prohibit");
		assert_string_equal(c->actions[0].scope, "");
		conf_free(c);
	}
}

/* The configuration of a public article on Zimbra loads as it is. */
static void
zimbra_article_loads(void **state)
{
	struct conf_request q = { .dir = TEST_DIR "/fixtures/zimbra" };
	const struct conf_jail *smtp, *web, *sshd;
	struct conf *c;
	struct err e;

	assert_int_equal(conf_read(&q, &c, &e), 0);
	for (size_t i = 0; i < c->nproblems; i++)
		assert_int_equal(c->problems[i].level, CONF_NOTE);
	smtp = conf_jail_find(c, "zimbra-smtp");
	web = conf_jail_find(c, "zimbra-web");
	sshd = conf_jail_find(c, "sshd");
	assert_true(smtp->enabled && web->enabled && sshd->enabled);
	assert_int_equal(smtp->filter.failregex.n, 2);
	assert_int_equal(smtp->filter.ignoreregex.n, 0);
	assert_string_equal(web->filter.failregex.v[0],
	    ".*ip=<HOST>;.*authentication failed for .*$");
	assert_int_equal(smtp->maxretry, 3);
	assert_int_equal(web->maxretry, 5);
	assert_int_equal(web->findtime_ms, 86400000);
	assert_int_equal(web->bantime_ms, 86400000);
	assert_string_equal(web->logpath[0].glob, "/opt/zimbra/log/mailbox.log");
	assert_int_equal(sshd->bantime_ms, 3600000);
	assert_int_equal(sshd->ignoreip.n, 3);
	for (size_t i = 0; i < c->nactions; i++) {
		assert_string_equal(c->actions[i].plugin, "route");
		assert_int_equal(c->actions[i].actor, 0);
		assert_string_equal(c->actions[i].scope, "");
	}
	assert_int_equal(smtp->action[0], sshd->action[0]);
	conf_free(c);
}

static void
commands_in_banner_conf(void **state)
{
	struct folder *f = *state;
	struct conf *c;

	folder_write(f, "banner.conf", "[action hook]\nplugin = exec\nuser = nobody\n"
	    "tool = /bin/tool\nactionban = <tool> <name> <port> <ip>\n");
	folder_write(f, "jails.d/a.conf", "[a]\nenabled = yes\nfilter =\nfailregex = "
	    "^<HOST>\naction = hook[port=\"25, 465\"]\n");
	c = folder_read(f);
	assert_int_equal(c->nactions, 1);
	assert_string_equal(c->actions[0].user, "nobody");
	assert_string_equal(conf_option(&c->actions[0].options, "actionban", ""),
	    "/bin/tool a 25, 465 <ip>");
	assert_string_equal(c->actions[0].scope, "tcp/25,465");
	conf_free(c);
}

static const char *
ban_of(const struct conf *c, size_t i)
{
	return conf_option(&c->actions[i].options, "actionban", "");
}

/* [action NAME] over the file of that name, and the jail's brackets over both. */
static void
section_over_an_action_file(void **state)
{
	struct folder *f = *state;
	struct conf *c;

	folder_write(f, "banner.conf", "[action tell]\ntool = b\nuser = nobody\nlok = x"
	    "\n[action other]\nactionban = z <tool> <ip>\n[action route]\n"
	    "blocktype = blackhole\ntable = 77\n");
	folder_write(f, "actions/tell.conf",
	    "[Definition]\nactionban = <tool> <ip>\n[Init]\ntool = a\n");
	folder_write(f, "actions/other.conf",
	    "[Definition]\nactionban = <tool> <ip>\n[Init]\ntool = a\n");
	folder_write(f, "actions/route.conf",
	    "[Definition]\nactionban = ip route add <blocktype> <ip>\n"
	    "actionunban = ip route del <blocktype> <ip>\n"
	    "[Init]\nblocktype = unreachable\n");
	folder_write(f, "jails.d/a.conf", "[a]\nenabled = yes\nfilter =\nfailregex = "
	    "^<HOST>\naction = tell\n tell[tool=c]\n other\n route\n");
	c = folder_read(f);
	assert_int_equal(c->nactions, 4);
	assert_string_equal(ban_of(c, 0), "b <ip>");
	assert_string_equal(c->actions[0].user, "nobody");
	assert_string_equal(ban_of(c, 1), "c <ip>");
	assert_string_equal(ban_of(c, 2), "z a <ip>");
	assert_string_equal(c->actions[3].plugin, "route");
	assert_string_equal(conf_option(&c->actions[3].options, "blocktype", ""),
	    "blackhole");
	assert_string_equal(conf_option(&c->actions[3].options, "table", ""), "77");
	assert_non_null(find_problem(c, "\"lok\" is not known"));
	conf_free(c);
}

/* banregex asks for one jail, enabled or not; dumps ask for all. */
static void
one_jail_or_all(void **state)
{
	struct folder *f = *state;
	struct conf_request one = { .dir = f->dir, .only_jail = "off" };
	struct conf_request all = { .dir = f->dir, .enable_all = true };
	struct conf *c;
	struct err e;

	folder_write(f, "filters/f.conf", "[Definition]\nfailregex = ^<HOST>\n");
	folder_write(f, "jails.d/a.conf", "[DEFAULT]\nfilter = f\n[on]\nenabled = yes\n"
	    "[off]\n");
	assert_int_equal(conf_read(&one, &c, &e), 0);
	assert_int_equal(conf_jail_find(c, "off")->filter.failregex.n, 1);
	assert_false(conf_jail_find(c, "off")->enabled);
	assert_int_equal(conf_jail_find(c, "on")->filter.failregex.n, 0);
	conf_free(c);
	assert_int_equal(conf_read(&all, &c, &e), 0);
	assert_true(conf_jail_find(c, "off")->enabled);
	assert_int_equal(conf_jail_find(c, "off")->naction, 1);
	conf_free(c);
}

static void
filters_by_name_and_path(void **state)
{
	struct folder *f = *state;
	struct arena *a = arena_new();
	struct conf_filter_request q = {
		.dir = f->dir, .spec = "f[mode=x]", .arena = a
	};
	struct conf_filter flt;
	char path[128];
	struct err e;

	folder_write(f, "jails.d/none.conf", "");
	folder_write(f, "filters/f.conf", "[Definition]\nfailregex = <re-<mode>> "
	    "<lt_<logtype>/p>\nre-x = X\nre- = Y\nmode =\n[lt_file]\np = F\n"
	    "[lt_journal]\np = J\n");
	assert_int_equal(conf_filter_read(&q, &flt, &e), 0);
	assert_string_equal(flt.failregex.v[0], "X F");
	q.spec = "f";
	q.logtype = "journal";
	assert_int_equal(conf_filter_read(&q, &flt, &e), 0);
	assert_string_equal(flt.failregex.v[0], "Y J");
	assert_string_equal(flt.logtype, "journal");
	snprintf(path, sizeof(path), "%s/filters/f.conf", f->dir);
	q.spec = path;
	q.dir = "/no/such";
	assert_int_equal(conf_filter_read(&q, &flt, &e), 0);
	q.spec = "gone";
	assert_int_equal(conf_filter_read(&q, &flt, &e), -ENOENT);
	arena_free(a);
}

#define FOLDER_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, folder_setup, folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(defaults_of_our_layout),
		FOLDER_TEST(every_option_is_typed),
		FOLDER_TEST(mistakes_cost_one_jail),
		FOLDER_TEST(broken_files_name_the_fix),
		FOLDER_TEST(refuses_what_is_no_folder),
		FOLDER_TEST(overlays_and_order),
		FOLDER_TEST(actions_share_processes),
		FOLDER_TEST(wrong_leaves_the_default),
		FOLDER_TEST(native_or_as_written),
		FOLDER_TEST(commands_in_banner_conf),
		FOLDER_TEST(section_over_an_action_file),
		FOLDER_TEST(one_jail_or_all),
		FOLDER_TEST(filters_by_name_and_path),
		cmocka_unit_test(zimbra_article_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
