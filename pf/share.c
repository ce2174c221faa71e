// SPDX-License-Identifier: GPL-2.0-only
/*
 * One queue for the frames of all VFs, in mode switchdev: a VF that fills it
 * takes the room of the others, and nothing behind the queue can help them.
 * So the card drops what such a VF sends, for its frames have a VLAN of
 * their own and that VLAN is then not in the PF's pool, until the queue is
 * empty again, or longer if the VF goes on as soon as it may.
 */
#include <linux/ktime.h>

#include "kpf.h"

/* Who fills the queue so soon again has not stopped meanwhile */
#define KPF_SHARE_SOON		(20 * NSEC_PER_MSEC)
/* After so many times in a row a VF is held back longest: 64 ms */
#define KPF_SHARE_MOST		7

/* How much longer than the queue needs, in jiffies */
static unsigned long kpf_share_wait(struct kpf_share *share, u64 now)
{
	if (now - share->freed < KPF_SHARE_SOON)
		share->row = min(share->row + 1, KPF_SHARE_MOST);
	else
		share->row = 0;
	return share->row ? msecs_to_jiffies(BIT(share->row - 1)) : 0;
}

/* Let those go on whose time is over. Context: filter.lock. */
static void kpf_share_free(struct kpf_dev *pf)
{
	struct kpf_eswitch *es = &pf->eswitch;
	u64 now = ktime_get_ns();
	u32 held = es->demux.held;
	int i;

	for (i = 0; i < KPF_MAX_VFS; i++) {
		struct kpf_share *share = &es->share[i];

		if (!(held & BIT(i)) || time_before(jiffies, share->until))
			continue;
		share->freed = now;
		held &= ~BIT(i);
	}
	WRITE_ONCE(es->demux.held, held);
	kpf_filter_sync_gates(pf);
}

/* NAPI may not run again, and nobody is to wait for that */
static void kpf_share_timer(struct timer_list *timer)
{
	struct kpf_dev *pf = container_of(timer, struct kpf_dev,
					  eswitch.share_timer);

	spin_lock_bh(&pf->filter.lock);
	kpf_share_free(pf);
	if (pf->eswitch.demux.held)
		mod_timer(timer, jiffies + 1);
	spin_unlock_bh(&pf->filter.lock);
}

/* The queue is half full of what these have sent. Context: NAPI. */
static void kpf_share_crowded(struct kwl_demux *demux, u32 vfs)
{
	struct kpf_eswitch *es = container_of(demux, struct kpf_eswitch, demux);
	struct kpf_dev *pf = container_of(es, struct kpf_dev, eswitch);
	u64 now = ktime_get_ns();
	int i;

	spin_lock_bh(&pf->filter.lock);
	vfs &= ~demux->held;
	for (i = 0; i < KPF_MAX_VFS; i++) {
		struct kpf_share *share = &es->share[i];

		if (!(vfs & BIT(i)))
			continue;
		share->until = jiffies + kpf_share_wait(share, now);
		WRITE_ONCE(share->holds, share->holds + 1);
	}
	if (vfs) {
		WRITE_ONCE(demux->held, demux->held | vfs);
		kpf_filter_sync_gates(pf);
		mod_timer(&es->share_timer, jiffies + 1);
	}
	spin_unlock_bh(&pf->filter.lock);
}

/* The queue is empty. Context: NAPI. */
static void kpf_share_drained(struct kwl_demux *demux)
{
	struct kpf_eswitch *es = container_of(demux, struct kpf_eswitch, demux);
	struct kpf_dev *pf = container_of(es, struct kpf_dev, eswitch);

	spin_lock_bh(&pf->filter.lock);
	kpf_share_free(pf);
	spin_unlock_bh(&pf->filter.lock);
}

static const struct kwl_demux_ops kpf_share_ops = {
	.crowded	= kpf_share_crowded,
	.drained	= kpf_share_drained,
};

void kpf_share_init(struct kpf_dev *pf)
{
	memset(pf->eswitch.share, 0, sizeof(pf->eswitch.share));
	timer_setup(&pf->eswitch.share_timer, kpf_share_timer, 0);
	pf->eswitch.demux.ops = &kpf_share_ops;
}

/* The queue is gone for good. Context: Process. */
void kpf_share_fini(struct kpf_dev *pf)
{
	timer_shutdown_sync(&pf->eswitch.share_timer);
}
