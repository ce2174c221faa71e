// SPDX-License-Identifier: GPL-2.0-only
/*
 * From what the administrator and the VF want to the registers of its pool.
 * Whoever changes a wish calls kpf_vf_apply() afterwards; nobody else writes
 * these registers.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>

#include "kpf_vf.h"

/* The address a VF gets when it asks */
const u8 *kpf_vf_granted_mac(const struct kpf_vf *vf)
{
	return is_zero_ether_addr(vf->admin.mac) ? vf->default_mac :
						   vf->admin.mac;
}

/* IFLA_VF_LINK_STATE_*; in mode switchdev both ends of the pipe have to be up */
int kpf_vf_link(const struct kpf_dev *pf, const struct kpf_vf *vf)
{
	if (!pf->eswitch.active ||
	    vf->admin.link_state == IFLA_VF_LINK_STATE_DISABLE)
		return vf->admin.link_state;
	return vf->port.up && READ_ONCE(pf->eswitch.up) ?
	       IFLA_VF_LINK_STATE_ENABLE : IFLA_VF_LINK_STATE_DISABLE;
}

/* What a VF of ours is told, KWL_STATE_*; the port's link it sees itself */
u32 kpf_vf_state(const struct kpf_dev *pf, const struct kpf_vf *vf)
{
	u32 state = vf->admin.trusted ? KWL_STATE_TRUSTED : 0;

	if (pf->eswitch.active) {
		state |= KWL_STATE_SOFT_TAGS;
		if (pf->emulated)
			state |= KWL_STATE_RING_AGAIN;
	}
	switch (kpf_vf_link(pf, vf)) {
	case IFLA_VF_LINK_STATE_ENABLE:
		return state | KWL_STATE_LINK_UP;
	case IFLA_VF_LINK_STATE_DISABLE:
		return state | KWL_STATE_LINK_DOWN;
	default:
		return state;
	}
}

/* Addresses beside its own: who is not trusted gets no more than its share */
int kpf_vf_max_addrs(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	int share = max(kpf_filter_share(pf), KPF_VF_MIN_ADDRS);

	if (!vf->ext)
		return KPF_VF_MIN_ADDRS;
	return vf->admin.trusted ? KPF_VF_MAX_ADDRS :
				   min(share, KPF_VF_MAX_ADDRS);
}

/* Longest frame with CRC and tag; the representor's MTU is the VF's, too */
u32 kpf_vf_max_frame(const struct kpf_dev *pf, const struct kpf_vf *vf)
{
	return pf->eswitch.active ? vf->port.mtu + KPF_REPR_EXTRA :
				    KWL_MAX_FRAME;
}

/* KWL_EXT_LIMITS_WORD */
u32 kpf_vf_limits(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	return FIELD_PREP(KWL_EXT_MAX_FRAME, kpf_vf_max_frame(pf, vf)) |
	       FIELD_PREP(KWL_EXT_MAX_ADDRS, kpf_vf_max_addrs(pf, vf)) |
	       FIELD_PREP(KWL_EXT_MAX_GROUPS, KPF_VF_MAX_GROUPS);
}

/*
 * Tell a VF of a new link state. Others than ours take their link from
 * STATUS, and from whether the PF's last word was that they are in service.
 */
void kpf_vf_notify_state(struct kpf_dev *pf, struct kpf_vf *vf)
{
	bool off = kpf_vf_link(pf, vf) == IFLA_VF_LINK_STATE_DISABLE;
	u32 word = KWL_MSG_CONTROL;

	if (!vf->cts)
		return;
	if (vf->ext)
		word |= FIELD_PREP(KWL_MSG_INFO, kpf_vf_state(pf, vf));
	if (vf->ext || !off)
		word |= KWL_MSG_CTS;
	kpf_mbx_notify(pf, vf, word);
}

/*
 * Make a VF of ours say hello again, because what it was told then has
 * changed: @why is 0 or KWL_STATE_NEW_MAC. What has changed is in force
 * already, whether or not the VF listens. Others notice when they are reset.
 */
void kpf_vf_renew(struct kpf_dev *pf, struct kpf_vf *vf, u32 why)
{
	if (vf->cts && vf->ext)
		kpf_mbx_notify(pf, vf, KWL_MSG_CONTROL | KWL_MSG_CTS |
			       FIELD_PREP(KWL_MSG_INFO, KWL_STATE_RENEW | why));
}

/*
 * The administrator has decided on an address: the VF gets nothing for any
 * other from now on. One that is not ours has to be reset to know of it.
 */
