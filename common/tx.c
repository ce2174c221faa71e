// SPDX-License-Identifier: GPL-2.0-only
/* Transmit: frame to descriptors, doorbell, completion. */
#include <linux/bitfield.h>
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/export.h>
#include <linux/if_vlan.h>

#include <kawela/ring.h>

#include "trace.h"
#include "tx.h"
#include "tx_offload.h"

/* Frames given back in one poll; the rest waits for the next round */
#define KWL_TX_CLEAN_MAX	256

static void kwl_tx_count_drop(struct kwl_tx_ring *txr)
{
	u64_stats_update_begin(&txr->xmit.syncp);
	u64_stats_inc(&txr->xmit.dropped);
	u64_stats_update_end(&txr->xmit.syncp);
}

/* Queue a context descriptor unless the device already holds the same one */
u32 kwl_tx_put_ctx(struct kwl_tx_ring *txr, u32 ntu,
		   const struct kwl_tx_meta *meta)
{
	struct kwl_tx_ctx *ctx;

	if (!meta->ctx_type ||
	    (meta->ctx_lens == txr->ctx_lens &&
	     meta->ctx_type == txr->ctx_type &&
	     meta->ctx_mss == txr->ctx_mss))
		return ntu;

	ctx = &txr->desc[ntu & txr->mask].ctx;
	ctx->vlan_lens = cpu_to_le32(meta->ctx_lens);
	ctx->rsvd = 0;
	ctx->type = cpu_to_le32(meta->ctx_type);
	ctx->mss_l4len = cpu_to_le32(meta->ctx_mss);
	txr->buf[ntu & txr->mask].mapped = false;

	txr->ctx_lens = meta->ctx_lens;
	txr->ctx_type = meta->ctx_type;
	txr->ctx_mss = meta->ctx_mss;
	return ntu + 1;
}

/* Take back descriptors that were filled but never published */
void kwl_tx_undo(struct kwl_tx_ring *txr, u32 ntu)
{
	while (ntu != txr->ntu)
		kwl_tx_unmap(txr, &txr->buf[--ntu & txr->mask]);
	/* The context that was to go out may be among them */
	txr->ctx_type = 0;
}

/* Map the frame and fill descriptors; returns the new ntu in @end */
int kwl_tx_map(struct kwl_tx_ring *txr, struct sk_buff *skb,
	       const struct kwl_tx_meta *meta, u32 *end)
{
	u32 ntu = kwl_tx_put_ctx(txr, txr->ntu, meta);
	const skb_frag_t *frag;
	dma_addr_t dma;
	int i;

	dma = kwl_tx_dma_map(txr, skb->data, skb_headlen(skb));
	if (dma_mapping_error(txr->dev, dma))
		goto err_undo;
	ntu = kwl_tx_put_data(txr, ntu, dma, skb_headlen(skb), true, meta->cmd,
			      meta->olinfo);

	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		frag = &skb_shinfo(skb)->frags[i];
		dma = skb_frag_dma_map(txr->dev, frag, 0, skb_frag_size(frag),
				       DMA_TO_DEVICE);
		if (dma_mapping_error(txr->dev, dma))
			goto err_undo;
		/* Memory of an application stays mapped */
		ntu = kwl_tx_put_data(txr, ntu, dma, skb_frag_size(frag),
				      !skb_frag_is_net_iov(frag), meta->cmd,
				      meta->olinfo);
	}

	txr->desc[(ntu - 1) & txr->mask].data.cmd |= cpu_to_le32(KWL_TXD_EOP);
	*end = ntu;
	return 0;

err_undo:
	kwl_tx_undo(txr, ntu);
	return -ENOMEM;
}

/* @len: as it came from the stack */
static void kwl_tx_count_offload(struct kwl_tx_ring *txr, u32 len,
				 const struct kwl_tx_meta *meta)
{
	struct kwl_tx_xmit_stats *stats = &txr->xmit;

	u64_stats_update_begin(&stats->syncp);
	if (meta->olinfo & KWL_TXD_TXSM)
		u64_stats_inc(&stats->needs_csum);
	else
		u64_stats_inc(&stats->csum_none);
	if (meta->cmd & KWL_TXD_TSE) {
		u64_stats_inc(&stats->gso_packets);
		u64_stats_add(&stats->gso_bytes, len);
		u64_stats_add(&stats->gso_wire_packets, meta->segs);
		u64_stats_add(&stats->gso_wire_bytes, meta->bytes);
	}
	u64_stats_update_end(&stats->syncp);
}

