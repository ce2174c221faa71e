// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive with headers apart from data (ethtool's tcp-data-split). Each slot has
 * a small buffer for headers, which are copied, and a page for data, which
 * nobody looks into here: it may be memory of an application.
 *
 * The device uses the header buffer of a frame's first descriptor always, for
 * headers that it knows and for as much as fits of a frame that it does not
 * (82575 manual, "split always use header buffer"; the 82576 is the same). So
 * what decides where a frame goes is always to be read.
 */
#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/export.h>
#include <net/page_pool/helpers.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#include "rx.h"
#include "trace.h"

static void kwl_split_post(struct kwl_rx_ring *rxr, netmem_ref netmem)
{
	u32 slot = rxr->ntu++ & rxr->mask;
	struct kwl_rx_read *read = &rxr->desc[slot].read;
	dma_addr_t hdr = rxr->hdr_dma + slot * KWL_SPLIT_HDR_LEN;

	rxr->netmem[slot] = netmem;
	read->pkt_addr = cpu_to_le64(page_pool_get_dma_addr_netmem(netmem));
	/* Even, so this clears DD of the previous round along the way */
	read->hdr_addr = cpu_to_le64(hdr);
}

/**
 * kwl_split_refill() - kwl_rx_refill() for a ring that splits
 * @rxr: the ring
 *
 * Context: NAPI, or set-up with NAPI disabled.
 * Return: false if the device is about to run out and nothing could be done.
 */
bool kwl_split_refill(struct kwl_rx_ring *rxr)
{
	u32 room = rxr->mask - (rxr->ntu - rxr->ntc);
	netmem_ref netmem;

	if (room < KWL_RX_BATCH)
		return true;

	for (; room; room--) {
		netmem = page_pool_dev_alloc_netmems(rxr->pool);
		if (unlikely(!netmem)) {
			kwl_rx_no_page(rxr);
			break;
		}
		kwl_split_post(rxr, netmem);
	}
	/* writel() orders the descriptors before the tail */
	writel(rxr->ntu & rxr->mask, rxr->tail);
	return rxr->ntu - rxr->ntc >= KWL_RX_BATCH;
}

/**
 * kwl_split_repost() - kwl_rx_repost() for a ring that splits
 * @rxr: the ring, device and NAPI stopped
 *
 * Context: Process.
 */
void kwl_split_repost(struct kwl_rx_ring *rxr)
{
	u32 slot;

	rxr->ntc = 0;
	rxr->ntu = 0;
	for (slot = 0; slot <= rxr->mask; slot++) {
		netmem_ref netmem = rxr->netmem[slot];

		rxr->netmem[slot] = 0;
		if (netmem)
			kwl_split_post(rxr, netmem);
	}
}

/**
 * kwl_split_purge() - forget a frame whose end has not come
 * @rxr: the ring, device and NAPI stopped
 *
 * Context: Process, control locked (lock.h).
 */
void kwl_split_purge(struct kwl_rx_ring *rxr)
{
	kfree_skb(rxr->skb);
	rxr->skb = NULL;
}

static void kwl_split_drop(struct kwl_rx_ring *rxr, enum kwl_rx_drop why,
			   enum skb_drop_reason reason)
{
	trace_kwl_rx_drop(rxr->netdev, rxr->queue, why, rxr->skb->len);
	dev_kfree_skb_any_reason(rxr->skb, reason);
}

/* The first descriptor of a frame: its headers, if there is memory for them */
static bool kwl_split_begin(struct kwl_rx_ring *rxr, u32 slot,
			    const struct kwl_rx_wb *wb,
			    struct kwl_rx_totals *tot)
{
	u32 len = FIELD_GET(KWL_RXD_INFO_HDR_LEN, le32_to_cpu(wb->info));
	struct sk_buff *skb;

	/* The device says how long headers are that are too long for the buffer */
	len = min(len, KWL_SPLIT_HDR_LEN);
	skb = napi_alloc_skb(rxr->napi, KWL_SPLIT_HDR_LEN);
	if (unlikely(!skb)) {
		tot->packets++;
		tot->dropped++;
		kwl_rx_no_skb(rxr, len + le16_to_cpu(wb->len), tot);
		return false;
	}
	__skb_put_data(skb, rxr->hdr + slot * KWL_SPLIT_HDR_LEN, len);
	rxr->skb = skb;
	return true;
}

