// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port counters. The registers clear on read, so everything that reads them
 * goes through kpf_stats_refresh() and adds to the totals there.
 */
#include <linux/ethtool.h>

#include "kpf.h"

/**
 * struct kpf_counter - where a total comes from
 * @offset: of the u64 in struct kpf_stats
 * @reg: register, the low half for 64-bit counters
 * @wide: two registers; the read of the upper one clears both
 */
struct kpf_counter {
	u16 offset;
	u16 reg;
	bool wide;
};

#define KPF_COUNT(_member, _reg) \
	{ .offset = offsetof(struct kpf_stats, _member), .reg = (_reg) }
#define KPF_COUNT64(_member, _reg) \
	{ .offset = offsetof(struct kpf_stats, _member), .reg = (_reg), \
	  .wide = true }

static const struct kpf_counter kpf_counters[] = {
	KPF_COUNT(crc_errors, KWL_CRCERRS),
	KPF_COUNT(align_errors, KWL_ALGNERRC),
	KPF_COUNT(symbol_errors, KWL_SYMERRS),
	KPF_COUNT(rx_errors, KWL_RXERRC),
	KPF_COUNT(missed, KWL_MPC),
	KPF_COUNT(single_collisions, KWL_SCC),
	KPF_COUNT(excessive_collisions, KWL_ECOL),
	KPF_COUNT(multiple_collisions, KWL_MCC),
	KPF_COUNT(late_collisions, KWL_LATECOL),
	KPF_COUNT(collisions, KWL_COLC),
	KPF_COUNT(deferred, KWL_DC),
	KPF_COUNT(no_carrier, KWL_TNCRS),
	KPF_COUNT(rx_length_events, KWL_RLEC),
	KPF_COUNT(rx_type_length, KWL_LENERRS),
	KPF_COUNT(rx_xon, KWL_XONRXC),
	KPF_COUNT(tx_xon, KWL_XONTXC),
	KPF_COUNT(rx_xoff, KWL_XOFFRXC),
	KPF_COUNT(tx_xoff, KWL_XOFFTXC),
	KPF_COUNT(rx_unknown_control, KWL_FCRUC),
	KPF_COUNT(rx_hist[0], KWL_PRC64),
	KPF_COUNT(rx_hist[1], KWL_PRC127),
	KPF_COUNT(rx_hist[2], KWL_PRC255),
	KPF_COUNT(rx_hist[3], KWL_PRC511),
	KPF_COUNT(rx_hist[4], KWL_PRC1023),
	KPF_COUNT(rx_hist[5], KWL_PRC1522),
	KPF_COUNT(rx_good, KWL_GPRC),
	KPF_COUNT(rx_broadcast, KWL_BPRC),
	KPF_COUNT(rx_multicast, KWL_MPRC),
	KPF_COUNT(tx_good, KWL_GPTC),
	KPF_COUNT64(rx_good_octets, KWL_GORCL),
	KPF_COUNT64(tx_good_octets, KWL_GOTCL),
	KPF_COUNT(rx_no_buffer, KWL_RNBC),
	KPF_COUNT(rx_undersize, KWL_RUC),
	KPF_COUNT(rx_fragments, KWL_RFC),
	KPF_COUNT(rx_oversize, KWL_ROC),
	KPF_COUNT(rx_jabber, KWL_RJC),
	KPF_COUNT(rx_management, KWL_MGTPRC),
	KPF_COUNT(rx_management_dropped, KWL_MGTPDC),
	KPF_COUNT(tx_management, KWL_MGTPTC),
	KPF_COUNT64(rx_total_octets, KWL_TORL),
	KPF_COUNT64(tx_total_octets, KWL_TOTL),
	KPF_COUNT(rx_total, KWL_TPR),
	KPF_COUNT(tx_total, KWL_TPT),
	KPF_COUNT(tx_hist[0], KWL_PTC64),
	KPF_COUNT(tx_hist[1], KWL_PTC127),
	KPF_COUNT(tx_hist[2], KWL_PTC255),
	KPF_COUNT(tx_hist[3], KWL_PTC511),
	KPF_COUNT(tx_hist[4], KWL_PTC1023),
	KPF_COUNT(tx_hist[5], KWL_PTC1522),
	KPF_COUNT(tx_multicast, KWL_MPTC),
	KPF_COUNT(tx_broadcast, KWL_BPTC),
	KPF_COUNT(tx_tso, KWL_TSCTC),
	KPF_COUNT(tx_tso_failed, KWL_TSCTFC),
	KPF_COUNT(rx_to_host, KWL_RPTHC),
	KPF_COUNT(tx_from_host, KWL_HGPTC),
};

