/* SPDX-License-Identifier: GPL-2.0-or-later
 * image.c - the packed configuration, mapped.
 */
#include "banner/daemon/proc/image.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int
image_open(struct image *im, int fd, enum conf_part part, struct err *e)
{
	struct stat st;
	int rc;

	*im = (struct image){ .conf = NULL };
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "no configuration on descriptor %d: %s", fd,
		    strerror(errno));
	im->bytes = (size_t)st.st_size;
	im->map = mmap(NULL, im->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (im->map == MAP_FAILED) {
		im->map = NULL;
		return err_set(
		    e, -errno, "cannot map the configuration: %s", strerror(errno));
	}
	rc = conf_unpack((struct str){ im->map, im->bytes }, part, &im->conf, e);
	if (rc < 0)
		image_close(im);
	return rc;
}

void
image_close(struct image *im)
{
	conf_free(im->conf);
	if (im->map)
		munmap(im->map, im->bytes);
	*im = (struct image){ .conf = NULL };
}
