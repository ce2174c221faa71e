// SPDX-License-Identifier: GPL-2.0-only
/*
 * Representors: for each VF an interface that is the other end of its pipe.
 * They send and receive through the queue of the PF's own interface, the
 * uplink, which has to be up for that; see kwl_repr_xmit().
 */
#include <linux/ethtool.h>
#include <linux/etherdevice.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kpf_devlink.h"
#include "kpf_repr.h"
#include "kpf_vf.h"

#define KPF_REPR_MAX_MTU	(KWL_MAX_FRAME - VLAN_HLEN - KPF_REPR_EXTRA)
#define KPF_REPR_OFFLOADS	(NETIF_F_SG | NETIF_F_IP_CSUM |		\
				 NETIF_F_IPV6_CSUM | NETIF_F_SCTP_CRC |	\
				 NETIF_F_TSO | NETIF_F_TSO6)

/* Tell the VF, and the pool, that its other end is different now */
static void kpf_repr_changed(struct kpf_dev *pf, struct kpf_vf *vf, bool renew)
{
	lockdep_assert_held(&pf->sriov.lock);

	kpf_vf_apply(pf, vf);
	if (renew)
		kpf_vf_renew(pf, vf, 0);
	else
		kpf_vf_notify_state(pf, vf);
}

static void kpf_repr_set_up(struct kpf_repr *repr, bool up)
{
	mutex_lock(&repr->pf->sriov.lock);
	repr->vf->port.up = up;
	kpf_repr_changed(repr->pf, repr->vf, false);
	mutex_unlock(&repr->pf->sriov.lock);
}

static int kpf_repr_open(struct net_device *netdev)
{
	struct kpf_repr *repr = netdev_priv(netdev);

	kpf_repr_set_up(repr, true);
	if (netif_running(repr->pf->net->netdev))
		netif_carrier_on(netdev);
	return 0;
}

static int kpf_repr_stop(struct net_device *netdev)
{
	netif_carrier_off(netdev);
	kpf_repr_set_up(netdev_priv(netdev), false);
	return 0;
}

/* The VF's, too: it is told, and longer frames do not get through to it */
static int kpf_repr_change_mtu(struct net_device *netdev, int mtu)
{
	struct kpf_repr *repr = netdev_priv(netdev);

	WRITE_ONCE(netdev->mtu, mtu);
	mutex_lock(&repr->pf->sriov.lock);
	repr->vf->port.mtu = mtu;
	kpf_repr_changed(repr->pf, repr->vf, true);
	mutex_unlock(&repr->pf->sriov.lock);
	return 0;
}

/*
 * What the VF sends is what comes in here, by whichever way it then goes. The
 * card counts CRCs, and in what a VF sends the private tag.
 */
void kpf_repr_read(struct kpf_repr *repr, struct kpf_repr_count *now)
{
	const struct kwl_count *count = repr->vf->stats;
	const struct kpf_repr_count *base = &repr->base;
	struct kpf_dev *pf = repr->pf;

	kpf_vf_refresh_stats(pf, repr->vf);
	spin_lock_bh(&pf->stats_lock);
	now->rx_packets = count[KPF_VF_TX_PACKETS].total - base->rx_packets;
	now->rx_bytes = count[KPF_VF_TX_BYTES].total - base->rx_bytes;
	now->tx_packets = count[KPF_VF_RX_PACKETS].total - base->tx_packets;
	now->tx_bytes = count[KPF_VF_RX_BYTES].total - base->tx_bytes;
	spin_unlock_bh(&pf->stats_lock);
	now->rx_bytes -= now->rx_packets * (ETH_FCS_LEN + VLAN_HLEN);
	now->tx_bytes -= now->tx_packets * ETH_FCS_LEN;
}

/* Those of a new interface begin at zero */
static void kpf_repr_begin_stats(struct kpf_repr *repr)
{
	const struct kwl_count *count = repr->vf->stats;
	struct kpf_dev *pf = repr->pf;

	kpf_vf_refresh_stats(pf, repr->vf);
	spin_lock_bh(&pf->stats_lock);
	repr->base.rx_packets = count[KPF_VF_TX_PACKETS].total;
	repr->base.rx_bytes = count[KPF_VF_TX_BYTES].total;
	repr->base.tx_packets = count[KPF_VF_RX_PACKETS].total;
	repr->base.tx_bytes = count[KPF_VF_RX_BYTES].total;
	spin_unlock_bh(&pf->stats_lock);
}

