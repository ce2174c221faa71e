// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP: programs on received frames, and frames from programs. A program sees
 * all queues; it comes and goes without the queues noticing, because buffers
 * always have the headroom and a mapping for both directions.
 *
 * Frames from programs share the transmit queues, and so the locks, with the
 * stack: a VF has no queues to spare. The lock is taken once for a burst.
 */
#include <linux/bitfield.h>
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#include "rx.h"
#include "tx.h"
#include "xdp.h"

/* Most descriptors of a frame from a socket: nothing in the card limits it */
#define KWL_XDP_ZC_MAX_SEGS	MAX_SKB_FRAGS

/* Largest MTU whose frames, with two tags, come in one buffer */
#define KWL_XDP_MAX_MTU	(KWL_RX_BUF_LEN - ETH_HLEN - 2 * VLAN_HLEN)

/* Bytes behind the frame that are its own */
static u32 kwl_xdp_tailroom(const struct xdp_frame *xdpf)
{
	return (void *)xdp_get_shared_info_from_frame(xdpf) -
	       (xdpf->data + xdpf->len);
}

/* As kwl_tx_pad() does for the stack */
static bool kwl_xdp_pad(struct xdp_frame *xdpf)
{
	u32 missing = ETH_ZLEN - xdpf->len;

	if (xdpf->len < ETH_HLEN || kwl_xdp_tailroom(xdpf) < missing)
		return false;
	memset(xdpf->data + xdpf->len, 0, missing);
	xdpf->len = ETH_ZLEN;
	return true;
}

/* A page of our own pool has its mapping; make the device see its contents */
static dma_addr_t kwl_xdp_sync(struct kwl_tx_ring *txr, struct page *page,
			       u32 offset, u32 len)
{
	dma_addr_t dma = page_pool_get_dma_addr(page) + offset;

	dma_sync_single_for_device(txr->dev, dma, len, DMA_BIDIRECTIONAL);
	return dma;
}

/* Queue a frame that this vector has received; returns the new ntu */
static u32 kwl_xdp_put_own(struct kwl_tx_ring *txr,
			   const struct xdp_frame *xdpf, u32 olinfo)
{
	const struct skb_shared_info *sinfo;
	dma_addr_t dma;
	u32 ntu;
	int i;

	dma = kwl_xdp_sync(txr, virt_to_page(xdpf->data),
			   offset_in_page(xdpf->data), xdpf->len);
	ntu = kwl_tx_put_data(txr, txr->ntu, dma, xdpf->len, false,
			      KWL_TXD_CMD_DATA, olinfo);
	if (likely(!xdp_frame_has_frags(xdpf)))
		return ntu;

	sinfo = xdp_get_shared_info_from_frame(xdpf);
	for (i = 0; i < sinfo->nr_frags; i++) {
		const skb_frag_t *frag = &sinfo->frags[i];

		dma = kwl_xdp_sync(txr, skb_frag_page(frag),
				   skb_frag_off(frag), skb_frag_size(frag));
		ntu = kwl_tx_put_data(txr, ntu, dma, skb_frag_size(frag),
				      false, KWL_TXD_CMD_DATA, olinfo);
	}
	return ntu;
}

/* The same for a frame from elsewhere; returns the old ntu if it has failed */
static u32 kwl_xdp_put_foreign(struct kwl_tx_ring *txr,
			       const struct xdp_frame *xdpf, u32 olinfo)
{
	const struct skb_shared_info *sinfo;
	u32 ntu = txr->ntu;
	dma_addr_t dma;
	int i;

	dma = kwl_tx_dma_map(txr, xdpf->data, xdpf->len);
	if (dma_mapping_error(txr->dev, dma))
		return ntu;
	ntu = kwl_tx_put_data(txr, ntu, dma, xdpf->len, true,
			      KWL_TXD_CMD_DATA, olinfo);
	if (likely(!xdp_frame_has_frags(xdpf)))
		return ntu;

	sinfo = xdp_get_shared_info_from_frame(xdpf);
	for (i = 0; i < sinfo->nr_frags; i++) {
		const skb_frag_t *frag = &sinfo->frags[i];

		dma = skb_frag_dma_map(txr->dev, frag, 0, skb_frag_size(frag),
				       DMA_TO_DEVICE);
		if (dma_mapping_error(txr->dev, dma)) {
			kwl_tx_undo(txr, ntu);
			return txr->ntu;
		}
		ntu = kwl_tx_put_data(txr, ntu, dma, skb_frag_size(frag),
				      true, KWL_TXD_CMD_DATA, olinfo);
	}
	return ntu;
}