/*
 * A frame that wants a hardware stamp. The device holds one at a time, so the
 * frames in between go without. Segments of one frame have no common time.
 */
static noinline void kwl_tx_claim_stamp(struct kwl_port *port,
					const struct sk_buff *skb,
					struct kwl_tx_meta *meta)
{
	if (!skb_is_gso(skb) && kwl_stamp_claim(port->stamper))
		meta->cmd |= KWL_TXD_TSTAMP;
}

/* The frame with the claim is about to go: its stamp will be waited for */
static noinline void kwl_tx_await_stamp(struct kwl_tx_ring *txr,
					struct sk_buff *skb)
{
	const struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);
	struct kwl_stamper *stamper = vec->port->stamper;

	skb_shinfo(skb)->tx_flags |= SKBTX_IN_PROGRESS;
	stamper->skb = skb_get(skb);
	stamper->claimed = ktime_get_boottime();
	queue_work(system_highpri_wq, &stamper->work);
}

/* The cold part of kwl_tx_maybe_stop() */
void kwl_tx_stop(struct kwl_tx_ring *txr)
{
	if (netif_txq_maybe_stop(txr->txq, kwl_tx_room(txr), KWL_TX_DESC_MAX,
				 KWL_TX_WAKE))
		return;
	u64_stats_update_begin(&txr->xmit.syncp);
	u64_stats_inc(&txr->xmit.stop);
	u64_stats_update_end(&txr->xmit.syncp);
	trace_kwl_tx_stop(txr->txq->dev, kwl_tx_queue(txr), kwl_tx_room(txr));
}

/*
 * Hand over a frame in filled descriptors up to @ntu; tell the device unless
 * more come. @room: what is left then
 */
static __always_inline void kwl_tx_publish(struct kwl_tx_ring *txr,
					   struct sk_buff *skb,
					   struct kwl_tx_buf *first, u32 bytes,
					   u16 segs, u32 ntu, u32 room)
{
	first->skb = skb;
	first->bytes = bytes;
	first->segs = segs;
	skb_tx_timestamp(skb);

	WRITE_ONCE(txr->ntu, ntu);

	if (unlikely(room < KWL_TX_DESC_MAX))
		kwl_tx_stop(txr);

	/* Also true when the line above has stopped the queue */
	if (__netdev_tx_sent_queue(txr->txq, bytes, netdev_xmit_more()))
		kwl_tx_ring_doorbell(txr);
}

/*
 * One descriptor is all it takes: in one piece, asks for nothing, needs no
 * padding. That is what bridges and routers send.
 */
static bool kwl_tx_is_plain(const struct sk_buff *skb)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);

	return skb->ip_summed != CHECKSUM_PARTIAL &&
	       !skb_is_nonlinear(skb) && !skb_vlan_tag_present(skb) &&
	       skb->len - ETH_ZLEN <= KWL_TX_CHUNK - ETH_ZLEN &&
	       !shinfo->gso_size && !(shinfo->tx_flags & SKBTX_HW_TSTAMP);
}

/* Send a plain frame; false if that cannot be done here and now */
static bool kwl_tx_plain(struct kwl_tx_ring *txr, struct sk_buff *skb)
{
	u32 len = skb->len, room = kwl_tx_room(txr);
	u32 ntu = txr->ntu, slot = ntu & txr->mask;
	struct kwl_tx_data *data = &txr->desc[slot].data;
	struct kwl_tx_buf *buf = &txr->buf[slot];
	dma_addr_t dma;

	if (unlikely(room < KWL_TX_DESC_MAX))
		return false;
	dma = kwl_tx_dma_map(txr, skb->data, len);
	if (unlikely(dma_mapping_error(txr->dev, dma)))
		return false;

	dma_unmap_addr_set(buf, dma, dma);
	dma_unmap_len_set(buf, len, len);
	buf->mapped = true;
	data->addr = cpu_to_le64(dma);
	data->cmd = cpu_to_le32(KWL_TXD_CMD_DATA | KWL_TXD_EOP | len);
	data->olinfo = cpu_to_le32(FIELD_PREP(KWL_TXD_PAYLEN, len));

	u64_stats_update_begin(&txr->xmit.syncp);
	u64_stats_inc(&txr->xmit.csum_none);
	u64_stats_update_end(&txr->xmit.syncp);
	kwl_tx_publish(txr, skb, buf, len, 1, ntu + 1, room - 1);
	return true;
}