static void kpf_repr_get_stats64(struct net_device *netdev,
				 struct rtnl_link_stats64 *stats)
{
	struct kpf_repr_count now;

	kpf_repr_read(netdev_priv(netdev), &now);
	stats->rx_packets = now.rx_packets;
	stats->rx_bytes = now.rx_bytes;
	stats->tx_packets = now.tx_packets;
	stats->tx_bytes = now.tx_bytes;
}

static bool kpf_repr_has_offload_stats(const struct net_device *netdev, int id)
{
	return id == IFLA_OFFLOAD_XSTATS_CPU_HIT;
}

static int kpf_repr_get_offload_stats(int id, const struct net_device *netdev,
				      void *data)
{
	if (id != IFLA_OFFLOAD_XSTATS_CPU_HIT)
		return -EINVAL;
	dev_fetch_sw_netstats(data, netdev->tstats);
	return 0;
}

/* The rules have gone with the queueing disciplines */
static void kpf_repr_uninit(struct net_device *netdev)
{
	struct kpf_repr *repr = netdev_priv(netdev);

	xa_destroy(&repr->soft_rules);
	kwl_repr_uninit(netdev);
}

/* As with all cards, rules in it have to be deleted first */
static int kpf_repr_set_features(struct net_device *netdev,
				 netdev_features_t features)
{
	const struct kpf_repr *repr = netdev_priv(netdev);

	if (features & NETIF_F_HW_TC || !repr->drop.cookie)
		return 0;
	netdev_err(netdev, "a rule of tc is in the card\n");
	return -EBUSY;
}

static const struct net_device_ops kpf_repr_netdev_ops = {
	.ndo_init		= kwl_repr_init,
	.ndo_uninit		= kpf_repr_uninit,
	.ndo_open		= kpf_repr_open,
	.ndo_stop		= kpf_repr_stop,
	.ndo_start_xmit		= kwl_repr_xmit,
	.ndo_features_check	= kwl_features_check,
	.ndo_change_mtu		= kpf_repr_change_mtu,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_get_stats64	= kpf_repr_get_stats64,
	.ndo_has_offload_stats	= kpf_repr_has_offload_stats,
	.ndo_get_offload_stats	= kpf_repr_get_offload_stats,
	.ndo_set_features	= kpf_repr_set_features,
	.ndo_setup_tc		= kpf_tc_setup_repr,
};

/* NULL if it is no representor of ours */
struct kpf_repr *kpf_repr_of(const struct net_device *netdev)
{
	return netdev->netdev_ops == &kpf_repr_netdev_ops ?
	       netdev_priv(netdev) : NULL;
}

static void kpf_repr_get_drvinfo(struct net_device *netdev,
				 struct ethtool_drvinfo *info)
{
	struct kpf_repr *repr = netdev_priv(netdev);

	strscpy(info->driver, KBUILD_MODNAME "_repr", sizeof(info->driver));
	strscpy(info->bus_info, pci_name(repr->pf->pdev),
		sizeof(info->bus_info));
}

static const char kpf_repr_stats[][ETH_GSTRING_LEN] = {
	"rx_spoofed",
	"rx_above_rate",
	"rx_held_back",
};

static int kpf_repr_get_sset_count(struct net_device *netdev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(kpf_repr_stats) : -EOPNOTSUPP;
}

static void kpf_repr_get_strings(struct net_device *netdev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, kpf_repr_stats, sizeof(kpf_repr_stats));
}

static void kpf_repr_get_stats(struct net_device *netdev,
			       struct ethtool_stats *stats, u64 *data)
{
	const struct kpf_repr *repr = netdev_priv(netdev);
	const struct kpf_eswitch *es = &repr->pf->eswitch;
	u16 num = repr->repr.num;

	kwl_police_read(&es->demux.police[num], &data[0], &data[1]);
	data[2] = READ_ONCE(es->share[num].holds);
}

static const struct ethtool_ops kpf_repr_ethtool_ops = {
	.get_drvinfo		= kpf_repr_get_drvinfo,
	.get_sset_count		= kpf_repr_get_sset_count,
	.get_strings		= kpf_repr_get_strings,
	.get_ethtool_stats	= kpf_repr_get_stats,
	.get_link		= ethtool_op_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
};

