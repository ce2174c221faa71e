// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzers of the pure functions inside a kernel, as KUnit tests: the same
 * code and the same invariants, with pseudo-random inputs, under whatever
 * checkers that kernel has. Built by tests/kmod/kunit.
 */
#include "kernel.h"

#include <linux/module.h>
#include <linux/prandom.h>

/* Of kawela and kawela_pf, as they are */
#include <common/msg.c>
#include <pf/quota.c>
#include <pf/tables.c>

#define fuzz_one		fuzz_count
#include "count.c"
#undef fuzz_one

#define fuzz_one		fuzz_msg
#include "msg.c"
#undef fuzz_one
#define fuzz_one		fuzz_tables
#include "tables.c"
#undef fuzz_one
#define fuzz_one		fuzz_quota
#include "quota.c"
#undef fuzz_one

#define INPUTS			300
#define LONGEST			300

struct kunit *fuzz_test;

static void kwl_kunit_run(struct kunit *test,
			  int (*one)(const u8 *data, size_t size))
{
	struct rnd_state random;
	u8 *data;
	int i;

	fuzz_test = test;
	for (i = 0; i < INPUTS; i++) {
		size_t size = 1 + LONGEST * i / INPUTS;

		/* Of exactly that size, for KASAN */
		data = kmalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, data);
		prandom_seed_state(&random, i);
		prandom_bytes_state(&random, data, size);
		one(data, size);
		kfree(data);
		cond_resched();
	}
}

static void kwl_kunit_count(struct kunit *test)
{
	kwl_kunit_run(test, fuzz_count);
}

static void kwl_kunit_msg(struct kunit *test)
{
	kwl_kunit_run(test, fuzz_msg);
}

static void kwl_kunit_tables(struct kunit *test)
{
	kwl_kunit_run(test, fuzz_tables);
}

static void kwl_kunit_quota(struct kunit *test)
{
	kwl_kunit_run(test, fuzz_quota);
}

static struct kunit_case kwl_kunit_cases[] = {
	KUNIT_CASE(kwl_kunit_count),
	KUNIT_CASE(kwl_kunit_msg),
	KUNIT_CASE(kwl_kunit_tables),
	KUNIT_CASE(kwl_kunit_quota),
	{}
};

static struct kunit_suite kwl_kunit_suite = {
	.name = "kawela",
	.test_cases = kwl_kunit_cases,
};

kunit_test_suite(kwl_kunit_suite);

MODULE_DESCRIPTION("KUnit tests of kawela's pure functions");
MODULE_LICENSE("GPL");
