// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interfaces that send and receive through the queues of another one, each
 * with a tag of its own that the card puts on and takes off: representors.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/export.h>
#include <linux/if_vlan.h>
#include <linux/jiffies.h>

#include <kawela/ring.h>

#include "fwd.h"
#include "police.h"
#include "rx.h"
#include "tx.h"
#include "tx_offload.h"

/* Who has not sent anything for so long has no room kept */
#define KWL_REPR_RECENT		HZ

/* Descriptors that one doorbell is for, at most */
#define KWL_REPR_BURST		32

/* How often a bridge sees unicast of a sender that it need not forward */
#define KWL_REPR_LOOK		(HZ / 10)

/* Does the pool take the frame only while its gate is open? */
static bool kwl_repr_is_gated(const struct kwl_gate *gate,
			      const struct sk_buff *skb)
{
	return unlikely(READ_ONCE(gate->more)) &&
	       is_multicast_ether_addr(skb->data) &&
	       !is_broadcast_ether_addr(skb->data);
}

/*
 * Tell the device of what waits. These frames never go out on the wire: past
 * the bell, if there is one.
 */
static void kwl_repr_doorbell(struct kwl_tx_ring *txr)
{
	WRITE_ONCE(txr->waits, false);
	if (txr->rung == txr->ntu)
		return;
	kwl_tx_close_batch(txr);
	/* These frames may stop a queue that the stack has not used for long */
	txq_trans_cond_update(txr->txq);
	writel(txr->ntu & txr->mask, txr->tail);
}

/*
 * Frames that a poll has brought are sent before the next one, most of them one
 * by one: if there is a next one, it rings for all of them.
 */
static bool kwl_repr_may_wait(struct kwl_tx_ring *txr)
{
	struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);

	/* With little room the queue is stopped, until some have been sent */
	if (unlikely(kwl_tx_room(txr) < KWL_TX_DESC_MAX) ||
	    txr->ntu - txr->rung >= KWL_REPR_BURST)
		return false;
	txr->late = txr->ntu;
	if (txr->waits)
		return true;
	/* Before the poll is told of it: it looks without the lock */
	WRITE_ONCE(txr->waits, true);
	return napi_if_scheduled_mark_missed(&vec->napi);
}

/* Queue a frame; it stays the caller's on error */
static int kwl_repr_queue(struct kwl_tx_ring *txr, struct sk_buff *skb,
			  struct kwl_tx_meta *meta, struct kwl_gate *gate)
{
	struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);
	bool gated = kwl_repr_is_gated(gate, skb);
	struct kwl_tx_buf *first;
	u32 ntu;
	int err;

	/* Without demux no poll rings, and no tag says where a frame is to go */
	if (unlikely(!txr->live || !vec->rxr.demux))
		return -ENETDOWN;
	if (unlikely(gated))
		kwl_repr_doorbell(txr);
	if (unlikely(kwl_tx_room(txr) < KWL_TX_DESC_MAX))
		return -ENOSPC;
	err = kwl_tx_offload(skb, meta);
	if (unlikely(err))
		return err;
	first = &txr->buf[txr->ntu & txr->mask];
	err = kwl_tx_map(txr, skb, meta, &ntu);
	if (unlikely(err))
		return err;

	first->skb = skb;
	first->kind = KWL_TX_REPR;
	skb_tx_timestamp(skb);
	WRITE_ONCE(txr->ntu, ntu);
	kwl_tx_maybe_stop(txr);
	if (unlikely(gated)) {
		kwl_tx_close_batch(txr);
		kwl_gate_pass(gate, txr);
	} else if (!kwl_repr_may_wait(txr)) {
		kwl_repr_doorbell(txr);
	}
	return 0;
}

/**
 * kwl_repr_ring() - tell the device of frames that wait for this poll
 * @txr: the ring
 *
 * Context: NAPI with a budget.
 */
