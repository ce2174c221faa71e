// SPDX-License-Identifier: GPL-2.0-only
/* ethtool: checks the request, then calls the file that owns the matter. */
#include <linux/ethtool.h>
#include <linux/phy.h>

#include <kawela/compat.h>

#include "kpf.h"

static void kpf_get_drvinfo(struct net_device *netdev,
			    struct ethtool_drvinfo *info)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_dev *pf = net->pf;

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->bus_info, pci_name(pf->pdev), sizeof(info->bus_info));
	kpf_nvm_version(pf, info->fw_version, sizeof(info->fw_version));
}

static int kpf_get_link_ksettings(struct net_device *netdev,
				  struct ethtool_link_ksettings *cmd)
{
	struct kpf_net *net = netdev_priv(netdev);

	phy_ethtool_ksettings_get(net->pf->link.phy, cmd);
	return 0;
}

static int kpf_set_link_ksettings(struct net_device *netdev,
				  const struct ethtool_link_ksettings *cmd)
{
	struct kpf_net *net = netdev_priv(netdev);

	/* 1000BASE-T has to negotiate who is master */
	if (cmd->base.autoneg == AUTONEG_DISABLE &&
	    cmd->base.speed == SPEED_1000)
		return -EINVAL;
	return phy_ethtool_ksettings_set(net->pf->link.phy, cmd);
}

static int kpf_nway_reset(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);

	return kpf_link_renegotiate(net->pf);
}

static void kpf_get_pauseparam(struct net_device *netdev,
			       struct ethtool_pauseparam *pause)
{
	struct kpf_net *net = netdev_priv(netdev);
	const struct kpf_link *link = &net->pf->link;

	pause->autoneg = link->fc_autoneg;
	pause->rx_pause = link->fc_rx;
	pause->tx_pause = link->fc_tx;
}

static int kpf_set_pauseparam(struct net_device *netdev,
			      struct ethtool_pauseparam *pause)
{
	struct kpf_net *net = netdev_priv(netdev);

	return kpf_link_set_pause(net->pf, pause);
}

static u32 kpf_get_msglevel(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);

	return net->msg_enable;
}

static void kpf_set_msglevel(struct net_device *netdev, u32 level)
{
	struct kpf_net *net = netdev_priv(netdev);

	net->msg_enable = level;
}

static int kpf_get_regs_len(struct net_device *netdev)
{
	return kpf_regdump_len();
}

static void kpf_get_regs(struct net_device *netdev, struct ethtool_regs *regs,
			 void *buf)
{
	struct kpf_net *net = netdev_priv(netdev);

	regs->version = 1;
	kpf_regdump(net->pf, buf);
}

static int kpf_get_eeprom_len(struct net_device *netdev)
{
	return KWL_NVM_WORDS * sizeof(u16);
}

static int kpf_get_eeprom(struct net_device *netdev,
			  struct ethtool_eeprom *eeprom, u8 *data)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_dev *pf = net->pf;
	u16 first, count, *words;
	int err, i;

	first = eeprom->offset / sizeof(u16);
	count = DIV_ROUND_UP(eeprom->offset + eeprom->len, sizeof(u16)) - first;
	words = kcalloc(count, sizeof(u16), GFP_KERNEL);
	if (!words)
		return -ENOMEM;

	err = kpf_nvm_read(pf, first, count, words);
	for (i = 0; i < count; i++)
		cpu_to_le16s(&words[i]);
	eeprom->magic = pf->pdev->vendor | pf->pdev->device << 16;
	memcpy(data, (u8 *)words + eeprom->offset % sizeof(u16), eeprom->len);
	kfree(words);
	return err;
}

static int kpf_set_ringparam(struct net_device *netdev,
			     struct ethtool_ringparam *ring,
			     struct kernel_ethtool_ringparam *kring,
			     struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kwl_queue_cfg cfg;
	int err;

	err = kwl_check_ringparam(&net->port, ring, kring, &cfg, extack);
	if (err)
		return err;
	if (cfg.split && kpf_eswitch_is_switchdev(net->pf)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "no tcp-data-split in mode switchdev: frames of VFs come whole");
		return -EBUSY;
	}
	if (kwl_same_cfg(&cfg, &net->port.cfg))
		return 0;
	err = kpf_net_reconfigure(net, &cfg);
	if (!err)
		kwl_xdp_update(&net->port);
	return err;
}

static void kpf_get_channels(struct net_device *netdev,
			     struct ethtool_channels *ch)
{
	struct kpf_net *net = netdev_priv(netdev);

	ch->max_combined = kpf_irq_pairs(net->pf);
	ch->combined_count = net->port.cfg.pairs;
	/* The vector that serves link and mailbox */
	ch->max_other = kpf_irq_has_other(net->pf);
	ch->other_count = ch->max_other;
}

