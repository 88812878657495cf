/* SPDX-License-Identifier: GPL-2.0-or-later
 * rules_data.h - the inside of struct rules, for compile, judge, plan and match alone.
 */
#ifndef BANNER_RULES_DATA_H
#define BANNER_RULES_DATA_H

#include "banner/core/capture.h"
#include "banner/core/decode.h"
#include "banner/core/literal.h"
#include "banner/core/multiline.h"
#include "banner/core/parser.h"
#include "banner/core/rules.h"
#include "banner/core/session.h"
#include "banner/core/slow.h"
#include "banner/core/stamp.h"

struct regex {
	struct pattern *re;
	struct capture_map map;
	struct literals literals;	/* of each match */
	struct str end;			/* behind its last one anything matches */
	uint64_t hits;
	struct slow slow;
	unsigned weight;
};

struct rules {
	struct rules_options o;
	struct capture_names names;
	struct regex *fail, *ignore;
	struct regex *pref;		/* one, or NULL */
	size_t nfail, nignore;
	size_t nlogin;	/* the last of fail: logins that went well */
	const struct parser_ops *parser;	/* before the regexes, or NULL */
	struct stamp *stamp;
	struct decoder *decoder;
	struct decoder *earlier;	/* for lines looked back at; the line stays */
	struct sessions *sessions;	/* NULL: no regex has an F-MLFID */
	struct multiline *multi;	/* NULL: maxlines is 1 */
	struct arena *arena;		/* the literals */
	struct literal_sets parser_sets;	/* of the parser; n = 0: none */
	bool every_line;
	bool has_last;			/* a date was seen */
	int64_t last_ms;		/* the last one */
	struct rules_stats stats;
	uint64_t lines_lost; /* of the multi-line buffer, by its cap of bytes */
	/* of the line at hand */
	struct buf cut, content, joined, joined_pre, classic, unwrapped;
};

#endif
