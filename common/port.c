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
	port->cfg.pairs = num_vec;
	port->cfg.tx_count = KWL_RING_DEFAULT;
	port->cfg.rx_count = KWL_RING_DEFAULT;
	netdev->queue_mgmt_ops = &kwl_queue_mgmt_ops;
	kwl_set_netmem_tx(netdev);
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

/* kwl_port_set_rx_drop() tells the device, too, and must not tell it the old */
static void kwl_vector_set_buf_len(struct kwl_vector *vec, u32 len)
{
	spin_lock_bh(&vec->port->drops_lock);
	vec->rxr.buf_len = len;
	spin_unlock_bh(&vec->port->drops_lock);
}

static void kwl_vector_attach(struct kwl_vector *vec,
			      const struct kwl_queue_mem *q,
			      const struct kwl_queue_cfg *cfg)
{
	vec->txr.desc = q->tx_desc;
	vec->txr.buf = q->tx_buf;
	vec->txr.dma = q->tx_dma;
	vec->txr.mask = cfg->tx_count - 1;
	vec->rxr.desc = q->rx_desc;
	vec->rxr.netmem = q->rx_buf;
	vec->rxr.hdr = q->rx_hdr;
	vec->rxr.hdr_dma = q->rx_hdr_dma;
	vec->rxr.pool = q->pool;
	if (vec->xsk) {
		kwl_vector_set_buf_len(vec, kwl_xsk_buf_len(vec->xsk));
		vec->rxr.rxq.mem.type = MEM_TYPE_XSK_BUFF_POOL;
	} else {
		kwl_vector_set_buf_len(vec, cfg->split ? KWL_SPLIT_BUF_LEN :
							 KWL_RX_BUF_LEN);
		xdp_rxq_info_attach_page_pool(&vec->rxr.rxq, q->pool);
	}
	vec->rxr.dma = q->rx_dma;
	vec->rxr.mask = cfg->rx_count - 1;
}

static void kwl_vector_apply_drop(struct kwl_vector *vec)
{
	spin_lock_bh(&vec->port->drops_lock);
	kwl_rx_ring_set_drop(&vec->rxr, vec->port->rx_drop);
	spin_unlock_bh(&vec->port->drops_lock);
}

static int kwl_vector_start_rings(struct kwl_vector *vec)
{
	int err;

	err = kwl_tx_ring_start(&vec->txr);
	if (err)
		return err;
	/* If that changes from here on, then in the register, too */
	kwl_vector_apply_drop(vec);
	return kwl_rx_ring_start(&vec->rxr);
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
	else if (vec->rxr.hdr)
		kwl_split_purge(&vec->rxr);
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
	napi_enable_locked(&vec->napi);
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
	napi_disable_locked(&vec->napi);
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
 * Context: Process, control locked (lock.h).
 * Return: 0, or a negative errno with all queues stopped and @qset still the
 *	caller's.
 */
int kwl_port_start(struct kwl_port *port, struct kwl_qset *qset)
{
	u16 i;
	int err;

	for (i = 0; i < qset->cfg.pairs; i++) {
		port->vec[i]->paused = false;
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
	/* To the watchdog a stopped queue that has been idle hangs */
	txq_trans_cond_update(vec->txr.txq);
	__netif_tx_unlock_bh(vec->txr.txq);
}

/**
 * kwl_port_wake() - let stack and XDP programs send
 * @port: the function, started, its transmitter on
 *
 * Not part of kwl_port_start(), because frames that are queued before the
 * transmitter is on would sit there without a doorbell.
 *
 * Context: Process, control locked (lock.h).
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
 * Context: Process, control locked (lock.h).
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
		if (!port->vec[i]->paused)
			kwl_vector_disable(port->vec[i]);
	for (i = 0; i < qset->cfg.pairs; i++)
		kwl_vector_set_live(port->vec[i], false);
	/* After NAPI, whose completions would wake the queues again */
	netif_tx_disable(port->netdev);
	for (i = 0; i < qset->cfg.pairs; i++)
		if (!port->vec[i]->paused)
			kwl_vector_stop_rings(port->vec[i]);
	return qset;
}
EXPORT_SYMBOL_GPL(kwl_port_stop);

/**
 * kwl_queue_pause() - stop one queue pair while the others run
 * @port: the function, started
 * @queue: the queue pair
 *
 * On return neither the device nor NAPI touches the queue's memory. If the
 * queue does not stop, the whole function has been stopped, and reset.
 *
 * Context: Process, control locked (lock.h).
 */
void kwl_queue_pause(struct kwl_port *port, u16 queue)
{
	struct kwl_vector *vec = port->vec[queue];

	kwl_vector_disable(vec);
	kwl_vector_set_live(vec, false);
	/* After NAPI, as in kwl_port_stop() */
	__netif_tx_lock_bh(vec->txr.txq);
	netif_tx_stop_queue(vec->txr.txq);
	__netif_tx_unlock_bh(vec->txr.txq);
	kwl_vector_stop_rings(vec);
	vec->paused = true;
	if (port->stuck)
		port->ops->pause(port);
}

static int kwl_queue_start(struct kwl_vector *vec)
{
	const struct kwl_qset *qset = vec->port->qset;
	int err;

	kwl_vector_attach(vec, &qset->q[vec->idx], &qset->cfg);
	err = kwl_vector_start_rings(vec);
	if (err) {
		kwl_vector_stop_rings(vec);
		return err;
	}
	vec->paused = false;
	kwl_vector_enable(vec);
	kwl_vector_set_live(vec, true);
	netif_tx_wake_queue(vec->txr.txq);
	return 0;
}

/* False if the function has to start as a whole, and is stopped for that */
static bool kwl_queue_starts(struct kwl_port *port, u16 queue)
{
	if (port->qset && !kwl_queue_start(port->vec[queue]))
		return true;
	if (port->qset)
		port->ops->pause(port);
	return false;
}

/**
 * kwl_queue_resume() - start one queue pair with the memory that there is
 * @port: the function, after kwl_queue_pause()
 * @queue: the queue pair
 *
 * Context: Process, control locked (lock.h).
 * Return: 0, or a negative errno if the function does not even start after a
 *	reset; its owner tries on.
 */
int kwl_queue_resume(struct kwl_port *port, u16 queue)
{
	return kwl_queue_starts(port, queue) ? 0 : port->ops->resume(port);
}

/**
 * kwl_queue_resume_norntl() - kwl_queue_resume() for those without RTNL
 * @port: the function, after kwl_queue_pause()
 * @queue: the queue pair
 *
 * A queue that does not start leaves the function to a reset by its owner,
 * which may need RTNL.
 *
 * Context: Process, the interface's own lock held.
 */
void kwl_queue_resume_norntl(struct kwl_port *port, u16 queue)
{
	if (!kwl_queue_starts(port, queue))
		port->ops->recover(port);
}

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

	spin_lock_bh(&port->drops_lock);
	port->rx_drop = drop;
	for (i = 0; port->qset && i < port->qset->cfg.pairs; i++)
		kwl_rx_ring_set_drop(&port->vec[i]->rxr, drop);
	spin_unlock_bh(&port->drops_lock);
}
EXPORT_SYMBOL_GPL(kwl_port_set_rx_drop);
