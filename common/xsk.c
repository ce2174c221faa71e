// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP without copies: a queue pair works on the memory of a socket. Frames
 * that a program redirects to the socket never leave it; those for the stack
 * are copied. The stack's own frames still go out by the same queue.
 *
 * The memory belongs to user space. What keeps the device inside its chunks is
 * the buffer size that it is told, in whole KiB, never the length of frames.
 */
#include <linux/bitfield.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/export.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>
#include <net/xdp_sock_drv.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#include "rx.h"
#include "trace.h"
#include "tx.h"
#include "tx_offload.h"
#include "xdp.h"

/* Descriptors taken from a socket under one lock and for one doorbell */
#define KWL_XSK_BURST	64

/**
 * kwl_xsk_buf_len() - what the device may put into one chunk
 * @pool: the socket's memory
 *
 * Context: Any.
 * Return: Bytes, a whole number of KiB; 0 if the chunks are too small.
 */
u32 kwl_xsk_buf_len(struct xsk_buff_pool *pool)
{
	return min_t(u32, ALIGN_DOWN(xsk_pool_get_rx_frame_size(pool), SZ_1K),
		     SZ_16K);
}

/**
 * kwl_xsk_fits() - can a socket take the frames of an MTU?
 * @pool: the socket's memory, or NULL
 * @mtu: the MTU
 *
 * Context: Control locked (lock.h).
 * Return: false if frames would come in several buffers and the socket has not
 *	said that it can take that (XDP_USE_SG).
 */
bool kwl_xsk_fits(struct xsk_buff_pool *pool, int mtu)
{
	return !pool || pool->umem->flags & XDP_UMEM_SG_FLAG ||
	       mtu + ETH_HLEN + 2 * VLAN_HLEN <= kwl_xsk_buf_len(pool);
}

/**
 * kwl_xsk_refill() - post buffers of the socket in place of those taken
 * @vec: the queue pair
 *
 * Context: NAPI, or set-up with NAPI disabled.
 * Return: false if the device is about to run out: the socket owes buffers.
 */
bool kwl_xsk_refill(struct kwl_vector *vec)
{
	struct kwl_rx_ring *rxr = &vec->rxr;
	u32 room = rxr->mask - (rxr->ntu - rxr->ntc);
	u32 got = 0;

	while (room >= KWL_RX_BATCH) {
		u32 slot = rxr->ntu & rxr->mask;
		u32 i, n = min(room, rxr->mask + 1 - slot);

		n = xsk_buff_alloc_batch(vec->xsk, &rxr->xdp[slot], n);
		if (!n)
			break;
		for (i = slot; i < slot + n; i++) {
			struct kwl_rx_read *read = &rxr->desc[i].read;
			dma_addr_t dma = xsk_buff_xdp_get_dma(rxr->xdp[i]);

			read->pkt_addr = cpu_to_le64(dma);
			/* Clears DD of the previous round along the way */
			read->hdr_addr = 0;
		}
		rxr->ntu += n;
		room -= n;
		got += n;
	}
	/* writel() orders the descriptors before the tail */
	if (got)
		writel(rxr->ntu & rxr->mask, rxr->tail);
	return rxr->ntu - rxr->ntc >= KWL_RX_BATCH;
}

/**
 * kwl_xsk_release() - give all buffers of a stopped ring back to the socket
 * @vec: the queue pair, device and NAPI stopped
 *
 * Before anything else uses the socket's memory: its lists have no lock.
 *
 * Context: Process, control locked (lock.h).
 */
void kwl_xsk_release(struct kwl_vector *vec)
{
	struct kwl_rx_ring *rxr = &vec->rxr;
	u32 slot;

	if (rxr->first)
		xsk_buff_free(rxr->first);
	rxr->first = NULL;
	for (slot = 0; slot <= rxr->mask; slot++) {
		if (rxr->xdp[slot])
			xsk_buff_free(rxr->xdp[slot]);
		rxr->xdp[slot] = NULL;
	}
}

