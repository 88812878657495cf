/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_wire.c - a frame between two processes, read as every kind of field.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/daemon/proc/wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_field(struct wire_in *in, unsigned kind)
{
	struct str s = { 0 };

	switch (kind % 7) {
	case 0: wire_get_u8(in); break;
	case 1: wire_get_u32(in); break;
	case 2: wire_get_u64(in); break;
	case 3: s = wire_get_str(in); break;
	case 4: if (strlen(wire_get_text(in)) > 65536) abort(); break;
	case 5: wire_get_addr(in); break;
	case 6: wire_get_subject(in); break;
	}
	if (s.len > 0 && s.s[s.len] != '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wire_in frame = { p, p + n, false }, body;
	enum wire_type type;

	while (wire_next(&frame, &type, &body) == 1) {
		for (unsigned i = 0; !body.bad && body.p < body.end && i < 64; i++)
			read_field(&body, (unsigned)type + i);
		wire_done(&body);
	}
	return 0;
}
