/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser.h - built-in tokenisers: formats that a regex reads badly.
 *
 * In a filter with "parser = NAME" the tokeniser NAME reads each line first; lines that
 * are none of its own go on to the regexes, if there are any. For formats whose fields
 * follow rules of nesting or trust (proxy chains) that no regex can express safely. A
 * parser is pure: one line in, one verdict out.
 */
#ifndef BANNER_CORE_PARSER_H
#define BANNER_CORE_PARSER_H

#include "banner/base/err.h"
#include "banner/conf/filter.h"
#include "banner/core/block.h"

/* NONE: not a line of this format. NOFAIL: it is, and no failure. GAINED: a login that
 * went well. */
enum parser_verdict { PARSER_NONE, PARSER_FAIL, PARSER_NOFAIL, PARSER_GAINED };

struct parser_env {
	const struct addr *trusted;	/* our own proxies */
	size_t ntrusted;
	/* Of the filter: [Definition] and [Init]. */
	const struct conf_options *options;
};

/* All text borrows from the line. */
struct parser_out {
	struct addr host;		/* family 0: the line names none */
	struct str user;		/* or empty */
	/* A loose key "parser" pairs it with what the filter's regexes find of the same
	 * host: two programs that log the same attempts. */
	struct attempt_id attempt;
	bool own_peer;	/* with NOFAIL: a failure, but only our proxy is named */
	unsigned weight;		/* set to 1 by the caller */
	struct field fields[FAILURE_FIELDS];
	size_t nfields;
};

struct parser_ops {
	const char *name;
	/* Lines without any of these are not given to it; NULL-terminated, or NULL. */
	const char *const *literals;
	/* Its options in the filter: 0, or -EINVAL with text. NULL: it has none. */
	int (*check)(const struct conf_options *, struct err *);
	enum parser_verdict (*parse)(struct str line, const struct parser_env *,
	    struct parser_out *);
};

/* The built-in ones. */
extern const struct parser_ops zimbra_parser;

const struct parser_ops	*parser_find(const char *name);	/* NULL: unknown */

#endif
