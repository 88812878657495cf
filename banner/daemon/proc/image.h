/* SPDX-License-Identifier: GPL-2.0-or-later
 * image.h - the packed configuration, mapped.
 *
 * bannerd packs it once, into sealed memory; each process maps that and unpacks what
 * it needs, so that all of them have its texts in the same pages.
 */
#ifndef BANNER_IMAGE_H
#define BANNER_IMAGE_H

#include "banner/conf/conf.h"

struct image {
	struct conf *conf;	/* owned; its texts lie in map */
	void *map;
	size_t bytes;
};

/* fd stays the caller's and may be closed. 0 or -errno with text. */
int	image_open(struct image *, int fd, enum conf_part, struct err *);
void	image_close(struct image *);	/* also one that was never opened, zeroed */

#endif
