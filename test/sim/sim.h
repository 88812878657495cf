/* SPDX-License-Identifier: GPL-2.0-or-later
 * sim.h - the simulated world around one engine: a clock, a store, an output.
 *
 * Times in scripts are seconds since the start of the simulation, which is T0. The
 * store takes what a real one would take after every input; `restart` throws the
 * engine away and fills a new one from it.
 */
#ifndef BANNER_SIM_H
#define BANNER_SIM_H

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/engine.h"

#define SIM_T0 INT64_C(1700000000000)

struct sim {
	struct arena *arena;
	struct conf conf;
	struct conf_jail jails[16];
	struct engine *en;
	struct engine_host host;
	struct buf out;			/* what came out since the last check */
	int64_t now_ms;
	uint64_t ticket;		/* of the last question */
	struct table *bans;		/* the store: id -> struct ban */
	struct table *counters;		/* jail, key -> record */
};

void	sim_init(struct sim *);
void	sim_fini(struct sim *);
void	sim_start(struct sim *);	/* makes the engine if there is none */
/* One line of a script. 0, or -EINVAL with text. */
int	sim_line(struct sim *, char *line, struct err *);
int	sim_conf_line(struct sim *, struct str line, struct err *);

/* name=value, or a bare word (value.s NULL); values may be in double quotes. */
struct sim_word { struct str name, value; };
bool	sim_word(struct str *rest, struct sim_word *);
int sim_ms(struct str, int64_t *, struct err *); /* "90", "1.5", "10m", "2h", "7d" */
int	sim_subject(struct str, struct subject *, struct err *);

void	sim_store_init(struct sim *);
void	sim_store_fini(struct sim *);
void	sim_store_order(struct sim *, const struct order *);
void	sim_store_counters(struct sim *);
void	sim_restart(struct sim *);

#endif
