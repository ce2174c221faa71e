// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt moderation: by the user, for all queues or for one, or adaptive,
 * which is none while there are few frames and DIM's choice while there are
 * many. A queue pair shares one interval; ethtool's "rx" stands for both
 * directions.
 */
#include <linux/bitfield.h>
#include <linux/dim.h>
#include <linux/export.h>

#include <kawela/compat.h>
#include <kawela/ring.h>

#define KWL_DEFAULT_USECS	20U
#define KWL_MAX_USECS		FIELD_MAX(KWL_EITR_INTERVAL)

/*
 * What DIM chooses from with many frames, beginning with the first: it turns
 * around where it finds no difference, and it counts interrupts by the
 * millisecond, so that these are no nearer to each other. Of the kernel's own
 * profiles the first two save nothing then.
 */
static const u16 kwl_busy_usecs[NET_DIM_PARAMS_NUM_PROFILES] = {
	32, 64, 128, 192, 256
};

static u32 kwl_coalesce_usecs(struct kwl_vector *vec)
{
	if (!READ_ONCE(vec->adaptive))
		return vec->usecs;
	if (READ_ONCE(vec->quiet))
		return 0;
	/* 1.5 frames may come in each, and the ring has to outlast them */
	return min_t(u32, kwl_busy_usecs[vec->dim.profile_ix],
		     (vec->rxr.mask + 1) / 2);
}

static u32 kwl_coalesce_eitr(struct kwl_vector *vec)
{
	u32 usecs = kwl_coalesce_usecs(vec);

	/* The emulator takes the field and the bit below for microseconds */
	if (vec->eitr_low)
		return round_up(usecs, 2);
	return FIELD_PREP(KWL_EITR_INTERVAL, usecs);
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
	u32 val = kwl_coalesce_eitr(vec) | KWL_EITR_CNT_IGNORE;

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
 * struct kwl_sum - what has gone through a queue pair so far
 * @rx_packets: frames received
 * @rx_bytes: their bytes
 * @tx_packets: frames sent
 * @tx_bytes: their bytes, without those of representors
 */
struct kwl_sum {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
};

/* Those of interfaces that live behind it as well */
static struct kwl_sum kwl_coalesce_sum(const struct kwl_vector *vec)
{
	const struct kwl_tx_done_stats *tx = &vec->txr.done;
	const struct kwl_rx_stats *rx = &vec->rxr.stats;
	const struct kwl_demux *demux = vec->rxr.demux;
	struct kwl_sum sum = {
		.rx_packets = u64_stats_read(&rx->packets),
		.rx_bytes = u64_stats_read(&rx->bytes),
		.tx_packets = u64_stats_read(&tx->packets),
		.tx_bytes = u64_stats_read(&tx->bytes),
	};

	if (demux) {
		sum.rx_packets += demux->rx_packets;
		sum.rx_bytes += demux->rx_bytes;
		sum.tx_packets += demux->tx_packets;
	}
	return sum;
}

/* One frame of segments is as many as KiB */
static struct kwl_seen kwl_coalesce_seen(const struct kwl_vector *vec)
{
	struct kwl_sum sum = kwl_coalesce_sum(vec);

	return (struct kwl_seen) {
		.at = ktime_get(),
		.rx = max(sum.rx_packets, sum.rx_bytes / SZ_1K),
		.tx = max(sum.tx_packets, sum.tx_bytes / SZ_1K),
	};
}

/*
 * While fewer frames come than the default interval has interrupts, each may
 * have its own: nothing is to be saved, and no answer has to wait. DIM, which
 * compares what it has tried, finds no difference then and stops anywhere.
 */
static void kwl_coalesce_look(struct kwl_vector *vec)
{
	struct kwl_seen now = kwl_coalesce_seen(vec), *last = &vec->seen;
	u64 frames = max(now.rx - last->rx, now.tx - last->tx);
	s64 passed = ktime_us_delta(now.at, last->at);
	bool quiet = frames * KWL_DEFAULT_USECS < passed;

	*last = now;
	if (quiet == vec->quiet)
		return;
	WRITE_ONCE(vec->quiet, quiet);
	/* The silence is no part of what DIM compares */
	if (!quiet && vec->dim.state == DIM_MEASURE_IN_PROGRESS)
		vec->dim.state = DIM_START_MEASURE;
	kwl_coalesce_write(vec);
}

static void kwl_coalesce_dim(struct kwl_vector *vec)
{
	struct kwl_sum sum = kwl_coalesce_sum(vec);
	struct dim_sample sample = {};

	dim_update_sample(vec->events, sum.rx_packets + sum.tx_packets,
			  sum.rx_bytes + sum.tx_bytes, &sample);
	net_dim(&vec->dim, &sample);
}

/**
 * kwl_coalesce_sample() - adapt moderation to the traffic of a queue pair
 * @vec: its vector, with adaptive moderation
 *
 * Context: NAPI, when it is about to complete: each time while there is much
 *	traffic, else once in a while.
 */
void kwl_coalesce_sample(struct kwl_vector *vec)
{
	if (vec->quiet || vec->events % KWL_LOOK_EVENTS == 0)
		kwl_coalesce_look(vec);
	if (!vec->quiet && vec->events % KWL_DIM_EVENTS == 0)
		kwl_coalesce_dim(vec);
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
	vec->adaptive = true;
	vec->quiet = true;
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
