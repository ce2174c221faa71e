// SPDX-License-Identifier: GPL-2.0-only
/* The interface: its operations, and bringing it up, down and into shape. */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include <kawela/compat.h>

#include "kpf_eswitch.h"
#include "kpf_repr.h"
#include "kpf_vf.h"

#define KPF_WATCHDOG_SECS	5

/* A queue that does not stop still knows its memory: only a reset helps */
static void kpf_net_unstick(struct kpf_net *net)
{
	if (!net->port.stuck)
		return;
	net->port.stuck = false;
	/* The reset clears the counters */
	kpf_stats_refresh(net->pf);
	kpf_sriov_before_reset(net->pf);
	kpf_hw_restart(net);
	kpf_sriov_after_reset(net->pf);
	kpf_link_resume(net->pf);
}

/* phylib's work may want to know which queues run: not in between, please */
static int kpf_net_start_port(struct kpf_net *net)
{
	int err;

	kpf_link_lock(net->pf);
	err = kwl_port_start(&net->port, net->qset);
	kpf_link_unlock(net->pf);
	kpf_net_unstick(net);
	return err;
}

static struct kwl_qset *kpf_net_stop_port(struct kpf_net *net)
{
	struct kwl_qset *qset;

	kpf_link_lock(net->pf);
	qset = kwl_port_stop(&net->port);
	kpf_link_unlock(net->pf);
	kpf_net_unstick(net);
	return qset;
}

/* Queues and MAC to work on memory that is there; link not included */
int kpf_net_start(struct kpf_net *net)
{
	int err;

	err = kpf_net_start_port(net);
	if (err)
		return err;
	kpf_hw_enable(net->pf);
	kwl_port_wake(&net->port);
	return 0;
}

void kpf_net_stop(struct kpf_net *net)
{
	/* Suspended: nothing to stop, and no register to be touched */
	if (kpf_net_stop_port(net))
		kpf_hw_disable(net->pf);
	/* What has left by now has its stamp */
	kpf_ptp_cancel(net->pf);
}

static void kpf_port_pause(struct kwl_port *port)
{
	kpf_net_stop_port(container_of(port, struct kpf_net, port));
}

static int kpf_port_resume(struct kwl_port *port)
{
	struct kpf_net *net = container_of(port, struct kpf_net, port);
	int err = kpf_net_start(net);

	if (err)
		kpf_schedule_reset(net->pf);
	return err;
}

static void kpf_port_recover(struct kwl_port *port)
{
	kpf_schedule_reset(container_of(port, struct kpf_net, port)->pf);
}

static const struct kwl_port_ops kpf_port_ops = {
	.pause		= kpf_port_pause,
	.resume		= kpf_port_resume,
	.recover	= kpf_port_recover,
};

static int kpf_open(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);
	int err;

	if (net->pf->hw.gone)
		return -ENODEV;
	err = netif_set_real_num_queues(netdev, net->port.cfg.pairs,
					net->port.cfg.pairs);
	if (err)
		return err;

	net->qset = kwl_qset_alloc(&net->port, &net->port.cfg);
	if (IS_ERR(net->qset)) {
		err = PTR_ERR(net->qset);
		goto err_clear;
	}

	err = kpf_irq_open(net);
	if (err)
		goto err_free_qset;

	err = kpf_net_start(net);
	if (err)
		goto err_free_irq;

	kpf_link_start(net->pf);
	kpf_repr_uplink_changed(net->pf);
	return 0;

err_free_irq:
	kpf_irq_close(net);
err_free_qset:
	kwl_qset_free(&net->port, net->qset);
err_clear:
	net->qset = NULL;
	return err;
}

static int kpf_close(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (net->pf->link.loopback)
		kpf_link_loopback(net->pf, false);
	/* VFs need the link, whatever becomes of the PF's interface */
	if (!net->pf->num_vfs)
		kpf_link_stop(net->pf);
	kpf_net_stop(net);
	kpf_irq_close(net);
	kwl_qset_free(&net->port, net->qset);
	net->qset = NULL;
	kpf_repr_uplink_changed(net->pf);
	return 0;
}

/* Move the PF to the pool after @num_vfs VFs; its queues are stopped */
static int kpf_net_move(struct kpf_net *net, u16 num_vfs)
{
	struct kpf_dev *pf = net->pf;
	int err;

	if (num_vfs == pf->num_vfs)
		return 0;
	err = kpf_filter_set_num_vfs(pf, num_vfs);
	if (err)
		return err;
	kpf_eswitch_update(pf);
	kpf_irq_setup_queues(net);
	kpf_link_lock(pf);
	kpf_hw_apply_rx(net, net->netdev->mtu, net->netdev->features);
	kpf_link_unlock(pf);
	kpf_irq_apply(net);
	kpf_filter_replay(pf);
	kpf_hw_apply_pools(net);
	/* The lists have more or less room than before */
	kpf_net_sync_rx_mode(net);
	return 0;
}

