// SPDX-License-Identifier: GPL-2.0-only
/* Ring counters as the stack wants them: per interface and per queue. */
#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/export.h>

#include <kawela/ring.h>

/* Registers of 12 bits each that clear on read */
static void kwl_stats_see_drops(struct kwl_port *port)
{
	u16 i;

	lockdep_assert_held(&port->drops_lock);
	if (!port->qset || READ_ONCE(port->hw->gone))
		return;
	for (i = 0; i < port->qset->cfg.pairs; i++) {
		struct kwl_rx_ring *rxr = &port->vec[i]->rxr;
		u32 val = readl(rxr->regs + KWL_RQDPC);

		/* Not there: no count */
		if (val != U32_MAX)
			rxr->hw_drops += FIELD_GET(KWL_RQDPC_COUNT, val);
	}
}

/**
 * kwl_stats_refresh() - fetch what the device counts by queue
 * @port: the function
 *
 * The counters do not go beyond 4095, so the owner does this now and then.
 *
 * Context: Any that may take a BH lock.
 */
void kwl_stats_refresh(struct kwl_port *port)
{
	spin_lock_bh(&port->drops_lock);
	kwl_stats_see_drops(port);
	spin_unlock_bh(&port->drops_lock);
}
EXPORT_SYMBOL_GPL(kwl_stats_refresh);

/* Of the queue pairs from @from up to @to, up to date */
static u64 kwl_stats_drops(struct kwl_port *port, u16 from, u16 to)
{
	u64 sum = 0;
	u16 i;

	spin_lock_bh(&port->drops_lock);
	kwl_stats_see_drops(port);
	for (i = from; i < to; i++)
		sum += port->vec[i]->rxr.hw_drops;
	spin_unlock_bh(&port->drops_lock);
	return sum;
}

/* Consistent snapshots: each half of a ring has one writer of its own */
static void kwl_stats_rx(const struct kwl_rx_ring *rxr,
			 struct netdev_queue_stats_rx *rx, u64 *errors,
			 u64 *dropped)
{
	const struct kwl_rx_stats *stats = &rxr->stats;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		rx->packets = u64_stats_read(&stats->packets);
		rx->bytes = u64_stats_read(&stats->bytes);
		rx->alloc_fail = u64_stats_read(&stats->alloc_fail);
		rx->csum_unnecessary = u64_stats_read(&stats->csum_unnecessary);
		rx->csum_none = u64_stats_read(&stats->csum_none);
		rx->csum_bad = u64_stats_read(&stats->csum_bad);
		*errors = u64_stats_read(&stats->errors);
		*dropped = u64_stats_read(&stats->dropped);
	} while (u64_stats_fetch_retry(&stats->syncp, start));
}

static void kwl_stats_tx(const struct kwl_tx_ring *txr,
			 struct netdev_queue_stats_tx *tx, u64 *dropped)
{
	const struct kwl_tx_done_stats *done = &txr->done;
	const struct kwl_tx_xmit_stats *xmit = &txr->xmit;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&done->syncp);
		tx->packets = u64_stats_read(&done->packets);
		tx->bytes = u64_stats_read(&done->bytes);
		tx->wake = u64_stats_read(&done->wake);
	} while (u64_stats_fetch_retry(&done->syncp, start));

	do {
		start = u64_stats_fetch_begin(&xmit->syncp);
		tx->csum_none = u64_stats_read(&xmit->csum_none);
		tx->needs_csum = u64_stats_read(&xmit->needs_csum);
		tx->hw_gso_packets = u64_stats_read(&xmit->gso_packets);
		tx->hw_gso_bytes = u64_stats_read(&xmit->gso_bytes);
		tx->hw_gso_wire_packets =
			u64_stats_read(&xmit->gso_wire_packets);
		tx->hw_gso_wire_bytes = u64_stats_read(&xmit->gso_wire_bytes);
		tx->stop = u64_stats_read(&xmit->stop);
		*dropped = u64_stats_read(&xmit->dropped);
	} while (u64_stats_fetch_retry(&xmit->syncp, start));
}