static u64 *kpf_stats_member(struct kpf_stats *stats, u16 offset)
{
	return (u64 *)((u8 *)stats + offset);
}

static void __kpf_stats_refresh(struct kpf_dev *pf)
{
	int i;

	lockdep_assert_held(&pf->stats_lock);

	/* A register that is not there reads all ones: no count */
	if (READ_ONCE(pf->offline) || pf->hw.gone)
		return;
	for (i = 0; i < ARRAY_SIZE(kpf_counters); i++) {
		const struct kpf_counter *c = &kpf_counters[i];
		u64 val = kwl_rd32(&pf->hw, c->reg);

		if (c->wide)
			val |= (u64)kwl_rd32(&pf->hw, c->reg + 4) << 32;
		if (pf->hw.gone)
			return;
		*kpf_stats_member(&pf->stats, c->offset) += val;
	}
}

/* Any context that may take a BH lock */
void kpf_stats_refresh(struct kpf_dev *pf)
{
	spin_lock_bh(&pf->stats_lock);
	__kpf_stats_refresh(pf);
	spin_unlock_bh(&pf->stats_lock);
}

/* Nobody is half way through the registers when this returns */
void kpf_stats_set_offline(struct kpf_dev *pf, bool offline)
{
	spin_lock_bh(&pf->stats_lock);
	WRITE_ONCE(pf->offline, offline);
	spin_unlock_bh(&pf->stats_lock);
}

/* What is counted now, all of one moment */
static void kpf_stats_snapshot(struct kpf_dev *pf, struct kpf_stats *stats)
{
	spin_lock_bh(&pf->stats_lock);
	__kpf_stats_refresh(pf);
	*stats = pf->stats;
	spin_unlock_bh(&pf->stats_lock);
}

/* The part of rtnl_link_stats64 that only the port knows */
void kpf_stats_get64(struct kpf_dev *pf, struct rtnl_link_stats64 *stats)
{
	struct kpf_stats s;

	kpf_stats_snapshot(pf, &s);
	stats->multicast += s.rx_multicast;
	stats->collisions += s.collisions;
	stats->rx_crc_errors += s.crc_errors;
	stats->rx_frame_errors += s.align_errors;
	stats->rx_missed_errors += s.missed;
	stats->rx_length_errors += s.rx_oversize + s.rx_fragments;
	/* The emulator pads and delivers the short frames that it counts */
	if (!pf->emulated)
		stats->rx_length_errors += s.rx_undersize;
	stats->rx_errors += s.rx_errors + stats->rx_crc_errors +
			    stats->rx_frame_errors + stats->rx_length_errors;
	stats->tx_aborted_errors += s.excessive_collisions;
	stats->tx_window_errors += s.late_collisions;
	stats->tx_carrier_errors += s.no_carrier;
	stats->tx_errors += stats->tx_aborted_errors +
			    stats->tx_window_errors + stats->tx_carrier_errors;
}

/* ethtool -S: what has no place in a standard interface, by its own name */
struct kpf_stat_name {
	const char *name;
	u16 offset;
};

#define KPF_STAT(_member) { #_member, offsetof(struct kpf_stats, _member) }

static const struct kpf_stat_name kpf_stat_names[] = {
	KPF_STAT(rx_total),
	KPF_STAT(tx_total),
	KPF_STAT(rx_total_octets),
	KPF_STAT(tx_total_octets),
	KPF_STAT(rx_to_host),
	KPF_STAT(tx_from_host),
	KPF_STAT(rx_no_buffer),
	KPF_STAT(rx_length_events),
	KPF_STAT(rx_management),
	KPF_STAT(rx_management_dropped),
	KPF_STAT(tx_management),
	KPF_STAT(tx_tso),
	KPF_STAT(tx_tso_failed),
};

int kpf_stats_count(void)
{
	return ARRAY_SIZE(kpf_stat_names) + 3;
}