/* Descriptors a frame takes */
static u32 kwl_xdp_slots(const struct xdp_frame *xdpf)
{
	if (likely(!xdp_frame_has_frags(xdpf)))
		return DIV_ROUND_UP(xdpf->len, KWL_TX_CHUNK);
	/* The linear part is less than a page; no fragment is over 64 KiB */
	return 1 + xdp_get_shared_info_from_frame(xdpf)->nr_frags *
		   (SZ_64K / KWL_TX_CHUNK);
}

/* Fill descriptors for one frame; false if it cannot be sent now */
static bool kwl_xdp_queue(struct kwl_tx_ring *txr, struct xdp_frame *xdpf,
			  bool own)
{
	struct kwl_tx_buf *first = &txr->buf[txr->ntu & txr->mask];
	u32 len = xdp_get_frame_len(xdpf);
	u32 ntu, olinfo;

	if (unlikely(kwl_tx_room(txr) < kwl_xdp_slots(xdpf)))
		return false;
	if (unlikely(len < ETH_ZLEN)) {
		if (!kwl_xdp_pad(xdpf))
			return false;
		len = ETH_ZLEN;
	}

	olinfo = FIELD_PREP(KWL_TXD_PAYLEN, len);
	if (own)
		ntu = kwl_xdp_put_own(txr, xdpf, olinfo);
	else
		ntu = kwl_xdp_put_foreign(txr, xdpf, olinfo);
	if (unlikely(ntu == txr->ntu))
		return false;

	txr->desc[(ntu - 1) & txr->mask].data.cmd |= cpu_to_le32(KWL_TXD_EOP);
	first->xdpf = xdpf;
	first->bytes = len;
	first->kind = KWL_TX_XDP;
	WRITE_ONCE(txr->ntu, ntu);
	return true;
}

/* Send frames with one doorbell; returns how many the ring has taken */
static int kwl_xdp_send(struct kwl_tx_ring *txr, struct xdp_frame **frames,
			int n, bool own)
{
	int sent = 0;

	__netif_tx_lock(txr->txq, smp_processor_id());
	if (likely(txr->live)) {
		/* A batch is all of one kind */
		if (unlikely(txr->rung != txr->ntu))
			kwl_tx_ring_doorbell(txr);
		while (sent < n && kwl_xdp_queue(txr, frames[sent], own))
			sent++;
	}
	if (likely(sent)) {
		txq_trans_cond_update(txr->txq);
		kwl_tx_maybe_stop(txr);
		kwl_tx_ring_doorbell(txr);
	}
	__netif_tx_unlock(txr->txq);
	return sent;
}

/**
 * kwl_xdp_finish() - give back one batch of frames from programs
 * @txr: the ring
 * @ntc: index of its first descriptor
 * @last: slot of its last descriptor
 * @tot: sums of what has been given back
 *
 * Context: NAPI with a budget, or the ring is stopped.
 * Return: The index after the batch.
 */
u32 kwl_xdp_finish(struct kwl_tx_ring *txr, u32 ntc, u32 last,
		   struct kwl_tx_totals *tot)
{
	struct xdp_frame_bulk bulk;
	u32 slot;

	local_bh_disable();
	rcu_read_lock();
	xdp_frame_bulk_init(&bulk);
	do {
		struct kwl_tx_buf *buf;

		slot = ntc++ & txr->mask;
		buf = &txr->buf[slot];
		/* Before the frame: its memory may be gone with it */
		kwl_tx_unmap(txr, buf);
		if (buf->xdpf) {
			tot->frames++;
			tot->xdp++;
			tot->xdp_bytes += buf->bytes;
			xdp_return_frame_bulk(buf->xdpf, &bulk);
			buf->xdpf = NULL;
		}
		buf->kind = KWL_TX_SKB;
	} while (slot != last);
	xdp_flush_frame_bulk(&bulk);
	rcu_read_unlock();
	local_bh_enable();
	return ntc;
}

/**
 * kwl_xdp_xmit() - ndo_xdp_xmit of every kawela interface
 * @netdev: an interface whose private area starts with struct kwl_port
 * @n: entries in @frames
 * @frames: what programs elsewhere have redirected to here
 * @flags: XDP_XMIT_FLUSH or not: the doorbell comes either way
 *
 * Context: NAPI of another device, or like it; bottom halves off.
 * Return: How many frames have been taken, or -EINVAL or -ENETDOWN.
 */
