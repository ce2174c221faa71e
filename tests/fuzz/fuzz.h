/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzzers share: their input, read bit by bit, and their verdict. */
#ifndef FUZZ_H
#define FUZZ_H

#include "kernel.h"

/* libFuzzer's entry point goes by a name of its own; see tests/fuzz/build */
int fuzz_one(const u8 *data, size_t size);

/* Past its end an input is all zero */
struct fuzz_input {
	const u8 *data;
	size_t left;
};

static inline u8 fuzz_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

static inline u16 fuzz_u16(struct fuzz_input *in)
{
	u16 low = fuzz_u8(in);

	return low | fuzz_u8(in) << 8;
}

static inline u32 fuzz_u32(struct fuzz_input *in)
{
	u32 low = fuzz_u16(in);

	return low | (u32)fuzz_u16(in) << 16;
}

static inline void fuzz_bytes(struct fuzz_input *in, void *to, size_t count)
{
	u8 *byte = to;

	while (count--)
		*byte++ = fuzz_u8(in);
}

/* An operation counts only if there is input left for it */
static inline bool fuzz_more(const struct fuzz_input *in)
{
	return in->left;
}

/* Few enough addresses that they often meet, all of them legal */
static inline void fuzz_addr(struct fuzz_input *in, u8 *addr)
{
	u8 which = fuzz_u8(in) % 40;

	memset(addr, which, ETH_ALEN);
	addr[0] = 2;
	/* Some differ in one half only, of those that registers have */
	if (which & 1)
		addr[4] = 0;
	else
		addr[1] = 0;
}

/* The same for VLANs: more than the card has entries. The last one is no VLAN. */
#define FUZZ_VLANS	49

static inline u16 fuzz_vid(int which)
{
	if (which == FUZZ_VLANS - 1)
		return 0;
	return which >= 40 ? 4095 - which % 8 : 1 + which * 67;
}

#ifndef fuzz_check
#define fuzz_check(cond)						\
do {									\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: broken: %s\n", __FILE__,	\
			__LINE__, #cond);				\
		abort();						\
	}								\
} while (0)
#endif

#endif
