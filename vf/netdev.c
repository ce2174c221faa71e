// SPDX-License-Identifier: GPL-2.0-only
/* The interface: its operations, and bringing it up and down. */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include <kawela/compat.h>

#include "kvf.h"
#include "trace.h"

#define KVF_WATCHDOG_SECS	5

static void kvf_net_set_addr(struct kvf_net *net, const u8 *addr)
{
	struct kvf_dev *kvf = net->kvf;

	eth_hw_addr_set(net->netdev, addr);
	spin_lock_bh(&kvf->lists_lock);
	ether_addr_copy(kvf->lists.own, addr);
	spin_unlock_bh(&kvf->lists_lock);
}

/*
 * Which address is ours? The one we have, if the PF lets us; else, or if
 * @take, the one that its administrator has set.
 */
static int kvf_net_settle_addr(struct kvf_net *net, const u8 *granted,
			       bool take)
{
	struct net_device *netdev = net->netdev;
	int err;

	if (!take) {
		err = kvf_request_mac(net->kvf, netdev->dev_addr);
		if (!kvf_is_refusal(err))
			return err;
	}
	if (ether_addr_equal(granted, netdev->dev_addr))
		return 0;

	netdev_info(netdev, "the PF gives us the address %pM\n", granted);
	kvf_net_set_addr(net, granted);
	if (netdev->reg_state == NETREG_REGISTERED)
		call_netdevice_notifiers(NETDEV_CHANGEADDR, netdev);
	err = kvf_request_mac(net->kvf, granted);
	return kvf_is_refusal(err) ? 0 : err;
}

static int kvf_net_restore_vlans(struct kvf_net *net)
{
	unsigned int vid = 1;
	int err;

	for_each_set_bit_from(vid, net->vlans, VLAN_N_VID) {
		err = kvf_request_vlan(net->kvf, vid, true);
		if (err && !kvf_is_refusal(err))
			return err;
	}
	return 0;
}

/* How queues that are stopped have to work with this PF, as it is now */
static void kvf_net_suit_pf(struct kvf_net *net)
{
	struct kwl_vector *vec = net->port.vec[0];
	u32 state = net->kvf->pf.state;

	vec->rxr.vlans = state & KWL_STATE_SOFT_TAGS ? net->no_vlans :
						       net->vlans;
	vec->txr.bell = state & KWL_STATE_RING_AGAIN ? &net->bell : NULL;
}

/*
 * The end of our pipe in the host has its MTU, and it is ours as well. The
 * service sees to that, for the stack has to be told, under no lock of ours.
 */
static u32 kvf_net_obey_mtu(struct kvf_net *net)
{
	struct net_device *netdev = net->netdev;
	u32 max_mtu = net->kvf->pf.max_frame - KVF_FRAME_EXTRA;

	WRITE_ONCE(netdev->max_mtu, max_mtu);
	if (netdev->reg_state != NETREG_REGISTERED)
		netdev->mtu = min(netdev->mtu, max_mtu);
	return min(netdev->mtu, max_mtu);
}

/* Everything the PF has forgotten about us by a reset */
static int kvf_net_introduce(struct kvf_net *net)
{
	struct kvf_dev *kvf = net->kvf;
	bool take = kvf->pf.state & KWL_STATE_NEW_MAC;
	u8 granted[ETH_ALEN];
	u32 mtu;
	int err;

	ether_addr_copy(granted, net->netdev->dev_addr);
	err = kvf_request_reset(kvf, granted);
	if (err)
		return err;
	kvf_net_suit_pf(net);
	mtu = kvf_net_obey_mtu(net);
	/* The administrator has changed it while nobody could tell us */
	if (kvf->pf.admin_mac && !ether_addr_equal(granted, net->granted))
		take = true;
	err = kvf_net_settle_addr(net, granted, take);
	if (err)
		return err;
	ether_addr_copy(net->granted, granted);
	err = kvf_request_max_frame(kvf, mtu + KVF_FRAME_EXTRA);
	if (err && !kvf_is_refusal(err))
		return err;
	err = kvf_net_restore_vlans(net);
	if (err)
		return err;

	spin_lock_bh(&kvf->lists_lock);
	kvf->lists.dirty = true;
	spin_unlock_bh(&kvf->lists_lock);
	return 0;
}

static int kvf_net_run(struct kvf_net *net)
{
	int err = kwl_port_start(&net->port, net->qset);

	if (!err)
		kwl_port_wake(&net->port);
	return err;
}

/*
 * Reset the function and start over with the memory there is. Queues run on
 * return even if the PF did not answer: the service will try again, and until
 * then nothing comes or goes.
 * Context: Control locked (lock.h).
 */