/* A copy for the stack; NULL if there is no memory for it */
static struct sk_buff *kwl_xsk_copy(struct kwl_rx_ring *rxr,
				    const struct xdp_buff *xdp)
{
	u32 meta = xdp->data - xdp->data_meta, head = xdp->data_end - xdp->data;
	const struct skb_shared_info *sinfo;
	struct sk_buff *skb;
	int i;

	skb = napi_alloc_skb(rxr->napi, meta + xdp_get_buff_len(xdp));
	if (unlikely(!skb))
		return NULL;
	__skb_put_data(skb, xdp->data_meta, meta + head);
	if (meta) {
		__skb_pull(skb, meta);
		skb_metadata_set(skb, meta);
	}
	if (likely(!xdp_buff_has_frags(xdp)))
		return skb;
	sinfo = xdp_get_shared_info_from_buff(xdp);
	for (i = 0; i < sinfo->nr_frags; i++)
		__skb_put_data(skb, skb_frag_address(&sinfo->frags[i]),
			       skb_frag_size(&sinfo->frags[i]));
	return skb;
}

static void kwl_xsk_pass(struct kwl_rx_ring *rxr, struct xdp_buff *xdp,
			 struct kwl_rx_totals *tot)
{
	struct sk_buff *skb = kwl_xsk_copy(rxr, xdp);

	if (likely(skb)) {
		kwl_rx_up(rxr, skb, rxr->frame.wb, rxr->frame.status, tot);
	} else {
		tot->alloc_fail++;
		tot->dropped++;
		trace_kwl_rx_drop(rxr->netdev, rxr->queue, KWL_RX_DROP_NO_SKB,
				  xdp_get_buff_len(xdp));
	}
	xsk_buff_free(xdp);
}

/* To the socket, mostly; false if it has no room */
static bool kwl_xsk_redirect(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
			     struct xdp_buff *xdp)
{
	int err = xdp_do_redirect(rxr->netdev, xdp, poll->prog);

	if (likely(!err)) {
		poll->stats[KWL_XDP_REDIRECT]++;
		return true;
	}
	poll->stats[KWL_XDP_ERROR]++;
	xsk_buff_free(xdp);
	return err != -ENOBUFS;
}

/* Run the program; false if the socket has no room: come back when it has */
static bool kwl_xsk_run(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
			struct xdp_buff *xdp, struct kwl_rx_totals *tot)
{
	u32 act = bpf_prog_run_xdp(poll->prog, xdp);

	if (likely(act == XDP_REDIRECT))
		return kwl_xsk_redirect(rxr, poll, xdp);
	switch (act) {
	case XDP_PASS:
		kwl_xsk_pass(rxr, xdp, tot);
		return true;
	case XDP_TX:
		/* The kernel copies the first buffer only */
		if (xdp_buff_has_frags(xdp) ||
		    !kwl_xdp_send_back(rxr, poll, xdp))
			break;
		return true;
	case XDP_DROP:
		poll->stats[KWL_XDP_DROP]++;
		xsk_buff_free(xdp);
		return true;
	default:
		break;
	}
	kwl_xdp_exception(rxr, poll, act);
	xsk_buff_free(xdp);
	return true;
}

static void kwl_xsk_drop(struct kwl_rx_ring *rxr, struct xdp_buff *xdp,
			 enum kwl_rx_drop why)
{
	trace_kwl_rx_drop(rxr->netdev, rxr->queue, why, xdp_get_buff_len(xdp));
	xsk_buff_free(xdp);
}

/* A whole frame is here; false as kwl_xsk_run() */
static bool kwl_xsk_frame(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
			  struct xdp_buff *xdp, struct kwl_rx_totals *tot)
{
	u32 status = rxr->frame.status;

	if (unlikely(status & (KWL_RXD_TS | KWL_RXD_ERR_RXE))) {
		rxr->frame.stamp = 0;
		if (status & KWL_RXD_ERR_RXE) {
			tot->errors++;
			kwl_xsk_drop(rxr, xdp, KWL_RX_DROP_ERROR);
			return true;
		}
	}
	if (unlikely(xdp->data_end - xdp->data < ETH_HLEN)) {
		tot->errors++;
		kwl_xsk_drop(rxr, xdp, KWL_RX_DROP_SHORT);
		return true;
	}
	if (unlikely(rxr->sort) && kwl_rx_is_own(rxr, xdp->data)) {
		kwl_xsk_drop(rxr, xdp, KWL_RX_DROP_OWN);
		return true;
	}

