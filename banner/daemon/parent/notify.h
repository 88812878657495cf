/* SPDX-License-Identifier: GPL-2.0-or-later
 * notify.h - telling systemd how we are (sd_notify(3)), without its library.
 */
#ifndef BANNER_NOTIFY_H
#define BANNER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* "READY=1", "STATUS=...", "WATCHDOG=1"; lines are joined by newlines. Without
 * NOTIFY_SOCKET nothing happens. */
void notify_send(const char *state);
/* READY or RELOADING with the time stamp that Type=notify-reload wants. */
void notify_reloading(void);
bool notify_wanted(void); /* systemd started us */
/* Half the watchdog interval that systemd expects of this process; 0: none. */
int64_t notify_watchdog_ms(void);

#endif