static int kpf_set_channels(struct net_device *netdev,
			    struct ethtool_channels *ch)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kwl_queue_cfg cfg = net->port.cfg;

	if (!!ch->other_count != kpf_irq_has_other(net->pf))
		return -EINVAL;
	cfg.pairs = ch->combined_count;
	if (cfg.pairs == net->port.cfg.pairs)
		return 0;
	return kpf_net_reconfigure(net, &cfg);
}

static int kpf_get_sset_count(struct net_device *netdev, int sset)
{
	struct kpf_net *net = netdev_priv(netdev);

	switch (sset) {
	case ETH_SS_STATS:
		return kpf_stats_count() + kwl_xdp_stats_count(&net->port);
	case ETH_SS_TEST:
		return KPF_SELFTESTS;
	default:
		return -EOPNOTSUPP;
	}
}

static void kpf_get_strings(struct net_device *netdev, u32 sset, u8 *data)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (sset == ETH_SS_STATS) {
		kpf_stats_strings(&data);
		kwl_xdp_stats_strings(&net->port, &data);
	} else if (sset == ETH_SS_TEST) {
		memcpy(data, kpf_selftest_names, sizeof(kpf_selftest_names));
	}
}

static void kpf_get_ethtool_stats(struct net_device *netdev,
				  struct ethtool_stats *stats, u64 *data)
{
	struct kpf_net *net = netdev_priv(netdev);

	kpf_stats_values(net->pf, data);
	kwl_xdp_stats_values(&net->port, data + kpf_stats_count());
}

static void kpf_self_test(struct net_device *netdev, struct ethtool_test *test,
			  u64 *data)
{
	kpf_selftest(netdev_priv(netdev), test, data);
}

/* Let a person find the port: all its LEDs on, off, and as they were */
static int kpf_set_phys_id(struct net_device *netdev,
			   enum ethtool_phys_id_state state)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct kpf_dev *pf = net->pf;

	switch (state) {
	case ETHTOOL_ID_ACTIVE:
		pf->ledctl = kwl_rd32(&pf->hw, KWL_LEDCTL);
		/* Times per second to switch on and off */
		return 2;
	case ETHTOOL_ID_ON:
		kwl_wr32(&pf->hw, KWL_LEDCTL, KWL_LEDCTL_ALL_ON);
		return 0;
	case ETHTOOL_ID_OFF:
		kwl_wr32(&pf->hw, KWL_LEDCTL, KWL_LEDCTL_ALL_OFF);
		return 0;
	case ETHTOOL_ID_INACTIVE:
		kwl_wr32(&pf->hw, KWL_LEDCTL, pf->ledctl);
		return 0;
	}
	return -EOPNOTSUPP;
}

static u32 kpf_get_rx_ring_count(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);

	return net->port.cfg.pairs;
}

KWL_DEFINE_RXNFC(kpf_get_rx_ring_count, kpf_get_rxnfc)

static u32 kpf_get_rxfh_key_size(struct net_device *netdev)
{
	return KWL_RSSRK_BYTES;
}

static u32 kpf_get_rxfh_indir_size(struct net_device *netdev)
{
	return KWL_RETA_ENTRIES;
}

static int kpf_get_rxfh(struct net_device *netdev,
			struct ethtool_rxfh_param *rxfh)
{
	struct kpf_net *net = netdev_priv(netdev);
	int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->key)
		memcpy(rxfh->key, net->rss.key, sizeof(net->rss.key));
	if (rxfh->indir)
		for (i = 0; i < KWL_RETA_ENTRIES; i++)
			rxfh->indir[i] = net->rss.table[i];
	return 0;
}

static int kpf_set_rxfh(struct net_device *netdev,
			struct ethtool_rxfh_param *rxfh,
			struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);
	int i;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "the card hashes by Toeplitz only");
		return -EOPNOTSUPP;
	}
	if (rxfh->key)
		memcpy(net->rss.key, rxfh->key, sizeof(net->rss.key));
	if (rxfh->indir)
		for (i = 0; i < KWL_RETA_ENTRIES; i++)
			net->rss.table[i] = rxfh->indir[i];
	kpf_rss_apply(net);
	return 0;
}

#define KPF_RXH_L3	(RXH_IP_SRC | RXH_IP_DST)
#define KPF_RXH_L4	(KPF_RXH_L3 | RXH_L4_B_0_1 | RXH_L4_B_2_3)

/* The bits of KWL_MRQC that have a flow type hashed by ports, if it has ports */
static u32 kpf_rxfh_ports(u32 flow_type)
{
	switch (flow_type) {
	case TCP_V4_FLOW:
		return KWL_MRQC_TCP4;
	case TCP_V6_FLOW:
		/* The emulator goes by bit 18 only, silicon by 21 */
		return KWL_MRQC_TCP6 | KWL_MRQC_TCP6EX;
	case UDP_V4_FLOW:
		return KWL_MRQC_UDP4;
	case UDP_V6_FLOW:
		return KWL_MRQC_UDP6;
	default:
		return 0;
	}
}

static int kpf_get_rxfh_fields(struct net_device *netdev,
			       struct ethtool_rxfh_fields *fields)
{
	struct kpf_net *net = netdev_priv(netdev);

