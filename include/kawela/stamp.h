/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hardware time stamps, where the data path meets the function's clock. Only
 * the PF has a clock; a VF's port has no stamper.
 */
#ifndef KAWELA_STAMP_H
#define KAWELA_STAMP_H

#include <linux/atomic.h>
#include <linux/ktime.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/xdp_sock.h>

/**
 * struct kwl_stamper - what the data path needs for frames with stamps
 * @tx_on: frames that ask for it are to be stamped on their way out
 * @busy: bit 0: claimed for a frame; the device holds one transmit stamp
 * @skb: that frame, with a reference, if it is the stack's
 * @at: index of its first descriptor, if it is an AF_XDP socket's; this and the
 *	next two belong to the NAPI of the ring that has @stamping then
 * @compl: where the socket reads its time
 * @fetched: when the device was seen to have fetched it, by the boot-time clock
 * @claimed: when it was handed over, by the boot-time clock
 * @work: the owner's: waits for the stamp, then gives frame and claim back
 * @tx: the owner's: the time in ns of a socket's frame, which the device has
 *	fetched, 0 if it is lost; false, and 0, if it has to be asked again
 * @skipped: frames that went without, because another one had the claim
 * @lost: stamps that did not come in time
 * @rx: the owner's: the time in ns of the frame that the device has stamped, 0
 *	if it is lost; runs in NAPI
 */
struct kwl_stamper {
	bool tx_on;
	unsigned long busy;
	struct sk_buff *skb;
	u32 at;
	struct xsk_tx_metadata_compl compl;
	ktime_t fetched;
	ktime_t claimed;
	struct work_struct work;
	bool (*tx)(struct kwl_stamper *stamper, u64 *ns);
	atomic64_t skipped;
	atomic64_t lost;
	u64 (*rx)(struct kwl_stamper *stamper);
};

/* For one frame that is about to be queued; ends by clear_bit_unlock() */
static inline bool kwl_stamp_claim(struct kwl_stamper *stamper)
{
	if (!stamper || !READ_ONCE(stamper->tx_on))
		return false;
	if (!test_and_set_bit_lock(0, &stamper->busy))
		return true;
	atomic64_inc(&stamper->skipped);
	return false;
}

#endif