void kpf_stats_strings(u8 **data)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kpf_stat_names); i++)
		ethtool_puts(data, kpf_stat_names[i].name);
	ethtool_puts(data, "tx_timeouts");
	ethtool_puts(data, "vf_mailbox_waits");
	ethtool_puts(data, "vf_mailbox_floods");
}

void kpf_stats_values(struct kpf_dev *pf, u64 *data)
{
	struct kpf_stats s;
	int i;

	kpf_stats_snapshot(pf, &s);
	for (i = 0; i < ARRAY_SIZE(kpf_stat_names); i++)
		*data++ = *kpf_stats_member(&s, kpf_stat_names[i].offset);
	*data++ = pf->tx_timeouts;
	*data++ = READ_ONCE(pf->sriov.waits);
	*data = READ_ONCE(pf->sriov.floods);
}

void kpf_get_pause_stats(struct net_device *netdev,
			 struct ethtool_pause_stats *stats)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_stats s;

	kpf_stats_snapshot(net->pf, &s);
	stats->tx_pause_frames = s.tx_xoff + s.tx_xon;
	stats->rx_pause_frames = s.rx_xoff + s.rx_xon;
}

void kpf_get_mac_stats(struct net_device *netdev,
		       struct ethtool_eth_mac_stats *stats)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_stats s;

	kpf_stats_snapshot(net->pf, &s);
	stats->FramesTransmittedOK = s.tx_good;
	stats->FramesReceivedOK = s.rx_good;
	stats->OctetsTransmittedOK = s.tx_good_octets;
	stats->OctetsReceivedOK = s.rx_good_octets;
	stats->FrameCheckSequenceErrors = s.crc_errors;
	stats->AlignmentErrors = s.align_errors;
	stats->SingleCollisionFrames = s.single_collisions;
	stats->MultipleCollisionFrames = s.multiple_collisions;
	stats->LateCollisions = s.late_collisions;
	stats->FramesAbortedDueToXSColls = s.excessive_collisions;
	stats->FramesWithDeferredXmissions = s.deferred;
	stats->MulticastFramesXmittedOK = s.tx_multicast;
	stats->BroadcastFramesXmittedOK = s.tx_broadcast;
	stats->MulticastFramesReceivedOK = s.rx_multicast;
	stats->BroadcastFramesReceivedOK = s.rx_broadcast;
	stats->CarrierSenseErrors = s.no_carrier;
	stats->FramesLostDueToIntMACRcvError = s.missed;
	stats->InRangeLengthErrors = s.rx_type_length;
	stats->FrameTooLongErrors = s.rx_oversize;
}

/* The only control frames that the card knows are pause frames */
void kpf_get_ctrl_stats(struct net_device *netdev,
			struct ethtool_eth_ctrl_stats *stats)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_stats s;

	kpf_stats_snapshot(net->pf, &s);
	stats->MACControlFramesTransmitted = s.tx_xoff + s.tx_xon;
	stats->MACControlFramesReceived = s.rx_xoff + s.rx_xon +
					  s.rx_unknown_control;
	stats->UnsupportedOpcodesReceived = s.rx_unknown_control;
}

void kpf_get_phy_stats(struct net_device *netdev,
		       struct ethtool_eth_phy_stats *stats)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_stats s;

	kpf_stats_snapshot(net->pf, &s);
	stats->SymbolErrorDuringCarrier = s.symbol_errors;
}

static const struct ethtool_rmon_hist_range kpf_rmon_ranges[] = {
	{ 0, 64 },
	{ 65, 127 },
	{ 128, 255 },
	{ 256, 511 },
	{ 512, 1023 },
	{ 1024, KWL_MAX_FRAME },
	{ }
};

void kpf_get_rmon_stats(struct net_device *netdev,
			struct ethtool_rmon_stats *stats,
			const struct ethtool_rmon_hist_range **ranges)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_stats s;
	int i;

	kpf_stats_snapshot(net->pf, &s);
	stats->undersize_pkts = s.rx_undersize;
	stats->oversize_pkts = s.rx_oversize;
	stats->fragments = s.rx_fragments;
	stats->jabbers = s.rx_jabber;
	for (i = 0; i < ARRAY_SIZE(s.rx_hist); i++) {
		stats->hist[i] = s.rx_hist[i];
		stats->hist_tx[i] = s.tx_hist[i];
	}
	*ranges = kpf_rmon_ranges;
}