int kvf_net_restart(struct kvf_net *net)
{
	int err, introduced;

	kwl_port_stop(&net->port);
	net->port.stuck = false;
	introduced = kvf_net_introduce(net);
	trace_kvf_reset(net->kvf->hw.dev, introduced);
	kvf_irq_apply(net);
	err = kvf_net_run(net);
	if (err) {
		WRITE_ONCE(net->kvf->session, false);
		netif_carrier_off(net->netdev);
		return err;
	}
	kvf_service_link(net->kvf);
	return introduced;
}

/* Out of service: the PF sees the reset and lets nothing in any more */
static void kvf_net_leave(struct kvf_net *net)
{
	kvf_stats_refresh(net->kvf);
	WRITE_ONCE(net->kvf->session, false);
	netif_carrier_off(net->netdev);
	kwl_wr32(&net->kvf->hw, KWL_VTCTRL, KWL_VTCTRL_RST);
	kwl_flush(&net->kvf->hw);
	net->port.stuck = false;
}

static void kvf_port_pause(struct kwl_port *port)
{
	struct kvf_net *net = container_of(port, struct kvf_net, port);

	kwl_port_stop(port);
	/* A queue that does not stop still knows its memory: reset it */
	if (port->stuck)
		kvf_mbx_reset(net->kvf);
}

static int kvf_port_resume(struct kwl_port *port)
{
	struct kvf_net *net = container_of(port, struct kvf_net, port);
	int err;

	err = port->stuck ? kvf_net_restart(net) : kvf_net_run(net);
	if (!port->qset)
		err = kvf_net_restart(net);
	return port->qset ? 0 : err;
}

static void kvf_port_recover(struct kwl_port *port)
{
	struct kvf_net *net = container_of(port, struct kvf_net, port);

	WRITE_ONCE(net->kvf->session, false);
	kvf_service_kick(net->kvf);
}

static const struct kwl_port_ops kvf_port_ops = {
	.pause		= kvf_port_pause,
	.resume		= kvf_port_resume,
	.recover	= kvf_port_recover,
};

static int kvf_open(struct net_device *netdev)
{
	struct kvf_net *net = netdev_priv(netdev);
	int err;

	if (!kvf_service_is_there(net->kvf))
		return -ENODEV;
	net->qset = kwl_qset_alloc(&net->port, &net->port.cfg);
	if (IS_ERR(net->qset)) {
		err = PTR_ERR(net->qset);
		goto err_clear;
	}
	err = kvf_irq_request(net);
	if (err)
		goto err_free_qset;
	kvf_net_restart(net);
	if (!net->port.qset) {
		err = -EIO;
		goto err_free_irq;
	}
	kvf_service_kick(net->kvf);
	return 0;

err_free_irq:
	kvf_net_leave(net);
	kvf_irq_free(net);
err_free_qset:
	kwl_qset_free(&net->port, net->qset);
err_clear:
	net->qset = NULL;
	return err;
}

static int kvf_close(struct net_device *netdev)
{
	struct kvf_net *net = netdev_priv(netdev);

	kwl_port_stop(&net->port);
	kvf_irq_free(net);
	kvf_net_leave(net);
	kwl_qset_free(&net->port, net->qset);
	net->qset = NULL;
	return 0;
}

/* As in the PF's driver: what can fail is had before traffic stops */
int kvf_net_reconfigure(struct kvf_net *net, const struct kwl_queue_cfg *cfg)
{
	struct kwl_qset *qset;
	int err;

	if (!netif_running(net->netdev)) {
		net->port.cfg = *cfg;
		return 0;
	}
	qset = kwl_qset_alloc(&net->port, cfg);
	if (IS_ERR(qset))
		return PTR_ERR(qset);

	kvf_port_pause(&net->port);
	swap(net->qset, qset);
	err = net->port.stuck ? kvf_net_restart(net) : kvf_net_run(net);
	if (!net->port.qset) {
		swap(net->qset, qset);
		kvf_net_restart(net);
	} else {
		net->port.cfg = *cfg;
		err = 0;
	}
	kwl_qset_free(&net->port, qset);
	return err;
}

/* Ask for an address on behalf of an interface that is down */
static int kvf_net_ask_mac(struct kvf_net *net, const u8 *addr)
{
	u8 unused[ETH_ALEN];
	int err;

	err = kvf_request_reset(net->kvf, unused);
	if (!err)
		err = kvf_request_mac(net->kvf, addr);
	kvf_net_leave(net);
	return err;
}

