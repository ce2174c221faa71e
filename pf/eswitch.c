// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mode switchdev. Each VF has two VIDs of a private tag, one for frames from
 * it and one for frames to it. The card puts the first one on whatever the VF
 * sends, which leaves the PF's pool as the only place for it to go, and what
 * comes with the second one goes to the VF and nowhere else. Addresses decide
 * nothing. The tag's EtherType is private, too, so VLANs of VFs and of the
 * wire are payload to the card.
 *
 * What the administrator and the VFs wish in mode legacy stays in the tables
 * meanwhile; only the registers say something else.
 */
#include <linux/bitfield.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>

#include <kawela/lock.h>

#include "kpf_devlink.h"
#include "kpf_eswitch.h"
#include "kpf_vf.h"

/* Of these 2816 EtherTypes no protocol that Linux knows has any */
#define KPF_ESWITCH_TPID	0xe100
#define KPF_ESWITCH_TPIDS	0xb00

#define KPF_ESWITCH_TAGS	(NETIF_F_HW_VLAN_CTAG_TX |	\
				 NETIF_F_HW_VLAN_CTAG_RX |	\
				 NETIF_F_HW_VLAN_CTAG_FILTER)

static_assert(KPF_MAX_VFS <= KWL_REPRS);
static_assert(2 * KPF_MAX_VFS <= KWL_VLVF_ENTRIES);
static_assert(KWL_RAR_ENTRIES <= KWL_POLICE_ADDRS);

/* A card that is about to be reset and set up */
void kpf_eswitch_init(struct kpf_dev *pf)
{
	struct kpf_eswitch *es = &pf->eswitch;
	int i;

	es->mode = DEVLINK_ESWITCH_MODE_LEGACY;
	es->active = false;
	es->up = false;
	es->demux.count = KPF_MAX_VFS;
	for (i = 0; i < KWL_REPRS; i++)
		kwl_police_init(&es->demux.police[i], &pf->filter.lock);
	kpf_share_init(pf);
	kpf_fwd_init(pf);
	kwl_bell_init(&es->bell);
	es->bell.loop = pf->hw.regs + KWL_RCTL;
	es->bell.send = pf->hw.regs + KWL_VFTE;
}

bool kpf_eswitch_is_switchdev(const struct kpf_dev *pf)
{
	return pf->eswitch.mode == DEVLINK_ESWITCH_MODE_SWITCHDEV;
}

/* Unlike any that were used before: nobody on the wire can guess them */
static void kpf_eswitch_pick_tags(struct kpf_eswitch *es)
{
	es->tpid = KPF_ESWITCH_TPID + get_random_u32_below(KPF_ESWITCH_TPIDS);
	es->demux.first = 1 + get_random_u32_below(VLAN_N_VID - 1 -
						   2 * KPF_MAX_VFS);
}

/*
 * Mode or number of VFs have changed; the caller puts it into registers.
 * Context: Control locked (lock.h), the PF's queues are stopped.
 */
void kpf_eswitch_update(struct kpf_dev *pf)
{
	struct kpf_eswitch *es = &pf->eswitch;

	mutex_lock(&pf->sriov.lock);
	spin_lock_bh(&pf->filter.lock);
	es->active = pf->num_vfs && kpf_eswitch_is_switchdev(pf);
	WRITE_ONCE(es->demux.held, 0);
	if (es->active) {
		kpf_eswitch_pick_tags(es);
		es->bell.send_own = BIT(pf->num_vfs);
	}
	spin_unlock_bh(&pf->filter.lock);
	mutex_unlock(&pf->sriov.lock);
	if (!es->active)
		kpf_filter_rmw_rctl(pf, KWL_RCTL_LBM, 0);
}

/* Frames of VFs come in by the PF's queue, and the emulator has its bell */
void kpf_eswitch_setup_queue(struct kpf_dev *pf, struct kwl_vector *vec)
{
	struct kpf_eswitch *es = &pf->eswitch;

	vec->rxr.demux = es->active ? &es->demux : NULL;
	vec->txr.bell = es->active && pf->emulated ? &es->bell : NULL;
	/* Nothing comes back to its sender then, and it may be a bridge */
	if (es->active)
		vec->rxr.sort = KWL_RX_BY_TAG;
}

/* After a reset, or a change of the number of VFs. Context: sriov.lock. */
void kpf_eswitch_apply(struct kpf_dev *pf)
{
	u16 tpid = pf->eswitch.active ? pf->eswitch.tpid : ETH_P_8021Q;

	kwl_wr32(&pf->hw, KWL_VET, FIELD_PREP(KWL_VET_INNER, tpid) |
		 FIELD_PREP(KWL_VET_OUTER, ETH_P_8021Q));
}

