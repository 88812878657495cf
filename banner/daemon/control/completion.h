/* SPDX-License-Identifier: GPL-2.0-or-later
 * completion.h - shells learn the commands of banctl from their table.
 */
#ifndef BANNER_COMPLETION_H
#define BANNER_COMPLETION_H

#include "banner/base/buf.h"

/* Append the script for "bash" or "zsh"; -EINVAL for another shell. The script is for
 * the shell's folder of completions; it needs no bannerd but for the names of jails. */
int	completion_print(struct buf *, const char *shell);

#endif