	tot->packets++;
	tot->bytes += xdp_get_buff_len(xdp);
	if (!poll->prog) {
		kwl_xsk_pass(rxr, xdp, tot);
		return true;
	}
	if (unlikely(xdp_buff_has_frags(xdp)) &&
	    !poll->prog->aux->xdp_has_frags) {
		poll->stats[KWL_XDP_ERROR]++;
		kwl_xsk_drop(rxr, xdp, KWL_RX_DROP_XDP_LONG);
		return true;
	}
	return kwl_xsk_run(rxr, poll, xdp, tot);
}

/* What the card has put into a buffer */
static void kwl_xsk_filled(struct xdp_buff *xdp, u32 len)
{
	xsk_buff_set_size(xdp, len);
	xsk_buff_dma_sync_for_cpu(xdp);
}

/* Append one buffer to the frame being collected; false if the frame is lost */
static bool kwl_xsk_append(struct kwl_rx_ring *rxr, struct xdp_buff *xdp,
			   struct kwl_rx_totals *tot)
{
	if (!rxr->first) {
		rxr->first = xdp;
		return true;
	}
	if (likely(xsk_buff_add_frag(rxr->first, xdp)))
		return true;
	tot->errors++;
	kwl_xsk_drop(rxr, rxr->first, KWL_RX_DROP_LONG);
	rxr->first = NULL;
	xsk_buff_free(xdp);
	return false;
}

/* One buffer of a frame that has several; NULL if no whole frame is there */
static struct xdp_buff *kwl_xsk_collect(struct kwl_rx_ring *rxr,
					struct xdp_buff *xdp, bool last,
					struct kwl_rx_totals *tot)
{
	struct xdp_buff *whole;

	if (rxr->skip)
		xsk_buff_free(xdp);
	else
		rxr->skip = !kwl_xsk_append(rxr, xdp, tot);
	if (!last)
		return NULL;
	whole = rxr->first;
	rxr->first = NULL;
	rxr->skip = false;
	return whole;
}

static int kwl_xsk_clean(struct kwl_rx_ring *rxr, int budget)
{
	struct kwl_rx_totals tot = {};
	struct kwl_xdp_poll poll __uninitialized;
	int done = 0;

	kwl_xdp_poll_begin(&poll, READ_ONCE(rxr->prog));
	while (done < budget && rxr->ntc != rxr->ntu) {
		u32 slot = rxr->ntc & rxr->mask;
		const struct kwl_rx_wb *wb = &rxr->desc[slot].wb;
		u32 status = le32_to_cpu(READ_ONCE(wb->status));
		struct xdp_buff *xdp = rxr->xdp[slot];
		bool last = status & KWL_RXD_EOP;

		if (!(status & KWL_RXD_DD))
			break;
		/* DD is written last: no other field before it is seen */
		dma_rmb();

		kwl_xsk_filled(xdp, min_t(u32, le16_to_cpu(wb->len),
					  rxr->buf_len));
		rxr->xdp[slot] = NULL;
		rxr->ntc++;
		done += last;
		if (unlikely(!last || rxr->first || rxr->skip)) {
			xdp = kwl_xsk_collect(rxr, xdp, last, &tot);
			if (!xdp)
				continue;
		}
		rxr->frame.wb = wb;
		rxr->frame.status = status;
		if (unlikely(!kwl_xsk_frame(rxr, &poll, xdp, &tot)))
			break;
	}

	if (done && poll.prog)
		kwl_xdp_poll_end(rxr, &poll);
	if (done || tot.errors)
		kwl_rx_count(rxr, &tot);
	return done;
}

/**
 * struct kwl_xsk_frame - a frame that a socket wants to have sent
 * @data: the frame, in memory that the socket may change at any time
 * @len: bytes in its first descriptor
 * @stamper: the function's, NULL if there is none
 * @meta: what it asks of the hardware
 */
