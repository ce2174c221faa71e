// SPDX-License-Identifier: GPL-2.0-only
/* ethtool, as far as a VF has it: the port itself is the PF's. */
#include <linux/ethtool.h>

#include "kvf.h"

static int kvf_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *cmd)
{
	cmd->base.autoneg = AUTONEG_DISABLE;
	cmd->base.port = PORT_OTHER;
	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_UNKNOWN;
	if (netif_carrier_ok(netdev)) {
		cmd->base.speed = SPEED_1000;
		cmd->base.duplex = DUPLEX_FULL;
	}
	return 0;
}

static void kvf_get_ringparam(struct net_device *netdev,
			      struct ethtool_ringparam *ring,
			      struct kernel_ethtool_ringparam *kring,
			      struct netlink_ext_ack *extack)
{
	struct kvf_net *net = netdev_priv(netdev);

	ring->rx_max_pending = KWL_RING_MAX;
	ring->tx_max_pending = KWL_RING_MAX;
	ring->rx_pending = net->cfg.rx_count;
	ring->tx_pending = net->cfg.tx_count;
}

static int kvf_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct kvf_net *net = netdev_priv(netdev);
	struct kwl_queue_cfg cfg = net->cfg;
	int err;

	err = kwl_ring_sizes(ring, &cfg, extack);
	if (err || !memcmp(&cfg, &net->cfg, sizeof(cfg)))
		return err;
	return kvf_net_reconfigure(net, &cfg);
}

static void kvf_get_channels(struct net_device *netdev,
			     struct ethtool_channels *ch)
{
	/* The pool's second pair has no interrupt on the emulator */
	ch->max_combined = 1;
	ch->combined_count = 1;
	ch->max_other = 1;
	ch->other_count = 1;
}

const struct ethtool_ops kvf_ethtool_ops = {
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= kvf_get_link_ksettings,
	.get_ringparam		= kvf_get_ringparam,
	.set_ringparam		= kvf_set_ringparam,
	.get_channels		= kvf_get_channels,
	.get_ts_info		= ethtool_op_get_ts_info,
};
