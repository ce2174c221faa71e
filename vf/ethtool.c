// SPDX-License-Identifier: GPL-2.0-only
/* ethtool, as far as a VF has it: the port itself is the PF's. */
#include <linux/bitfield.h>
#include <linux/ethtool.h>

#include <kawela/compat.h>

#include "kvf.h"

/* The port's speed is to be seen from every VF */
static u32 kvf_speed(u32 status)
{
	switch (FIELD_GET(KWL_STATUS_SPEED, status)) {
	case KWL_SPEED_10:
		return SPEED_10;
	case KWL_SPEED_100:
		return SPEED_100;
	default:
		return SPEED_1000;
	}
}

static int kvf_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *cmd)
{
	struct kvf_net *net = netdev_priv(netdev);

	cmd->base.autoneg = AUTONEG_DISABLE;
	cmd->base.port = PORT_OTHER;
	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_UNKNOWN;
	if (netif_carrier_ok(netdev)) {
		u32 status = kwl_rd32(&net->kvf->hw, KWL_STATUS);

		cmd->base.speed = kvf_speed(status);
		cmd->base.duplex = status & KWL_STATUS_FD ? DUPLEX_FULL :
							    DUPLEX_HALF;
	}
	return 0;
}

static int kvf_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct kvf_net *net = netdev_priv(netdev);
	struct kwl_queue_cfg cfg;
	int err;

	err = kwl_check_ringparam(&net->port, ring, kring, &cfg, extack);
	if (err || kwl_same_cfg(&cfg, &net->port.cfg))
		return err;
	err = kvf_net_reconfigure(net, &cfg);
	if (!err)
		kwl_xdp_update(&net->port);
	return err;
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

/* What there is may be asked for; ethtool's core refuses more than that */
static int kvf_set_channels(struct net_device *netdev,
			    struct ethtool_channels *ch)
{
	return ch->other_count == 1 ? 0 : -EINVAL;
}

const struct ethtool_ops kvf_ethtool_ops = {
	.supported_ring_params	= ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				  ETHTOOL_RING_USE_HDS_THRS,
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	KWL_ETHTOOL_NEEDS_RTNL(ETHTOOL_OP_NEEDS_RTNL_SRINGPARAM |
			       ETHTOOL_OP_NEEDS_RTNL_GLINK)
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= kvf_get_link_ksettings,
	.get_coalesce		= kwl_get_coalesce,
	.set_coalesce		= kwl_set_coalesce,
	.get_per_queue_coalesce	= kwl_get_queue_coalesce,
	.set_per_queue_coalesce	= kwl_set_queue_coalesce,
	.get_ringparam		= kwl_get_ringparam,
	.set_ringparam		= kvf_set_ringparam,
	.get_channels		= kvf_get_channels,
	.set_channels		= kvf_set_channels,
	.get_sset_count		= kvf_get_sset_count,
	.get_strings		= kvf_get_strings,
	.get_ethtool_stats	= kvf_get_ethtool_stats,
	/* Clock and stamps are in the PF's BAR only: the system's have to do */
	.get_ts_info		= ethtool_op_get_ts_info,
};