/*
 * Clients tell "not allowed" from "broken" by the errno. A PF that does not
 * answer is asked again when it does.
 */
static int kvf_set_mac_address(struct net_device *netdev, void *p)
{
	struct kvf_net *net = netdev_priv(netdev);
	const struct sockaddr *sa = p;
	int err;

	if (!is_valid_ether_addr(sa->sa_data))
		return -EADDRNOTAVAIL;
	if (netif_running(netdev))
		err = kvf_request_mac(net->kvf, sa->sa_data);
	else
		err = kvf_net_ask_mac(net, sa->sa_data);
	if (kvf_is_refusal(err))
		return -EADDRNOTAVAIL;
	kvf_net_set_addr(net, sa->sa_data);
	return 0;
}

/* Only noted down here: on 6.12 this must not sleep, and the mailbox does */
static int kvf_set_rx_mode(struct net_device *netdev,
			   struct netdev_hw_addr_list *uc,
			   struct netdev_hw_addr_list *mc)
{
	struct kvf_net *net = netdev_priv(netdev);
	struct kvf_lists *lists = &net->kvf->lists;
	struct netdev_hw_addr *ha;

	spin_lock_bh(&net->kvf->lists_lock);
	lists->num_addrs = 0;
	lists->total_addrs = netdev_hw_addr_list_count(uc);
	memset(&lists->groups, 0, sizeof(lists->groups));
	lists->promisc = netdev->flags & IFF_PROMISC;
	lists->allmulti = netdev->flags & IFF_ALLMULTI;
	netdev_hw_addr_list_for_each(ha, uc)
		if (lists->num_addrs < KVF_MAX_ADDRS)
			ether_addr_copy(lists->addrs[lists->num_addrs++].octet,
					ha->addr);
	netdev_hw_addr_list_for_each(ha, mc)
		kwl_groups_add(&lists->groups, kwl_group_hash(ha->addr));
	lists->dirty = true;
	spin_unlock_bh(&net->kvf->lists_lock);

	kvf_service_kick(net->kvf);
	return 0;
}

KWL_DEFINE_SET_RX_MODE(kvf_set_rx_mode)

/* Who asks for an entry by name gets one, or hears that there is none */
static int kvf_fdb_add_check(struct net_device *netdev, const u8 *addr,
			     struct netlink_ext_ack *extack)
{
	struct kvf_net *net = netdev_priv(netdev);

	if (!is_unicast_ether_addr(addr) || !net->kvf->session ||
	    netdev_uc_count(netdev) < net->kvf->pf.max_addrs)
		return 0;
	NL_SET_ERR_MSG_FMT_MOD(extack,
			       "the PF lets us have %u addresses beside our own",
			       net->kvf->pf.max_addrs);
	return -ENOSPC;
}

KWL_DEFINE_FDB_ADD(kvf_fdb_add)

static int kvf_change_mtu(struct net_device *netdev, int mtu)
{
	struct kvf_net *net = netdev_priv(netdev);
	int err;

	err = kwl_xdp_check_mtu(&net->port, mtu);
	if (err)
		return err;
	if (netif_running(netdev)) {
		err = kvf_request_max_frame(net->kvf, mtu + KVF_FRAME_EXTRA);
		/* No answer now: the next hello says it again */
		if (kvf_is_refusal(err))
			return -EINVAL;
	}
	WRITE_ONCE(netdev->mtu, mtu);
	return 0;
}

static int kvf_vlan_add(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct kvf_net *net = netdev_priv(netdev);
	int err;

	/* Remembered first: kvf_net_introduce() asks for it again */
	__set_bit(vid, net->vlans);
	if (!net->kvf->session)
		return 0;
	err = kvf_request_vlan(net->kvf, vid, true);
	/* VID 0 is the stack's own idea and let in anyway */
	if (!kvf_is_refusal(err) || !vid)
		return 0;
	__clear_bit(vid, net->vlans);
	return err;
}

static int kvf_vlan_kill(struct net_device *netdev, __be16 proto, u16 vid)
{
	struct kvf_net *net = netdev_priv(netdev);

	__clear_bit(vid, net->vlans);
	if (net->kvf->session)
		kvf_request_vlan(net->kvf, vid, false);
	return 0;
}

/* The stack has logged which queue hangs and for how long */
static void kvf_tx_timeout(struct net_device *netdev, unsigned int txqueue)
{
	struct kvf_net *net = netdev_priv(netdev);

	kwl_tx_hang(&net->port, txqueue);
	kvf_service_lose(net->kvf);
}