/*
 * Short frames are padded here and not by the chip (TCTL.PSP), because a VF
 * has no say in that and the emulator does not do it. The checksum comes
 * first: the emulator takes the padding for payload. Segments of a GSO frame
 * are left to the chip.
 */
int kwl_tx_pad(struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    skb_csum_hwoffload_help(skb, 0)) {
		dev_kfree_skb_any_reason(skb, SKB_DROP_REASON_SKB_CSUM);
		return -EINVAL;
	}
	return skb_put_padto(skb, ETH_ZLEN);
}

/* Send a frame of any kind, or drop it */
static noinline void kwl_tx_any(struct kwl_tx_ring *txr, struct sk_buff *skb)
{
	struct kwl_port *port = container_of(txr, struct kwl_vector, txr)->port;
	struct kwl_tx_buf *first = &txr->buf[txr->ntu & txr->mask];
	enum skb_drop_reason reason;
	struct kwl_tx_meta meta;
	u32 ntu, room;
	int err;

	if (unlikely(skb->len < ETH_ZLEN && !skb_is_gso(skb) &&
		     kwl_tx_pad(skb)))
		goto dropped;
	reason = SKB_DROP_REASON_FULL_RING;
	if (unlikely(kwl_tx_room(txr) < KWL_TX_DESC_MAX))
		goto drop;
	reason = SKB_DROP_REASON_SKB_CSUM;
	err = kwl_tx_offload(skb, &meta);
	if (unlikely(err)) {
		if (err == -ENOMEM)
			reason = SKB_DROP_REASON_NOMEM;
		goto drop;
	}
	reason = SKB_DROP_REASON_NOMEM;
	if (unlikely(skb_shinfo(skb)->tx_flags & SKBTX_HW_TSTAMP))
		kwl_tx_claim_stamp(port, skb, &meta);
	if (unlikely(kwl_tx_map(txr, skb, &meta, &ntu)))
		goto unclaim;

	kwl_tx_count_offload(txr, skb->len, &meta);
	if (unlikely(meta.cmd & KWL_TXD_TSTAMP))
		kwl_tx_await_stamp(txr, skb);
	room = kwl_tx_room(txr) - (ntu - txr->ntu);
	kwl_tx_publish(txr, skb, first, meta.bytes, meta.segs, ntu, room);
	return;

unclaim:
	if (meta.cmd & KWL_TXD_TSTAMP)
		clear_bit_unlock(0, &port->stamper->busy);
drop:
	dev_kfree_skb_any_reason(skb, reason);
dropped:
	kwl_tx_count_drop(txr);
	/* Frames before this one may still wait for their doorbell */
	if (txr->rung != txr->ntu && !netdev_xmit_more())
		kwl_tx_ring_doorbell(txr);
}

/**
 * kwl_xmit() - ndo_start_xmit of every kawela interface
 * @skb: the frame
 * @netdev: an interface whose private area starts with struct kwl_port
 *
 * A queue runs only while it has room for the largest frame, so a frame is
 * either queued or, when it cannot be mapped or described, dropped and counted.
 *
 * Context: Under the queue's xmit lock, bottom halves off.
 * Return: NETDEV_TX_OK, always.
 */
netdev_tx_t kwl_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_tx_ring *txr = &port->vec[skb_get_queue_mapping(skb)]->txr;

	if (!kwl_tx_is_plain(skb) || !kwl_tx_plain(txr, skb))
		kwl_tx_any(txr, skb);
	return NETDEV_TX_OK;
}
EXPORT_SYMBOL_GPL(kwl_xmit);

