// SPDX-License-Identifier: GPL-2.0-only
/* A function's queues as a whole: vectors, and starting and stopping them. */
#include <linux/export.h>
#include <linux/slab.h>
#include <net/page_pool/types.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

static void kwl_vector_init_stats(struct kwl_vector *vec)
{
	u64_stats_init(&vec->txr.xmit.syncp);
	u64_stats_init(&vec->txr.done.syncp);
	u64_stats_init(&vec->rxr.stats.syncp);
}

static int kwl_vector_alloc(struct kwl_port *port, u16 idx)
{
	struct kwl_vector *vec;

	vec = kzalloc_node(sizeof(*vec), GFP_KERNEL,
			   dev_to_node(port->hw->dev));
	if (!vec)
		return -ENOMEM;

	vec->port = port;
	vec->idx = idx;
	vec->txr.dev = port->hw->dev;
	vec->txr.txq = netdev_get_tx_queue(port->netdev, idx);
	vec->rxr.netdev = port->netdev;
	vec->rxr.napi = &vec->napi;
	xdp_init_buff(&vec->rxr.frame.xdp, PAGE_SIZE, &vec->rxr.rxq);
	vec->rxr.queue = idx;
	kwl_vector_init_stats(vec);
	kwl_coalesce_init(vec);
	port->vec[idx] = vec;
	return 0;
}

/**
 * kwl_port_init() - create the vectors of a function
 * @port: the function, first member of the netdev's private area
 * @netdev: its interface, not yet registered
 * @hw: its registers
 * @num_vec: queue pairs the function can use at most
 *
 * The owner then fills in each vector's registers and interrupt number.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int kwl_port_init(struct kwl_port *port, struct net_device *netdev,
		  struct kwl_hw *hw, u16 num_vec)
{
	int err;

	port->netdev = netdev;
	port->hw = hw;
	port->rx_drop = true;
	spin_lock_init(&port->drops_lock);
	port->vec = kcalloc(num_vec, sizeof(*port->vec), GFP_KERNEL);
	if (!port->vec)
		return -ENOMEM;

	for (port->num_vec = 0; port->num_vec < num_vec; port->num_vec++) {
		err = kwl_vector_alloc(port, port->num_vec);
		if (err) {
			kwl_port_fini(port);
			return err;
		}
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_port_init);

/**
 * kwl_port_fini() - undo kwl_port_init()
 * @port: the function, stopped
 *
 * Context: Process, may sleep.
 */
void kwl_port_fini(struct kwl_port *port)
{
	while (port->num_vec)
		kfree(port->vec[--port->num_vec]);
	kfree(port->vec);
	port->vec = NULL;
}
EXPORT_SYMBOL_GPL(kwl_port_fini);

static void kwl_vector_attach(struct kwl_vector *vec,
			      const struct kwl_queue_mem *q,
			      const struct kwl_queue_cfg *cfg)
{
	vec->txr.desc = q->tx_desc;
	vec->txr.buf = q->tx_buf;
	vec->txr.dma = q->tx_dma;
	vec->txr.mask = cfg->tx_count - 1;
	vec->rxr.desc = q->rx_desc;
	vec->rxr.page = (struct page **)q->rx_buf;
	vec->rxr.pool = q->pool;
	if (vec->xsk) {
		vec->rxr.buf_len = kwl_xsk_buf_len(vec->xsk);
		vec->rxr.rxq.mem.type = MEM_TYPE_XSK_BUFF_POOL;
	} else {
		vec->rxr.buf_len = KWL_RX_BUF_LEN;
		xdp_rxq_info_attach_page_pool(&vec->rxr.rxq, q->pool);
	}
	vec->rxr.dma = q->rx_dma;
	vec->rxr.mask = cfg->rx_count - 1;
}

static int kwl_vector_start_rings(struct kwl_vector *vec)
{
	int err;

	err = kwl_tx_ring_start(&vec->txr);
	if (err)
		return err;
	return kwl_rx_ring_start(&vec->rxr, vec->port->rx_drop);
}

static void kwl_vector_stop_rings(struct kwl_vector *vec)
{
	struct kwl_port *port = vec->port;

	if (kwl_tx_ring_stop(&vec->txr)) {
		netdev_err(port->netdev, "Tx queue %u does not stop\n",
			   vec->idx);
		port->stuck = true;
	}
	if (kwl_rx_ring_stop(&vec->rxr)) {
		netdev_err(port->netdev, "Rx queue %u does not stop\n",
			   vec->idx);
		port->stuck = true;
	}
	kwl_tx_drain(&vec->txr);
	if (vec->xsk)
		kwl_xsk_release(vec);
	else
		kwl_rx_purge(&vec->rxr);
}