/* Append one buffer to the frame being collected; false if the frame is lost */
static bool kwl_split_collect(struct kwl_rx_ring *rxr, u32 slot,
			      netmem_ref netmem, const struct kwl_rx_wb *wb,
			      struct kwl_rx_totals *tot)
{
	u32 len = min_t(u32, le16_to_cpu(wb->len), rxr->buf_len);
	bool lost = false;
	u32 frags;

	if (!rxr->skb && !kwl_split_begin(rxr, slot, wb, tot)) {
		page_pool_recycle_direct_netmem(rxr->pool, netmem);
		return false;
	}
	frags = skb_shinfo(rxr->skb)->nr_frags;
	if (unlikely(frags == MAX_SKB_FRAGS)) {
		/* No frame length limit lets this through */
		tot->errors++;
		kwl_split_drop(rxr, KWL_RX_DROP_LONG,
			       SKB_DROP_REASON_PKT_TOO_BIG);
		rxr->skb = NULL;
		lost = true;
	}
	if (!len || lost) {
		page_pool_recycle_direct_netmem(rxr->pool, netmem);
		return !lost;
	}
	page_pool_dma_sync_netmem_for_cpu(rxr->pool, netmem, 0, len);
	skb_add_rx_frag_netmem(rxr->skb, frags, netmem, 0, len, PAGE_SIZE);
	/*
	 * Not of frames that have gone into the header buffer as a whole: GRO
	 * would mix their data, which can be read, with some that cannot.
	 */
	skb_mark_for_recycle(rxr->skb);
	return true;
}

/* A whole frame has been collected */
static void kwl_split_frame(struct kwl_rx_ring *rxr,
			    const struct kwl_rx_wb *wb, u32 status,
			    struct kwl_rx_totals *tot)
{
	struct sk_buff *skb = rxr->skb;

	if (unlikely(status & KWL_RXD_TS))
		rxr->frame.stamp = 0;
	if (unlikely(status & KWL_RXD_ERR_RXE)) {
		tot->errors++;
		kwl_split_drop(rxr, KWL_RX_DROP_ERROR, SKB_DROP_REASON_DEV_HDR);
	} else if (unlikely(skb_headlen(skb) < ETH_HLEN)) {
		tot->errors++;
		kwl_split_drop(rxr, KWL_RX_DROP_SHORT,
			       SKB_DROP_REASON_PKT_TOO_SMALL);
	} else if (unlikely(rxr->sort) && kwl_rx_is_own(rxr, skb->data)) {
		kwl_split_drop(rxr, KWL_RX_DROP_OWN, SKB_DROP_REASON_LOCAL_MAC);
	} else {
		tot->packets++;
		tot->bytes += skb->len;
		kwl_rx_up(rxr, skb, wb, status, tot);
	}
}

/* The slot that the device has written back; true with the end of a frame */
static bool kwl_split_take(struct kwl_rx_ring *rxr, u32 slot, u32 status,
			   struct kwl_rx_totals *tot)
{
	const struct kwl_rx_wb *wb = &rxr->desc[slot].wb;
	netmem_ref netmem = rxr->netmem[slot];

	rxr->netmem[slot] = 0;
	rxr->ntc++;
	if (unlikely(rxr->skip))
		page_pool_recycle_direct_netmem(rxr->pool, netmem);
	else
		rxr->skip = !kwl_split_collect(rxr, slot, netmem, wb, tot);
	if (!(status & KWL_RXD_EOP))
		return false;

	if (likely(!rxr->skip))
		kwl_split_frame(rxr, wb, status, tot);
	rxr->skb = NULL;
	rxr->skip = false;
	return true;
}

/**
 * kwl_split_poll() - the receive part of a poll of a ring that splits
 * @rxr: the ring
 * @budget: most frames to take
 * @clean: becomes false if there may be more to do
 *
 * Context: NAPI.
 * Return: Frames taken.
 */
int kwl_split_poll(struct kwl_rx_ring *rxr, int budget, bool *clean)
{
	struct kwl_rx_totals tot = {};
	int done = 0;

	while (done < budget && rxr->ntc != rxr->ntu) {
		u32 slot = rxr->ntc & rxr->mask;
		u32 status = le32_to_cpu(READ_ONCE(rxr->desc[slot].wb.status));

		if (!(status & KWL_RXD_DD))
			break;
		/* DD is written last: no other field before it is seen */
		dma_rmb();
		done += kwl_split_take(rxr, slot, status, &tot);
	}
	if (done || tot.errors || tot.dropped)
		kwl_rx_count(rxr, &tot);
	if (unlikely(!kwl_split_refill(rxr)))
		*clean = false;
	return done;
}
