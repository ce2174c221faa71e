// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt moderation: by the user, for all queues or for one, or by DIM. A
 * queue pair shares one interval; ethtool's "rx" stands for both directions.
 */
#include <linux/bitfield.h>
#include <linux/dim.h>
#include <linux/export.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#define KWL_DEFAULT_USECS	20
#define KWL_MAX_USECS		FIELD_MAX(KWL_EITR_INTERVAL)

static u16 kwl_coalesce_usecs(struct kwl_vector *vec)
{
	if (!READ_ONCE(vec->adaptive))
		return vec->usecs;
	return net_dim_get_rx_moderation(vec->dim.mode,
					 vec->dim.profile_ix).usec;
}

/**
 * kwl_coalesce_write() - set the least distance of two interrupts
 * @vec: the vector
 *
 * Programs EITR of the vector, where there is one: not with MSI or INTx.
 *
 * Context: Any; the vector's registers have to be the function's own.
 */
void kwl_coalesce_write(struct kwl_vector *vec)
{
	u32 val = FIELD_PREP(KWL_EITR_INTERVAL, kwl_coalesce_usecs(vec)) |
		  KWL_EITR_CNT_IGNORE;

	if (vec->eitr)
		writel(val, vec->eitr);
	if (vec->eitr_tx)
		writel(val, vec->eitr_tx);
}

/* DIM has decided */
static void kwl_coalesce_work(struct work_struct *work)
{
	struct kwl_vector *vec = container_of(work, struct kwl_vector,
					      dim.work);

	kwl_coalesce_write(vec);
	vec->dim.state = DIM_START_MEASURE;
}

/**
 * kwl_coalesce_sample() - let DIM see the traffic of a queue pair
 * @vec: its vector, with adaptive moderation
 *
 * Context: NAPI, once for each time that the vector is about to be unmasked.
 */
void kwl_coalesce_sample(struct kwl_vector *vec)
{
	const struct kwl_tx_done_stats *tx = &vec->txr.done;
	const struct kwl_rx_stats *rx = &vec->rxr.stats;
	struct dim_sample sample = {};

	dim_update_sample(++vec->events,
			  u64_stats_read(&rx->packets) +
			  u64_stats_read(&tx->packets),
			  u64_stats_read(&rx->bytes) +
			  u64_stats_read(&tx->bytes), &sample);
	net_dim(&vec->dim, &sample);
}

/**
 * kwl_coalesce_init() - defaults of a vector
 * @vec: the vector
 *
 * Context: Any.
 */
void kwl_coalesce_init(struct kwl_vector *vec)
{
	vec->usecs = KWL_DEFAULT_USECS;
	vec->dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
	INIT_WORK(&vec->dim.work, kwl_coalesce_work);
}

/**
 * kwl_coalesce_stop() - leave the moderation registers alone
 * @vec: the vector, NAPI disabled, or done with DIM
 *
 * They may become another function's with the queue.
 *
 * Context: Process, may sleep.
 */
void kwl_coalesce_stop(struct kwl_vector *vec)
{
	cancel_work_sync(&vec->dim.work);
	/* A decision that is never carried out would be the last one */
	vec->dim.state = DIM_START_MEASURE;
}

static void kwl_coalesce_fill(const struct kwl_vector *vec,
			      struct ethtool_coalesce *ec)
{
	if (!vec->eitr)
		return;
	ec->rx_coalesce_usecs = vec->usecs;
	ec->use_adaptive_rx_coalesce = vec->adaptive;
}

static int kwl_coalesce_check(const struct kwl_vector *vec,
			      const struct ethtool_coalesce *ec,
			      struct netlink_ext_ack *extack)
{
	if (!vec->eitr) {
		NL_SET_ERR_MSG_MOD(extack, "moderation needs MSI-X");
		return -EOPNOTSUPP;
	}
	if (ec->rx_coalesce_usecs > KWL_MAX_USECS) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "rx-usecs is at most %u",
				       (unsigned int)KWL_MAX_USECS);
		return -ERANGE;
	}
	if (ec->use_adaptive_rx_coalesce &&
	    ec->rx_coalesce_usecs != vec->usecs) {
		NL_SET_ERR_MSG_MOD(extack,
				   "rx-usecs is adaptive-rx's to choose while that is on");
		return -EINVAL;
	}
	return 0;
}