void kwl_repr_ring(struct kwl_tx_ring *txr)
{
	if (!READ_ONCE(txr->waits))
		return;
	__netif_tx_lock(txr->txq, smp_processor_id());
	if (likely(txr->live))
		kwl_repr_doorbell(txr);
	__netif_tx_unlock(txr->txq);
}

/**
 * kwl_repr_xmit() - ndo_start_xmit of a representor
 * @skb: the frame
 * @netdev: an interface whose private area starts with struct kwl_repr
 *
 * There is no queue of its own that could be stopped: what does not fit into
 * the other interface's ring is dropped and counted.
 *
 * Context: Bottom halves off.
 * Return: NETDEV_TX_OK, always.
 */
netdev_tx_t kwl_repr_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	const struct kwl_repr *repr = netdev_priv(netdev);
	const struct kwl_demux *demux = repr->demux;
	struct kwl_tx_ring *txr = &repr->port->vec[0]->txr;
	struct kwl_tx_meta meta;
	int err;

	if (unlikely(skb->len < ETH_ZLEN && !skb_is_gso(skb) &&
		     kwl_tx_pad(skb)))
		goto dropped;

	__netif_tx_lock(txr->txq, smp_processor_id());
	__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q),
			       demux->first + demux->count + repr->num);
	err = kwl_repr_queue(txr, skb, &meta, repr->gate);
	__netif_tx_unlock(txr->txq);
	if (likely(!err)) {
		dev_sw_netstats_tx_add(netdev, meta.segs, meta.bytes);
		return NETDEV_TX_OK;
	}
	dev_kfree_skb_any_reason(skb, err == -ENOSPC ?
				 SKB_DROP_REASON_FULL_RING :
				 SKB_DROP_REASON_DEV_READY);
dropped:
	dev_core_stats_tx_dropped_inc(netdev);
	return NETDEV_TX_OK;
}
EXPORT_SYMBOL_GPL(kwl_repr_xmit);

/**
 * kwl_repr_finish() - give back one batch of frames of representors
 * @txr: the ring
 * @ntc: index of its first descriptor
 * @last: slot of its last descriptor
 * @budget: NAPI budget
 * @tot: sums of what has been given back
 *
 * They have been counted where they belong, and BQL knows nothing of them. What
 * the stack has sent while they waited is in the same batch.
 *
 * Context: NAPI with a budget, or the ring is stopped.
 * Return: The index after the batch.
 */
u32 kwl_repr_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last, int budget,
		    struct kwl_tx_totals *tot)
{
	struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);
	u32 frames = 0;
	u32 slot;

	do {
		struct kwl_tx_buf *buf;

		slot = ntc++ & txr->mask;
		buf = &txr->buf[slot];
		if (buf->skb) {
			tot->frames++;
			if (likely(buf->kind == KWL_TX_REPR)) {
				frames++;
			} else {
				tot->segs += buf->segs;
				tot->bytes += buf->bytes;
			}
			napi_consume_skb(buf->skb, budget);
			buf->skb = NULL;
		}
		kwl_tx_unmap(txr, buf);
		buf->kind = KWL_TX_SKB;
	} while (slot != last);
	/* What was left when the mode ended has no one to be counted for */
	if (vec->rxr.demux)
		vec->rxr.demux->tx_packets += frames;
	return ntc;
}

static bool kwl_repr_is_up(const struct net_device *netdev)
{
	return netdev && READ_ONCE(netdev->flags) & IFF_UP;
}

/* Drop a frame of an interface, which there may be none of */
static noinline void kwl_repr_drop(struct kwl_rx_ring *rxr,
				   struct net_device *netdev,
				   enum kwl_rx_drop why,
				   enum skb_drop_reason reason)
{
	kwl_rx_drop(rxr, why, reason);
	if (netdev)
		dev_core_stats_rx_dropped_inc(netdev);
}

/* Does the frame break a rule for whoever has sent it? It is gone then */
static bool kwl_repr_is_stopped(struct kwl_rx_ring *rxr,
				struct net_device *netdev, u16 num)
{
	const struct xdp_buff *xdp = &rxr->frame.xdp;

