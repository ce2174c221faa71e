// SPDX-License-Identifier: GPL-2.0-only
/* Queue memory: descriptors, bookkeeping, page pools, receive buffers. */
#include <linux/dma-mapping.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <net/page_pool/helpers.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

static int kwl_qset_alloc_tx(struct kwl_port *port, struct kwl_queue_mem *q,
			     u16 count)
{
	q->tx_buf = kvcalloc(count, sizeof(*q->tx_buf), GFP_KERNEL);
	if (!q->tx_buf)
		return -ENOMEM;

	q->tx_desc = dma_alloc_coherent(port->hw->dev, count * KWL_DESC_SIZE,
					&q->tx_dma, GFP_KERNEL);
	return q->tx_desc ? 0 : -ENOMEM;
}

static struct page_pool *kwl_qset_create_pool(struct kwl_port *port, u16 idx,
					      const struct kwl_queue_cfg *cfg)
{
	struct page_pool_params params = {
		.flags		= PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size	= cfg->rx_count,
		.nid		= dev_to_node(port->hw->dev),
		.dev		= port->hw->dev,
		/* XDP sends from where it has received, from one frame to the next */
		.dma_dir	= DMA_BIDIRECTIONAL,
		.max_len	= KWL_RX_BUF_LEN,
		.offset		= KWL_RX_HEADROOM,
		.netdev		= port->netdev,
		.queue_idx	= idx,
	};

	if (cfg->split) {
		/* Nobody looks into it, so it may be anybody's memory */
		params.flags |= PP_FLAG_ALLOW_UNREADABLE_NETMEM;
		params.dma_dir = DMA_FROM_DEVICE;
		params.max_len = KWL_SPLIT_BUF_LEN;
		params.offset = 0;
	}
	return page_pool_create(&params);
}

/*
 * One slot stays empty, see kwl_rx_refill(). Not with GFP_KERNEL: a pool that
 * maps pages may then sleep with bottom halves off, in its index of them, when
 * memory is short.
 */
static int kwl_qset_fill(struct kwl_queue_mem *q, u16 count)
{
	int i;

	for (i = 0; i < count - 1; i++) {
		q->rx_buf[i] = page_pool_dev_alloc_netmems(q->pool);
		if (!q->rx_buf[i])
			return -ENOMEM;
	}
	return 0;
}

static int kwl_qset_alloc_rx(struct kwl_port *port, struct kwl_queue_mem *q,
			     u16 idx, const struct kwl_queue_cfg *cfg)
{
	u16 count = cfg->rx_count;
	struct page_pool *pool;
	int err;

	q->rx_buf = kvcalloc(count, sizeof(*q->rx_buf), GFP_KERNEL);
	if (!q->rx_buf)
		return -ENOMEM;

	q->rx_desc = dma_alloc_coherent(port->hw->dev, count * KWL_DESC_SIZE,
					&q->rx_dma, GFP_KERNEL);
	if (!q->rx_desc)
		return -ENOMEM;

	if (cfg->split) {
		q->rx_hdr = dma_alloc_coherent(port->hw->dev,
					       count * KWL_SPLIT_HDR_LEN,
					       &q->rx_hdr_dma, GFP_KERNEL);
		if (!q->rx_hdr)
			return -ENOMEM;
	}

	pool = kwl_qset_create_pool(port, idx, cfg);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = xdp_reg_page_pool(pool);
	if (err) {
		page_pool_destroy(pool);
		return err;
	}
	q->pool = pool;

	/* The queue takes its buffers from the socket, when it starts */
	return port->vec[idx]->xsk ? 0 : kwl_qset_fill(q, count);
}

/**
 * kwl_queue_free_rx() - free the receive memory of one queue pair
 * @port: the function
 * @q: the memory, which no queue uses any more; may be incomplete
 * @count: descriptors that it is for
 *
 * Context: Process, may sleep.
 */
