// SPDX-License-Identifier: GPL-2.0-only
/*
 * ip link set PF vf N: check, note the wish, apply it, tell the VF if it has
 * to know. Works whether or not the PF is up and whoever drives the VF.
 */
#include <linux/etherdevice.h>
#include <linux/ktime.h>

#include "kpf_vf.h"

static struct kpf_vf *kpf_vf_find(struct kpf_dev *pf, int num)
{
	lockdep_assert_held(&pf->sriov.lock);

	if (!pf->sriov.vf || num < 0 || num >= pf->num_vfs)
		return NULL;
	return &pf->sriov.vf[num];
}

static struct kpf_dev *kpf_of(struct net_device *netdev)
{
	struct kpf_net *net = netdev_priv(netdev);

	return net->pf;
}

/* The PF's address, or one that another VF gets when it asks */
static bool kpf_vf_is_reserved(struct kpf_dev *pf, const struct kpf_vf *vf,
			       const u8 *mac)
{
	int i;

	for (i = 0; i < pf->num_vfs; i++)
		if (&pf->sriov.vf[i] != vf &&
		    ether_addr_equal(kpf_vf_granted_mac(&pf->sriov.vf[i]), mac))
			return true;
	return ether_addr_equal(pf->net->netdev->dev_addr, mac);
}

/* Zero gives the choice back to the VF */
int kpf_ndo_set_vf_mac(struct net_device *netdev, int num, u8 *mac)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	if (!is_zero_ether_addr(mac) && !is_valid_ether_addr(mac))
		return -EINVAL;
	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	if (kpf_vf_is_reserved(pf, vf, mac))
		return -EADDRINUSE;
	/* Clients put back what they have read: the default is no wish */
	if (ether_addr_equal(mac, vf->default_mac))
		eth_zero_addr(vf->admin.mac);
	else
		ether_addr_copy(vf->admin.mac, mac);
	/* Zero leaves a running VF the address it has */
	if (!is_zero_ether_addr(mac))
		kpf_vf_impose_mac(pf, vf);
	kpf_filter_evict(pf, num, kpf_vf_granted_mac(vf));
	kpf_vf_recheck(pf);
	return 0;
}

int kpf_ndo_set_vf_vlan(struct net_device *netdev, int num, u16 vlan, u8 qos,
			__be16 proto)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;
	int err;

	if (vlan >= VLAN_N_VID - 1 || qos > 7)
		return -EINVAL;
	if (proto != htons(ETH_P_8021Q))
		return -EPROTONOSUPPORT;
	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	if (vlan == vf->admin.vlan && qos == vf->admin.qos)
		return 0;
	/* There it is the business of whatever the representor is plugged into */
	if (pf->eswitch.active)
		return -EOPNOTSUPP;
	/* Its own VLANs end here, and so does a former port VLAN */
	err = kpf_filter_set_port_vlan(pf, num, vlan);
	if (err)
		return err;
	vf->admin.vlan = vlan;
	vf->admin.qos = vlan ? qos : 0;
	vf->req.vlans = 0;
	kpf_vf_apply(pf, vf);
	kpf_vf_renew(pf, vf, 0);
	return 0;
}

int kpf_ndo_set_vf_rate(struct net_device *netdev, int num, int min_rate,
			int max_rate)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	/* The 82576 limits, it guarantees nothing */
	if (min_rate)
		return -EOPNOTSUPP;
	if (max_rate < 0 || max_rate > SPEED_1000)
		return -EINVAL;
	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	vf->admin.max_rate = max_rate;
	kpf_vf_apply(pf, vf);
	kpf_fwd_update(pf);
	kpf_vf_port_note_rate(pf, num, max_rate);
	return 0;
}

int kpf_ndo_set_vf_spoofchk(struct net_device *netdev, int num, bool on)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	vf->admin.spoofchk = on;
	kpf_vf_apply(pf, vf);
	kpf_fwd_update(pf);
	return 0;
}

int kpf_ndo_set_vf_trust(struct net_device *netdev, int num, bool on)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	if (vf->admin.trusted != on) {
		vf->admin.trusted = on;
		/* What it was granted as a trusted one goes at once */
		if (!on) {
			vf->req.allmulti = false;
			vf->req.promisc = false;
			kpf_filter_drop_vf_addrs(pf, num);
			if (!is_zero_ether_addr(vf->admin.mac))
				kpf_vf_impose_mac(pf, vf);
		}
		kpf_vf_apply(pf, vf);
		kpf_vf_renew(pf, vf, 0);
	}
	return 0;
}

/* Kept and shown: clients stop at the first attribute that is refused */
int kpf_ndo_set_vf_rss_query_en(struct net_device *netdev, int num, bool on)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	vf->admin.rss_query = on;
	return 0;
}

int kpf_ndo_set_vf_link_state(struct net_device *netdev, int num, int state)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	if (state < IFLA_VF_LINK_STATE_AUTO ||
	    state > IFLA_VF_LINK_STATE_DISABLE)
		return -EINVAL;
	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	/* The administrator may also forgive a VF that was shut off */
	kpf_vf_pardon(pf, vf);
	vf->admin.link_state = state;
	kpf_vf_apply(pf, vf);
	kpf_vf_notify_state(pf, vf);
	return 0;
}

int kpf_ndo_get_vf_config(struct net_device *netdev, int num,
			  struct ifla_vf_info *info)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	info->vf = num;
	/* What a VF has chosen says more than what it would have got */
	if (is_zero_ether_addr(vf->admin.mac) && vf->cts)
		ether_addr_copy(info->mac, vf->req.mac);
	else
		ether_addr_copy(info->mac, kpf_vf_granted_mac(vf));
	info->vlan = vf->admin.vlan;
	info->qos = vf->admin.qos;
	info->vlan_proto = htons(ETH_P_8021Q);
	info->max_tx_rate = vf->admin.max_rate;
	info->min_tx_rate = 0;
	info->spoofchk = vf->admin.spoofchk;
	info->trusted = vf->admin.trusted;
	info->rss_query_en = vf->admin.rss_query;
	info->linkstate = vf->admin.link_state;
	return 0;
}

int kpf_ndo_get_vf_stats(struct net_device *netdev, int num,
			 struct ifla_vf_stats *stats)
{
	struct kpf_dev *pf = kpf_of(netdev);
	struct kpf_vf *vf;

	guard(mutex)(&pf->sriov.lock);
	vf = kpf_vf_find(pf, num);
	if (!vf)
		return -EINVAL;
	kpf_vf_refresh_stats(pf, vf);
	stats->rx_packets = vf->stats[KPF_VF_RX_PACKETS].total;
	stats->tx_packets = vf->stats[KPF_VF_TX_PACKETS].total;
	stats->rx_bytes = vf->stats[KPF_VF_RX_BYTES].total;
	stats->tx_bytes = vf->stats[KPF_VF_TX_BYTES].total;
	stats->multicast = vf->stats[KPF_VF_MULTICAST].total;
	return 0;
}
