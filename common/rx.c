// SPDX-License-Identifier: GPL-2.0-only
/* Receive: descriptors to frames, and buffers back to the device. */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#include "rx.h"
#include "trace.h"
#include "xdp.h"

static void kwl_rx_post(struct kwl_rx_ring *rxr, struct page *page)
{
	u32 slot = rxr->ntu++ & rxr->mask;
	struct kwl_rx_read *read = &rxr->desc[slot].read;

	rxr->page[slot] = page;
	read->pkt_addr = cpu_to_le64(page_pool_get_dma_addr(page) +
				     KWL_RX_HEADROOM);
	/* Clears DD of the previous round along the way */
	read->hdr_addr = 0;
}

/**
 * kwl_rx_no_page() - count that there was no memory for a buffer
 * @rxr: the ring
 *
 * Context: NAPI, or set-up with NAPI disabled.
 */
noinline void kwl_rx_no_page(struct kwl_rx_ring *rxr)
{
	u64_stats_update_begin(&rxr->stats.syncp);
	u64_stats_inc(&rxr->stats.alloc_fail);
	u64_stats_update_end(&rxr->stats.syncp);
	trace_kwl_rx_drop(rxr->netdev, rxr->queue, KWL_RX_DROP_NO_PAGE, 0);
}

/**
 * kwl_rx_refill() - post buffers in place of those that were taken
 * @rxr: the ring
 *
 * Context: NAPI, or set-up with NAPI disabled.
 * Return: false if the device is about to run out and nothing could be done:
 *	poll again, there may never be another interrupt.
 */
bool kwl_rx_refill(struct kwl_rx_ring *rxr)
{
	u32 room = rxr->mask - (rxr->ntu - rxr->ntc);
	struct page *page;

	for (; room; room--) {
		page = page_pool_dev_alloc_pages(rxr->pool);
		if (unlikely(!page)) {
			kwl_rx_no_page(rxr);
			break;
		}
		kwl_rx_post(rxr, page);
	}

	rxr->told = rxr->ntu;
	/* writel() orders the descriptors before the tail */
	writel(rxr->ntu & rxr->mask, rxr->tail);
	return rxr->ntu - rxr->ntc >= KWL_RX_BATCH;
}

/**
 * kwl_rx_repost() - put a ring's buffers back to its start
 * @rxr: the ring, device and NAPI stopped
 *
 * A stopped ring has buffers where the device had not got to and holes where
 * frames were taken. The device starts from slot 0 again, so the buffers move
 * there; kwl_rx_refill() fills what is missing.
 *
 * Context: Process.
 */
void kwl_rx_repost(struct kwl_rx_ring *rxr)
{
	u32 slot;

	rxr->ntc = 0;
	rxr->ntu = 0;
	for (slot = 0; slot <= rxr->mask; slot++) {
		struct page *page = rxr->page[slot];

		rxr->page[slot] = NULL;
		if (page)
			kwl_rx_post(rxr, page);
	}
	/* By the caller, when the queue is on */
	rxr->told = rxr->ntu;
}

void kwl_rx_csum(netdev_features_t features, struct sk_buff *skb, u32 status,
		 struct kwl_rx_totals *tot)
{
	if (!(features & NETIF_F_RXCSUM) ||
	    !(status & (KWL_RXD_L4CS | KWL_RXD_UDPCS))) {
		tot->csum_none++;
		return;
	}
	if (unlikely(status & (KWL_RXD_ERR_L4E | KWL_RXD_ERR_IPE))) {
		/*
		 * Left to the stack to check and to count: the chip is wrong
		 * about SCTP frames of 60 bytes.
		 */
		tot->csum_bad++;
		return;
	}
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	tot->csum_unnecessary++;
}

static void kwl_rx_hash(netdev_features_t features, struct sk_buff *skb,
			const struct kwl_rx_wb *wb)
{
	enum pkt_hash_types type;

	if (!(features & NETIF_F_RXHASH))
		return;

	switch (FIELD_GET(KWL_RXD_INFO_RSS_TYPE, le32_to_cpu(wb->info))) {
	case KWL_RSS_NONE:
		return;
	case KWL_RSS_IP4:
	case KWL_RSS_IP6:
	case KWL_RSS_IP6_EX:
		type = PKT_HASH_TYPE_L3;
		break;
	default:
		type = PKT_HASH_TYPE_L4;
		break;
	}
	skb_set_hash(skb, le32_to_cpu(wb->hash), type);
}

/*
 * A VF may be in a VLAN that the PF has put it into and that it knows nothing
 * of: that tag is not for the stack.
 */