void kwl_queue_free_rx(struct kwl_port *port, struct kwl_queue_mem *q,
		       u16 count)
{
	int i;

	if (q->pool) {
		for (i = 0; i < count; i++)
			if (q->rx_buf[i])
				page_pool_put_full_netmem(q->pool, q->rx_buf[i],
							  false);
		xdp_unreg_page_pool(q->pool);
		page_pool_destroy(q->pool);
	}
	if (q->rx_desc)
		dma_free_coherent(port->hw->dev, count * KWL_DESC_SIZE,
				  q->rx_desc, q->rx_dma);
	if (q->rx_hdr)
		dma_free_coherent(port->hw->dev, count * KWL_SPLIT_HDR_LEN,
				  q->rx_hdr, q->rx_hdr_dma);
	kvfree(q->rx_buf);
}

/**
 * kwl_queue_alloc_rx() - allocate the receive memory of one queue pair
 * @port: the function
 * @q: gets the memory, buffers included
 * @idx: the queue pair
 * @cfg: length and kind of the ring
 *
 * Context: Process, may sleep; the interface's lock is held.
 * Return: 0, or a negative errno with nothing allocated.
 */
int kwl_queue_alloc_rx(struct kwl_port *port, struct kwl_queue_mem *q, u16 idx,
		       const struct kwl_queue_cfg *cfg)
{
	int err = kwl_qset_alloc_rx(port, q, idx, cfg);

	if (err)
		kwl_queue_free_rx(port, q, cfg->rx_count);
	return err;
}

static void kwl_qset_free_queue(struct kwl_port *port, struct kwl_queue_mem *q,
				const struct kwl_queue_cfg *cfg)
{
	kwl_queue_free_rx(port, q, cfg->rx_count);
	if (q->tx_desc)
		dma_free_coherent(port->hw->dev, cfg->tx_count * KWL_DESC_SIZE,
				  q->tx_desc, q->tx_dma);
	kvfree(q->tx_buf);
}

/**
 * kwl_qset_alloc() - allocate all memory that a queue configuration needs
 * @port: the function; may be running with another set
 * @cfg: number and length of rings
 *
 * Nothing that can fail for want of memory is left for kwl_port_start().
 *
 * Context: Process, may sleep.
 * Return: The set, or ERR_PTR(-ENOMEM) and the like.
 */
struct kwl_qset *kwl_qset_alloc(struct kwl_port *port,
				const struct kwl_queue_cfg *cfg)
{
	struct kwl_qset *qset;
	int err;
	u16 i;

	qset = kzalloc(struct_size(qset, q, cfg->pairs), GFP_KERNEL);
	if (!qset)
		return ERR_PTR(-ENOMEM);
	qset->cfg = *cfg;

	for (i = 0; i < cfg->pairs; i++) {
		err = kwl_qset_alloc_tx(port, &qset->q[i], cfg->tx_count);
		if (!err)
			err = kwl_qset_alloc_rx(port, &qset->q[i], i, cfg);
		if (err) {
			kwl_qset_free(port, qset);
			return ERR_PTR(err);
		}
	}
	return qset;
}
EXPORT_SYMBOL_GPL(kwl_qset_alloc);

/**
 * kwl_qset_free() - free a set that no queue uses any more
 * @port: the function
 * @qset: the set, or NULL
 *
 * Context: Process, may sleep.
 */
void kwl_qset_free(struct kwl_port *port, struct kwl_qset *qset)
{
	u16 i;

	if (!qset)
		return;
	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_qset_free_queue(port, &qset->q[i], &qset->cfg);
	kfree(qset);
}
EXPORT_SYMBOL_GPL(kwl_qset_free);

/**
 * kwl_same_cfg() - is nothing to be changed?
 * @a: one configuration
 * @b: the other one
 *
 * Context: Any.
 * Return: true if they mean the same.
 */