	switch (fields->flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
	case UDP_V4_FLOW:
	case UDP_V6_FLOW:
		fields->data = net->rss.ports &
			       kpf_rxfh_ports(fields->flow_type) ?
			       KPF_RXH_L4 : KPF_RXH_L3;
		return 0;
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
	case AH_ESP_V4_FLOW:
	case AH_ESP_V6_FLOW:
	case AH_V4_FLOW:
	case AH_V6_FLOW:
	case ESP_V4_FLOW:
	case ESP_V6_FLOW:
	case IPV4_FLOW:
	case IPV6_FLOW:
		fields->data = KPF_RXH_L3;
		return 0;
	default:
		return -EINVAL;
	}
}

static int kpf_set_rxfh_fields(struct net_device *netdev,
			       const struct ethtool_rxfh_fields *fields,
			       struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct ethtool_rxfh_fields now = { .flow_type = fields->flow_type };
	u32 ports = kpf_rxfh_ports(fields->flow_type);
	bool l4 = fields->data == KPF_RXH_L4;
	int err;

	err = kpf_get_rxfh_fields(netdev, &now);
	if (err)
		return err;
	if (now.data == fields->data)
		return 0;
	if (!l4 && fields->data != KPF_RXH_L3) {
		NL_SET_ERR_MSG_MOD(extack,
				   "both addresses, with or without both ports");
		return -EINVAL;
	}

	if (!ports) {
		NL_SET_ERR_MSG_MOD(extack,
				   "only ports of TCP and UDP are a choice");
		return -EINVAL;
	}
	net->rss.ports = l4 ? net->rss.ports | ports : net->rss.ports & ~ports;
	kpf_rss_apply(net);
	return 0;
}

const struct ethtool_ops kpf_ethtool_ops = {
	.supported_ring_params	= ETHTOOL_RING_USE_TCP_DATA_SPLIT |
				  ETHTOOL_RING_USE_HDS_THRS,
	.supported_coalesce_params = ETHTOOL_COALESCE_RX_USECS |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	KWL_ETHTOOL_NEEDS_RTNL(ETHTOOL_OP_NEEDS_RTNL_SRINGPARAM |
			       ETHTOOL_OP_NEEDS_RTNL_SCHANNELS |
			       ETHTOOL_OP_NEEDS_RTNL_GLINK |
			       ETHTOOL_OP_NEEDS_RTNL_TEST)
	.get_drvinfo		= kpf_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= kpf_get_link_ksettings,
	.set_link_ksettings	= kpf_set_link_ksettings,
	.nway_reset		= kpf_nway_reset,
	.get_pauseparam		= kpf_get_pauseparam,
	.set_pauseparam		= kpf_set_pauseparam,
	.get_pause_stats	= kpf_get_pause_stats,
	.get_wol		= kpf_get_wol,
	.set_wol		= kpf_set_wol,
	.get_msglevel		= kpf_get_msglevel,
	.set_msglevel		= kpf_set_msglevel,
	.get_regs_len		= kpf_get_regs_len,
	.get_regs		= kpf_get_regs,
	.get_eeprom_len		= kpf_get_eeprom_len,
	.get_eeprom		= kpf_get_eeprom,
	.get_ringparam		= kwl_get_ringparam,
	.set_ringparam		= kpf_set_ringparam,
	.get_channels		= kpf_get_channels,
	.set_channels		= kpf_set_channels,
	.get_coalesce		= kwl_get_coalesce,
	.set_coalesce		= kwl_set_coalesce,
	.get_per_queue_coalesce	= kwl_get_queue_coalesce,
	.set_per_queue_coalesce	= kwl_set_queue_coalesce,
	.get_sset_count		= kpf_get_sset_count,
	.get_strings		= kpf_get_strings,
	.get_ethtool_stats	= kpf_get_ethtool_stats,
	.get_eth_mac_stats	= kpf_get_mac_stats,
	.get_eth_ctrl_stats	= kpf_get_ctrl_stats,
	.get_eth_phy_stats	= kpf_get_phy_stats,
	.get_rmon_stats		= kpf_get_rmon_stats,
	.self_test		= kpf_self_test,
	.set_phys_id		= kpf_set_phys_id,
	.get_ts_info		= kpf_get_ts_info,
	.get_ts_stats		= kpf_get_ts_stats,
	KWL_RXNFC(kpf_get_rx_ring_count, kpf_get_rxnfc),
	.set_rxnfc		= kpf_set_rxnfc,
	.get_rxfh_key_size	= kpf_get_rxfh_key_size,
	.get_rxfh_indir_size	= kpf_get_rxfh_indir_size,
	.get_rxfh		= kpf_get_rxfh,
	.set_rxfh		= kpf_set_rxfh,
	.get_rxfh_fields	= kpf_get_rxfh_fields,
	.set_rxfh_fields	= kpf_set_rxfh_fields,
};
