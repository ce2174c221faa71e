/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of the PF's time a VF may take. Pure functions of the time they
 * are given, so that they also run outside the kernel.
 */
#ifndef KPF_QUOTA_H
#define KPF_QUOTA_H

#include <linux/types.h>

/*
 * Microseconds of work for each millisecond that passes, and saved up: a tenth
 * of a processor, and enough for a driver that asks for each of 4096 VLANs.
 */
#define KPF_QUOTA_RATE		100
#define KPF_QUOTA_BURST		2000000
/*
 * Nothing that a VF can ask for takes longer. What does was interrupted, by
 * work that may not be the VF's at all.
 */
#define KPF_QUOTA_MOST		5000
/* Who has saved up so much again has calmed down */
#define KPF_QUOTA_CALM		(KPF_QUOTA_BURST / 8)
/* Who has not for so long is flooding */
#define KPF_QUOTA_PATIENCE_MS	5000
/* And is shut off for so long, twice as long each time it does so again */
#define KPF_QUOTA_SHUT_MS	10000
#define KPF_QUOTA_STRIKES	7
/* Unless it has behaved for so long */
#define KPF_QUOTA_FORGIVE_MS	600000

/**
 * struct kpf_quota - a VF's account
 * @left_us: work it may still cause; negative if the last thing took longer
 * @filled_ms: when time was added last
 * @dry_ms: since when it has wanted more than there was
 * @shut_ms: when it was shut off
 * @strikes: how often it was shut off lately
 * @dry: it wants more than there is
 * @shut: it is shut off
 */
struct kpf_quota {
	s32 left_us;
	u64 filled_ms;
	u64 dry_ms;
	u64 shut_ms;
	u8 strikes;
	bool dry;
	bool shut;
};

enum kpf_quota_verdict {
	KPF_QUOTA_SERVE,
	KPF_QUOTA_WAIT,
	KPF_QUOTA_SHUT,
	KPF_QUOTA_SHUT_NOW,
};

void kpf_quota_init(struct kpf_quota *q, u64 now_ms);
enum kpf_quota_verdict kpf_quota_ask(struct kpf_quota *q, u64 now_ms);
void kpf_quota_charge(struct kpf_quota *q, u64 used_us);
bool kpf_quota_is_shut(struct kpf_quota *q, u64 now_ms);
u64 kpf_quota_shut_ms(const struct kpf_quota *q);

#endif