	switch (kwl_police_look(&rxr->demux->police[num], xdp->data,
				xdp_get_buff_len(xdp))) {
	case KWL_POLICE_SPOOFED:
		kwl_repr_drop(rxr, netdev, KWL_RX_DROP_SPOOFED,
			      SKB_DROP_REASON_MAC_INVALID_SOURCE);
		return true;
	case KWL_POLICE_FAST:
		kwl_repr_drop(rxr, netdev, KWL_RX_DROP_FAST,
			      SKB_DROP_REASON_QDISC_DROP);
		return true;
	default:
		return false;
	}
}

/*
 * Of unicast that the device has forwarded to whoever was to have it nothing is
 * left to do, but for the bridge to see now and then that the source is there.
 */
static bool kwl_repr_is_done(struct kwl_demux *demux, u16 num,
			     const struct ethhdr *eth)
{
	unsigned long now = jiffies / KWL_REPR_LOOK;
	int source;

	if (is_multicast_ether_addr(eth->h_dest))
		return false;
	/* Unknown ones are to be learned, each of them */
	source = kwl_fwd_find(&demux->fwd, num, eth->h_source);
	if (source < 0)
		return false;
	if (demux->looked[source] == now)
		return true;
	demux->looked[source] = now;
	return false;
}

/* A bridge need not forward what the device has forwarded in its stead */
static void kwl_repr_mark(struct sk_buff *skb, bool forwarded)
{
#ifdef CONFIG_NET_SWITCHDEV
	skb->offload_fwd_mark = forwarded;
#endif
}

static void kwl_repr_up(struct kwl_rx_ring *rxr, struct net_device *netdev,
			struct sk_buff *skb, u32 status)
{
	struct kwl_repr *repr = netdev_priv(netdev);
	struct kwl_rx_totals unused = {};

	dev_sw_netstats_rx_add(netdev, skb->len);
	kwl_rx_csum(READ_ONCE(netdev->features), skb, status, &unused);
	skb->protocol = eth_type_trans(skb, netdev);
	gro_cells_receive(&repr->cells, skb);
}

/**
 * kwl_repr_rx() - hand a frame with a private tag to its interface
 * @rxr: the ring
 * @status: of the frame's last descriptor
 * @tag: the tag
 * @tot: sums of this poll
 *
 * Context: NAPI.
 */
void kwl_repr_rx(struct kwl_rx_ring *rxr, u32 status, u16 tag,
		 struct kwl_rx_totals *tot)
{
	struct kwl_demux *demux = rxr->demux;
	u16 num = (tag & VLAN_VID_MASK) - demux->first;
	const struct ethhdr *eth = rxr->frame.xdp.data;
	struct net_device *netdev = NULL;
	bool forwarded = false;
	struct sk_buff *skb;

	if (likely(num < demux->count)) {
		netdev = rcu_dereference_bh(demux->netdev[num]);
		demux->seen[num]++;
	}
	demux->rx_packets++;
	demux->rx_bytes += xdp_get_buff_len(&rxr->frame.xdp);
	if (unlikely(!kwl_repr_is_up(netdev))) {
		kwl_repr_drop(rxr, netdev, KWL_RX_DROP_NO_REPR,
			      SKB_DROP_REASON_DEV_READY);
		return;
	}
	if (unlikely(kwl_repr_is_stopped(rxr, netdev, num)))
		return;
	if (unlikely(READ_ONCE(demux->fwd.peers[num])))
		forwarded = kwl_fwd_has(&demux->fwd, num, eth->h_dest);
	if (unlikely(forwarded) && kwl_repr_is_done(demux, num, eth)) {
		kwl_rx_recycle(rxr, true);
		return;
	}
	skb = kwl_rx_build(rxr);
	if (likely(skb)) {
		kwl_repr_mark(skb, forwarded);
		kwl_repr_up(rxr, netdev, skb, status);
		return;
	}
	kwl_rx_no_skb(rxr, xdp_get_buff_len(&rxr->frame.xdp), tot);
	dev_core_stats_rx_dropped_inc(netdev);
	kwl_rx_recycle(rxr, true);
}