bool kwl_same_cfg(const struct kwl_queue_cfg *a, const struct kwl_queue_cfg *b)
{
	return a->pairs == b->pairs && a->tx_count == b->tx_count &&
	       a->rx_count == b->rx_count && a->split == b->split;
}
EXPORT_SYMBOL_GPL(kwl_same_cfg);

/**
 * kwl_get_ringparam() - get_ringparam of every kawela interface
 * @netdev: an interface whose private area starts with struct kwl_port
 * @ring: gets lengths and their limits, in descriptors
 * @kring: gets whether headers are split from data
 * @extack: not used
 *
 * Context: The interface's lock, or RTNL where it has none.
 */
void kwl_get_ringparam(struct net_device *netdev,
		       struct ethtool_ringparam *ring,
		       struct kernel_ethtool_ringparam *kring,
		       struct netlink_ext_ack *extack)
{
	const struct kwl_port *port = netdev_priv(netdev);

	ring->rx_max_pending = KWL_RING_MAX;
	ring->tx_max_pending = KWL_RING_MAX;
	ring->rx_pending = port->cfg.rx_count;
	ring->tx_pending = port->cfg.tx_count;
	kring->tcp_data_split = port->cfg.split ?
				ETHTOOL_TCP_DATA_SPLIT_ENABLED :
				ETHTOOL_TCP_DATA_SPLIT_DISABLED;
}
EXPORT_SYMBOL_GPL(kwl_get_ringparam);

/* 7.2's core looks after that before it asks us, 6.12's does not */
static int kwl_check_whole(const struct kwl_port *port,
			   struct netlink_ext_ack *extack)
{
	u16 i;

	for (i = 0; port->cfg.split && i < port->cfg.pairs; i++) {
		if (!netif_rxq_has_unreadable_mp(port->netdev, i))
			continue;
		NL_SET_ERR_MSG_FMT_MOD(extack,
				       "memory is bound to queue %u: it takes tcp-data-split",
				       i);
		return -EBUSY;
	}
	return 0;
}

/* Programs and sockets of XDP take whole frames */
static int kwl_check_split(const struct kwl_port *port,
			   struct netlink_ext_ack *extack)
{
	if (port->prog) {
		NL_SET_ERR_MSG_MOD(extack,
				   "no tcp-data-split while an XDP program is attached");
		return -EBUSY;
	}
	if (kwl_xsk_in_use(port, 0)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "no tcp-data-split while an AF_XDP socket has a queue");
		return -EBUSY;
	}
	return 0;
}

/**
 * kwl_check_ringparam() - take rings from an ethtool request
 * @port: the function
 * @ring: the request: lengths in descriptors
 * @kring: more of the request
 * @cfg: gets the configuration that is wanted, lengths rounded up to powers of
 *	two
 * @extack: tells the user what is wrong
 *
 * Context: Control locked (lock.h).
 * Return: 0, -EINVAL if a ring would be too short for the largest frame, -EBUSY
 *	if something else on the interface is in the way.
 */
int kwl_check_ringparam(const struct kwl_port *port,
			const struct ethtool_ringparam *ring,
			const struct kernel_ethtool_ringparam *kring,
			struct kwl_queue_cfg *cfg,
			struct netlink_ext_ack *extack)
{
	if (ring->rx_pending < KWL_RING_MIN ||
	    ring->tx_pending < KWL_RING_MIN) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "at least %u descriptors needed",
				       KWL_RING_MIN);
		return -EINVAL;
	}
	*cfg = port->cfg;
	cfg->rx_count = roundup_pow_of_two(ring->rx_pending);
	cfg->tx_count = roundup_pow_of_two(ring->tx_pending);
	cfg->split = kring->tcp_data_split == ETHTOOL_TCP_DATA_SPLIT_ENABLED;
	return cfg->split ? kwl_check_split(port, extack) :
			    kwl_check_whole(port, extack);
}
EXPORT_SYMBOL_GPL(kwl_check_ringparam);
