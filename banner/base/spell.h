/* SPDX-License-Identifier: GPL-2.0-or-later
 * spell.h - which word was meant?
 */
#ifndef BANNER_SPELL_H
#define BANNER_SPELL_H

/* The known word nearest to this one, or NULL when none is near. known ends with NULL.
 */
const char	*spell_nearest(const char *word, const char *const *known);

#endif