static void kwl_rx_tag(const struct kwl_rx_ring *rxr, struct sk_buff *skb,
		       u16 tci)
{
	if (!rxr->vlans || test_bit(tci & VLAN_VID_MASK, rxr->vlans))
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), tci);
}

/* One of the few that the device has stamped; see struct kwl_stamper */
noinline u64 kwl_rx_stamp(struct kwl_rx_ring *rxr)
{
	const struct kwl_vector *vec = container_of(rxr, struct kwl_vector, rxr);
	struct kwl_stamper *stamper = vec->port->stamper;

	/* The device gives it away once, and a program may have asked */
	if (stamper && !rxr->frame.stamp)
		rxr->frame.stamp = stamper->rx(stamper);
	return rxr->frame.stamp;
}

static noinline void kwl_rx_recycle_frags(struct kwl_rx_ring *rxr, bool direct)
{
	const struct skb_shared_info *sinfo;
	int i;

	sinfo = xdp_get_shared_info_from_buff(&rxr->frame.xdp);
	for (i = 0; i < sinfo->nr_frags; i++)
		page_pool_put_full_page(rxr->pool,
					skb_frag_page(&sinfo->frags[i]),
					direct);
}

/* Give the buffers of the frame back to their pool; @direct: in its NAPI */
void kwl_rx_recycle(struct kwl_rx_ring *rxr, bool direct)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;

	if (unlikely(xdp_buff_has_frags(xdp)))
		kwl_rx_recycle_frags(rxr, direct);
	page_pool_put_full_page(rxr->pool, virt_to_page(xdp->data_hard_start),
				direct);
}

/*
 * Post the buffer of a frame of which nobody wants anything. There is room,
 * because it has been taken off the ring. The pool does not come to see it.
 */
static __always_inline void kwl_rx_reuse(struct kwl_rx_ring *rxr,
					 struct page *page)
{
	if (unlikely(page_is_pfmemalloc(page))) {
		page_pool_recycle_direct(rxr->pool, page);
		return;
	}
	/* The program may have written to it */
	dma_sync_single_range_for_device(rxr->pool->p.dev,
					 page_pool_get_dma_addr(page),
					 KWL_RX_HEADROOM, KWL_RX_BUF_LEN,
					 DMA_BIDIRECTIONAL);
	kwl_rx_post(rxr, page);
}

/* The frame as one for the stack; NULL if there is no memory for that */
struct sk_buff *kwl_rx_build(struct kwl_rx_ring *rxr)
{
	const struct xdp_buff *xdp = &rxr->frame.xdp;
	u32 nr_frags = 0, size = 0;
	struct sk_buff *skb;

	if (unlikely(xdp_buff_has_frags(xdp))) {
		/* About to be overwritten */
		nr_frags = xdp_get_shared_info_from_buff(xdp)->nr_frags;
		size = xdp_get_shared_info_from_buff(xdp)->xdp_frags_size;
	}
	skb = napi_build_skb(xdp->data_hard_start, PAGE_SIZE);
	if (unlikely(!skb))
		return NULL;
	skb_mark_for_recycle(skb);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (xdp->data != xdp->data_meta)
		skb_metadata_set(skb, xdp->data - xdp->data_meta);
	/* The fragments change hands with the head that they hang on */
	if (unlikely(nr_frags))
		xdp_update_skb_frags_info(skb, nr_frags, size,
					  nr_frags * PAGE_SIZE,
					  xdp_buff_get_skb_flags(xdp));
	return skb;
}

/**
 * kwl_rx_drop() - drop a frame that is not for the stack
 * @rxr: the ring
 * @why: our word for the reason
 * @reason: the stack's word for it
 *
 * Context: NAPI.
 */
noinline void kwl_rx_drop(struct kwl_rx_ring *rxr, enum kwl_rx_drop why,
			  enum skb_drop_reason reason)
{
	struct sk_buff *skb;

	trace_kwl_rx_drop(rxr->netdev, rxr->queue, why,
			  xdp_get_buff_len(&rxr->frame.xdp));
	skb = kwl_rx_build(rxr);
	if (skb)
		dev_kfree_skb_any_reason(skb, reason);
	else
		kwl_rx_recycle(rxr, true);
}

/**
 * kwl_rx_no_skb() - count a frame for whose head there is no memory
 * @rxr: the ring
 * @len: of the frame, in bytes
 * @tot: sums of this poll
 *
 * Context: NAPI.
 */