/* What a VF sends carries this one */
u16 kpf_eswitch_vid_from(const struct kpf_dev *pf, u8 vf)
{
	return pf->eswitch.demux.first + vf;
}

/* And this one what is sent to it; kwl_repr_xmit() puts it on */
static u16 kpf_eswitch_vid_to(const struct kpf_dev *pf, u8 vf)
{
	return pf->eswitch.demux.first + pf->eswitch.demux.count + vf;
}

static u32 kpf_eswitch_entry(u16 vid, u8 pools)
{
	return FIELD_PREP(KWL_VLVF_VID, vid) |
	       FIELD_PREP(KWL_VLVF_POOLS, pools) | KWL_VLVF_LVLAN |
	       KWL_VLVF_EN;
}

/*
 * From a VF to the PF, and from the PF to a VF; nothing else passes, but for
 * what the card forwards on behalf of a bridge.
 * Context: filter.lock.
 */
u32 kpf_eswitch_vlvf(const struct kpf_dev *pf, int i)
{
	const struct kpf_eswitch *es = &pf->eswitch;
	u8 pools = BIT(pf->num_vfs);
	u8 vf = i / 2;

	if (vf >= pf->num_vfs)
		return 0;
	if (i % 2)
		return kpf_eswitch_entry(kpf_eswitch_vid_to(pf, vf), BIT(vf));
	/* With no pool the card drops all that the VF sends */
	if ((es->demux.held | es->shut) & BIT(vf))
		pools = 0;
	if (!(es->shut & BIT(vf)))
		pools |= es->fwd.group[vf] & ~BIT(vf);
	return kpf_eswitch_entry(kpf_eswitch_vid_from(pf, vf), pools);
}

/* All KWL_VFTA_WORDS of them */
void kpf_eswitch_vfta(const struct kpf_dev *pf, u32 *words)
{
	int i;

	memset(words, 0, KWL_VFTA_WORDS * sizeof(*words));
	for (i = 0; i < 2 * pf->num_vfs; i++) {
		u16 vid = FIELD_GET(KWL_VLVF_VID, kpf_eswitch_vlvf(pf, i));

		words[vid / 32] |= BIT(vid % 32);
	}
}

/* The same for all ports of the card, and as long as it lives */
void kpf_eswitch_id(const struct kpf_dev *pf, struct netdev_phys_item_id *id)
{
	id->id_len = ETH_ALEN;
	memcpy(id->id, pf->perm_addr, ETH_ALEN);
}

/* Clients take whoever has one for the uplink of a switch */
int kpf_eswitch_get_port_parent_id(struct net_device *netdev,
				   struct netdev_phys_item_id *id)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (!kpf_eswitch_is_switchdev(net->pf))
		return -EOPNOTSUPP;
	kpf_eswitch_id(net->pf, id);
	return 0;
}

/* The card's one tag is the private one */
netdev_features_t kpf_eswitch_fix_features(struct net_device *netdev,
					   netdev_features_t features)
{
	struct kpf_net *net = netdev_priv(netdev);

	return kpf_eswitch_is_switchdev(net->pf) ?
	       features & ~KPF_ESWITCH_TAGS : features;
}

/* Frames of VFs share the PF's queue. Context: Control locked (lock.h). */
int kpf_eswitch_check(struct kpf_dev *pf, u16 mode,
		      struct netlink_ext_ack *extack)
{
	const struct kwl_port *port = &pf->net->port;

	if (mode != DEVLINK_ESWITCH_MODE_SWITCHDEV)
		return 0;
	if (port->cfg.split) {
		NL_SET_ERR_MSG(extack,
			       "frames of VFs come whole: turn tcp-data-split off first");
		return -EBUSY;
	}
	if (!kwl_xsk_in_use(port, 0))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "an AF_XDP socket has the queue that frames of VFs come by");
	return -EBUSY;
}

/* Those of ours come and ask what is different; others have to be restarted */
static void kpf_eswitch_tell_vfs(struct kpf_dev *pf)
{
	int i;

	mutex_lock(&pf->sriov.lock);
	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++) {
		struct kpf_vf *vf = &pf->sriov.vf[i];

		kpf_vf_apply(pf, vf);
		if (vf->ext)
			kpf_vf_renew(pf, vf, 0);
		else
			kpf_vf_notify_state(pf, vf);
	}
	mutex_unlock(&pf->sriov.lock);
}

