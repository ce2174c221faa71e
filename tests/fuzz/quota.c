// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of the PF's time a VF gets. However it asks, that is its rate and
 * one burst, plus what the last thing took longer than there was; it is shut
 * off sooner or later if it never stops, and let in again when that time is
 * over; and who keeps to half the rate is never refused, nor who asks ten
 * times a second, however long the host takes for it.
 */
#include <pf/quota.h>

#include "fuzz.h"

#define LONGEST_MS	((u64)KPF_QUOTA_SHUT_MS << (KPF_QUOTA_STRIKES - 1))

static const u32 steps[] = { 0, 0, 0, 1, 2, 7, 40, 900, 6000, 60000, 1000000 };
static const u32 costs[] = { 0, 1, 50, 2000, 100000, 3000000, U32_MAX };

u64 fuzz_us;

static struct kpf_quota q;
static u64 now, since, used;

/* The door is open again: a burst may follow, and what came before is past */
static void start_over(void)
{
	since = now;
	used = 0;
}

static void anything(struct fuzz_input *in)
{
	bool was_shut = false;

	while (fuzz_more(in)) {
		u32 cost = costs[fuzz_u8(in) % ARRAY_SIZE(costs)];
		enum kpf_quota_verdict verdict;

		now += steps[fuzz_u8(in) % ARRAY_SIZE(steps)];
		verdict = kpf_quota_ask(&q, now);
		fuzz_check(kpf_quota_shut_ms(&q) <= LONGEST_MS);
		fuzz_check(q.shut == (verdict >= KPF_QUOTA_SHUT));
		/* Told once for each time that it is shut off */
		fuzz_check((verdict == KPF_QUOTA_SHUT) == (was_shut && q.shut));
		if (was_shut && !q.shut)
			start_over();
		if (verdict == KPF_QUOTA_WAIT)
			fuzz_check(now - q.dry_ms < KPF_QUOTA_PATIENCE_MS);
		if (verdict == KPF_QUOTA_SERVE) {
			fuzz_check(used < KPF_QUOTA_BURST +
				   (now - since) * KPF_QUOTA_RATE);
			kpf_quota_charge(&q, cost);
			used += min(cost, KPF_QUOTA_MOST);
		}
		fuzz_check(q.left_us <= KPF_QUOTA_BURST &&
			   q.left_us > -KPF_QUOTA_MOST);
		was_shut = q.shut;
	}
}

/* Three times its rate from a full account on: out; then in again */
static void flood(u32 step)
{
	u64 start = now;
	enum kpf_quota_verdict verdict;

	while ((verdict = kpf_quota_ask(&q, now)) != KPF_QUOTA_SHUT_NOW) {
		if (verdict == KPF_QUOTA_SERVE)
			kpf_quota_charge(&q, 3 * KPF_QUOTA_RATE * step);
		now += step;
		fuzz_check(now - start <= KPF_QUOTA_BURST / KPF_QUOTA_RATE / 2 +
			   2 * KPF_QUOTA_PATIENCE_MS);
	}
	now += kpf_quota_shut_ms(&q) - 1;
	fuzz_check(kpf_quota_ask(&q, now) == KPF_QUOTA_SHUT);
	now++;
	fuzz_check(kpf_quota_ask(&q, now) == KPF_QUOTA_SERVE);
}

/* Half its rate from a full account on */
static void moderate(u32 step)
{
	int i;

	for (i = 0; i < 2000; i++) {
		now += step;
		fuzz_check(kpf_quota_ask(&q, now) == KPF_QUOTA_SERVE);
		kpf_quota_charge(&q, KPF_QUOTA_RATE * step / 2);
	}
}

/* Ten messages a second, on a host that has no time for any */
static void on_busy_host(u32 cost)
{
	int i;

	for (i = 0; i < 2000; i++) {
		now += 2 * KPF_QUOTA_MOST / KPF_QUOTA_RATE;
		fuzz_check(kpf_quota_ask(&q, now) == KPF_QUOTA_SERVE);
		kpf_quota_charge(&q, cost);
	}
}

int fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	u8 how;

	now = fuzz_u32(&in);
	kpf_quota_init(&q, now);
	start_over();
	how = fuzz_u8(&in);
	anything(&in);
	now += LONGEST_MS;
	if (how & 1)
		flood(1 + how / 64);
	now += LONGEST_MS;
	if (how & 2)
		moderate(1 + how / 4);
	now += LONGEST_MS;
	if (how & 4)
		on_busy_host(costs[how % ARRAY_SIZE(costs)]);
	return 0;
}
