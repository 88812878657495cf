/* SPDX-License-Identifier: GPL-2.0-or-later
 * uncleared.h - for big buffers that are written before they are read.
 *
 * The build clears all variables of functions. A buffer of some KiB costs more so than
 * what is done with it: it pushes everything else out of the caches.
 */
#ifndef BANNER_UNCLEARED_H
#define BANNER_UNCLEARED_H

#if defined(__has_attribute) && __has_attribute(uninitialized)
#define UNCLEARED __attribute__((uninitialized))
#else
#define UNCLEARED
#endif

#endif