struct kwl_xsk_frame {
	const void *data;
	u32 len;
	struct kwl_stamper *stamper;
	struct kwl_tx_meta meta;
};

/* What is the same in all descriptors of a frame */
struct kwl_xsk_bits {
	u32 cmd;
	u32 olinfo;
};

static struct kwl_stamper *kwl_xsk_stamper(const struct kwl_tx_ring *txr)
{
	return container_of(txr, struct kwl_vector, txr)->port->stamper;
}

/* Where to put a checksum; the socket has put the pseudo header's in place */
static void kwl_xsk_request_csum(u16 start, u16 offset, void *priv)
{
	struct kwl_xsk_frame *frame = priv;
	const struct vlan_ethhdr *eth = frame->data;
	u16 mac_len = ETH_HLEN;
	__be16 proto;

	if (frame->len < VLAN_ETH_HLEN)
		return;
	proto = READ_ONCE(eth->h_vlan_proto);
	if (eth_type_vlan(proto)) {
		proto = READ_ONCE(eth->h_vlan_encapsulated_proto);
		mac_len = VLAN_ETH_HLEN;
	}
	kwl_tx_csum_at(&frame->meta, proto, mac_len, start, offset);
}

static void kwl_xsk_request_stamp(void *priv)
{
	struct kwl_xsk_frame *frame = priv;

	if (kwl_stamp_claim(frame->stamper))
		frame->meta.cmd |= KWL_TXD_TSTAMP;
}

static u64 kwl_xsk_fill_stamp(void *priv)
{
	const u64 *ns = priv;

	return *ns;
}

const struct xsk_tx_metadata_ops kwl_xsk_stamp_ops = {
	.tmo_request_timestamp	= kwl_xsk_request_stamp,
	.tmo_fill_timestamp	= kwl_xsk_fill_stamp,
	.tmo_request_checksum	= kwl_xsk_request_csum,
};

const struct xsk_tx_metadata_ops kwl_xsk_csum_ops = {
	.tmo_request_checksum	= kwl_xsk_request_csum,
};

static void kwl_xsk_tell_time(struct xsk_tx_metadata_compl *compl, u64 ns)
{
	xsk_tx_metadata_complete(compl, &kwl_xsk_stamp_ops, &ns);
}

/* The frame that is queued next has the claim, see struct kwl_stamper */
static void kwl_xsk_await_stamp(struct kwl_tx_ring *txr,
				const struct xsk_tx_metadata_compl *compl)
{
	struct kwl_stamper *stamper = kwl_xsk_stamper(txr);

	stamper->at = txr->ntu;
	stamper->compl = *compl;
	stamper->claimed = ktime_get_boottime();
	stamper->fetched = 0;
	txr->stamping = true;
}

static void kwl_xsk_unclaim(struct kwl_tx_ring *txr)
{
	txr->stamping = false;
	clear_bit_unlock(0, &kwl_xsk_stamper(txr)->busy);
}

/**
 * kwl_xsk_take_stamp() - tell a socket when its frame has left
 * @txr: a ring with a frame that waits for its stamp
 * @ntc: index of the first descriptor of a batch that the device has fetched
 * @last: slot of its last descriptor
 *
 * The socket reads the time when it sees that the frame is done, so until there
 * is one the frame is not done.
 *
 * Context: NAPI.
 * Return: false if the batch has the frame, whose stamp is still to come.
 */
bool kwl_xsk_take_stamp(struct kwl_tx_ring *txr, u32 ntc, u32 last)
{
	struct kwl_stamper *stamper = kwl_xsk_stamper(txr);
	u64 ns;

	if (stamper->at - ntc > ((last - ntc) & txr->mask))
		return true;
	if (!stamper->tx(stamper, &ns))
		return false;
	kwl_xsk_tell_time(&stamper->compl, ns);
	kwl_xsk_unclaim(txr);
	return true;
}

/**
 * kwl_xsk_forget_stamp() - no frame of a ring waits for its stamp any more
 * @txr: the ring, its queue stopped on both sides
 *
 * Context: Process.
 */