/**
 * kwl_features_check() - ndo_features_check of every kawela interface
 * @skb: the frame
 * @netdev: the interface
 * @features: what the stack is about to ask for
 *
 * MACLEN has 7 bits and IPLEN 9 in the context descriptor; a frame with longer
 * headers is checksummed and segmented by the stack.
 *
 * Context: Transmit path, bottom halves off.
 * Return: @features less what cannot be had for this frame.
 */
netdev_features_t kwl_features_check(struct sk_buff *skb,
				     struct net_device *netdev,
				     netdev_features_t features)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    (skb_network_offset(skb) > FIELD_MAX(KWL_TXC_MACLEN) ||
	     skb_network_header_len(skb) > FIELD_MAX(KWL_TXC_IPLEN)))
		features &= ~(NETIF_F_CSUM_MASK | NETIF_F_SCTP_CRC |
			      NETIF_F_GSO_MASK);

	return vlan_features_check(skb, features);
}
EXPORT_SYMBOL_GPL(kwl_features_check);

/*
 * Give back one batch of the stack's frames, which ends at slot @last; returns
 * the index after it.
 */
static __always_inline u32 kwl_tx_finish(struct kwl_tx_ring *txr, u32 ntc,
					 u32 last, int budget,
					 struct kwl_tx_totals *tot)
{
	for (;;) {
		u32 slot = ntc++ & txr->mask;
		struct kwl_tx_buf *buf = &txr->buf[slot];

		if (buf->skb) {
			tot->frames++;
			tot->segs += buf->segs;
			tot->bytes += buf->bytes;
			napi_consume_skb(buf->skb, budget);
			buf->skb = NULL;
		}
		kwl_tx_unmap(txr, buf);
		if (slot == last)
			return ntc;
	}
}

/* The same for a batch of any kind */
static noinline u32 kwl_tx_finish_any(struct kwl_tx_ring *txr, u32 ntc,
				      u32 last, int budget,
				      struct kwl_tx_totals *tot)
{
	switch (txr->buf[ntc & txr->mask].kind) {
	case KWL_TX_XDP:
		return kwl_xdp_finish(txr, ntc, last, tot);
	case KWL_TX_XSK:
		return kwl_xsk_finish(txr, ntc, last, tot);
	case KWL_TX_REPR:
		return kwl_repr_finish(txr, ntc, last, budget, tot);
	default:
		return kwl_tx_finish(txr, ntc, last, budget, tot);
	}
}

static void kwl_tx_count_done(struct kwl_tx_ring *txr,
			      const struct kwl_tx_totals *tot)
{
	u64_stats_add(&txr->done.packets, tot->segs + tot->xdp);
	u64_stats_add(&txr->done.bytes, tot->bytes + tot->xdp_bytes);
	u64_stats_add(&txr->done.xdp, tot->xdp);
}

/**
 * kwl_tx_clean() - give back what the device has sent
 * @txr: the ring
 * @budget: NAPI budget, 0 under netpoll
 *
 * Context: NAPI.
 * Return: false if there may be more to do.
 */
bool kwl_tx_clean(struct kwl_tx_ring *txr, int budget)
{
	/* Pairs with the release in kwl_tx_close_batch() */
	u32 rung = smp_load_acquire(&txr->rung);
	struct kwl_tx_totals tot = {};
	bool woken = false, waits = false;
	u32 ntc = txr->ntc;

	while (ntc != rung && tot.frames < KWL_TX_CLEAN_MAX) {
		const struct kwl_tx_buf *first = &txr->buf[ntc & txr->mask];
		u32 last = first->last;

		if (!kwl_tx_is_done(txr, last))
			break;
		if (likely(first->kind == KWL_TX_SKB)) {
			ntc = kwl_tx_finish(txr, ntc, last, budget, &tot);
			continue;
		}
		/* Page pools and rings of sockets are not for netpoll */
		if (unlikely(!budget))
			break;
		waits = unlikely(txr->stamping) &&
			!kwl_xsk_take_stamp(txr, ntc, last);
		if (waits)
			break;
		ntc = kwl_tx_finish_any(txr, ntc, last, budget, &tot);
	}
	if (!tot.frames)
		return !waits && (likely(!txr->bell) || kwl_bell_again(txr));

	WRITE_ONCE(txr->ntc, ntc);
	if (unlikely(!tot.bytes))
		/*
		 * Whoever stops the queue sees this room, or we see it stopped.
		 * BQL has the barrier where there are frames of the stack.
		 */
		smp_mb();

	u64_stats_update_begin(&txr->done.syncp);
	kwl_tx_count_done(txr, &tot);
	if (!netif_txq_completed_wake(txr->txq, tot.frames, tot.bytes,
				      kwl_tx_room(txr), KWL_TX_WAKE)) {
		u64_stats_inc(&txr->done.wake);
		woken = true;
	}
	u64_stats_update_end(&txr->done.syncp);
	if (unlikely(woken))
		trace_kwl_tx_wake(txr->txq->dev, kwl_tx_queue(txr),
				  kwl_tx_room(txr));

	return tot.frames < KWL_TX_CLEAN_MAX && !waits;
}

