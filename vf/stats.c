// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the card counts for a VF and its rings cannot: multicast, and frames
 * that the switch has passed between functions. 32-bit registers that run in
 * a circle; a reset of the VF leaves them alone, one of the PF clears them.
 */
#include <linux/ethtool.h>

#include "kvf.h"

static const u16 kvf_stat_regs[KVF_NUM_STATS] = {
	[KVF_RX_MULTICAST]		= KWL_VFMPRC,
	[KVF_RX_SWITCHED]		= KWL_VFGPRLBC,
	[KVF_TX_SWITCHED]		= KWL_VFGPTLBC,
	[KVF_RX_SWITCHED_OCTETS]	= KWL_VFGORLBC,
	[KVF_TX_SWITCHED_OCTETS]	= KWL_VFGOTLBC,
};

/* ethtool -S: the rest, from KVF_RX_SWITCHED on */
static const char kvf_stat_names[][ETH_GSTRING_LEN] = {
	"rx_switched",
	"tx_switched",
	"rx_switched_octets",
	"tx_switched_octets",
};

static_assert(ARRAY_SIZE(kvf_stat_names) == KVF_NUM_STATS - KVF_RX_SWITCHED);

static void kvf_stats_read(struct kvf_dev *kvf, u32 *now)
{
	int i;

	for (i = 0; i < KVF_NUM_STATS; i++)
		now[i] = kwl_rd32(&kvf->hw, kvf_stat_regs[i]);
}

/*
 * Add what has been counted since the last look. Values from after a reset of
 * the PF would look like almost a whole circle, so ask whether there was one,
 * and afterwards: then the answer holds for the values. It may be too early to
 * tell, so nothing that runs backwards counts either; at line rate, half a
 * circle takes longer than the time between two looks.
 * Context: Process, may sleep.
 */
void kvf_stats_refresh(struct kvf_dev *kvf)
{
	u32 now[KVF_NUM_STATS];
	int i;

	kvf_stats_read(kvf, now);
	if (!READ_ONCE(kvf->session) || kvf->hw.gone ||
	    kvf_mbx_was_reset(kvf))
		return;
	spin_lock_bh(&kvf->stats_lock);
	for (i = 0; i < KVF_NUM_STATS; i++)
		if (kwl_count_is_back(&kvf->stats[i], now[i]))
			kwl_count_begin(&kvf->stats[i], now[i]);
		else
			kwl_count_see(&kvf->stats[i], now[i]);
	spin_unlock_bh(&kvf->stats_lock);
}

/* A session begins: count from here */
void kvf_stats_begin(struct kvf_dev *kvf)
{
	u32 now[KVF_NUM_STATS];
	int i;

	kvf_stats_read(kvf, now);
	spin_lock_bh(&kvf->stats_lock);
	for (i = 0; i < KVF_NUM_STATS; i++)
		kwl_count_begin(&kvf->stats[i], now[i]);
	spin_unlock_bh(&kvf->stats_lock);
}

static u64 kvf_stats_total(struct kvf_dev *kvf, enum kvf_stat stat)
{
	u64 total;

	spin_lock_bh(&kvf->stats_lock);
	total = kvf->stats[stat].total;
	spin_unlock_bh(&kvf->stats_lock);
	return total;
}

/* As old as the last look of the service, for this may not sleep */
void kvf_get_stats64(struct net_device *netdev,
		     struct rtnl_link_stats64 *stats)
{
	struct kvf_net *net = netdev_priv(netdev);

	kwl_get_stats64(netdev, stats);
	stats->multicast += kvf_stats_total(net->kvf, KVF_RX_MULTICAST);
}

int kvf_get_sset_count(struct net_device *netdev, int sset)
{
	struct kvf_net *net = netdev_priv(netdev);

	if (sset != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(kvf_stat_names) + kwl_xdp_stats_count(&net->port);
}

void kvf_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct kvf_net *net = netdev_priv(netdev);

	memcpy(data, kvf_stat_names, sizeof(kvf_stat_names));
	data += sizeof(kvf_stat_names);
	kwl_xdp_stats_strings(&net->port, &data);
}

void kvf_get_ethtool_stats(struct net_device *netdev,
			   struct ethtool_stats *stats, u64 *data)
{
	struct kvf_net *net = netdev_priv(netdev);
	int i;

	for (i = KVF_RX_SWITCHED; i < KVF_NUM_STATS; i++)
		*data++ = kvf_stats_total(net->kvf, i);
	kwl_xdp_stats_values(&net->port, data);
}