void kwl_xsk_forget_stamp(struct kwl_tx_ring *txr)
{
	struct kwl_stamper *stamper = kwl_xsk_stamper(txr);
	u64 ns;

	if (likely(!txr->stamping))
		return;
	/* It may have left just now: nobody else is to find its stamp */
	if (!stamper->tx(stamper, &ns))
		atomic64_inc(&stamper->lost);
	kwl_xsk_tell_time(&stamper->compl, ns);
	kwl_xsk_unclaim(txr);
}

/* What a frame asks for, if anything, for all of its descriptors */
static noinline void kwl_xsk_ask(struct kwl_tx_ring *txr,
				 struct xsk_buff_pool *pool,
				 const struct xdp_desc *desc,
				 struct kwl_xsk_bits *bits)
{
	struct kwl_xsk_frame frame = {
		.data = xsk_buff_raw_get_data(pool, desc->addr),
		.len = desc->len,
		.stamper = kwl_xsk_stamper(txr),
	};
	struct kwl_tx_buf *buf = &txr->buf[txr->ntu & txr->mask];
	struct xsk_tx_metadata_compl compl;
	u32 ntu;

	kwl_xsk_tx_request(pool, desc, txr->txq->dev->xsk_tx_metadata_ops,
			   &compl, &frame);
	ntu = kwl_tx_put_ctx(txr, txr->ntu, &frame.meta);
	if (ntu != txr->ntu) {
		buf->kind = KWL_TX_XSK;
		buf->ctx = true;
		buf->bytes = 0;
		buf->segs = 0;
		WRITE_ONCE(txr->ntu, ntu);
	}
	if (frame.meta.cmd & KWL_TXD_TSTAMP)
		kwl_xsk_await_stamp(txr, &compl);
	else
		kwl_xsk_tell_time(&compl, 0);
	bits->cmd |= frame.meta.cmd;
	bits->olinfo |= frame.meta.olinfo;
}

/* Fill one descriptor; a frame can have several */
static void kwl_xsk_queue(struct kwl_tx_ring *txr, struct xsk_buff_pool *pool,
			  const struct xdp_desc *desc,
			  const struct kwl_xsk_bits *bits)
{
	dma_addr_t dma = xsk_buff_raw_get_dma(pool, desc->addr);
	u32 slot = txr->ntu & txr->mask, cmd = bits->cmd;
	struct kwl_tx_data *data = &txr->desc[slot].data;
	struct kwl_tx_buf *buf = &txr->buf[slot];

	xsk_buff_raw_dma_sync_for_device(pool, dma, desc->len);
	buf->mapped = false;
	buf->kind = KWL_TX_XSK;
	buf->ctx = false;
	buf->bytes = desc->len;
	buf->segs = xsk_is_eop_desc(desc);
	if (buf->segs)
		cmd |= KWL_TXD_EOP;

	data->addr = cpu_to_le64(dma);
	data->cmd = cpu_to_le32(cmd | FIELD_PREP(KWL_TXD_LEN, desc->len));
	data->olinfo = cpu_to_le32(bits->olinfo);
	WRITE_ONCE(txr->ntu, txr->ntu + 1);
}

/* The length of a frame goes into its first descriptor, and so into all */
static u32 kwl_xsk_frame_len(const struct xdp_desc *desc, u32 left)
{
	u32 len = desc->len;

	while (--left && !xsk_is_eop_desc(desc))
		len += (++desc)->len;
	return len;
}

/* The first descriptor of a frame */
static void kwl_xsk_begin(struct kwl_tx_ring *txr, struct xsk_buff_pool *pool,
			  const struct xdp_desc *desc, u32 left,
			  struct kwl_xsk_bits *bits)
{
	bits->cmd = KWL_TXD_CMD_DATA;
	bits->olinfo = FIELD_PREP(KWL_TXD_PAYLEN,
				  kwl_xsk_frame_len(desc, left));
	if (unlikely(pool->tx_metadata_len))
		kwl_xsk_ask(txr, pool, desc, bits);
}

