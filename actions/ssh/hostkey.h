/* SPDX-License-Identifier: GPL-2.0-or-later
 * hostkey.h - is it the proxy that we know?
 *
 * The file is read at every login, so what an administrator corrects helps at the next
 * try. Its format is that of sshd(8), hashed names included; wildcards do not match.
 */
#ifndef BANNER_SSH_HOSTKEY_H
#define BANNER_SSH_HOSTKEY_H

#include <libssh2.h>

#include "actions/ssh/proxy.h"

/* The types of key that are recorded for the host, for the negotiation: another type
 * would look like an unknown key. -EKEYREJECTED with a text when none is. */
int	hostkey_types(struct host *, LIBSSH2_SESSION *, char *out, size_t size);
/* After the key exchange: 0, or -EKEYREJECTED with a text that names the key. */
int	hostkey_check(struct host *, LIBSSH2_SESSION *);

#endif