/* Queues that do not run get it when they start */
static void kwl_coalesce_apply(struct kwl_port *port, u16 from, u16 to,
			       const struct ethtool_coalesce *ec)
{
	u16 running = port->qset ? port->qset->cfg.pairs : 0, i;
	bool adaptive = ec->use_adaptive_rx_coalesce;

	for (i = from; i < to; i++) {
		port->vec[i]->usecs = ec->rx_coalesce_usecs;
		WRITE_ONCE(port->vec[i]->adaptive, adaptive);
	}
	/* Polls that have seen DIM in charge are over then */
	if (!adaptive)
		synchronize_net();
	for (i = from; i < to && i < running; i++) {
		if (!adaptive)
			kwl_coalesce_stop(port->vec[i]);
		kwl_coalesce_write(port->vec[i]);
	}
}

/**
 * kwl_get_coalesce() - ethtool's get_coalesce
 * @netdev: an interface whose private area starts with struct kwl_port
 * @ec: result: that of the first queue pair
 * @kec: not used
 * @extack: not used
 *
 * Context: Process, control locked (lock.h).
 * Return: 0.
 */
int kwl_get_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
		     struct kernel_ethtool_coalesce *kec,
		     struct netlink_ext_ack *extack)
{
	struct kwl_port *port = netdev_priv(netdev);

	kwl_coalesce_fill(port->vec[0], ec);
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_get_coalesce);

/**
 * kwl_set_coalesce() - ethtool's set_coalesce, for all queue pairs
 * @netdev: an interface whose private area starts with struct kwl_port
 * @ec: microseconds, or leave it to DIM
 * @kec: not used
 * @extack: why not
 *
 * Context: Process, control locked (lock.h).
 * Return: 0, -EOPNOTSUPP without MSI-X, -ERANGE, or -EINVAL for an interval
 *	beside DIM.
 */
int kwl_set_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
		     struct kernel_ethtool_coalesce *kec,
		     struct netlink_ext_ack *extack)
{
	struct kwl_port *port = netdev_priv(netdev);
	int err;

	err = kwl_coalesce_check(port->vec[0], ec, extack);
	if (!err)
		kwl_coalesce_apply(port, 0, port->num_vec, ec);
	return err;
}
EXPORT_SYMBOL_GPL(kwl_set_coalesce);

/**
 * kwl_get_queue_coalesce() - ethtool's get_per_queue_coalesce
 * @netdev: an interface whose private area starts with struct kwl_port
 * @queue: queue pair
 * @ec: result
 *
 * Context: Process, control locked (lock.h).
 * Return: 0, or -EINVAL if there is no such queue.
 */
int kwl_get_queue_coalesce(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec)
{
	struct kwl_port *port = netdev_priv(netdev);

	if (queue >= netdev->real_num_rx_queues)
		return -EINVAL;
	kwl_coalesce_fill(port->vec[queue], ec);
	return 0;
}
EXPORT_SYMBOL_GPL(kwl_get_queue_coalesce);

/**
 * kwl_set_queue_coalesce() - ethtool's set_per_queue_coalesce
 * @netdev: an interface whose private area starts with struct kwl_port
 * @queue: queue pair
 * @ec: as of kwl_set_coalesce()
 *
 * Context: Process, control locked (lock.h).
 * Return: 0, -EINVAL if there is no such queue, or as kwl_set_coalesce().
 */
int kwl_set_queue_coalesce(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec)
{
	struct kwl_port *port = netdev_priv(netdev);
	int err;

	if (queue >= netdev->real_num_rx_queues)
		return -EINVAL;
	err = kwl_coalesce_check(port->vec[queue], ec, NULL);
	if (!err)
		kwl_coalesce_apply(port, queue, queue + 1, ec);
	return err;
}
EXPORT_SYMBOL_GPL(kwl_set_queue_coalesce);
