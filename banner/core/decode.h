/* SPDX-License-Identifier: GPL-2.0-or-later
 * decode.h - the bytes of a line become text, as the jail's logencoding says.
 *
 * The result is always valid UTF-8, and most often the line itself: a pure ASCII line
 * in an encoding that contains ASCII is never copied. What does not decode becomes
 * U+FFFD, one for each maximal ill-formed part (Unicode 15, section 3.9, as Python
 * does), so a broken byte can neither hide a line nor join two words.
 */
#ifndef BANNER_DECODE_H
#define BANNER_DECODE_H

#include "banner/base/err.h"
#include "banner/base/str.h"

struct decoder;

struct text {
	struct str s;		/* valid UTF-8 */
	bool ascii;		/* no byte >= 0x80 in it */
};

/* encoding: a codec name as Python or iconv know it; NULL and "auto" are UTF-8.
 * -EINVAL when nobody knows it. */
int	decoder_new(const char *encoding, struct decoder **, struct err *);
void	decoder_free(struct decoder *);
/* Is an ASCII text in the line the same bytes in the log? */
bool	decoder_keeps_ascii(const struct decoder *);
bool	decoder_same(const struct decoder *, const struct decoder *);

/* One line without its LF; CR at its end is dropped. The text lives in the line or in
 * the decoder until its next call. */
void	decoder_line(struct decoder *, struct str raw, struct text *);

#endif