/* Take frames from the socket; false if there may be more */
static bool kwl_xsk_xmit(struct kwl_vector *vec)
{
	struct kwl_tx_ring *txr = &vec->txr;
	const struct xdp_desc *descs;
	struct kwl_xsk_bits bits = {};
	bool first = true;
	u32 i, n;

	__netif_tx_lock(txr->txq, smp_processor_id());
	n = kwl_tx_room(txr);
	/* Each frame may ask for something, and have one more descriptor */
	if (unlikely(vec->xsk->tx_metadata_len))
		n /= 2;
	n = min_t(u32, n, KWL_XSK_BURST);
	if (unlikely(!txr->live || !netif_carrier_ok(vec->port->netdev)))
		n = 0;
	if (n)
		n = xsk_tx_peek_release_desc_batch(vec->xsk, n);
	if (n) {
		/* A batch is all of one kind */
		if (unlikely(txr->rung != txr->ntu))
			kwl_tx_ring_doorbell(txr);
		descs = vec->xsk->tx_descs;
		for (i = 0; i < n; i++) {
			if (first)
				kwl_xsk_begin(txr, vec->xsk, &descs[i], n - i,
					      &bits);
			kwl_xsk_queue(txr, vec->xsk, &descs[i], &bits);
			first = xsk_is_eop_desc(&descs[i]);
		}
		txq_trans_cond_update(txr->txq);
		kwl_tx_maybe_stop(txr);
		kwl_tx_ring_doorbell(txr);
	}
	__netif_tx_unlock(txr->txq);
	return n < KWL_XSK_BURST;
}

/**
 * kwl_xsk_finish() - tell a socket that a batch of its frames is sent
 * @txr: the ring
 * @ntc: index of its first descriptor
 * @last: slot of its last descriptor
 * @tot: sums of what has been given back
 *
 * Context: NAPI with a budget, or the ring is stopped.
 * Return: The index after the batch.
 */
u32 kwl_xsk_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last,
		   struct kwl_tx_totals *tot)
{
	const struct kwl_vector *vec = container_of(txr, struct kwl_vector, txr);
	u32 begin = ntc, given = 0, slot;

	do {
		struct kwl_tx_buf *buf;

		slot = ntc++ & txr->mask;
		buf = &txr->buf[slot];
		/* Sent or not: the socket counts what it gets back */
		given += !buf->ctx;
		tot->xdp += buf->segs;
		tot->xdp_bytes += buf->bytes;
		buf->kind = KWL_TX_SKB;
	} while (slot != last);
	tot->frames += ntc - begin;
	xsk_tx_completed(vec->xsk, given);
	return ntc;
}

/**
 * kwl_xsk_poll() - the part of a poll that concerns a socket
 * @vec: the queue pair
 * @budget: most frames to receive
 * @clean: becomes false if there may be more to do
 *
 * Context: NAPI.
 * Return: Frames received.
 */
int kwl_xsk_poll(struct kwl_vector *vec, int budget, bool *clean)
{
	struct xsk_buff_pool *pool = vec->xsk;
	int done = kwl_xsk_clean(&vec->rxr, budget);
	bool enough = kwl_xsk_refill(vec);

	if (!kwl_xsk_xmit(vec))
		*clean = false;
	if (!xsk_uses_need_wakeup(pool)) {
		/* Nobody will say when there are buffers again */
		*clean &= enough;
		return done;
	}
	if (enough)
		xsk_clear_rx_need_wakeup(pool);
	else
		xsk_set_rx_need_wakeup(pool);
	xsk_set_tx_need_wakeup(pool);
	return done;
}

/**
 * kwl_xsk_wakeup() - ndo_xsk_wakeup of every kawela interface
 * @netdev: an interface whose private area starts with struct kwl_port
 * @queue: queue pair of the socket
 * @flags: for receive, transmit or both: a poll does both
 *
 * Context: Process, under RCU.
 * Return: 0, -ENETDOWN while the queue does not run, -EINVAL if no socket has
 *	it.
 */
