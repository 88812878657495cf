/* SPDX-License-Identifier: GPL-2.0-or-later
 * simrun.c - run simulations: configuration, timed lines, expected orders.
 *
 * usage: simrun FILE...	check what comes out against the lines that begin with =
 *        simrun -p FILE	print what comes out ("-" is standard input)
 *
 * A script begins with `conf NAME=VALUE...` and `jail NAME OPTION=VALUE...` lines. Then
 * every line is TIME VERB WORDS, TIME in seconds since the start:
 *
 *	fail HOST|id:X|- [user=U] [jail=J] [weight=N] [key=K] [kind=K] [line=TEXT]
 *	[at=TIME]	login HOST user=U (went well)
 *	ban SUBJECT [jail=J] [for=SPAN|ever]	unban [SUBJECT] [jail=J]
 *	allow [-]ENTRY [jail=J]		guard GROUP [NET...]	blocklist NET...
 *[jail=J] answer ignore|count	applied SUBJECT [jail=J]	explain SUBJECT step
 *SPAN (the clock)	restart	(from the store)	stats [jail=J]	wait
 *
 * The lines beginning with "= " that follow are all that may come out of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct script {
	const char *path;
	int line, from;		/* now; where the output in sim.out began */
	struct buf want;
	bool print;
	int bad;
};

static void
settle(struct script *sc, struct sim *sim)
{
	struct str got = buf_view(&sim->out);

	if (sc->print)
		fwrite(got.s, 1, got.len, stdout);
	else if (!str_eq(got, buf_view(&sc->want))) {
		fprintf(stderr, "%s:%d: expected\n%s--- but came\n%s", sc->path,
		    sc->from, sc->want.len ? sc->want.p : "", got.len ? got.s : "");
		sc->bad++;
	}
	buf_clear(&sim->out);
	buf_clear(&sc->want);
}

static void
one_line(struct script *sc, struct sim *sim, char *line)
{
	struct err e;

	line[strcspn(line, "\n")] = '\0';
	sc->line++;
	if (line[0] == '=') {
		buf_printf(&sc->want, "%s\n", line[1] ? line + 2 : "");
		return;
	}
	settle(sc, sim);
	sc->from = sc->line;
	if (sim_line(sim, line, &e) < 0) {
		fprintf(stderr, "%s:%d: %s\n", sc->path, sc->line, e.text);
		sc->bad++;
	}
}

static int
run(const char *path, bool print)
{
	struct script sc = { .path = path, .print = print };
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	struct sim sim;
	char *line = NULL;
	size_t cap = 0;

	if (!f) {
		perror(path);
		return 1;
	}
	sim_init(&sim);
	while (getline(&line, &cap, f) >= 0)
		one_line(&sc, &sim, line);
	settle(&sc, &sim);
	free(line);
	buf_fini(&sc.want);
	sim_fini(&sim);
	if (f != stdin)
		fclose(f);
	return sc.bad;
}

int
main(int argc, char **argv)
{
	bool print = argc > 1 && strcmp(argv[1], "-p") == 0;
	int bad = 0;

	if (argc < 2 + print) {
		fprintf(stderr, "usage: simrun [-p] FILE...\n");
		return 2;
	}
	setenv("TZ", "UTC", 1);
	for (int i = 1 + print; i < argc; i++)
		bad += run(argv[i], print);
	return bad != 0;
}
