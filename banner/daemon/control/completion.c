/* SPDX-License-Identifier: GPL-2.0-or-later
 * completion.c - shells learn the commands of banctl from their table.
 *
 * What may follow a command is read out of its arguments in the table: words in
 * capitals stand for something, of which the shell can know the jails and the banned
 * addresses; the others are typed as they are.
 */
#include "banner/daemon/control/completion.h"

#include <errno.h>
#include <string.h>

#include "banner/base/str.h"
#include "banner/daemon/control/command.h"

/* What banctl does itself, with files. */
#define OWN_WORDS "compare import"

/* Jails of the bannerd that the -s of the line names; what a shell could expand is left
 * out. */
#define JAILS "$(banctl \"${at[@]}\" status 2>/dev/null |\n" \
	"\t    sed -n 's/.*Jail list:\\t//p' | tr -cd 'A-Za-z0-9_. \\n-')"

/* The same for banned addresses; of very many the first, which can still be shown. */
#define ADDRS "$(banctl \"${at[@]}\" list 2>/dev/null |\n" \
	"\t    sed -n 's/^\\([0-9a-f.:/]*\\) .*/\\1/p' | head -n 1000 | sort -u)"

/* A colon parts words for bash; an IPv6 address is one all the same. */
static const char bash_head[] =
    "# bash completion of banctl(1), printed by: banctl completion bash\n"
    "_banctl()\n{\n"
    "\tlocal cur=${COMP_LINE:0:COMP_POINT} at=() words= i=1\n"
    "\tcur=${cur##* }\n"
    "\twhile ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == -* ]]; do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t-s)\tat=(-s \"${COMP_WORDS[++i]}\") ;;\n"
    "\t\t--timeout)\t((++i)) ;;\n"
    "\t\tesac\n"
    "\t\t((++i))\n"
    "\tdone\n"
    "\tcase $((COMP_CWORD - i)),${COMP_WORDS[i]} in\n"
    "\t-* | *,compare | *,import)\tcompopt -o default ;;\n"
    "\t0,*)\twords=\"-s --timeout --json";
static const char bash_tail[] =
    "\tesac\n"
    "\t[[ $words != *JAIL* ]] || words=${words//JAIL/" JAILS "}\n"
    "\t[[ $words != *ADDR* ]] || words=${words//ADDR/" ADDRS "}\n"
    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
    "\t[[ $cur != *:* ]] || COMPREPLY=(\"${COMPREPLY[@]#\"${cur%:*}:\"}\")\n}\n"
    "complete -F _banctl banctl\n";

static const char zsh_head[] =
    "#compdef banctl\n"
    "# zsh completion of banctl(1), printed by: banctl completion zsh\n"
    "local curcontext=$curcontext state line more\n"
    "local -a commands at\n"
    "local -A opt_args\n"
    "commands=(\n";
static const char zsh_middle[] =
    ")\n"
    "_arguments -C '-s[control socket]:socket:_files' \\\n"
    "\t'--timeout[seconds of silence]:seconds:' '--json[print JSON]' \\\n"
    "\t'1:command:->command' '*::word:->word' && return\n"
    "case $state in\n"
    "command)\t_describe -t commands command commands; return ;;\n"
    "esac\n"
    "(( ! $+opt_args[-s] )) || at=(-s $opt_args[-s])\n"
    "case $words[1] in\n";
static const char zsh_tail[] =
    "compare | import)\t_files; return ;;\n"
    "esac\n"
    "[[ $more != *JAIL* ]] || more=${more//JAIL/" JAILS "}\n"
    "[[ $more != *ADDR* ]] || more=${more//ADDR/" ADDRS "}\n"
    "compadd -- ${=more}\n";

/* The words of a command's arguments, each behind a blank. */
static void
put_words(struct buf *b, const struct command *c)
{
	static const char apart[] = " []|.";
	bool jail = false, addr = !strcmp(c->name, "banip"); /* those are not banned */
	const char *args = c->args;

	for (size_t n; *(args += strspn(args, apart)); args += n) {
		struct str word = { args, n = strcspn(args, apart) };

		if (word.s[0] < 'A' || word.s[0] > 'Z') {
			buf_putc(b, ' ');
			buf_add(b, word.s, word.len);
		} else if (str_is(word, "JAIL") && !jail) {
			buf_puts(b, " JAIL");
			jail = true;
		} else if (str_is(word, "ADDR") && !addr) {
			buf_puts(b, " ADDR");
			addr = true;
		}
	}
}

static void
put_cases(struct buf *b, const char *before, const char *variable)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++) {
		size_t was = b->len, empty;

		buf_printf(b, "%s%s)\t%s=\"", before, c->name, variable);
		empty = b->len;
		put_words(b, c);
		if (b->len == empty)
			b->len = was;
		else
			buf_puts(b, "\" ;;\n");
	}
}

static void
put_bash(struct buf *b)
{
	const struct command *c;

	buf_puts(b, bash_head);
	for (size_t i = 0; (c = command_at(i)); i++)
		buf_printf(b, " %s", c->name);
	buf_puts(b, " " OWN_WORDS "\" ;;\n");
	put_cases(b, "\t*,", "words");
	buf_puts(b, bash_tail);
}

static void
put_zsh(struct buf *b)
{
	const struct command *c;

	buf_puts(b, zsh_head);
	for (size_t i = 0; (c = command_at(i)); i++)
		buf_printf(b, "\t\"%s:%s\"\n", c->name, c->help);
	buf_puts(b, "\t" OWN_WORDS "\n");
	buf_puts(b, zsh_middle);
	put_cases(b, "", "more");
	buf_puts(b, zsh_tail);
}

int
completion_print(struct buf *b, const char *shell)
{
	if (!strcmp(shell, "bash"))
		put_bash(b);
	else if (!strcmp(shell, "zsh"))
		put_zsh(b);
	else
		return -EINVAL;
	return 0;
}