int kwl_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		 u32 flags)
{
	struct kwl_port *port = netdev_priv(netdev);
	u32 queue;

	if (unlikely(flags & ~XDP_XMIT_FLAGS_MASK))
		return -EINVAL;
	if (unlikely(!netif_carrier_ok(netdev)))
		return -ENETDOWN;
	queue = smp_processor_id() % READ_ONCE(netdev->real_num_tx_queues);
	return kwl_xdp_send(&port->vec[queue]->txr, frames, n, false);
}
EXPORT_SYMBOL_GPL(kwl_xdp_xmit);

static void kwl_xdp_flush_tx(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll)
{
	struct kwl_vector *vec = container_of(rxr, struct kwl_vector, rxr);
	u32 i, sent;

	/* What came into the memory of a socket has been copied */
	sent = kwl_xdp_send(&vec->txr, poll->tx, poll->num_tx, !vec->xsk);
	for (i = sent; i < poll->num_tx; i++)
		xdp_return_frame_rx_napi(poll->tx[i]);
	poll->stats[KWL_XDP_TX] += sent;
	poll->stats[KWL_XDP_TX_FULL] += poll->num_tx - sent;
	poll->num_tx = 0;
}

/**
 * kwl_xdp_send_back() - send a received frame, with others of its poll
 * @rxr: the ring
 * @poll: the poll
 * @xdp: the frame
 *
 * Context: NAPI.
 * Return: false if the frame is still the caller's.
 */
bool kwl_xdp_send_back(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
		       struct xdp_buff *xdp)
{
	struct xdp_frame *xdpf = xdp_convert_buff_to_frame(xdp);

	if (unlikely(!xdpf))
		return false;
	poll->tx[poll->num_tx++] = xdpf;
	if (unlikely(poll->num_tx == KWL_XDP_BULK))
		kwl_xdp_flush_tx(rxr, poll);
	return true;
}

/**
 * kwl_xdp_exception() - a program's word that cannot be followed, or no word
 * @rxr: the ring
 * @poll: the poll
 * @act: what the program has returned
 *
 * Context: NAPI. The frame stays the caller's.
 */
void kwl_xdp_exception(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll,
		       u32 act)
{
	if (act > XDP_REDIRECT)
		bpf_warn_invalid_xdp_action(rxr->netdev, poll->prog, act);
	trace_xdp_exception(rxr->netdev, poll->prog, act);
	poll->stats[KWL_XDP_ERROR]++;
}

/**
 * kwl_xdp_obey() - do what a program says of the frame that has been received
 * @rxr: the ring
 * @poll: the poll
 * @act: what it says; not XDP_PASS
 *
 * Context: NAPI.
 * Return: true if somebody else has the frame now, false if nobody wants it.
 */
bool kwl_xdp_obey(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll, u32 act)
{
	struct xdp_buff *xdp = &rxr->frame.xdp;

	switch (act) {
	case XDP_TX:
		if (unlikely(!kwl_xdp_send_back(rxr, poll, xdp)))
			break;
		return true;
	case XDP_REDIRECT:
		if (unlikely(xdp_do_redirect(rxr->netdev, xdp, poll->prog)))
			break;
		poll->stats[KWL_XDP_REDIRECT]++;
		return true;
	case XDP_DROP:
		poll->stats[KWL_XDP_DROP]++;
		return false;
	default:
		break;
	}
	kwl_xdp_exception(rxr, poll, act);
	return false;
}

/**
 * kwl_xdp_poll_end() - send and count what the programs of a poll have decided
 * @rxr: the ring
 * @poll: the poll, with a program
 *
 * Context: NAPI.
 */
void kwl_xdp_poll_end(struct kwl_rx_ring *rxr, struct kwl_xdp_poll *poll)
{
	struct kwl_rx_stats *stats = &rxr->stats;
	int i;

	if (poll->num_tx)
		kwl_xdp_flush_tx(rxr, poll);
	if (poll->stats[KWL_XDP_REDIRECT])
		xdp_do_flush();

	u64_stats_update_begin(&stats->syncp);
	for (i = 0; i < KWL_NUM_XDP; i++)
		u64_stats_add(&stats->xdp[i], poll->stats[i]);
	u64_stats_update_end(&stats->syncp);
}

