// SPDX-License-Identifier: GPL-2.0-only
/*
 * The on-card switch as a bridge port: VEB or VEPA, and addresses that the
 * interface answers to on behalf of others.
 */
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <net/netlink.h>

#include "kpf.h"

/*
 * VEB: pools talk to each other on the card. VEPA: everything goes to the
 * wire, and the switch at its other end sends back what is for a VF.
 */
void kpf_bridge_apply(struct kpf_dev *pf)
{
	bool veb = pf->num_vfs && pf->bridge_mode == BRIDGE_MODE_VEB;

	/* The emulator would send multicast to the wire as well */
	if (pf->eswitch.active)
		veb = !pf->emulated;
	lockdep_assert_held(&pf->sriov.lock);
	kwl_rmw32(&pf->hw, KWL_DTXSWC, KWL_DTXSWC_LOOPBACK,
		  veb ? KWL_DTXSWC_LOOPBACK : 0);
}

static int kpf_bridge_set_mode(struct kpf_dev *pf, u16 mode,
			       struct netlink_ext_ack *extack)
{
	if (mode != BRIDGE_MODE_VEB && mode != BRIDGE_MODE_VEPA) {
		NL_SET_ERR_MSG_MOD(extack, "only VEB and VEPA are supported");
		return -EINVAL;
	}
	guard(mutex)(&pf->sriov.lock);
	if (pf->eswitch.active) {
		NL_SET_ERR_MSG_MOD(extack, "in mode switchdev the card forwards nothing by itself");
		return -EBUSY;
	}
	pf->bridge_mode = mode;
	/* Suspended: kpf_hw_apply_pools() comes here again */
	if (!READ_ONCE(pf->offline))
		kpf_bridge_apply(pf);
	return 0;
}

int kpf_ndo_bridge_setlink(struct net_device *netdev, struct nlmsghdr *nlh,
			   u16 flags, struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);
	struct nlattr *spec, *mode;

	spec = nlmsg_find_attr(nlh, sizeof(struct ifinfomsg), IFLA_AF_SPEC);
	if (!spec)
		return -EINVAL;
	mode = nla_find_nested(spec, IFLA_BRIDGE_MODE);
	if (!mode) {
		NL_SET_ERR_MSG_MOD(extack, "only the mode can be set");
		return -EOPNOTSUPP;
	}
	/* rtnetlink has checked the length */
	return kpf_bridge_set_mode(net->pf, nla_get_u16(mode), extack);
}

int kpf_ndo_bridge_getlink(struct sk_buff *skb, u32 pid, u32 seq,
			   struct net_device *netdev, u32 filter_mask,
			   int nlflags)
{
	struct kpf_net *net = netdev_priv(netdev);

	return ndo_dflt_bridge_getlink(skb, pid, seq, netdev,
				       net->pf->bridge_mode, 0, 0, nlflags,
				       filter_mask, NULL);
}

/*
 * With VFs, frames of theirs find the interface by its entries only: no room
 * for an address means that VFs cannot reach it, so say no instead.
 */
int kpf_fdb_add_check(struct net_device *netdev, const u8 *addr,
		      struct netlink_ext_ack *extack)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (!net->pf->num_vfs || net->pf->eswitch.active ||
	    !is_unicast_ether_addr(addr) ||
	    netdev_uc_count(netdev) < kpf_filter_unicast_room(net->pf))
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "no receive address left on the card");
	return -ENOSPC;
}
