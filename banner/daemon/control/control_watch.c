/* SPDX-License-Identifier: GPL-2.0-or-later
 * control_watch.c - what banctl watch shows: decisions, to every client that asked.
 *
 * One that does not read misses lines, which are counted and said when it reads again.
 */
#include <event2/event.h>
#include <stdio.h>

#include "banner/base/uncleared.h"
#include "banner/base/units.h"
#include "banner/daemon/control/client.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"

void
client_watch(struct client *c, bool json)
{
	c->control->nwatch += !c->watching;
	c->watching = true;
	c->watch_json = json;
}

bool
control_watched(const struct control *ctl)
{
	return ctl && ctl->nwatch;
}

static void
put_event(struct client *c, const char *now, const struct news_event *n)
{
	if (!c->watch_json) {
		buf_printf(&c->outbuf, " %s %s\n", now, n->text);
		return;
	}
	buf_puts(&c->outbuf, " {");
	json_number(&c->outbuf, "time_ms", engined_now());
	json_text(&c->outbuf, "event", n->event);
	json_text(&c->outbuf, "jail", n->jail);
	json_text(&c->outbuf, "subject", n->subject);
	json_text(&c->outbuf, "text", n->text);
	buf_puts(&c->outbuf, "}\n");
}

/* It reads again: how many it missed. */
static void
put_lost(struct client *c, const char *now)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu lines were lost here: read faster",
	    (unsigned long long)c->dropped);
	put_event(c, now, &(struct news_event){ "lost", "", "", text });
	c->dropped = 0;
}

void
control_event(struct control *ctl, const struct news_event *n)
{
	char now[UNITS_TEXT];
	struct client *c, *next;

	if (!control_watched(ctl))
		return;
	units_time(engined_now(), now);
	for (c = ctl->clients; c; c = next) {
		next = c->next;
		if (!c->watching)
			continue;
		if (c->outbuf.len > WATCH_BYTES) {
			c->dropped++;
			ctl->stats.dropped++;
			continue;
		}
		if (c->dropped)
			put_lost(c, now);
		put_event(c, now, n);
		event_active(c->out_ready, EV_WRITE, 0);
	}
}

void
control_order(struct control *ctl, const struct order *o, const char *subject)
{
	static const char *const words[] = { [VERB_BAN] = "ban",
		[VERB_UNBAN] = "unban", [VERB_PROLONG] = "prolong" };
	char text[400] UNCLEARED;

	if (!control_watched(ctl))
		return;
	snprintf(text, sizeof(text), "[%s] %s %s", o->ban->jail,
	    o->verb == VERB_UNBAN ? "Unban" : "Ban", subject);
	control_event(ctl,
	    &(struct news_event){ words[o->verb], o->ban->jail, subject, text });
}