/**
 * kwl_get_stats64() - what the rings know of an interface's totals
 * @netdev: an interface whose private area starts with struct kwl_port
 * @stats: result; fields the rings know nothing of are left alone
 *
 * Vectors live as long as the interface, so the totals survive down and up
 * and every change of rings or channels.
 *
 * Context: Any, does not sleep.
 */
void kwl_get_stats64(struct net_device *netdev,
		     struct rtnl_link_stats64 *stats)
{
	struct kwl_port *port = netdev_priv(netdev);
	struct netdev_queue_stats_rx rx;
	struct netdev_queue_stats_tx tx;
	u64 errors, rx_dropped, tx_dropped;
	u16 i;

	for (i = 0; i < port->num_vec; i++) {
		kwl_stats_rx(&port->vec[i]->rxr, &rx, &errors, &rx_dropped);
		kwl_stats_tx(&port->vec[i]->txr, &tx, &tx_dropped);
		stats->rx_packets += rx.packets;
		stats->rx_bytes += rx.bytes;
		stats->rx_dropped += rx_dropped;
		stats->rx_errors += errors;
		stats->tx_packets += tx.packets;
		stats->tx_bytes += tx.bytes;
		stats->tx_dropped += tx_dropped;
	}
	stats->rx_missed_errors += kwl_stats_drops(port, 0, port->num_vec);
}
EXPORT_SYMBOL_GPL(kwl_get_stats64);

/* ethtool -S, for each queue pair: what XDP programs did to its frames */
static const char *const kwl_xdp_names[KWL_NUM_XDP] = {
	[KWL_XDP_DROP]		= "drop",
	[KWL_XDP_TX]		= "tx",
	[KWL_XDP_TX_FULL]	= "tx_full",
	[KWL_XDP_REDIRECT]	= "redirect",
	[KWL_XDP_ERROR]		= "error",
};

/**
 * kwl_xdp_stats_count() - number of values of kwl_xdp_stats_values()
 * @port: the function
 *
 * Context: Any.
 * Return: The number, fixed at probe.
 */
int kwl_xdp_stats_count(const struct kwl_port *port)
{
	return port->num_vec * (KWL_NUM_XDP + 1);
}
EXPORT_SYMBOL_GPL(kwl_xdp_stats_count);

/**
 * kwl_xdp_stats_strings() - names of the counters of XDP
 * @port: the function
 * @data: where ethtool wants the next name; moves on
 *
 * Context: Any.
 */
void kwl_xdp_stats_strings(const struct kwl_port *port, u8 **data)
{
	u16 i, n;

	for (i = 0; i < port->num_vec; i++) {
		for (n = 0; n < KWL_NUM_XDP; n++)
			ethtool_sprintf(data, "rx%u_xdp_%s", i,
					kwl_xdp_names[n]);
		ethtool_sprintf(data, "tx%u_xdp", i);
	}
}
EXPORT_SYMBOL_GPL(kwl_xdp_stats_strings);

/**
 * kwl_xdp_stats_values() - what XDP programs did to frames, by queue
 * @port: the function
 * @data: result, in the order of the names
 *
 * Context: Any.
 */
void kwl_xdp_stats_values(const struct kwl_port *port, u64 *data)
{
	unsigned int start;
	u16 i, n;

	for (i = 0; i < port->num_vec; i++) {
		const struct kwl_rx_stats *rx = &port->vec[i]->rxr.stats;
		const struct kwl_tx_done_stats *tx = &port->vec[i]->txr.done;

		do {
			start = u64_stats_fetch_begin(&rx->syncp);
			for (n = 0; n < KWL_NUM_XDP; n++)
				data[n] = u64_stats_read(&rx->xdp[n]);
		} while (u64_stats_fetch_retry(&rx->syncp, start));
		do {
			start = u64_stats_fetch_begin(&tx->syncp);
			data[n] = u64_stats_read(&tx->xdp);
		} while (u64_stats_fetch_retry(&tx->syncp, start));
		data += KWL_NUM_XDP + 1;
	}
}
EXPORT_SYMBOL_GPL(kwl_xdp_stats_values);