static void kwl_vector_enable(struct kwl_vector *vec)
{
	struct net_device *netdev = vec->port->netdev;

	/* Not earlier: the pool is made while NAPI still polls another one */
	page_pool_enable_direct_recycling(vec->rxr.pool, &vec->napi);
	netif_queue_set_napi(netdev, vec->idx, NETDEV_QUEUE_TYPE_TX,
			     &vec->napi);
	netif_queue_set_napi(netdev, vec->idx, NETDEV_QUEUE_TYPE_RX,
			     &vec->napi);
	napi_enable(&vec->napi);
	kwl_coalesce_write(vec);
	kwl_vector_unmask(vec);

	/* For what has come in before the interrupt could say so */
	local_bh_disable();
	napi_schedule(&vec->napi);
	local_bh_enable();
}

static void kwl_vector_disable(struct kwl_vector *vec)
{
	struct net_device *netdev = vec->port->netdev;

	kwl_vector_mask(vec);
	synchronize_irq(vec->irq);
	napi_disable(&vec->napi);
	kwl_coalesce_stop(vec);
	page_pool_disable_direct_recycling(vec->rxr.pool);
	/* A poll that was under way has unmasked the vector again */
	kwl_vector_mask(vec);
	netif_queue_set_napi(netdev, vec->idx, NETDEV_QUEUE_TYPE_TX, NULL);
	netif_queue_set_napi(netdev, vec->idx, NETDEV_QUEUE_TYPE_RX, NULL);
}

/* From here on the queues' registers may be read, or must not be */
static void kwl_port_set_qset(struct kwl_port *port, struct kwl_qset *qset)
{
	spin_lock_bh(&port->drops_lock);
	port->qset = qset;
	spin_unlock_bh(&port->drops_lock);
}

/**
 * kwl_port_start() - put a set of queues to work
 * @port: the function, stopped, its interrupts requested
 * @qset: memory; belongs to the port until kwl_port_stop() returns it
 *
 * Nothing is sent before kwl_port_wake().
 *
 * Context: Process, RTNL held.
 * Return: 0, or a negative errno with all queues stopped and @qset still the
 *	caller's.
 */
int kwl_port_start(struct kwl_port *port, struct kwl_qset *qset)
{
	u16 i;
	int err;

	for (i = 0; i < qset->cfg.pairs; i++) {
		kwl_vector_attach(port->vec[i], &qset->q[i], &qset->cfg);
		err = kwl_vector_start_rings(port->vec[i]);
		if (err)
			goto err_stop;
	}
	kwl_port_set_qset(port, qset);

	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_vector_enable(port->vec[i]);
	return 0;

err_stop:
	do {
		kwl_vector_stop_rings(port->vec[i]);
	} while (i--);
	return err;
}
EXPORT_SYMBOL_GPL(kwl_port_start);

static void kwl_vector_set_live(struct kwl_vector *vec, bool live)
{
	__netif_tx_lock_bh(vec->txr.txq);
	vec->txr.live = live;
	__netif_tx_unlock_bh(vec->txr.txq);
}

/**
 * kwl_port_wake() - let stack and XDP programs send
 * @port: the function, started, its transmitter on
 *
 * Not part of kwl_port_start(), because frames that are queued before the
 * transmitter is on would sit there without a doorbell.
 *
 * Context: Process, RTNL held.
 */
void kwl_port_wake(struct kwl_port *port)
{
	u16 i;

	for (i = 0; i < port->qset->cfg.pairs; i++)
		kwl_vector_set_live(port->vec[i], true);
	/* All of them: the watchdog looks at queues beyond the pairs, too */
	netif_tx_wake_all_queues(port->netdev);
}
EXPORT_SYMBOL_GPL(kwl_port_wake);

/**
 * kwl_port_stop() - stop all queues
 * @port: the function
 *
 * On return neither the device nor NAPI touches the memory, unless @port is
 * marked as stuck: then the owner has to reset the function first.
 *
 * Context: Process, RTNL held.
 * Return: The set that was in use, NULL if none was.
 */
struct kwl_qset *kwl_port_stop(struct kwl_port *port)
{
	struct kwl_qset *qset = port->qset;
	u16 i;

	if (!qset)
		return NULL;

	kwl_stats_refresh(port);
	kwl_port_set_qset(port, NULL);
	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_vector_disable(port->vec[i]);
	/* After NAPI, whose completions would wake the queues again */
	netif_tx_disable(port->netdev);
	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_vector_set_live(port->vec[i], false);
	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_vector_stop_rings(port->vec[i]);
	return qset;
}
EXPORT_SYMBOL_GPL(kwl_port_stop);

/**
 * kwl_port_set_rx_drop() - say what a full receive ring does to frames
 * @port: the function
 * @drop: drop them; else they hold up the port, which can then send pause
 *	frames, but no queue receives until this one has room again
 *
 * Takes effect at once where queues run, and on every later start.
 *
 * Context: Process; not while the port is being started or stopped.
 */
void kwl_port_set_rx_drop(struct kwl_port *port, bool drop)
{
	u16 i;

	port->rx_drop = drop;
	if (!port->qset)
		return;
	for (i = 0; i < port->qset->cfg.pairs; i++)
		kwl_rx_ring_set_drop(&port->vec[i]->rxr, drop);
}
EXPORT_SYMBOL_GPL(kwl_port_set_rx_drop);