static struct kwl_rx_ring *kwl_xdp_md_ring(const struct xdp_md *ctx)
{
	const struct xdp_buff *xdp = (const struct xdp_buff *)ctx;

	return container_of(xdp->rxq, struct kwl_rx_ring, rxq);
}

static int kwl_xdp_rx_timestamp(const struct xdp_md *ctx, u64 *timestamp)
{
	struct kwl_rx_ring *rxr = kwl_xdp_md_ring(ctx);

	if (!(rxr->frame.status & KWL_RXD_TS))
		return -ENODATA;
	*timestamp = kwl_rx_stamp(rxr);
	return *timestamp ? 0 : -ENODATA;
}

static const enum xdp_rss_hash_type kwl_xdp_rss_types[] = {
	[KWL_RSS_NONE]		= XDP_RSS_TYPE_NONE,
	[KWL_RSS_TCP4]		= XDP_RSS_TYPE_L4_IPV4_TCP,
	[KWL_RSS_IP4]		= XDP_RSS_TYPE_L3_IPV4,
	[KWL_RSS_TCP6]		= XDP_RSS_TYPE_L4_IPV6_TCP,
	[KWL_RSS_IP6_EX]	= XDP_RSS_TYPE_L3_IPV6_EX,
	[KWL_RSS_IP6]		= XDP_RSS_TYPE_L3_IPV6,
	[KWL_RSS_TCP6_EX]	= XDP_RSS_TYPE_L4_IPV6_TCP_EX,
	[KWL_RSS_UDP4]		= XDP_RSS_TYPE_L4_IPV4_UDP,
	[KWL_RSS_UDP6]		= XDP_RSS_TYPE_L4_IPV6_UDP,
	[KWL_RSS_UDP6_EX]	= XDP_RSS_TYPE_L4_IPV6_UDP_EX,
};

static int kwl_xdp_rx_hash(const struct xdp_md *ctx, u32 *hash,
			   enum xdp_rss_hash_type *rss_type)
{
	const struct kwl_rx_ring *rxr = kwl_xdp_md_ring(ctx);
	const struct kwl_rx_wb *wb = rxr->frame.wb;
	u32 type = FIELD_GET(KWL_RXD_INFO_RSS_TYPE, le32_to_cpu(wb->info));

	if (!(rxr->netdev->features & NETIF_F_RXHASH) ||
	    type == KWL_RSS_NONE || type >= ARRAY_SIZE(kwl_xdp_rss_types))
		return -ENODATA;
	*hash = le32_to_cpu(wb->hash);
	*rss_type = kwl_xdp_rss_types[type];
	return 0;
}

static int kwl_xdp_rx_vlan_tag(const struct xdp_md *ctx, __be16 *vlan_proto,
			       u16 *vlan_tci)
{
	const struct kwl_rx_ring *rxr = kwl_xdp_md_ring(ctx);
	u16 tci;

	if (!(rxr->frame.status & KWL_RXD_VP))
		return -ENODATA;
	tci = le16_to_cpu(rxr->frame.wb->vlan);
	if (rxr->vlans && !test_bit(tci & VLAN_VID_MASK, rxr->vlans))
		return -ENODATA;
	*vlan_proto = htons(ETH_P_8021Q);
	*vlan_tci = tci;
	return 0;
}

/* Of a PF, which has a clock and spreads its frames */
static const struct xdp_metadata_ops kwl_xdp_all_metadata_ops = {
	.xmo_rx_timestamp	= kwl_xdp_rx_timestamp,
	.xmo_rx_hash		= kwl_xdp_rx_hash,
	.xmo_rx_vlan_tag	= kwl_xdp_rx_vlan_tag,
};

static const struct xdp_metadata_ops kwl_xdp_tag_metadata_ops = {
	.xmo_rx_vlan_tag	= kwl_xdp_rx_vlan_tag,
};

/* Frames of others can always be sent; programs take those received whole */
static xdp_features_t kwl_xdp_features(const struct kwl_port *port)
{
	xdp_features_t features = NETDEV_XDP_ACT_NDO_XMIT |
				  NETDEV_XDP_ACT_NDO_XMIT_SG;

	if (!port->cfg.split)
		features |= NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT |
			    NETDEV_XDP_ACT_RX_SG |
			    NETDEV_XDP_ACT_XSK_ZEROCOPY;
	return features;
}

