/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail_nocurl.c - a build without libcurl: no server can be talked to.
 */
#include "mail.h"

#include <errno.h>
#include <stdio.h>

int
mail_smtp_check(const struct mail_setup *s, char why[256])
{
	snprintf(why, 256, "built without libcurl: set sendmail = PATH");
	return -ENOTSUP;
}

int
mail_smtp(const struct mail_setup *s, const char *text, char why[256])
{
	return mail_smtp_check(s, why);
}
