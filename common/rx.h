/* SPDX-License-Identifier: GPL-2.0-only */
/* What receiving into pages and into the memory of sockets have in common. */
#ifndef KAWELA_RX_H
#define KAWELA_RX_H

#include <linux/etherdevice.h>

#include <kawela/ring.h>

#include "trace.h"

/* Buffers posted with one tail write */
#define KWL_RX_BATCH	32

/* Totals of one poll, added to the ring's counters once */
struct kwl_rx_totals {
	u32 packets;
	u32 bytes;
	u32 errors;
	u32 alloc_fail;
	u32 dropped;
	u32 csum_unnecessary;
	u32 csum_none;
	u32 csum_bad;
};

/* Is there a frame, or a part of one? */
static inline bool kwl_rx_is_ready(const struct kwl_rx_ring *rxr)
{
	const struct kwl_rx_wb *wb = &rxr->desc[rxr->ntc & rxr->mask].wb;

	return rxr->ntc != rxr->ntu &&
	       READ_ONCE(wb->status) & cpu_to_le32(KWL_RXD_DD);
}

/*
 * Are enough buffers missing to post some? Some of those that were taken have
 * been posted again already, see kwl_rx_reuse().
 */
static inline bool kwl_rx_wants(const struct kwl_rx_ring *rxr)
{
	u32 room = rxr->mask - (rxr->ntu - rxr->ntc);

	return room + (rxr->ntu - rxr->told) >= KWL_RX_BATCH;
}

/*
 * The emulator's switch does not spare the sender its own multicast. Silicon
 * does, so this costs nothing there.
 */
static inline bool kwl_rx_is_own(const struct kwl_rx_ring *rxr,
				 const void *data)
{
	const struct ethhdr *eth = data;

	return is_multicast_ether_addr(eth->h_dest) &&
	       ether_addr_equal(eth->h_source, rxr->netdev->dev_addr);
}

/* Is this frame for anybody but the ring's own interface? */
static inline bool kwl_rx_is_other(const struct kwl_rx_ring *rxr, u32 status,
				   const void *data)
{
	return rxr->sort == KWL_RX_BY_TAG ? status & KWL_RXD_VP :
					    kwl_rx_is_own(rxr, data);
}

void kwl_rx_csum(netdev_features_t features, struct sk_buff *skb, u32 status,
		 struct kwl_rx_totals *tot);
struct sk_buff *kwl_rx_build(struct kwl_rx_ring *rxr);
void kwl_rx_drop(struct kwl_rx_ring *rxr, enum kwl_rx_drop why,
		 enum skb_drop_reason reason);
void kwl_rx_no_page(struct kwl_rx_ring *rxr);
void kwl_rx_no_skb(struct kwl_rx_ring *rxr, u32 len,
		   struct kwl_rx_totals *tot);
void kwl_rx_recycle(struct kwl_rx_ring *rxr, bool direct);
u64 kwl_rx_stamp(struct kwl_rx_ring *rxr);
void kwl_rx_up(struct kwl_rx_ring *rxr, struct sk_buff *skb,
	       const struct kwl_rx_wb *wb, u32 status,
	       struct kwl_rx_totals *tot);
void kwl_rx_count(struct kwl_rx_ring *rxr, const struct kwl_rx_totals *tot);

/* repr.c */

/* So many frames at once are worth another poll, which rings for all of them */
#define KWL_REPR_SOME	4

void kwl_repr_rx(struct kwl_rx_ring *rxr, u32 status, u16 tag,
		 struct kwl_rx_totals *tot);
void kwl_repr_share(struct kwl_rx_ring *rxr, u32 done, bool drained);

#endif
