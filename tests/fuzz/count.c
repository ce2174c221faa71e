// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that count in a circle: the total is all that was ever counted,
 * whatever the steps, wherever the register wraps, and over resets.
 */
#include <kawela/count.h>

#include "fuzz.h"

static const u32 amounts[] = {
	0, 1, 60, 65536, 0x7fffffff, 0x80000000, 0xfffffffe, U32_MAX
};

int fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	struct kwl_count count = {};
	u64 counted = 0;
	u32 reg = 0;

	while (fuzz_more(&in)) {
		u8 how = fuzz_u8(&in);
		u32 step = how & 8 ? fuzz_u32(&in) : amounts[how & 7];

		/* What is counted after the last look before a reset is lost */
		if (how & 16) {
			kwl_count_restart(&count);
			reg = 0;
		}
		reg += step;
		counted += step;
		fuzz_check(kwl_count_is_back(&count, reg) ==
			   ((u32)(reg - count.last) >= 0x80000000));
		kwl_count_see(&count, reg);
		fuzz_check(count.total == counted);
	}
	return 0;
}