/* Tags that the card put on would be the PF's, so the stack has to do it */
static netdev_features_t kvf_features_check(struct sk_buff *skb,
					    struct net_device *netdev,
					    netdev_features_t features)
{
	struct kvf_net *net = netdev_priv(netdev);

	if (skb_vlan_tag_present(skb) &&
	    READ_ONCE(net->kvf->pf.state) & KWL_STATE_SOFT_TAGS)
		features &= ~NETIF_F_HW_VLAN_CTAG_TX;
	return kwl_features_check(skb, netdev, features);
}

static const struct net_device_ops kvf_netdev_ops = {
	.ndo_open		= kvf_open,
	.ndo_stop		= kvf_close,
	.ndo_start_xmit		= kwl_xmit,
	.ndo_features_check	= kvf_features_check,
	.ndo_get_stats64	= kvf_get_stats64,
	.ndo_set_mac_address	= kvf_set_mac_address,
	.ndo_validate_addr	= eth_validate_addr,
	KWL_SET_RX_MODE(kvf_set_rx_mode),
	.ndo_change_mtu		= kvf_change_mtu,
	.ndo_vlan_rx_add_vid	= kvf_vlan_add,
	.ndo_vlan_rx_kill_vid	= kvf_vlan_kill,
	.ndo_tx_timeout		= kvf_tx_timeout,
	.ndo_fdb_add		= kvf_fdb_add,
	.ndo_bpf		= kwl_bpf,
	.ndo_xdp_xmit		= kwl_xdp_xmit,
	.ndo_xsk_wakeup		= kwl_xsk_wakeup,
};

static void kvf_net_init_features(struct net_device *netdev)
{
	netdev_features_t offloads = NETIF_F_SG | NETIF_F_IP_CSUM |
				     NETIF_F_IPV6_CSUM | NETIF_F_SCTP_CRC |
				     NETIF_F_TSO | NETIF_F_TSO6;

	netdev->hw_features = offloads | NETIF_F_RXCSUM |
			      NETIF_F_HW_VLAN_CTAG_TX;
	/* The PF decides what is stripped and what comes in */
	netdev->features = netdev->hw_features | NETIF_F_HIGHDMA |
			   NETIF_F_HW_VLAN_CTAG_RX |
			   NETIF_F_HW_VLAN_CTAG_FILTER;
	netdev->vlan_features = offloads | NETIF_F_HIGHDMA;
	netdev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = KVF_MAX_MTU;
}

/* The PF's choice if it answers, a random address until it does */
static void kvf_net_init_addr(struct kvf_net *net)
{
	struct net_device *netdev = net->netdev;
	u8 addr[ETH_ALEN] = {};

	if (!kvf_request_reset(net->kvf, addr) && is_valid_ether_addr(addr)) {
		kvf_net_set_addr(net, addr);
		ether_addr_copy(netdev->perm_addr, addr);
		ether_addr_copy(net->granted, addr);
		return;
	}
	eth_hw_addr_random(netdev);
	kvf_net_set_addr(net, netdev->dev_addr);
	netdev_info(netdev, "no address from the PF, using %pM\n",
		    netdev->dev_addr);
}

struct kvf_net *kvf_net_create(struct kvf_dev *kvf)
{
	struct net_device *netdev;
	struct kvf_net *net;
	int err;

	netdev = alloc_etherdev_mq(sizeof(*net), 1);
	if (!netdev)
		return ERR_PTR(-ENOMEM);
	SET_NETDEV_DEV(netdev, &kvf->pdev->dev);

	net = netdev_priv(netdev);
	net->netdev = netdev;
	net->kvf = kvf;
	err = kwl_port_init(&net->port, netdev, &kvf->hw, 1);
	if (err) {
		free_netdev(netdev);
		return ERR_PTR(err);
	}
	net->port.ops = &kvf_port_ops;
	kwl_bell_init(&net->bell);
	/* Priority tags are for everybody */
	__set_bit(0, net->vlans);
	kvf_irq_setup_vector(net);

	netdev->netdev_ops = &kvf_netdev_ops;
	netdev->ethtool_ops = &kvf_ethtool_ops;
	netdev->stat_ops = &kwl_stat_ops;
	netdev->watchdog_timeo = KVF_WATCHDOG_SECS * HZ;
	kvf_net_init_features(netdev);
	kwl_xdp_init(netdev);
	netif_carrier_off(netdev);

	kvf->net = net;
	kvf_net_init_addr(net);
	return net;
}

void kvf_net_destroy(struct kvf_net *net)
{
	kwl_port_fini(&net->port);
	free_netdev(net->netdev);
}
