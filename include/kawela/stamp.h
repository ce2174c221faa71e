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

/**
 * struct kwl_stamper - what the data path needs for frames with stamps
 * @tx_on: frames that ask for it are to be stamped on their way out
 * @busy: bit 0: claimed for a frame; the device holds one transmit stamp
 * @skb: that frame, with a reference
 * @claimed: when it was handed over, by the boot-time clock
 * @work: the owner's: waits for the stamp, then gives frame and claim back
 * @skipped: frames that went without, because another one had the claim
 * @rx: the owner's: the time in ns of the frame that the device has stamped, 0
 *	if it is lost; runs in NAPI
 */
struct kwl_stamper {
	bool tx_on;
	unsigned long busy;
	struct sk_buff *skb;
	ktime_t claimed;
	struct work_struct work;
	atomic64_t skipped;
	u64 (*rx)(struct kwl_stamper *stamper);
};

#endif
