// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the card forwards from VF to VF in mode switchdev, on behalf of a
 * bridge that has their representors for ports; brport.c knows which may be
 * left to the card. Of such a group each VF's private VLAN is in the pools of
 * the others as well, the addresses that the bridge has learned say whose a
 * unicast frame is, and broadcast is for all. The PF has a copy of everything,
 * marked as forwarded, for the bridge's other ports.
 *
 * Nothing that a VF has not been seen to own is forwarded to it, or a VF that
 * sends to the wire would be heard by all: with such addresses it is as with
 * a port that has `flood off`.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/if_bridge.h>
#include <linux/rtnetlink.h>
#include <linux/unaligned.h>
#include <net/switchdev.h>

#include "kpf_repr.h"
#include "kpf_vf.h"

/* What a port has to be like: none of the others set */
#define KPF_FWD_FLAGS	(BR_MCAST_FLOOD | BR_BCAST_FLOOD)
#define KPF_FWD_CARES	(KPF_FWD_FLAGS | BR_FLOOD | BR_HAIRPIN_MODE |	\
			 BR_ISOLATED | BR_PORT_LOCKED | BR_PORT_MAB |	\
			 BR_PROXYARP | BR_PROXYARP_WIFI |		\
			 BR_NEIGH_SUPPRESS | BR_NEIGH_VLAN_SUPPRESS |	\
			 BR_MULTICAST_TO_UNICAST | BR_VLAN_TUNNEL)

/* In which the PF's queue is emptied */
#define KPF_FWD_DELAY	msecs_to_jiffies(20)

static_assert(KWL_RAR_ENTRIES <= KWL_FWD_ADDRS);

/* Those that have an address and that the card forwards to */
static u8 kpf_fwd_owners(const struct kpf_dev *pf, int i)
{
	const struct kpf_fwd *fwd = &pf->eswitch.fwd;

	return fwd->entry[i].owners & fwd->members;
}

/* Receive addresses. Context: filter.lock. */
u32 kpf_fwd_ral(const struct kpf_dev *pf, int i)
{
	return kpf_fwd_owners(pf, i) ?
	       get_unaligned_le32(pf->eswitch.fwd.entry[i].addr) : 0;
}

/*
 * Whoever is in no group gets nothing but what has its own tag, and that must
 * not fail for the address; nor must what comes from the wire.
 */
u32 kpf_fwd_rah(const struct kpf_dev *pf, int i)
{
	const struct kpf_fwd *fwd = &pf->eswitch.fwd;
	u8 owners = kpf_fwd_owners(pf, i);
	u8 others = GENMASK(pf->num_vfs, 0) & ~fwd->members;

	if (!owners)
		return 0;
	return FIELD_PREP(KWL_RAH_ADDR,
			  get_unaligned_le16(fwd->entry[i].addr + 4)) |
	       FIELD_PREP(KWL_RAH_POOLS, owners | others) | KWL_RAH_AV;
}

/* Tell the receive path. Context: filter.lock. */
static void kpf_fwd_sync_marks(struct kpf_dev *pf)
{
	const struct kpf_fwd *fwd = &pf->eswitch.fwd;
	struct kwl_fwd_addr addrs[KWL_FWD_ADDRS];
	u8 peers[KWL_REPRS] = {};
	bool on = fwd->marks;
	u8 num = 0;
	int i;

	for (i = 0; on && i < KPF_MAX_VFS; i++)
		peers[i] = fwd->group[i] & ~BIT(i);
	for (i = 0; on && i < KWL_RAR_ENTRIES; i++) {
		u8 owners = kpf_fwd_owners(pf, i) & fwd->entry[i].ripe;

		if (!owners)
			continue;
		ether_addr_copy(addrs[num].octet, fwd->entry[i].addr);
		addrs[num++].owners = owners;
	}
	/* Not seen on the emulator, which has multicast share a bit */
	kwl_fwd_set(&pf->eswitch.demux.fwd, peers, !pf->emulated, addrs, num);
}

/* May the card do for this port what the bridge would? */
static bool kpf_fwd_may(const struct kpf_dev *pf, int i)
{
	const struct kpf_brport *port = &pf->eswitch.brport[i];
	const struct kpf_vf *vf = &pf->sriov.vf[i];

	return !port->filters && !port->blocks && !port->uppers &&
	       (port->flags & KPF_FWD_CARES) == KPF_FWD_FLAGS &&
	       !vf->admin.spoofchk && !vf->admin.max_rate &&
	       !(pf->eswitch.fwd.over & BIT(i));
}