void kpf_vf_impose_mac(struct kpf_dev *pf, struct kpf_vf *vf)
{
	const u8 *mac = kpf_vf_granted_mac(vf);

	/* Who is not trusted has this one and no other */
	if (!is_zero_ether_addr(vf->admin.mac) && !vf->admin.trusted)
		kpf_filter_drop_vf_addrs(pf, vf->num);
	if (!vf->cts || ether_addr_equal(vf->req.mac, mac))
		return;
	ether_addr_copy(vf->req.mac, mac);
	kpf_filter_drop_vf_addrs(pf, vf->num);
	if (vf->ext) {
		kpf_vf_apply(pf, vf);
		kpf_vf_renew(pf, vf, KWL_STATE_NEW_MAC);
		return;
	}
	/* No session, no address */
	vf->cts = false;
	eth_zero_addr(vf->req.mac);
	kpf_vf_apply(pf, vf);
	kpf_mbx_notify(pf, vf, KWL_MSG_CONTROL);
}

/*
 * Does somebody else have this address, or will when it comes into service?
 * A VF that took it would hear what is meant for the other.
 */
bool kpf_vf_is_taken(struct kpf_dev *pf, const struct kpf_vf *vf,
		     const u8 *addr)
{
	int i;

	for (i = 0; i < pf->num_vfs; i++) {
		const struct kpf_vf *other = &pf->sriov.vf[i];

		if (other != vf &&
		    ether_addr_equal(kpf_vf_granted_mac(other), addr))
			return true;
	}
	return kpf_filter_is_taken(pf, vf->num, addr);
}

/*
 * The PF, or the administrator on behalf of a VF, has taken an address: VFs
 * that had chosen it for themselves go back to their own.
 * Context: sriov.lock
 */
void kpf_vf_recheck(struct kpf_dev *pf)
{
	int i;

	for (i = 0; i < pf->num_vfs; i++) {
		struct kpf_vf *vf = &pf->sriov.vf[i];

		if (vf->cts && kpf_vf_is_taken(pf, vf, vf->req.mac))
			kpf_vf_impose_mac(pf, vf);
	}
}

/*
 * All that comes with its private tag, and nothing else. Where the card
 * forwards to the VF, what others send to addresses that nobody has carries a
 * tag that is the VF's as well: there the VF gets none of that.
 */
static void kpf_vf_apply_end(struct kpf_dev *pf, const struct kpf_vf *vf,
			     u32 val)
{
	u32 max_frame = min(vf->req.max_frame, kpf_vf_max_frame(pf, vf));
	u32 more = 0;

	val |= KWL_VMOLR_ROMPE | KWL_VMOLR_ROPE | KWL_VMOLR_MPME |
	       FIELD_PREP(KWL_VMOLR_RLPML, max_frame + VLAN_HLEN);
	if (pf->eswitch.fwd.members & BIT(vf->num)) {
		val &= ~KWL_VMOLR_ROPE;
		if (pf->emulated)
			more = KWL_VMOLR_ROMPE;
	}
	kwl_gate_set(&pf->eswitch.gate[vf->num], val & ~more, more);
}

static void kpf_vf_apply_pool(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	u32 val = KWL_VMOLR_BAM | KWL_VMOLR_LPE | KWL_VMOLR_STRVLAN |
		  KWL_VMOLR_STRCRC;

	if (pf->eswitch.active) {
		kpf_vf_apply_end(pf, vf, val);
		return;
	}
	val |= FIELD_PREP(KWL_VMOLR_RLPML, vf->req.max_frame);
	/* Untagged frames belong to no port VLAN */
	if (!vf->admin.vlan)
		val |= KWL_VMOLR_AUPE;
	if (vf->req.multicast || vf->req.allmulti)
		val |= KWL_VMOLR_ROMPE;
	if (vf->req.allmulti)
		val |= KWL_VMOLR_MPME;
	if (vf->req.promisc)
		val |= KWL_VMOLR_ROPE;
	kwl_gate_set(&pf->eswitch.gate[vf->num], val, 0);
}

static void kpf_vf_apply_tag(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	u16 tag = vf->admin.vlan | FIELD_PREP(VLAN_PRIO_MASK, vf->admin.qos);
	u32 val = 0;

	if (pf->eswitch.active)
		tag = kpf_eswitch_vid_from(pf, vf->num);
	if (vf->admin.vlan || pf->eswitch.active)
		val = FIELD_PREP(KWL_VMVIR_MODE, KWL_VMVIR_MODE_ALWAYS) |
		      FIELD_PREP(KWL_VMVIR_TAG, tag);
	kwl_wr32(&pf->hw, KWL_VMVIR(vf->num), val);
}

static void kpf_vf_apply_spoofchk(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	u32 bits = FIELD_PREP(KWL_DTXSWC_MACAS, BIT(vf->num)) |
		   FIELD_PREP(KWL_DTXSWC_VLANAS, BIT(vf->num));

	/*
	 * The card compares with entries that it has not got in mode switchdev,
	 * where the police does it.
	 */
	kwl_police_set_check(&pf->eswitch.demux.police[vf->num],
			     vf->admin.spoofchk);
	kwl_rmw32(&pf->hw, KWL_DTXSWC, bits,
		  vf->admin.spoofchk && !pf->eswitch.active ? bits : 0);
}

