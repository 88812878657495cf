/* SPDX-License-Identifier: GPL-2.0-or-later
 * syslog.h - messages by RFC 5424 as syslog has always written them into files.
 */
#ifndef BANNER_SYSLOG_H
#define BANNER_SYSLOG_H

#include "banner/base/buf.h"

/* "<22>1 TIME HOST APP PID ID DATA text" is added to out as "TIME HOST APP[PID]: text",
 * without what is "-" (nil); structured data and the message's id are left out. The
 * text may have several lines. False: it is no such message, and out is as it was. */
bool	syslog_classic(struct str message, struct buf *out);

#endif
