/* SPDX-License-Identifier: GPL-2.0-only */
/* In place of tests/fuzz/shim/kernel.h when the fuzzers' code is in a kernel. */
#ifndef KUNIT_KERNEL_H
#define KUNIT_KERNEL_H

#include <kunit/test.h>

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

extern struct kunit *fuzz_test;

/* Each fuzzer's fuzz_one() by a name of its own */
int fuzz_count(const u8 *data, size_t size);
int fuzz_msg(const u8 *data, size_t size);
int fuzz_tables(const u8 *data, size_t size);
int fuzz_quota(const u8 *data, size_t size);

#define malloc(size)		kmalloc(size, GFP_KERNEL)
#define free(memory)		kfree(memory)
#define fuzz_check(cond)	KUNIT_EXPECT_TRUE(fuzz_test, cond)

/* What is tested is compiled into this module, kawela has its own */
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(x)

#endif