noinline void kwl_rx_no_skb(struct kwl_rx_ring *rxr, u32 len,
			    struct kwl_rx_totals *tot)
{
	tot->alloc_fail++;
	trace_kwl_rx_drop(rxr->netdev, rxr->queue, KWL_RX_DROP_NO_SKB, len);
}

static __always_inline void __kwl_rx_up(struct kwl_rx_ring *rxr,
					struct sk_buff *skb,
					const struct kwl_rx_wb *wb, u32 status,
					struct kwl_rx_totals *tot)
{
	netdev_features_t features = READ_ONCE(rxr->netdev->features);

	kwl_rx_csum(features, skb, status, tot);
	kwl_rx_hash(features, skb, wb);
	/* Whatever the feature says by now, this tag is no longer in the frame */
	if (status & KWL_RXD_VP)
		kwl_rx_tag(rxr, skb, le16_to_cpu(wb->vlan));
	if (unlikely(status & KWL_RXD_TS))
		skb_hwtstamps(skb)->hwtstamp = ns_to_ktime(kwl_rx_stamp(rxr));
	skb_record_rx_queue(skb, rxr->queue);
	skb->protocol = eth_type_trans(skb, rxr->netdev);
	napi_gro_receive(rxr->napi, skb);
}

/**
 * kwl_rx_up() - hand a frame to the stack with what the device says of it
 * @rxr: the ring
 * @skb: the frame
 * @wb: its last descriptor
 * @status: of that descriptor
 * @tot: sums of this poll
 *
 * Context: NAPI.
 */
void kwl_rx_up(struct kwl_rx_ring *rxr, struct sk_buff *skb,
	       const struct kwl_rx_wb *wb, u32 status,
	       struct kwl_rx_totals *tot)
{
	__kwl_rx_up(rxr, skb, wb, status, tot);
}

/*
 * A frame of one buffer that nothing is special about: what nearly all of them
 * are. It need not be collected.
 */
static __always_inline bool kwl_rx_is_plain(const struct kwl_rx_ring *rxr,
					    u32 status, const void *data,
					    u32 len)
{
	return (status & (KWL_RXD_EOP | KWL_RXD_TS | KWL_RXD_ERR_RXE)) ==
	       KWL_RXD_EOP && !rxr->frame.xdp.data && !rxr->skip &&
	       len >= ETH_HLEN &&
	       !(rxr->sort && kwl_rx_is_other(rxr, status, data));
}

static __always_inline void
kwl_rx_plain(struct kwl_rx_ring *rxr, struct page *page, u32 len,
	     const struct kwl_rx_wb *wb, u32 status, struct kwl_rx_totals *tot)
{
	struct sk_buff *skb = napi_build_skb(page_address(page), PAGE_SIZE);

	tot->packets++;
	tot->bytes += len;
	if (unlikely(!skb)) {
		tot->dropped++;
		kwl_rx_no_skb(rxr, len, tot);
		page_pool_recycle_direct(rxr->pool, page);
		return;
	}
	skb_mark_for_recycle(skb);
	skb_reserve(skb, KWL_RX_HEADROOM);
	__skb_put(skb, len);
	__kwl_rx_up(rxr, skb, wb, status, tot);
}

static void kwl_rx_deliver(struct kwl_rx_ring *rxr, const struct kwl_rx_wb *wb,
			   u32 status, struct kwl_rx_totals *tot)
{
	struct sk_buff *skb = kwl_rx_build(rxr);

	if (likely(skb)) {
		__kwl_rx_up(rxr, skb, wb, status, tot);
		return;
	}
	tot->dropped++;
	kwl_rx_no_skb(rxr, xdp_get_buff_len(&rxr->frame.xdp), tot);
	kwl_rx_recycle(rxr, true);
}

/* What the program says of the frame that has been collected */
static __always_inline u32 kwl_rx_ask(struct kwl_rx_ring *rxr,
				      const struct kwl_rx_wb *wb, u32 status,
				      const struct kwl_xdp_poll *poll)
{
	/* For those that ask for hash, tag or time */
	rxr->frame.wb = wb;
	rxr->frame.status = status;
	return bpf_prog_run_xdp(poll->prog, &rxr->frame.xdp);
}

