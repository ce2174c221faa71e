// SPDX-License-Identifier: GPL-2.0-only
/* Queue memory: descriptors, bookkeeping, page pools, receive buffers. */
#include <linux/dma-mapping.h>
#include <linux/ethtool.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <net/page_pool/helpers.h>

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
					      u16 count)
{
	const struct page_pool_params params = {
		.flags		= PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size	= count,
		.nid		= dev_to_node(port->hw->dev),
		.dev		= port->hw->dev,
		/* XDP sends from where it has received, from one frame to the next */
		.dma_dir	= DMA_BIDIRECTIONAL,
		.max_len	= KWL_RX_BUF_LEN,
		.offset		= KWL_RX_HEADROOM,
		.netdev		= port->netdev,
		.queue_idx	= idx,
	};

	return page_pool_create(&params);
}

static int kwl_qset_alloc_rx(struct kwl_port *port, struct kwl_queue_mem *q,
			     u16 idx, u16 count)
{
	struct page_pool *pool;
	int i, err;

	q->rx_buf = kvcalloc(count, sizeof(*q->rx_buf), GFP_KERNEL);
	if (!q->rx_buf)
		return -ENOMEM;

	q->rx_desc = dma_alloc_coherent(port->hw->dev, count * KWL_DESC_SIZE,
					&q->rx_dma, GFP_KERNEL);
	if (!q->rx_desc)
		return -ENOMEM;

	pool = kwl_qset_create_pool(port, idx, count);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = xdp_reg_page_pool(pool);
	if (err) {
		page_pool_destroy(pool);
		return err;
	}
	q->pool = pool;

	/* The queue takes its buffers from the socket, when it starts */
	if (port->vec[idx]->xsk)
		return 0;

	/*
	 * One slot stays empty, see kwl_rx_refill(). Not with GFP_KERNEL: a
	 * pool that maps pages may then sleep with bottom halves off, in its
	 * index of them, when memory is short.
	 */
	for (i = 0; i < count - 1; i++) {
		q->rx_buf[i] = page_pool_dev_alloc_pages(pool);
		if (!q->rx_buf[i])
			return -ENOMEM;
	}
	return 0;
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
				page_pool_put_full_page(q->pool, q->rx_buf[i],
							false);
		xdp_unreg_page_pool(q->pool);
		page_pool_destroy(q->pool);
	}
	if (q->rx_desc)
		dma_free_coherent(port->hw->dev, count * KWL_DESC_SIZE,
				  q->rx_desc, q->rx_dma);
	kvfree(q->rx_buf);
}

/**
 * kwl_queue_alloc_rx() - allocate the receive memory of one queue pair
 * @port: the function
 * @q: gets the memory, buffers included
 * @idx: the queue pair
 * @count: descriptors
 *
 * Context: Process, may sleep.
 * Return: 0, or a negative errno with nothing allocated.
 */
int kwl_queue_alloc_rx(struct kwl_port *port, struct kwl_queue_mem *q, u16 idx,
		       u16 count)
{
	int err = kwl_qset_alloc_rx(port, q, idx, count);

	if (err)
		kwl_queue_free_rx(port, q, count);
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
			err = kwl_qset_alloc_rx(port, &qset->q[i], i,
						cfg->rx_count);
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
 * kwl_ring_sizes() - take ring sizes from an ethtool request
 * @ring: the request
 * @cfg: gets the sizes, rounded up to powers of two
 * @extack: tells the user what is wrong
 *
 * Context: Any.
 * Return: 0, or -EINVAL if a ring would be too short for the largest frame.
 */
int kwl_ring_sizes(const struct ethtool_ringparam *ring,
		   struct kwl_queue_cfg *cfg, struct netlink_ext_ack *extack)
{
	if (ring->rx_pending < KWL_RING_MIN ||
	    ring->tx_pending < KWL_RING_MIN) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "at least %u descriptors needed",
				       KWL_RING_MIN);
		return -EINVAL;
	}
	cfg->rx_count = roundup_pow_of_two(ring->rx_pending);
	cfg->tx_count = roundup_pow_of_two(ring->tx_pending);
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_ring_sizes);