/* Forget the frame that begins here unsent; return how many frames that were */
static u32 kwl_tx_purge_one(struct kwl_tx_buf *buf)
{
	u32 frames = 0;

	if (buf->kind == KWL_TX_XSK) {
		frames = buf->segs;
		buf->segs = 0;
		buf->bytes = 0;
	} else if (buf->skb) {
		frames = 1;
		if (buf->kind == KWL_TX_XDP)
			xdp_return_frame(buf->xdpf);
		else
			dev_kfree_skb_any_reason(buf->skb,
						 SKB_DROP_REASON_QUEUE_PURGE);
		buf->skb = NULL;
	}
	return frames;
}

/* The frames of a batch that the device did not get to */
static u32 kwl_tx_purge(struct kwl_tx_ring *txr, u32 last)
{
	u32 slot = txr->ntc & txr->mask, frames = 0;

	for (;;) {
		frames += kwl_tx_purge_one(&txr->buf[slot]);
		if (slot == last)
			return frames;
		slot = (slot + 1) & txr->mask;
	}
}

/**
 * kwl_tx_drain() - empty a stopped ring
 * @txr: the ring, its queue stopped on both sides
 *
 * What the device has reported as sent counts as that, the rest as dropped.
 *
 * Context: Process.
 */
void kwl_tx_drain(struct kwl_tx_ring *txr)
{
	struct kwl_tx_totals tot = {};
	u64 dropped = 0;

	kwl_xsk_forget_stamp(txr);
	if (txr->rung != txr->ntu)
		kwl_tx_close_batch(txr);
	while (txr->ntc != txr->ntu) {
		const struct kwl_tx_buf *first = &txr->buf[txr->ntc & txr->mask];
		u32 last = first->last;

		if (!kwl_tx_is_done(txr, last))
			dropped += kwl_tx_purge(txr, last);
		txr->ntc = kwl_tx_finish_any(txr, txr->ntc, last, 0, &tot);
	}
	netdev_tx_reset_queue(txr->txq);

	u64_stats_update_begin(&txr->done.syncp);
	kwl_tx_count_done(txr, &tot);
	u64_stats_update_end(&txr->done.syncp);

	u64_stats_update_begin(&txr->xmit.syncp);
	u64_stats_add(&txr->xmit.dropped, dropped);
	u64_stats_update_end(&txr->xmit.syncp);
}

/**
 * kwl_tx_hang() - tell by tracepoint where a queue that hangs has got to
 * @port: the function
 * @queue: what the stack's watchdog complains of
 *
 * Reads registers.
 *
 * Context: Any.
 */
void kwl_tx_hang(struct kwl_port *port, unsigned int queue)
{
	const struct kwl_tx_ring *txr = &port->vec[queue]->txr;

	if (!trace_kwl_tx_hang_enabled())
		return;
	trace_kwl_tx_hang(port->netdev, queue, READ_ONCE(txr->ntu),
			  READ_ONCE(txr->ntc), readl(txr->regs + KWL_TDH),
			  readl(txr->regs + KWL_TDT));
}
EXPORT_SYMBOL_GPL(kwl_tx_hang);