/* As far as its memory tells: the device has written back the one in the middle */
static bool kwl_repr_is_crowded(const struct kwl_rx_ring *rxr)
{
	u32 half = (rxr->mask + 1) / 2;
	u32 slot = (rxr->ntc + half) & rxr->mask;
	const struct kwl_rx_wb *wb = &rxr->desc[slot].wb;

	return rxr->ntu - rxr->ntc > half &&
	       READ_ONCE(wb->status) & cpu_to_le32(KWL_RXD_DD);
}

/* Note who has sent something, the queue's own interface last; how many have */
static u32 kwl_repr_note(struct kwl_demux *demux, u32 done)
{
	u32 senders = 0, own = done;
	u16 i;

	for (i = 0; i < demux->count; i++) {
		if (!demux->seen[i])
			continue;
		demux->heard[i] = jiffies;
		own -= demux->seen[i];
		senders++;
	}
	if (!own)
		return senders;
	demux->heard[demux->count] = jiffies;
	return senders + 1;
}

/* Is there anybody else who may want room in the queue? */
static bool kwl_repr_is_alone(const struct kwl_demux *demux, u16 num)
{
	u16 i;

	for (i = 0; i <= demux->count; i++)
		if (i != num &&
		    time_before(jiffies, demux->heard[i] + KWL_REPR_RECENT))
			return false;
	return true;
}

/* Those of which there were more frames than of an average sender */
static u32 kwl_repr_greedy(const struct kwl_demux *demux, u32 done,
			   u32 senders)
{
	u32 greedy = 0;
	u16 i;

	for (i = 0; i < demux->count; i++)
		if (demux->seen[i] && demux->seen[i] * senders >= done &&
		    !kwl_repr_is_alone(demux, i))
			greedy |= BIT(i);
	return greedy;
}

static void kwl_repr_crowded(struct kwl_demux *demux, u32 done, u32 senders)
{
	u32 greedy = kwl_repr_greedy(demux, done, senders);

	if (greedy)
		demux->ops->crowded(demux, greedy);
}

/**
 * kwl_repr_share() - see to it that no sender fills a ring that others need
 * @rxr: the ring
 * @done: frames taken off it in this poll
 * @drained: that was all there were
 *
 * Context: NAPI.
 */
void kwl_repr_share(struct kwl_rx_ring *rxr, u32 done, bool drained)
{
	struct kwl_demux *demux = rxr->demux;
	u32 senders = kwl_repr_note(demux, done);

	if (!drained && kwl_repr_is_crowded(rxr))
		kwl_repr_crowded(demux, done, senders);
	else if (drained && unlikely(READ_ONCE(demux->held)))
		demux->ops->drained(demux);
	memset(demux->seen, 0, sizeof(demux->seen));
}

/**
 * kwl_repr_init() - ndo_init of a representor
 * @netdev: an interface whose private area starts with struct kwl_repr
 *
 * GRO is done by a NAPI of the representor's own: frames that the uplink's
 * held on to could outlive it.
 *
 * Context: Process, may sleep, RTNL held.
 * Return: 0 or -ENOMEM.
 */
int kwl_repr_init(struct net_device *netdev)
{
	struct kwl_repr *repr = netdev_priv(netdev);

	return gro_cells_init(&repr->cells, netdev);
}
EXPORT_SYMBOL_GPL(kwl_repr_init);

/**
 * kwl_repr_uninit() - ndo_uninit of a representor
 * @netdev: the interface, no longer in its struct kwl_demux
 *
 * Context: Process, may sleep, RTNL held.
 */
void kwl_repr_uninit(struct net_device *netdev)
{
	struct kwl_repr *repr = netdev_priv(netdev);

	gro_cells_destroy(&repr->cells);
}
EXPORT_SYMBOL_GPL(kwl_repr_uninit);
