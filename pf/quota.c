// SPDX-License-Identifier: GPL-2.0-only
/* A budget by VF, and a door that closes on those who never stop. */
#include <linux/minmax.h>

#include "quota.h"

void kpf_quota_init(struct kpf_quota *q, u64 now_ms)
{
	*q = (struct kpf_quota) {
		.left_us = KPF_QUOTA_BURST,
		.filled_ms = now_ms,
	};
}

static void kpf_quota_fill(struct kpf_quota *q, u64 now_ms)
{
	u64 more = (now_ms - q->filled_ms) * KPF_QUOTA_RATE;

	q->left_us += min_t(u64, more, KPF_QUOTA_BURST - q->left_us);
	q->filled_ms = now_ms;
	if (q->left_us >= KPF_QUOTA_CALM)
		q->dry = false;
}

/* How long the door stays closed */
u64 kpf_quota_shut_ms(const struct kpf_quota *q)
{
	return q->strikes ? (u64)KPF_QUOTA_SHUT_MS << (q->strikes - 1) : 0;
}

/* Shut off at this moment? The door opens again by itself. */
bool kpf_quota_is_shut(struct kpf_quota *q, u64 now_ms)
{
	if (q->shut && now_ms - q->shut_ms >= kpf_quota_shut_ms(q)) {
		q->shut = false;
		q->dry = false;
		q->left_us = KPF_QUOTA_BURST;
		q->filled_ms = now_ms;
	}
	return q->shut;
}

static void kpf_quota_shut(struct kpf_quota *q, u64 now_ms)
{
	u64 calm_ms = now_ms - q->shut_ms;

	if (calm_ms >= kpf_quota_shut_ms(q) + KPF_QUOTA_FORGIVE_MS)
		q->strikes = 0;
	q->strikes = min(q->strikes + 1, KPF_QUOTA_STRIKES);
	q->shut = true;
	q->shut_ms = now_ms;
}

/*
 * It wants something. KPF_QUOTA_SHUT_NOW is answered once for each time that
 * the door closes.
 */
enum kpf_quota_verdict kpf_quota_ask(struct kpf_quota *q, u64 now_ms)
{
	if (kpf_quota_is_shut(q, now_ms))
		return KPF_QUOTA_SHUT;
	kpf_quota_fill(q, now_ms);
	if (q->left_us > 0)
		return KPF_QUOTA_SERVE;
	if (!q->dry) {
		q->dry = true;
		q->dry_ms = now_ms;
	}
	if (now_ms - q->dry_ms < KPF_QUOTA_PATIENCE_MS)
		return KPF_QUOTA_WAIT;
	kpf_quota_shut(q, now_ms);
	return KPF_QUOTA_SHUT_NOW;
}

/* And this is what it took to serve it */
void kpf_quota_charge(struct kpf_quota *q, u64 used_us)
{
	q->left_us -= min_t(u64, used_us, KPF_QUOTA_MOST);
}