static void kpf_repr_init_netdev(struct net_device *netdev)
{
	netdev->netdev_ops = &kpf_repr_netdev_ops;
	netdev->ethtool_ops = &kpf_repr_ethtool_ops;
	netdev->hw_features = KPF_REPR_OFFLOADS | NETIF_F_RXCSUM |
			      NETIF_F_HW_TC;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->vlan_features = KPF_REPR_OFFLOADS | NETIF_F_HIGHDMA;
	netdev->priv_flags |= IFF_NO_QUEUE | IFF_LIVE_ADDR_CHANGE;
	netdev->priv_flags &= ~IFF_TX_SKB_SHARING;
	netdev->lltx = true;
	netdev->needs_free_netdev = true;
	netdev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = KPF_REPR_MAX_MTU;
	eth_hw_addr_random(netdev);
	netif_carrier_off(netdev);
}

/* No parent in sysfs: devlink's port says what it belongs to */
static struct net_device *kpf_repr_alloc(struct kpf_dev *pf, u16 num)
{
	struct net_device *netdev = alloc_etherdev(sizeof(struct kpf_repr));
	struct kpf_repr *repr;

	if (!netdev)
		return NULL;
	repr = netdev_priv(netdev);
	repr->repr.port = &pf->net->port;
	repr->repr.demux = &pf->eswitch.demux;
	repr->repr.gate = &pf->eswitch.gate[num];
	repr->repr.num = num;
	repr->netdev = netdev;
	repr->pf = pf;
	repr->vf = &pf->sriov.vf[num];
	xa_init(&repr->soft_rules);
	kpf_repr_begin_stats(repr);
	kpf_repr_init_netdev(netdev);
	SET_NETDEV_DEVLINK_PORT(netdev, kpf_vf_port(pf, num));

	/* A VF that is in service keeps the MTU it has */
	mutex_lock(&pf->sriov.lock);
	memset(&pf->eswitch.brport[num], 0, sizeof(pf->eswitch.brport[num]));
	netdev->mtu = clamp(repr->vf->req.max_frame - KPF_REPR_EXTRA,
			    ETH_DATA_LEN, KPF_REPR_MAX_MTU);
	repr->vf->port.mtu = netdev->mtu;
	repr->vf->port.up = false;
	mutex_unlock(&pf->sriov.lock);
	return netdev;
}

static int kpf_repr_create(struct kpf_dev *pf, u16 num)
{
	struct net_device *netdev = kpf_repr_alloc(pf, num);
	int err;

	if (!netdev)
		return -ENOMEM;
	rtnl_lock();
	err = register_netdevice(netdev);
	if (!err) {
		pf->eswitch.repr[num] = netdev;
		rcu_assign_pointer(pf->eswitch.demux.netdev[num], netdev);
	}
	rtnl_unlock();
	if (err)
		free_netdev(netdev);
	return err;
}

/* Those of all VFs that have ports. Context: devlink's lock. */
int kpf_repr_create_all(struct kpf_dev *pf, struct netlink_ext_ack *extack)
{
	int err = 0;
	u16 i;

	if (!pf->vf_ports)
		return 0;
	for (i = 0; i < pf->num_vf_ports && !err; i++)
		err = kpf_repr_create(pf, i);
	if (!err)
		return 0;
	kpf_repr_destroy_all(pf);
	NL_SET_ERR_MSG(extack, "no representor for each VF");
	return err;
}

/* Context: devlink's lock. */
void kpf_repr_destroy_all(struct kpf_dev *pf)
{
	struct kpf_eswitch *es = &pf->eswitch;
	LIST_HEAD(list);
	u16 i;

	rtnl_lock();
	for (i = 0; i < KPF_MAX_VFS; i++) {
		if (!es->repr[i])
			continue;
		RCU_INIT_POINTER(es->demux.netdev[i], NULL);
		unregister_netdevice_queue(es->repr[i], &list);
		es->repr[i] = NULL;
	}
	unregister_netdevice_many(&list);
	rtnl_unlock();
}

/* The way for all frames of VFs has opened or closed. Context: RTNL. */
void kpf_repr_uplink_changed(struct kpf_dev *pf)
{
	bool up = netif_running(pf->net->netdev);
	int i;

	WRITE_ONCE(pf->eswitch.up, up);
	if (!pf->eswitch.active)
		return;
	for (i = 0; i < KPF_MAX_VFS; i++) {
		struct net_device *netdev = pf->eswitch.repr[i];

		if (!netdev || !netif_running(netdev))
			continue;
		if (up)
			netif_carrier_on(netdev);
		else
			netif_carrier_off(netdev);
	}
	kpf_sriov_link_changed(pf);
}