/* One port that needs the bridge's software, and all of the bridge have it */
static u8 kpf_fwd_find_group(const struct kpf_dev *pf, int vf)
{
	const struct kpf_brport *port = pf->eswitch.brport;
	u8 group = 0;
	int i;

	for (i = 0; i < pf->num_vfs; i++) {
		if (port[i].bridge != port[vf].bridge || !port[i].forwards)
			continue;
		if (!kpf_fwd_may(pf, i))
			return 0;
		group |= BIT(i);
	}
	return group & BIT(vf) && hweight8(group) > 1 ? group : 0;
}

static void kpf_fwd_find_groups(const struct kpf_dev *pf, u8 *groups)
{
	int i;

	memset(groups, 0, KPF_MAX_VFS);
	if (!pf->eswitch.active || !pf->sriov.vf)
		return;
	for (i = 0; i < pf->num_vfs; i++)
		if (pf->eswitch.brport[i].bridge)
			groups[i] = kpf_fwd_find_group(pf, i);
}

static void kpf_fwd_apply(struct kpf_dev *pf, u8 vfs)
{
	int i;

	for (i = 0; pf->sriov.vf && i < pf->num_vfs; i++)
		if (vfs & BIT(i))
			kpf_vf_apply(pf, &pf->sriov.vf[i]);
}

/*
 * What the queue holds now the card has not forwarded, so it is not marked
 * before all that is gone.
 */
static void kpf_fwd_later(struct kpf_dev *pf)
{
	schedule_delayed_work(&pf->eswitch.fwd.work, KPF_FWD_DELAY);
}

/* A frame too many at the moment of change rather than one that is lost */
static void kpf_fwd_change(struct kpf_dev *pf, const u8 *groups)
{
	struct kpf_fwd *fwd = &pf->eswitch.fwd;
	u8 old, new = 0;
	int i;

	for (i = 0; i < KPF_MAX_VFS; i++)
		new |= groups[i] ? BIT(i) : 0;
	spin_lock_bh(&pf->filter.lock);
	fwd->marks = false;
	kpf_fwd_sync_marks(pf);
	old = fwd->members;
	fwd->members = new;
	spin_unlock_bh(&pf->filter.lock);

	kpf_fwd_apply(pf, old & ~new);
	spin_lock_bh(&pf->filter.lock);
	memcpy(fwd->group, groups, sizeof(fwd->group));
	kpf_filter_sync_forward(pf);
	spin_unlock_bh(&pf->filter.lock);
	kpf_fwd_apply(pf, new & ~old);
	kpf_fwd_later(pf);
}

/* A port or a policy is different. Context: sriov.lock. */
void kpf_fwd_update(struct kpf_dev *pf)
{
	u8 groups[KPF_MAX_VFS];

	lockdep_assert_held(&pf->sriov.lock);

	kpf_fwd_find_groups(pf, groups);
	if (memcmp(groups, pf->eswitch.fwd.group, sizeof(groups)))
		kpf_fwd_change(pf, groups);
}

static struct kpf_fwd_entry *kpf_fwd_find(struct kpf_fwd *fwd, const u8 *addr)
{
	int i;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		if (fwd->entry[i].owners &&
		    ether_addr_equal_unaligned(fwd->entry[i].addr, addr))
			return &fwd->entry[i];
	return NULL;
}

static struct kpf_fwd_entry *kpf_fwd_new(struct kpf_fwd *fwd, const u8 *addr)
{
	int i;

	for (i = 0; i < KWL_RAR_ENTRIES; i++) {
		struct kpf_fwd_entry *entry = &fwd->entry[i];

		if (entry->owners)
			continue;
		ether_addr_copy(entry->addr, addr);
		entry->ripe = 0;
		entry->told = 0;
		return entry;
	}
	return NULL;
}

/* No VF takes the room of the others, with whatever sources it sends */
static bool kpf_fwd_has_room(const struct kpf_dev *pf, u8 vf)
{
	int i, count = 0;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		if (pf->eswitch.fwd.entry[i].owners & BIT(vf))
			count++;
	return count < KWL_RAR_ENTRIES / max_t(int, pf->num_vfs, 1);
}

/* Is there anything to do for it? */
static bool kpf_fwd_enter(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	struct kpf_fwd *fwd = &pf->eswitch.fwd;
	struct kpf_fwd_entry *entry = kpf_fwd_find(fwd, addr);

	if (entry && entry->owners & BIT(vf))
		return false;
	if (!entry && kpf_fwd_has_room(pf, vf))
		entry = kpf_fwd_new(fwd, addr);
	if (!entry || !kpf_fwd_has_room(pf, vf)) {
		bool new = !(fwd->over & BIT(vf));

		fwd->over |= BIT(vf);
		return new;
	}
	entry->owners |= BIT(vf);
	return true;
}

