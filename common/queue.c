// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue management: the core has one receive queue start anew with memory of
 * its choice. Its queue pair stops for that, all others run.
 */
#include <linux/export.h>
#include <net/netdev_queues.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

/**
 * struct kwl_queue_spare - memory to exchange for that of a receive queue
 * @q: the memory, receive part only; empty for an interface that is down
 * @qset: the set that the queue belongs to
 */
struct kwl_queue_spare {
	struct kwl_queue_mem q;
	struct kwl_qset *qset;
};

static int kwl_queue_mem_alloc(struct net_device *netdev, void *mem, int idx)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_queue_spare *spare = mem;

	/* It gets all its memory when it comes up */
	if (!netif_running(netdev))
		return 0;
	if (!port->qset)
		return -ENETDOWN;
	spare->qset = port->qset;
	return kwl_queue_alloc_rx(port, &spare->q, idx, &spare->qset->cfg);
}

static void kwl_queue_mem_free(struct net_device *netdev, void *mem)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_queue_spare *spare = mem;

	if (spare->qset)
		kwl_queue_free_rx(port, &spare->q, spare->qset->cfg.rx_count);
}

static void kwl_queue_exchange(struct kwl_queue_mem *a, struct kwl_queue_mem *b)
{
	swap(a->rx_desc, b->rx_desc);
	swap(a->rx_buf, b->rx_buf);
	swap(a->rx_dma, b->rx_dma);
	swap(a->pool, b->pool);
	swap(a->rx_hdr, b->rx_hdr);
	swap(a->rx_hdr_dma, b->rx_hdr_dma);
}

static int kwl_queue_mgmt_stop(struct net_device *netdev, void *mem, int idx)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_queue_spare *old = mem;

	old->qset = port->qset;
	kwl_queue_pause(port, idx);
	kwl_queue_exchange(&old->q, &old->qset->q[idx]);
	return 0;
}

static int kwl_queue_mgmt_start(struct net_device *netdev, void *mem, int idx)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct kwl_queue_spare *new = mem;

	kwl_queue_exchange(&new->q, &new->qset->q[idx]);
	/* If it does not start now, then after a reset, with this memory */
	kwl_queue_resume_norntl(port, idx);
	return 0;
}

KWL_DEFINE_QUEUE_MGMT_OPS(kwl_queue_mgmt_ops, struct kwl_queue_spare,
			  kwl_queue_mem_alloc, kwl_queue_mem_free,
			  kwl_queue_mgmt_start, kwl_queue_mgmt_stop);