static void kpf_net_set_pairs(struct kpf_net *net, u16 pairs)
{
	kpf_rss_set_pairs(net, pairs);
	kpf_rss_apply(net);
	kpf_ntuple_apply(net, pairs);
}

/* Swap a running interface to memory that is allocated and filled already */
static int kpf_net_swap(struct kpf_net *net, struct kwl_qset *qset,
			u16 num_vfs)
{
	u16 pairs = qset->cfg.pairs, old_vfs = net->pf->num_vfs;
	int err;

	kpf_net_stop_port(net);
	err = netif_set_real_num_queues(net->netdev, pairs, pairs);
	if (err)
		goto restart;
	err = kpf_net_move(net, num_vfs);
	if (err)
		goto restore;
	kpf_net_set_pairs(net, pairs);

	swap(net->qset, qset);
	err = kpf_net_start(net);
	if (!err) {
		kwl_qset_free(&net->port, qset);
		return 0;
	}
	swap(net->qset, qset);
	kpf_net_move(net, old_vfs);

restore:
	/* Back to what was there before */
	netif_set_real_num_queues(net->netdev, net->port.cfg.pairs, net->port.cfg.pairs);
	kpf_net_set_pairs(net, net->port.cfg.pairs);
restart:
	if (kpf_net_start(net))
		kpf_schedule_reset(net->pf);
	return err;
}

/* The same for an interface that is down: there is nothing to swap */
static int kpf_net_set_down(struct kpf_net *net,
			    const struct kwl_queue_cfg *cfg, u16 num_vfs)
{
	int err = kpf_net_move(net, num_vfs);

	if (err)
		return err;
	net->port.cfg = *cfg;
	kpf_net_set_pairs(net, cfg->pairs);
	return 0;
}

static int kpf_net_change(struct kpf_net *net, const struct kwl_queue_cfg *cfg,
			  u16 num_vfs)
{
	u16 old = net->port.cfg.pairs, pairs = cfg->pairs;
	struct kwl_qset *qset;
	int err;

	if (kwl_xsk_in_use(&net->port, pairs)) {
		netdev_err(net->netdev,
			   "an AF_XDP socket has a queue that would go\n");
		return -EBUSY;
	}
	if (!netif_running(net->netdev))
		return kpf_net_set_down(net, cfg, num_vfs);

	qset = kwl_qset_alloc(&net->port, cfg);
	if (IS_ERR(qset))
		return PTR_ERR(qset);

	err = kwl_irq_request(&net->port, old, pairs);
	if (err)
		goto err_free_qset;
	err = kpf_net_swap(net, qset, num_vfs);
	if (err)
		goto err_free_irq;

	kwl_irq_free(&net->port, pairs, old);
	net->port.cfg = *cfg;
	return 0;

err_free_irq:
	kwl_irq_free(&net->port, old, pairs);
err_free_qset:
	kwl_qset_free(&net->port, qset);
	return err;
}

/*
 * Change number or length of the rings. All memory and all interrupts are
 * had before traffic stops; on failure the old configuration goes on.
 * Context: Control locked (lock.h).
 */
int kpf_net_reconfigure(struct kpf_net *net, const struct kwl_queue_cfg *cfg)
{
	return kpf_net_change(net, cfg, net->pf->num_vfs);
}

/*
 * Make room for @num_vfs VFs, or take it back. The interface goes on with
 * @pairs queue pairs and keeps everything else.
 * Context: Control locked (lock.h).
 */
int kpf_net_set_num_vfs(struct kpf_net *net, u16 num_vfs, u16 pairs)
{
	struct kwl_queue_cfg cfg = net->port.cfg;

	cfg.pairs = pairs;
	return kpf_net_change(net, &cfg, num_vfs);
}

static void kpf_get_stats64(struct net_device *netdev,
			    struct rtnl_link_stats64 *stats)
{
	struct kpf_net *net = netdev_priv(netdev);

	kwl_get_stats64(netdev, stats);
	kpf_stats_get64(net->pf, stats);
}

static int kpf_set_mac_address(struct net_device *netdev, void *p)
{
	struct kpf_net *net = netdev_priv(netdev);
	const struct sockaddr *sa = p;

	if (!is_valid_ether_addr(sa->sa_data))
		return -EADDRNOTAVAIL;
	eth_hw_addr_set(netdev, sa->sa_data);
	kpf_filter_set_addr(net->pf, netdev->dev_addr);
	kpf_sriov_recheck(net->pf);
	return 0;
}