/* The limit is a fraction of the link's speed, in units of 2^-14 */
static void kpf_vf_apply_rate(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	int speed = pf->link.phy ? pf->link.phy->speed : SPEED_UNKNOWN;
	u32 rate = vf->admin.max_rate;
	u32 val = 0;

	if (rate && speed > 0 && rate < speed)
		val = KWL_RTTBCNRC_ENABLE |
		      FIELD_PREP(KWL_RTTBCNRC_FACTOR,
				 ((u32)speed << KWL_RTTBCNRC_FRACTION) / rate);
	kwl_police_set_rate(&pf->eswitch.demux.police[vf->num], rate);
	/* Queue by queue; the VF's second one is the same VF */
	kwl_wr32(&pf->hw, KWL_RTTBCNRM, KWL_RTTBCNRM_JUMBO);
	kwl_wr32(&pf->hw, KWL_RTTDQSEL, vf->num);
	kwl_wr32(&pf->hw, KWL_RTTBCNRC, val);
	kwl_wr32(&pf->hw, KWL_RTTDQSEL, vf->num + KWL_MAX_POOLS);
	kwl_wr32(&pf->hw, KWL_RTTBCNRC, val);
}

/* In service, and not shut off by the administrator */
static void kpf_vf_apply_enable(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	bool on = vf->cts &&
		  kpf_vf_link(pf, vf) != IFLA_VF_LINK_STATE_DISABLE;
	u32 bit = BIT(vf->num);

	kwl_rmw32(&pf->hw, KWL_VFRE, bit, on ? bit : 0);
	kpf_eswitch_rmw_vfte(pf, bit, on ? bit : 0);
}

/* Context: sriov.lock */
void kpf_vf_apply(struct kpf_dev *pf, const struct kpf_vf *vf)
{
	lockdep_assert_held(&pf->sriov.lock);

	/* kpf_sriov_after_reset() comes here again */
	if (READ_ONCE(pf->offline))
		return;
	kpf_vf_apply_pool(pf, vf);
	kpf_filter_set_vf_promisc(pf, vf->num, vf->req.allmulti,
				  vf->req.promisc);
	kpf_vf_apply_tag(pf, vf);
	kpf_vf_apply_spoofchk(pf, vf);
	kpf_vf_apply_rate(pf, vf);
	kpf_filter_set_vf_addr(pf, vf->num,
			       is_zero_ether_addr(vf->req.mac) ? NULL :
								 vf->req.mac);
	/* Frames with a priority and no VLAN bypass no port VLAN */
	kpf_filter_set_vf_vlan(pf, vf->num, 0, !vf->admin.vlan);
	if (vf->admin.vlan)
		kpf_filter_set_vf_vlan(pf, vf->num, vf->admin.vlan, true);
	kpf_vf_apply_enable(pf, vf);
}

/* The three causes of a VF among those of the port */
static u32 kpf_vf_causes(u8 vf)
{
	return GENMASK(2, 0) << (22 - 3 * vf);
}

/*
 * What a reset of the VF leaves behind on the emulator: vectors, into which
 * the next driver's are ORed; the place for head write-backs, which not every
 * driver sets; and causes that are enabled and pending, which never fire
 * again. Drivers program all of it after the answer to their hello.
 */
static void kpf_vf_clear_queues(struct kpf_dev *pf, u8 vf)
{
	int q;

	if (!pf->emulated)
		return;
	kwl_wr32(&pf->hw, KWL_EIMC, kpf_vf_causes(vf));
	kwl_wr32(&pf->hw, KWL_EICR, kpf_vf_causes(vf));
	kwl_wr32(&pf->hw, KWL_IVAR(vf), 0);
	for (q = vf; q < KWL_MAX_QUEUES; q += KWL_MAX_POOLS) {
		kwl_wr32(&pf->hw, KWL_PF_TXQ(q) + KWL_TDWBAL, 0);
		kwl_wr32(&pf->hw, KWL_PF_TXQ(q) + KWL_TDWBAH, 0);
	}
}

/*
 * The VF has been reset or has gone: nothing of what it asked for may be
 * there for whoever comes next.
 * Context: sriov.lock
 */
void kpf_vf_forget(struct kpf_dev *pf, struct kpf_vf *vf)
{
	vf->cts = false;
	vf->ext = 0;
	vf->unread = false;
	vf->pending = 0;
	memset(&vf->req, 0, sizeof(vf->req));
	memset(&vf->lists, 0, sizeof(vf->lists));
	vf->req.max_frame = ETH_FRAME_LEN + ETH_FCS_LEN + VLAN_HLEN;
	kpf_filter_drop_vf_addrs(pf, vf->num);
	kpf_filter_set_vf_groups(pf, vf->num, NULL);
	kpf_filter_drop_vf_vlans(pf, vf->num, vf->admin.vlan);
	kpf_vf_clear_queues(pf, vf->num);
	kpf_vf_apply(pf, vf);
}