int kwl_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_vector *vec;

	if (queue >= port->num_vec)
		return -EINVAL;
	vec = port->vec[queue];
	if (!READ_ONCE(vec->txr.live))
		return -ENETDOWN;
	if (!READ_ONCE(vec->xsk))
		return -EINVAL;
	if (!napi_if_scheduled_mark_missed(&vec->napi)) {
		local_bh_disable();
		napi_schedule(&vec->napi);
		local_bh_enable();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_xsk_wakeup);

/**
 * kwl_xsk_in_use() - has a socket any of the last queues?
 * @port: the function
 * @from: the first of them
 *
 * Context: Control locked (lock.h).
 * Return: true if one has.
 */
bool kwl_xsk_in_use(const struct kwl_port *port, u16 from)
{
	u16 i;

	for (i = from; i < port->num_vec; i++)
		if (port->vec[i]->xsk)
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(kwl_xsk_in_use);

/* Pages do not go with the memory of a socket: the ring starts empty */
static void kwl_xsk_drop_pages(struct kwl_rx_ring *rxr)
{
	u32 slot;

	for (slot = 0; slot <= rxr->mask; slot++) {
		if (rxr->page[slot])
			page_pool_put_full_page(rxr->pool, rxr->page[slot],
						false);
		rxr->page[slot] = NULL;
	}
}

/* Have a queue pair work on the memory of a socket, or on pages again */
static int kwl_xsk_switch(struct kwl_vector *vec, struct xsk_buff_pool *pool)
{
	struct kwl_port *port = vec->port;
	bool running = port->qset;

	if (running)
		kwl_queue_pause(port, vec->idx);
	if (pool) {
		if (running)
			kwl_xsk_drop_pages(&vec->rxr);
		xsk_pool_set_rxq_info(pool, &vec->rxr.rxq);
	}
	vec->xsk = pool;
	return running ? kwl_queue_resume(port, vec->idx) : 0;
}

static int kwl_xsk_enable(struct kwl_vector *vec, struct xsk_buff_pool *pool)
{
	struct net_device *netdev = vec->port->netdev;
	int err;

	if (vec->port->cfg.split) {
		netdev_info(netdev,
			    "no zero copy while headers are split from data (tcp-data-split)\n");
		return -EOPNOTSUPP;
	}
	if (!kwl_xsk_buf_len(pool) || !kwl_xsk_fits(pool, netdev->mtu)) {
		netdev_info(netdev,
			    "no zero copy into chunks of %u bytes: the card fills whole KiB, %u of them here\n",
			    xsk_pool_get_chunk_size(pool),
			    kwl_xsk_buf_len(pool) / SZ_1K);
		return -EOPNOTSUPP;
	}
	err = xsk_pool_dma_map(pool, vec->port->hw->dev, 0);
	if (err)
		return err;
	err = kwl_xsk_switch(vec, pool);
	if (err) {
		vec->xsk = NULL;
		xsk_pool_dma_unmap(pool, 0);
	}
	return err;
}

/**
 * kwl_xsk_set_pool() - give a queue pair the memory of a socket, or take it back
 * @port: the function
 * @pool: the memory; NULL to take it back
 * @queue: the queue pair
 *
 * The queue pair stops for a moment, the others do not.
 *
 * Context: Process, control locked (lock.h).
 * Return: 0 or a negative errno.
 */
int kwl_xsk_set_pool(struct kwl_port *port, struct xsk_buff_pool *pool,
		     u16 queue)
{
	struct xsk_buff_pool *old;
	struct kwl_vector *vec;

	if (queue >= port->num_vec)
		return -EINVAL;
	vec = port->vec[queue];
	/* Frames of other interfaces have no business in a socket's memory */
	if (pool && vec->rxr.demux)
		return -EBUSY;
	if (pool)
		return queue < port->netdev->real_num_rx_queues ?
		       kwl_xsk_enable(vec, pool) : -EINVAL;

	old = vec->xsk;
	if (!old)
		return -EINVAL;
	/* If the queue does not start again that is for the owner to mend */
	kwl_xsk_switch(vec, NULL);
	xsk_pool_dma_unmap(old, 0);
	return 0;
}
