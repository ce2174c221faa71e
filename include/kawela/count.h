/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of 32 bits that count in a circle, as totals of 64 bits. */
#ifndef KAWELA_COUNT_H
#define KAWELA_COUNT_H

#include <linux/limits.h>
#include <linux/types.h>

/**
 * struct kwl_count - a counter of the card and what it amounts to
 * @total: everything counted so far; survives resets of the card
 * @last: the register as last seen
 */
struct kwl_count {
	u64 total;
	u32 last;
};

/* Right as long as no more than 2^32 - 1 are counted between two looks */
static inline void kwl_count_see(struct kwl_count *count, u32 now)
{
	count->total += (u32)(now - count->last);
	count->last = now;
}

/* No more than half a circle between two looks: more is a step backwards */
static inline bool kwl_count_is_back(const struct kwl_count *count, u32 now)
{
	return (u32)(now - count->last) > U32_MAX / 2;
}

/* Where the circle stands now; what happened before is not ours */
static inline void kwl_count_begin(struct kwl_count *count, u32 now)
{
	count->last = now;
}

/* The card has been reset, and counts from zero */
static inline void kwl_count_restart(struct kwl_count *count)
{
	count->last = 0;
}

#endif