/* A bridge has learned that a VF has an address. Context: Any. */
void kpf_fwd_learn(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	struct kpf_fwd *fwd = &pf->eswitch.fwd;

	spin_lock_bh(&pf->filter.lock);
	if (kpf_fwd_enter(pf, vf, addr)) {
		if (fwd->members & BIT(vf))
			kpf_filter_sync_forward(pf);
		kpf_fwd_later(pf);
	}
	spin_unlock_bh(&pf->filter.lock);
}

/* And that it has it no more. Context: Any. */
void kpf_fwd_forget(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	struct kpf_fwd *fwd = &pf->eswitch.fwd;
	struct kpf_fwd_entry *entry;

	spin_lock_bh(&pf->filter.lock);
	entry = kpf_fwd_find(fwd, addr);
	if (entry && entry->owners & BIT(vf)) {
		entry->owners &= ~BIT(vf);
		entry->ripe &= ~BIT(vf);
		entry->told &= ~BIT(vf);
		kpf_fwd_sync_marks(pf);
		kpf_filter_sync_forward(pf);
	}
	spin_unlock_bh(&pf->filter.lock);
}

/* The port is no bridge's any more. Context: sriov.lock. */
void kpf_fwd_leave(struct kpf_dev *pf, u8 vf)
{
	struct kpf_fwd *fwd = &pf->eswitch.fwd;
	int i;

	kpf_fwd_update(pf);
	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < KWL_RAR_ENTRIES; i++) {
		fwd->entry[i].owners &= ~BIT(vf);
		fwd->entry[i].ripe &= ~BIT(vf);
		fwd->entry[i].told &= ~BIT(vf);
	}
	fwd->over &= ~BIT(vf);
	spin_unlock_bh(&pf->filter.lock);
}

/* For `bridge fdb`: which entries are in the card. Context: RTNL. */
static void kpf_fwd_tell(struct kpf_dev *pf, int i)
{
	struct kpf_eswitch *es = &pf->eswitch;
	struct kpf_fwd_entry *entry = &es->fwd.entry[i];
	struct switchdev_notifier_fdb_info info = {};
	u8 addr[ETH_ALEN] __aligned(2);
	u8 in_card, differ;
	int vf;

	spin_lock_bh(&pf->filter.lock);
	in_card = kpf_fwd_owners(pf, i);
	differ = in_card ^ entry->told;
	entry->told = in_card;
	ether_addr_copy(addr, entry->addr);
	spin_unlock_bh(&pf->filter.lock);

	info.addr = addr;
	for (vf = 0; vf < KPF_MAX_VFS; vf++) {
		if (!(differ & BIT(vf)) || !es->repr[vf])
			continue;
		info.offloaded = !!(in_card & BIT(vf));
		call_switchdev_notifiers(SWITCHDEV_FDB_OFFLOADED, es->repr[vf],
					 &info.info, NULL);
	}
}

static void kpf_fwd_work(struct work_struct *work)
{
	struct kpf_dev *pf = container_of(to_delayed_work(work),
					  struct kpf_dev, eswitch.fwd.work);
	struct kpf_fwd *fwd = &pf->eswitch.fwd;
	int i;

	/* A VF may have got too many addresses */
	mutex_lock(&pf->sriov.lock);
	spin_lock_bh(&pf->filter.lock);
	fwd->marks = true;
	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		fwd->entry[i].ripe = fwd->entry[i].owners;
	kpf_fwd_sync_marks(pf);
	spin_unlock_bh(&pf->filter.lock);
	kpf_fwd_update(pf);
	mutex_unlock(&pf->sriov.lock);
	rtnl_lock();
	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		kpf_fwd_tell(pf, i);
	rtnl_unlock();
}

void kpf_fwd_init(struct kpf_dev *pf)
{
	struct kpf_eswitch *es = &pf->eswitch;
	int i;

	memset(&es->fwd, 0, sizeof(es->fwd));
	memset(es->brport, 0, sizeof(es->brport));
	INIT_DELAYED_WORK(&es->fwd.work, kpf_fwd_work);
	kwl_fwd_init(&es->demux.fwd, &pf->filter.lock);
	for (i = 0; i < KPF_MAX_VFS; i++)
		kwl_gate_init(&es->gate[i], pf->hw.regs + KWL_VMOLR(i));
}

/* There are no representors any more. Context: Process. */
void kpf_fwd_fini(struct kpf_dev *pf)
{
	cancel_delayed_work_sync(&pf->eswitch.fwd.work);
}