/**
 * kwl_xdp_update() - say what an interface offers after a change
 * @port: the function
 *
 * Context: Control locked (lock.h).
 */
void kwl_xdp_update(struct kwl_port *port)
{
	xdp_set_features_flag_locked(port->netdev, kwl_xdp_features(port));
}
EXPORT_SYMBOL_GPL(kwl_xdp_update);

/**
 * kwl_xdp_init() - say what an interface offers to XDP programs
 * @netdev: an interface whose private area starts with struct kwl_port, not
 *	registered
 *
 * Programs are told hash and time of a frame, and sockets when theirs have
 * left, if the interface can have NETIF_F_RXHASH: who has the one has the other.
 *
 * Context: Any.
 */
void kwl_xdp_init(struct net_device *netdev)
{
	netdev->xdp_features = kwl_xdp_features(netdev_priv(netdev));
	netdev->xdp_zc_max_segs = KWL_XDP_ZC_MAX_SEGS;
	if (netdev->hw_features & NETIF_F_RXHASH) {
		netdev->xsk_tx_metadata_ops = &kwl_xsk_stamp_ops;
		netdev->xdp_metadata_ops = &kwl_xdp_all_metadata_ops;
	} else {
		netdev->xsk_tx_metadata_ops = &kwl_xsk_csum_ops;
		netdev->xdp_metadata_ops = &kwl_xdp_tag_metadata_ops;
	}
}
EXPORT_SYMBOL_GPL(kwl_xdp_init);

static bool kwl_xdp_fits(const struct bpf_prog *prog, int mtu)
{
	return !prog || prog->aux->xdp_has_frags || mtu <= KWL_XDP_MAX_MTU;
}

/**
 * kwl_xdp_check_mtu() - is the program fit for a new MTU?
 * @port: the function
 * @mtu: the MTU that is asked for
 *
 * Context: Control locked (lock.h).
 * Return: 0, or -EINVAL for a program, or a socket, that cannot take frames in
 *	fragments.
 */
int kwl_xdp_check_mtu(struct kwl_port *port, int mtu)
{
	u16 i;

	if (!kwl_xdp_fits(port->prog, mtu)) {
		netdev_err(port->netdev,
			   "the XDP program takes no fragments: MTU %d is the limit\n",
			   (int)KWL_XDP_MAX_MTU);
		return -EINVAL;
	}
	for (i = 0; i < port->num_vec; i++) {
		if (kwl_xsk_fits(port->vec[i]->xsk, mtu))
			continue;
		netdev_err(port->netdev,
			   "frames would not fit into the buffers of the AF_XDP socket on queue %u\n",
			   i);
		return -EINVAL;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_xdp_check_mtu);

/* What a poll has begun with the old program it ends with it */
static int kwl_xdp_set_prog(struct kwl_port *port, struct bpf_prog *prog,
			    struct netlink_ext_ack *extack)
{
	struct bpf_prog *old;
	u16 i;

	if (prog && port->cfg.split) {
		NL_SET_ERR_MSG_MOD(extack,
				   "no XDP while headers are split from data: turn tcp-data-split off first");
		return -EBUSY;
	}
	if (!kwl_xdp_fits(prog, port->netdev->mtu)) {
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "a program that takes no fragments needs an MTU of at most %d",
				       (int)KWL_XDP_MAX_MTU);
		return -EINVAL;
	}
	old = port->prog;
	port->prog = prog;
	for (i = 0; i < port->num_vec; i++)
		WRITE_ONCE(port->vec[i]->rxr.prog, prog);
	if (old)
		bpf_prog_put(old);
	return 0;
}

/**
 * kwl_bpf() - ndo_bpf of every kawela interface
 * @netdev: an interface whose private area starts with struct kwl_port
 * @bpf: the request
 *
 * Context: Control locked (lock.h).
 * Return: 0 or a negative errno.
 */
int kwl_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	struct kwl_port *port = netdev_priv(netdev);

	switch (bpf->command) {
	case XDP_SETUP_PROG:
		return kwl_xdp_set_prog(port, bpf->prog, bpf->extack);
	case XDP_SETUP_XSK_POOL:
		return kwl_xsk_set_pool(port, bpf->xsk.pool,
					bpf->xsk.queue_id);
	default:
		return -EINVAL;
	}
}
EXPORT_SYMBOL_GPL(kwl_bpf);