/* Let the program see a plain frame, and do what it says */
static __always_inline void kwl_rx_run_plain(struct kwl_rx_ring *rxr,
					     struct page *page, u32 len,
					     const struct kwl_rx_wb *wb,
					     u32 status,
					     struct kwl_xdp_poll *poll,
					     struct kwl_rx_totals *tot)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;
	u32 act;

	tot->packets++;
	tot->bytes += len;
	/* Flags are only set in frames of more buffers, see kwl_rx_forget() */
	xdp_prepare_buff(xdp, page_address(page), KWL_RX_HEADROOM, len, true);
	act = kwl_rx_ask(rxr, wb, status, poll);
	if (act == XDP_DROP) {
		poll->stats[KWL_XDP_DROP]++;
		kwl_rx_reuse(rxr, page);
	} else if (act == XDP_PASS) {
		kwl_rx_deliver(rxr, wb, status, tot);
	} else if (!kwl_xdp_obey(rxr, poll, act)) {
		kwl_rx_reuse(rxr, page);
	}
	xdp->data = NULL;
}

/* Let the program see the frame that has been collected; false if it is gone */
static bool kwl_rx_run(struct kwl_rx_ring *rxr, const struct kwl_rx_wb *wb,
		       u32 status, struct kwl_xdp_poll *poll)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;
	u32 act;

	if (unlikely(xdp_buff_has_frags(xdp)) &&
	    !poll->prog->aux->xdp_has_frags) {
		/* Longer than the MTU that the program was attached for */
		poll->stats[KWL_XDP_ERROR]++;
		kwl_rx_drop(rxr, KWL_RX_DROP_XDP_LONG,
			    SKB_DROP_REASON_PKT_TOO_BIG);
		return false;
	}
	act = kwl_rx_ask(rxr, wb, status, poll);
	if (act == XDP_PASS)
		return true;
	if (!kwl_xdp_obey(rxr, poll, act))
		kwl_rx_recycle(rxr, true);
	return false;
}

/* A frame that is not for the ring's own interface */
static noinline void kwl_rx_other(struct kwl_rx_ring *rxr,
				  const struct kwl_rx_wb *wb, u32 status,
				  struct kwl_rx_totals *tot)
{
	if (rxr->sort == KWL_RX_BY_TAG)
		kwl_repr_rx(rxr, status, le16_to_cpu(wb->vlan), tot);
	else
		kwl_rx_drop(rxr, KWL_RX_DROP_OWN, SKB_DROP_REASON_LOCAL_MAC);
}

/* A whole frame has been collected */
static noinline void kwl_rx_frame(struct kwl_rx_ring *rxr,
				  const struct kwl_rx_wb *wb, u32 status,
				  struct kwl_xdp_poll *poll,
				  struct kwl_rx_totals *tot)
{
	const struct xdp_buff *xdp = &rxr->frame.xdp;

	if (unlikely(status & KWL_RXD_TS))
		rxr->frame.stamp = 0;
	if (unlikely(status & KWL_RXD_ERR_RXE)) {
		tot->errors++;
		kwl_rx_drop(rxr, KWL_RX_DROP_ERROR, SKB_DROP_REASON_DEV_HDR);
	} else if (unlikely(xdp->data_end - xdp->data < ETH_HLEN)) {
		tot->errors++;
		kwl_rx_drop(rxr, KWL_RX_DROP_SHORT,
			    SKB_DROP_REASON_PKT_TOO_SMALL);
	} else if (unlikely(rxr->sort) &&
		   kwl_rx_is_other(rxr, status, xdp->data)) {
		kwl_rx_other(rxr, wb, status, tot);
	} else {
		tot->packets++;
		tot->bytes += xdp_get_buff_len(xdp);
		if (!poll || kwl_rx_run(rxr, wb, status, poll))
			kwl_rx_deliver(rxr, wb, status, tot);
	}
}

/* The next buffer begins another frame */
static void kwl_rx_forget(struct kwl_rx_ring *rxr)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;

	xdp->data = NULL;
	xdp_buff_clear_frags_flag(xdp);
	xdp_buff_clear_frag_pfmemalloc(xdp);
}

/* Append one buffer to the frame being collected; false if the frame is lost */
static bool kwl_rx_collect(struct kwl_rx_ring *rxr, struct page *page, u32 len,
			   struct kwl_rx_totals *tot)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;

	if (likely(!xdp->data)) {
		xdp_prepare_buff(xdp, page_address(page), KWL_RX_HEADROOM, len,
				 true);
		return true;
	}
	if (likely(xdp_buff_add_frag(xdp, page_to_netmem(page),
				     KWL_RX_HEADROOM, len, PAGE_SIZE)))
		return true;
	/* No frame length limit lets this through */
	tot->errors++;
	kwl_rx_drop(rxr, KWL_RX_DROP_LONG, SKB_DROP_REASON_PKT_TOO_BIG);
	kwl_rx_forget(rxr);
	page_pool_recycle_direct(rxr->pool, page);
	return false;
}

/**
 * kwl_rx_purge() - forget a frame whose end has not come
 * @rxr: the ring, device and NAPI stopped
 *
 * Context: Process, control locked (lock.h).
 */