static int kpf_set_rx_mode(struct net_device *netdev,
			   struct netdev_hw_addr_list *uc,
			   struct netdev_hw_addr_list *mc)
{
	struct kpf_net *net = netdev_priv(netdev);

	kpf_filter_set_rx_mode(net->pf, netdev->flags, uc, mc);
	kpf_sriov_recheck(net->pf);
	return 0;
}

KWL_DEFINE_SET_RX_MODE(kpf_set_rx_mode)
KWL_DEFINE_FDB_ADD(kpf_fdb_add)

/* The stack does not tell an absent device what it wants: take it from there */
void kpf_net_sync_rx_mode(struct kpf_net *net)
{
	struct net_device *netdev = net->netdev;

	netif_addr_lock_bh(netdev);
	kpf_filter_set_rx_mode(net->pf, netdev->flags, &netdev->uc,
			       &netdev->mc);
	netif_addr_unlock_bh(netdev);
}

/* Receive buffers do not depend on the MTU, so this costs nothing */
static int kpf_change_mtu(struct net_device *netdev, int mtu)
{
	struct kpf_net *net = netdev_priv(netdev);
	int err;

	err = kwl_xdp_check_mtu(&net->port, mtu);
	if (err)
		return err;
	WRITE_ONCE(netdev->mtu, mtu);
	if (netif_device_present(netdev)) {
		kpf_link_lock(net->pf);
		kpf_hw_apply_rx(net, mtu, netdev->features);
		kpf_link_unlock(net->pf);
	}
	return 0;
}

/* It would take the frames of VFs as well */
static netdev_features_t kpf_fix_features(struct net_device *netdev,
					  netdev_features_t features)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (net->pf->num_vfs || kpf_eswitch_is_switchdev(net->pf))
		features &= ~NETIF_F_LOOPBACK;
	return kpf_eswitch_fix_features(netdev, features);
}

static int kpf_set_features(struct net_device *netdev,
			    netdev_features_t features)
{
	struct kpf_net *net = netdev_priv(netdev);
	netdev_features_t changed = netdev->features ^ features;

	if (changed & NETIF_F_HW_VLAN_CTAG_RX) {
		kpf_link_lock(net->pf);
		kpf_hw_apply_rx(net, netdev->mtu, features);
		kpf_link_unlock(net->pf);
	}
	if (changed & NETIF_F_NTUPLE && !(features & NETIF_F_NTUPLE))
		kpf_ntuple_clear(net);
	if (changed & NETIF_F_HW_VLAN_CTAG_FILTER)
		kpf_filter_set_vlan_filter(net->pf, features &
					   NETIF_F_HW_VLAN_CTAG_FILTER);
	if (changed & NETIF_F_LOOPBACK)
		return kpf_link_set_loopback(net->pf,
					     features & NETIF_F_LOOPBACK);
	return 0;
}

static int kpf_vlan_add(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct kpf_net *net = netdev_priv(netdev);

	return kpf_filter_set_vlan(net->pf, vid, true);
}

static int kpf_vlan_kill(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct kpf_net *net = netdev_priv(netdev);

	return kpf_filter_set_vlan(net->pf, vid, false);
}

/* The stack has logged which queue hangs and for how long */
static void kpf_tx_timeout(struct net_device *netdev, unsigned int txqueue)
{
	struct kpf_net *net = netdev_priv(netdev);

	net->pf->tx_timeouts++;
	kwl_tx_hang(&net->port, txqueue);
	kpf_health_event(net->pf, KPF_HEALTH_TX_HANG, txqueue);
}