/* The PF's queues rest while the meaning of tags changes */
static void kpf_eswitch_rewire(struct kpf_dev *pf)
{
	struct kpf_net *net = pf->net;
	struct kwl_port *port = &net->port;
	bool running = netif_running(net->netdev);

	if (running)
		port->ops->pause(port);
	kpf_eswitch_update(pf);
	kpf_irq_setup_queues(net);
	kpf_link_lock(pf);
	kpf_hw_apply_rx(net, net->netdev->mtu, net->netdev->features);
	kpf_link_unlock(pf);
	kpf_filter_replay(pf);
	kpf_hw_apply_pools(net);
	kpf_eswitch_tell_vfs(pf);
	/* If that fails it has asked for a reset */
	if (running)
		port->ops->resume(port);
}

/* Context: Control locked (lock.h) */
static int kpf_eswitch_switch(struct kpf_dev *pf, u16 mode,
			      struct netlink_ext_ack *extack)
{
	struct net_device *netdev = pf->net->netdev;
	int err;

	if (!netif_device_present(netdev)) {
		NL_SET_ERR_MSG(extack, "the card is away");
		return -ENODEV;
	}
	err = kpf_eswitch_check(pf, mode, extack);
	if (err)
		return err;
	pf->eswitch.mode = mode;
	if (pf->num_vfs)
		kpf_eswitch_rewire(pf);
	netdev_update_features(netdev);
	return 0;
}

/* Whichever has no representors yet, or no more, has nobody send to them */
static int kpf_eswitch_enter(struct kpf_dev *pf, struct netlink_ext_ack *extack)
{
	int err;

	if (!kpf_irq_has_other(pf)) {
		NL_SET_ERR_MSG(extack, "VFs need MSI-X, which there is none of");
		return -EOPNOTSUPP;
	}
	err = kpf_repr_create_all(pf, extack);
	if (err)
		return err;
	kwl_ctl_lock(pf->net->netdev);
	err = kpf_eswitch_switch(pf, DEVLINK_ESWITCH_MODE_SWITCHDEV, extack);
	kwl_ctl_unlock(pf->net->netdev);
	if (err)
		kpf_repr_destroy_all(pf);
	return err;
}

static int kpf_eswitch_leave(struct kpf_dev *pf, struct netlink_ext_ack *extack)
{
	int err;

	kwl_ctl_lock(pf->net->netdev);
	err = kpf_eswitch_switch(pf, DEVLINK_ESWITCH_MODE_LEGACY, extack);
	kwl_ctl_unlock(pf->net->netdev);
	if (!err)
		kpf_repr_destroy_all(pf);
	return err;
}

/* devlink_ops of the card */

int kpf_eswitch_mode_get(struct devlink *devlink, u16 *mode)
{
	struct kpf_dev *pf = devlink_priv(devlink);

	*mode = pf->eswitch.mode;
	return 0;
}

int kpf_eswitch_mode_set(struct devlink *devlink, u16 mode,
			 struct netlink_ext_ack *extack)
{
	struct kpf_dev *pf = devlink_priv(devlink);

	/* Reloaded in vain */
	if (!pf->net) {
		NL_SET_ERR_MSG(extack, "the card is away");
		return -ENODEV;
	}
	if (mode == pf->eswitch.mode)
		return 0;
	switch (mode) {
	case DEVLINK_ESWITCH_MODE_LEGACY:
		return kpf_eswitch_leave(pf, extack);
	case DEVLINK_ESWITCH_MODE_SWITCHDEV:
		return kpf_eswitch_enter(pf, extack);
	default:
		NL_SET_ERR_MSG(extack, "modes are legacy and switchdev");
		return -EOPNOTSUPP;
	}
}

int kpf_eswitch_inline_mode_get(struct devlink *devlink, u8 *mode)
{
	*mode = DEVLINK_ESWITCH_INLINE_MODE_NONE;
	return 0;
}

int kpf_eswitch_inline_mode_set(struct devlink *devlink, u8 mode,
				struct netlink_ext_ack *extack)
{
	if (mode == DEVLINK_ESWITCH_INLINE_MODE_NONE)
		return 0;
	NL_SET_ERR_MSG(extack, "descriptors of this card carry no headers");
	return -EOPNOTSUPP;
}

int kpf_eswitch_encap_mode_get(struct devlink *devlink,
			       enum devlink_eswitch_encap_mode *mode)
{
	*mode = DEVLINK_ESWITCH_ENCAP_MODE_NONE;
	return 0;
}

int kpf_eswitch_encap_mode_set(struct devlink *devlink,
			       enum devlink_eswitch_encap_mode mode,
			       struct netlink_ext_ack *extack)
{
	if (mode == DEVLINK_ESWITCH_ENCAP_MODE_NONE)
		return 0;
	NL_SET_ERR_MSG(extack, "this card knows nothing of tunnels");
	return -EOPNOTSUPP;
}
