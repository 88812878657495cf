/* SPDX-License-Identifier: GPL-2.0-or-later
 * origin.h - the head of a syslog message: priority off, the sender's host out. Pure.
 */
#ifndef BANNER_SOURCE_ORIGIN_H
#define BANNER_SOURCE_ORIGIN_H

#include "banner/base/str.h"

/* Take "<PRI>" (RFC 3164) off the front, so that the text begins with its time as in a
 * file. Returns the host name after the time; empty when there is none, as in what
 * local programs send to /dev/log. */
struct str	origin_cut(struct str *text);

#endif