static void kwl_clear_rx(struct netdev_queue_stats_rx *rx)
{
	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	rx->csum_unnecessary = 0;
	rx->csum_none = 0;
	rx->csum_bad = 0;
}

static void kwl_add_rx(struct netdev_queue_stats_rx *sum,
		       const struct netdev_queue_stats_rx *rx)
{
	sum->packets += rx->packets;
	sum->bytes += rx->bytes;
	sum->alloc_fail += rx->alloc_fail;
	sum->csum_unnecessary += rx->csum_unnecessary;
	sum->csum_none += rx->csum_none;
	sum->csum_bad += rx->csum_bad;
}

static void kwl_clear_tx(struct netdev_queue_stats_tx *tx)
{
	tx->packets = 0;
	tx->bytes = 0;
	tx->csum_none = 0;
	tx->needs_csum = 0;
	tx->hw_gso_packets = 0;
	tx->hw_gso_bytes = 0;
	tx->hw_gso_wire_packets = 0;
	tx->hw_gso_wire_bytes = 0;
	tx->stop = 0;
	tx->wake = 0;
}

static void kwl_add_tx(struct netdev_queue_stats_tx *sum,
		       const struct netdev_queue_stats_tx *tx)
{
	sum->packets += tx->packets;
	sum->bytes += tx->bytes;
	sum->csum_none += tx->csum_none;
	sum->needs_csum += tx->needs_csum;
	sum->hw_gso_packets += tx->hw_gso_packets;
	sum->hw_gso_bytes += tx->hw_gso_bytes;
	sum->hw_gso_wire_packets += tx->hw_gso_wire_packets;
	sum->hw_gso_wire_bytes += tx->hw_gso_wire_bytes;
	sum->stop += tx->stop;
	sum->wake += tx->wake;
}

static void kwl_get_queue_stats_rx(struct net_device *netdev, int idx,
				   struct netdev_queue_stats_rx *rx)
{
	struct kwl_port *port = netdev_priv(netdev);
	u64 unused;

	kwl_stats_rx(&port->vec[idx]->rxr, rx, &unused, &unused);
	rx->hw_drop_overruns = kwl_stats_drops(port, idx, idx + 1);
}

static void kwl_get_queue_stats_tx(struct net_device *netdev, int idx,
				   struct netdev_queue_stats_tx *tx)
{
	struct kwl_port *port = netdev_priv(netdev);
	u64 unused;

	kwl_stats_tx(&port->vec[idx]->txr, tx, &unused);
}

/*
 * History of the queues that a smaller channel count has put to rest. Zero
 * also says that the counter is kept at all; the others stay unset.
 */
static void kwl_get_base_stats(struct net_device *netdev,
			       struct netdev_queue_stats_rx *rx,
			       struct netdev_queue_stats_tx *tx)
{
	struct kwl_port *port = netdev_priv(netdev);
	u16 first = netdev->real_num_rx_queues;
	struct netdev_queue_stats_rx qrx;
	struct netdev_queue_stats_tx qtx;
	u64 unused;
	u16 i;

	kwl_clear_rx(rx);
	kwl_clear_tx(tx);
	for (i = first; i < port->num_vec; i++) {
		kwl_stats_rx(&port->vec[i]->rxr, &qrx, &unused, &unused);
		kwl_stats_tx(&port->vec[i]->txr, &qtx, &unused);
		kwl_add_rx(rx, &qrx);
		kwl_add_tx(tx, &qtx);
	}
	rx->hw_drop_overruns = kwl_stats_drops(port, first, port->num_vec);
}

/* Per-queue statistics for netdev-genl, same for PF and VF */
const struct netdev_stat_ops kwl_stat_ops = {
	.get_queue_stats_rx	= kwl_get_queue_stats_rx,
	.get_queue_stats_tx	= kwl_get_queue_stats_tx,
	.get_base_stats		= kwl_get_base_stats,
};
EXPORT_SYMBOL_GPL(kwl_stat_ops);