static const struct net_device_ops kpf_netdev_ops = {
	.ndo_open		= kpf_open,
	.ndo_stop		= kpf_close,
	.ndo_start_xmit		= kwl_xmit,
	.ndo_features_check	= kwl_features_check,
	.ndo_get_stats64	= kpf_get_stats64,
	.ndo_set_mac_address	= kpf_set_mac_address,
	.ndo_validate_addr	= eth_validate_addr,
	KWL_SET_RX_MODE(kpf_set_rx_mode),
	.ndo_change_mtu		= kpf_change_mtu,
	.ndo_fix_features	= kpf_fix_features,
	.ndo_set_features	= kpf_set_features,
	.ndo_setup_tc		= kpf_tc_setup_wire,
	.ndo_get_port_parent_id	= kpf_eswitch_get_port_parent_id,
	.ndo_vlan_rx_add_vid	= kpf_vlan_add,
	.ndo_vlan_rx_kill_vid	= kpf_vlan_kill,
	.ndo_tx_timeout		= kpf_tx_timeout,
	.ndo_bpf		= kwl_bpf,
	.ndo_xdp_xmit		= kwl_xdp_xmit,
	.ndo_xsk_wakeup		= kwl_xsk_wakeup,
	.ndo_hwtstamp_get	= kpf_ndo_hwtstamp_get,
	.ndo_hwtstamp_set	= kpf_ndo_hwtstamp_set,
	.ndo_fdb_add		= kpf_fdb_add,
	.ndo_bridge_getlink	= kpf_ndo_bridge_getlink,
	.ndo_bridge_setlink	= kpf_ndo_bridge_setlink,
	.ndo_set_vf_mac		= kpf_ndo_set_vf_mac,
	.ndo_set_vf_vlan	= kpf_ndo_set_vf_vlan,
	.ndo_set_vf_rate	= kpf_ndo_set_vf_rate,
	.ndo_set_vf_spoofchk	= kpf_ndo_set_vf_spoofchk,
	.ndo_set_vf_trust	= kpf_ndo_set_vf_trust,
	.ndo_set_vf_link_state	= kpf_ndo_set_vf_link_state,
	.ndo_set_vf_rss_query_en = kpf_ndo_set_vf_rss_query_en,
	.ndo_get_vf_config	= kpf_ndo_get_vf_config,
	.ndo_get_vf_stats	= kpf_ndo_get_vf_stats,
};

static void kpf_net_init_features(struct net_device *netdev,
				  const struct kpf_dev *pf)
{
	/*
	 * Not HW_CSUM: the emulator looks for the first IP header itself, so
	 * the inner checksum of a tunnel would come out wrong there.
	 */
	netdev_features_t offloads = NETIF_F_SG | NETIF_F_IP_CSUM |
				     NETIF_F_IPV6_CSUM | NETIF_F_SCTP_CRC |
				     NETIF_F_TSO | NETIF_F_TSO6;

	/* The emulator sends IP fragments instead of UDP segments */
	if (!pf->emulated)
		offloads |= NETIF_F_GSO_UDP_L4;

	netdev->hw_features = offloads | NETIF_F_RXCSUM | NETIF_F_RXHASH |
			      NETIF_F_HW_VLAN_CTAG_RX |
			      NETIF_F_HW_VLAN_CTAG_TX |
			      NETIF_F_HW_VLAN_CTAG_FILTER;
	if (!pf->emulated)
		netdev->hw_features |= NETIF_F_NTUPLE;
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA;
	netdev->hw_features |= NETIF_F_LOOPBACK;
	netdev->vlan_features = offloads | NETIF_F_HIGHDMA;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = KPF_MAX_MTU;
}

static void kpf_net_init_defaults(struct kpf_net *net)
{
	net->port.cfg.pairs = min_t(u16, net->port.num_vec, num_online_cpus());
	net->msg_enable = NETIF_MSG_DRV | NETIF_MSG_PROBE | NETIF_MSG_LINK;
	kpf_rss_init(net);
}

/* Create the interface of a function that has been reset; not registered */
struct kpf_net *kpf_net_create(struct kpf_dev *pf)
{
	u16 pairs = kpf_irq_max_pairs(pf);
	struct net_device *netdev;
	struct kpf_net *net;
	int err;

	netdev = alloc_etherdev_mq(sizeof(*net), pairs);
	if (!netdev)
		return ERR_PTR(-ENOMEM);
	SET_NETDEV_DEV(netdev, &pf->pdev->dev);

	net = netdev_priv(netdev);
	net->netdev = netdev;
	net->pf = pf;
	err = kwl_port_init(&net->port, netdev, &pf->hw, pairs);
	if (err) {
		free_netdev(netdev);
		return ERR_PTR(err);
	}
	net->port.ops = &kpf_port_ops;
	kpf_net_init_defaults(net);
	kpf_irq_setup_vectors(net);

	netdev->netdev_ops = &kpf_netdev_ops;
	netdev->ethtool_ops = &kpf_ethtool_ops;
	netdev->stat_ops = &kwl_stat_ops;
	netdev->watchdog_timeo = KPF_WATCHDOG_SECS * HZ;
	kpf_net_init_features(netdev, pf);
	kwl_xdp_init(netdev);

	eth_hw_addr_set(netdev, pf->perm_addr);
	ether_addr_copy(netdev->perm_addr, pf->perm_addr);
	kpf_filter_init(pf);
	netif_carrier_off(netdev);

	pf->net = net;
	return net;
}

void kpf_net_destroy(struct kpf_net *net)
{
	/* Whoever looks for it from a work item does so with RTNL */
	rtnl_lock();
	net->pf->net = NULL;
	rtnl_unlock();
	kwl_port_fini(&net->port);
	free_netdev(net->netdev);
}