void kwl_rx_purge(struct kwl_rx_ring *rxr)
{
	if (rxr->frame.xdp.data)
		kwl_rx_recycle(rxr, false);
	kwl_rx_forget(rxr);
}

void kwl_rx_count(struct kwl_rx_ring *rxr, const struct kwl_rx_totals *tot)
{
	struct kwl_rx_stats *stats = &rxr->stats;

	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->packets, tot->packets);
	u64_stats_add(&stats->bytes, tot->bytes);
	u64_stats_add(&stats->errors, tot->errors);
	u64_stats_add(&stats->alloc_fail, tot->alloc_fail);
	u64_stats_add(&stats->dropped, tot->dropped);
	u64_stats_add(&stats->csum_unnecessary, tot->csum_unnecessary);
	u64_stats_add(&stats->csum_none, tot->csum_none);
	u64_stats_add(&stats->csum_bad, tot->csum_bad);
	u64_stats_update_end(&stats->syncp);
}

/* A buffer that is not a plain frame; true with the last one of a frame */
static noinline bool kwl_rx_take(struct kwl_rx_ring *rxr, struct page *page,
				 u32 len, const struct kwl_rx_wb *wb,
				 u32 status, struct kwl_xdp_poll *poll,
				 struct kwl_rx_totals *tot)
{
	if (unlikely(rxr->skip))
		page_pool_recycle_direct(rxr->pool, page);
	else
		rxr->skip = !kwl_rx_collect(rxr, page, len, tot);

	if (!(status & KWL_RXD_EOP))
		return false;

	if (likely(!rxr->skip))
		kwl_rx_frame(rxr, wb, status, poll, tot);
	kwl_rx_forget(rxr);
	rxr->skip = false;
	return true;
}

/* With a program, or none: @poll is then NULL and the compiler knows it */
static __always_inline int kwl_rx_clean_any(struct kwl_rx_ring *rxr,
					    int budget,
					    struct kwl_xdp_poll *poll)
{
	struct kwl_rx_totals tot = {};
	int done = 0;

	while (done < budget && rxr->ntc != rxr->ntu) {
		u32 slot = rxr->ntc & rxr->mask;
		const struct kwl_rx_wb *wb = &rxr->desc[slot].wb;
		u32 status = le32_to_cpu(READ_ONCE(wb->status));
		struct page *page;
		void *data;
		u32 len;

		if (!(status & KWL_RXD_DD))
			break;
		/* DD is written last: no other field before it is seen */
		dma_rmb();

		len = min_t(u32, le16_to_cpu(wb->len), KWL_RX_BUF_LEN);
		page = rxr->page[slot];
		rxr->page[slot] = NULL;
		rxr->ntc++;

		page_pool_dma_sync_for_cpu(rxr->pool, page, 0, len);
		data = page_address(page) + KWL_RX_HEADROOM;
		net_prefetch(data);

		if (unlikely(!kwl_rx_is_plain(rxr, status, data, len))) {
			done += kwl_rx_take(rxr, page, len, wb, status, poll,
					    &tot);
			continue;
		}
		done++;
		if (poll)
			kwl_rx_run_plain(rxr, page, len, wb, status, poll,
					 &tot);
		else
			kwl_rx_plain(rxr, page, len, wb, status, &tot);
	}

	/* A frame can be too long in this poll and end in the next one */
	if (done || tot.errors)
		kwl_rx_count(rxr, &tot);
	return done;
}

static noinline int kwl_rx_clean_prog(struct kwl_rx_ring *rxr, int budget,
				      struct bpf_prog *prog)
{
	struct kwl_xdp_poll poll __uninitialized;
	int done;

	kwl_xdp_poll_begin(&poll, prog);
	done = kwl_rx_clean_any(rxr, budget, &poll);
	kwl_xdp_poll_end(rxr, &poll);
	return done;
}

/**
 * kwl_rx_clean() - take received frames off a ring
 * @rxr: the ring
 * @budget: most frames to take
 *
 * Context: NAPI.
 * Return: Frames taken.
 */
int kwl_rx_clean(struct kwl_rx_ring *rxr, int budget)
{
	struct bpf_prog *prog = READ_ONCE(rxr->prog);
	int done;

	done = prog ? kwl_rx_clean_prog(rxr, budget, prog) :
		      kwl_rx_clean_any(rxr, budget, NULL);
	if (unlikely(rxr->sort == KWL_RX_BY_TAG))
		kwl_repr_share(rxr, done, done < budget);
	return done;
}
