// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes in, and to whom: sole owner of RAR, MTA, VFTA, VLVF, UTA and the
 * filter bits of RCTL and of the PF's VMOLR. tables.c decides; here the
 * decisions go to the registers, those that changed or, after a reset, all.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>

#include "kpf.h"

/* For a function that is known and has its address */
void kpf_filter_init(struct kpf_dev *pf)
{
	struct kpf_tables *t = &pf->filter.tables;

	spin_lock_init(&pf->filter.lock);
	kpf_tables_init(t, pf->perm_addr);
	t->vlan_filter = true;
	t->emulated = pf->emulated;
}

static void kpf_filter_put(struct kpf_dev *pf, u32 reg, u32 *written, u32 val)
{
	if (pf->filter.stale || *written != val)
		kwl_wr32(&pf->hw, reg, val);
	*written = val;
}

static void kpf_filter_put_rar(struct kpf_dev *pf, int i)
{
	struct kpf_filter *f = &pf->filter;
	bool tags = pf->eswitch.active;
	u32 low = tags ? kpf_fwd_ral(pf, i) : kpf_tables_ral(&f->tables, i);
	u32 high = tags ? kpf_fwd_rah(pf, i) : kpf_tables_rah(&f->tables, i);

	if (!f->stale && f->ral[i] == low && f->rah[i] == high)
		return;
	/* Invalid while its two halves differ */
	if (f->stale || f->ral[i] != low || (f->rah[i] ^ high) & KWL_RAH_ADDR) {
		kwl_wr32(&pf->hw, kwl_rah(i), 0);
		kwl_wr32(&pf->hw, kwl_ral(i), low);
	}
	kwl_wr32(&pf->hw, kwl_rah(i), high);
	f->ral[i] = low;
	f->rah[i] = high;
}

/* In mode switchdev it is the receive path that knows whose sources are whose */
static void kpf_filter_sync_police(struct kpf_dev *pf)
{
	struct kwl_addr list[KWL_RAR_ENTRIES];
	u8 i, num;

	for (i = 0; i < pf->num_vfs; i++) {
		num = kpf_tables_list_addrs(&pf->filter.tables, i, list);
		kwl_police_set_sources(&pf->eswitch.demux.police[i], list, num);
	}
}

static void kpf_filter_sync_addrs(struct kpf_dev *pf)
{
	int i;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		kpf_filter_put_rar(pf, i);
	if (pf->eswitch.active)
		kpf_filter_sync_police(pf);
}

static void kpf_filter_sync_groups(struct kpf_dev *pf)
{
	struct kpf_filter *f = &pf->filter;
	int i;

	for (i = 0; i < KWL_MTA_WORDS; i++)
		kpf_filter_put(pf, KWL_MTA(i), &f->mta[i],
			       pf->eswitch.active ? U32_MAX :
						    kpf_tables_mta(&f->tables, i));
}

static void kpf_filter_sync_vlans(struct kpf_dev *pf)
{
	struct kpf_filter *f = &pf->filter;
	u32 vfta[KWL_VFTA_WORDS];
	int i;

	for (i = 0; i < KWL_VLVF_ENTRIES; i++)
		kpf_filter_put(pf, KWL_VLVF(i), &f->vlvf[i],
			       pf->eswitch.active ? kpf_eswitch_vlvf(pf, i) :
						    kpf_tables_vlvf(&f->tables, i));
	if (pf->eswitch.active)
		kpf_eswitch_vfta(pf, vfta);
	else
		kpf_tables_vfta(&f->tables, vfta);
	for (i = 0; i < KWL_VFTA_WORDS; i++)
		kpf_filter_put(pf, KWL_VFTA(i), &f->vfta[i], vfta[i]);
}

/* What VFs send, in mode switchdev, passes or does not. Context: the lock. */
void kpf_filter_sync_gates(struct kpf_dev *pf)
{
	struct kpf_filter *f = &pf->filter;
	int i;

	lockdep_assert_held(&f->lock);
	/* Written again when there is a card again */
	if (!pf->eswitch.active || READ_ONCE(pf->offline))
		return;
	for (i = 0; i < 2 * pf->num_vfs; i += 2)
		kpf_filter_put(pf, KWL_VLVF(i), &f->vlvf[i],
			       kpf_eswitch_vlvf(pf, i));
}

/* Where frames of VFs are forwarded to, in mode switchdev. Context: the lock. */
void kpf_filter_sync_forward(struct kpf_dev *pf)
{
	int i;

	lockdep_assert_held(&pf->filter.lock);
	if (!pf->eswitch.active || READ_ONCE(pf->offline))
		return;
	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		kpf_filter_put_rar(pf, i);
	kpf_filter_sync_gates(pf);
}

/* Does the interface listen to every group? */
static bool kpf_filter_all_groups(const struct kpf_dev *pf)
{
	return pf->filter.tables.all_groups & BIT(pf->num_vfs);
}

static void kpf_filter_write_rctl(struct kpf_dev *pf)
{
	const struct kpf_tables *t = &pf->filter.tables;
	u32 set = 0;

	if (t->promisc || t->allunicast)
		set |= KWL_RCTL_UPE;
	if (kpf_filter_all_groups(pf))
		set |= KWL_RCTL_MPE;
	/* With VFs, their separation by VLAN hangs on it */
	if (pf->num_vfs || (t->vlan_filter && !t->promisc))
		set |= KWL_RCTL_VFE;
	kpf_eswitch_rmw_rctl(pf, KWL_RCTL_UPE | KWL_RCTL_MPE | KWL_RCTL_VFE,
			     set);
}

/*
 * The PF's pool. ROPE and MPME are what silicon goes by, the emulator looks
 * at ROMPE for both. Unicast that nobody has claimed ends up with the PF
 * anyway, by way of the default pool.
 */
static void kpf_filter_write_own_pool(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	u32 val = KWL_VMOLR_AUPE | KWL_VMOLR_BAM | KWL_VMOLR_LPE |
		  KWL_VMOLR_ROMPE | KWL_VMOLR_STRCRC;

	if (!pf->num_vfs)
		return;
	if (kpf_filter_all_groups(pf))
		val |= KWL_VMOLR_MPME;
	if (f->tables.promisc || f->tables.allunicast)
		val |= KWL_VMOLR_ROPE;
	if (f->vlan_strip)
		val |= KWL_VMOLR_STRVLAN;
	if (pf->eswitch.active)
		val |= KWL_VMOLR_MPME | KWL_VMOLR_ROPE | KWL_VMOLR_STRVLAN |
		       FIELD_PREP(KWL_VMOLR_RLPML, KWL_MAX_FRAME);
	else
		val |= FIELD_PREP(KWL_VMOLR_RLPML, f->max_frame);
	kwl_wr32(&pf->hw, KWL_VMOLR(pf->num_vfs), val);
}

/*
 * Addresses that nobody has, for pools with ROPE. On the emulator every pool
 * that listens to groups would get them, so there it stays empty.
 */
static void kpf_filter_write_uta(struct kpf_dev *pf)
{
	const struct kpf_tables *t = &pf->filter.tables;
	bool all = pf->num_vfs && !pf->emulated &&
		   (t->promisc || t->allunicast || pf->filter.vf_promisc);
	int i;

	all |= pf->eswitch.active;

	for (i = 0; i < KWL_UTA_WORDS; i++)
		kwl_wr32(&pf->hw, KWL_UTA(i), all ? U32_MAX : 0);
}

/* For the bits of RCTL that are no filters */
void kpf_filter_rmw_rctl(struct kpf_dev *pf, u32 clear, u32 set)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_eswitch_rmw_rctl(pf, clear, set);
	spin_unlock_bh(&pf->filter.lock);
}

/* After a reset: everything once more */
void kpf_filter_replay(struct kpf_dev *pf)
{
	spin_lock_bh(&pf->filter.lock);
	pf->filter.stale = true;
	kpf_filter_sync_addrs(pf);
	kpf_filter_sync_groups(pf);
	kpf_filter_sync_vlans(pf);
	pf->filter.stale = false;
	kpf_filter_write_uta(pf);
	kpf_filter_write_rctl(pf);
	kpf_filter_write_own_pool(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/*
 * The PF moves to the pool after its VFs, see kpf_tables_move(). The caller
 * stops its queues before and replays the filters after.
 */
int kpf_filter_set_num_vfs(struct kpf_dev *pf, u16 num_vfs)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_move(&pf->filter.tables, num_vfs);
	if (!err) {
		pf->num_vfs = num_vfs;
		pf->filter.vf_promisc = 0;
	}
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

/* The interface's own settings */

void kpf_filter_set_addr(struct kpf_dev *pf, const u8 *addr)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_tables_set_own_addr(&pf->filter.tables, addr);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* More unicast addresses than there is room for: all unicast comes in */
static bool kpf_filter_take_unicast(struct kpf_dev *pf,
				    struct netdev_hw_addr_list *uc)
{
	struct kpf_tables *t = &pf->filter.tables;
	struct kwl_addr list[KWL_RAR_ENTRIES];
	int room = kpf_tables_room(t, pf->num_vfs);
	struct netdev_hw_addr *ha;
	int count = 0;

	netdev_hw_addr_list_for_each(ha, uc)
		if (count < room)
			ether_addr_copy(list[count++].octet, ha->addr);
	kpf_tables_set_addrs(t, pf->num_vfs, list, count, room);
	return netdev_hw_addr_list_count(uc) <= room;
}

static void kpf_filter_take_multicast(struct kpf_dev *pf,
				      struct netdev_hw_addr_list *mc)
{
	struct kwl_groups *groups = &pf->filter.tables.groups[pf->num_vfs];
	struct netdev_hw_addr *ha;

	memset(groups, 0, sizeof(*groups));
	netdev_hw_addr_list_for_each(ha, mc)
		kwl_groups_add(groups, kwl_group_hash(ha->addr));
}

/* Take over the interface's flags and address lists */
void kpf_filter_set_rx_mode(struct kpf_dev *pf, unsigned int flags,
			    struct netdev_hw_addr_list *uc,
			    struct netdev_hw_addr_list *mc)
{
	struct kpf_tables *t = &pf->filter.tables;

	spin_lock_bh(&pf->filter.lock);
	t->promisc = flags & IFF_PROMISC;
	kpf_tables_set_all_groups(t, pf->num_vfs,
				  flags & (IFF_ALLMULTI | IFF_PROMISC));
	t->allunicast = !kpf_filter_take_unicast(pf, uc);
	kpf_filter_take_multicast(pf, mc);
	kpf_filter_sync_addrs(pf);
	kpf_filter_sync_groups(pf);
	kpf_filter_sync_vlans(pf);
	kpf_filter_write_uta(pf);
	kpf_filter_write_rctl(pf);
	kpf_filter_write_own_pool(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* How many more unicast addresses the interface may have */
int kpf_filter_unicast_room(struct kpf_dev *pf)
{
	int room;

	spin_lock_bh(&pf->filter.lock);
	room = kpf_tables_room(&pf->filter.tables, pf->num_vfs);
	spin_unlock_bh(&pf->filter.lock);
	return room;
}

/* -ENOSPC with VFs, when the card can tell no more VLANs apart by pool */
int kpf_filter_set_vlan(struct kpf_dev *pf, u16 vid, bool on)
{
	int err;

	/* VID 0 comes and goes with the 8021q module; it stays in */
	if (!vid)
		return 0;
	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_set_vlan(&pf->filter.tables, vid, on);
	kpf_filter_sync_vlans(pf);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

void kpf_filter_set_vlan_filter(struct kpf_dev *pf, bool on)
{
	spin_lock_bh(&pf->filter.lock);
	pf->filter.tables.vlan_filter = on;
	kpf_filter_sync_vlans(pf);
	kpf_filter_write_rctl(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* What the PF's pool does with frames that come in */
void kpf_filter_set_own_pool(struct kpf_dev *pf, u32 max_frame, bool strip)
{
	spin_lock_bh(&pf->filter.lock);
	pf->filter.max_frame = max_frame;
	pf->filter.vlan_strip = strip;
	kpf_filter_write_own_pool(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* The VFs' */

/* A VF's primary address; NULL for none */
void kpf_filter_set_vf_addr(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_tables_set_vf_addr(&pf->filter.tables, vf, addr);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
}

bool kpf_filter_is_taken(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	bool taken;

	spin_lock_bh(&pf->filter.lock);
	taken = kpf_tables_is_taken(&pf->filter.tables, vf, addr);
	spin_unlock_bh(&pf->filter.lock);
	return taken;
}

/* Nobody else's list may have an address that is a VF's by right */
void kpf_filter_evict(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_tables_evict(&pf->filter.tables, vf, addr);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* How many entries of the card an untrusted VF may fill by itself */
/* For devlink: how much of the shared tables is in use, by whomever */
int kpf_filter_count_unicast(struct kpf_dev *pf)
{
	struct kpf_tables *t = &pf->filter.tables;
	int count = 0, i;

	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < ARRAY_SIZE(t->rar); i++)
		count += !!t->rar[i].pools;
	spin_unlock_bh(&pf->filter.lock);
	return count;
}

int kpf_filter_count_groups(struct kpf_dev *pf)
{
	struct kpf_tables *t = &pf->filter.tables;
	int count = 0, i;

	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < KWL_MTA_WORDS; i++)
		count += hweight32(kpf_tables_mta(t, i));
	spin_unlock_bh(&pf->filter.lock);
	return count;
}

int kpf_filter_count_vlans(struct kpf_dev *pf)
{
	struct kpf_tables *t = &pf->filter.tables;
	int count = 0, i;

	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < ARRAY_SIZE(t->vlvf); i++)
		count += !!t->vlvf[i].pools;
	spin_unlock_bh(&pf->filter.lock);
	return count;
}

u8 kpf_filter_share(struct kpf_dev *pf)
{
	return kpf_tables_share(&pf->filter.tables);
}

int kpf_filter_add_vf_addr(struct kpf_dev *pf, u8 vf, const u8 *addr,
			   int limit)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_add_addr(&pf->filter.tables, vf, addr, limit);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

int kpf_filter_set_vf_addrs(struct kpf_dev *pf, u8 vf,
			    const struct kwl_addr *list, int count, int limit)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_set_addrs(&pf->filter.tables, vf, list, count, limit);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

void kpf_filter_drop_vf_addrs(struct kpf_dev *pf, u8 vf)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_tables_drop_addrs(&pf->filter.tables, vf);
	kpf_filter_sync_addrs(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* NULL for none */
void kpf_filter_set_vf_groups(struct kpf_dev *pf, u8 vf,
			      const struct kwl_groups *groups)
{
	spin_lock_bh(&pf->filter.lock);
	if (kpf_tables_set_groups(&pf->filter.tables, vf, groups))
		kpf_filter_sync_groups(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* A VF hears all groups, or all unicast that nobody has claimed */
void kpf_filter_set_vf_promisc(struct kpf_dev *pf, u8 vf, bool groups,
			       bool unicast)
{
	struct kpf_filter *f = &pf->filter;
	u8 old;

	spin_lock_bh(&f->lock);
	old = f->vf_promisc;
	if (kpf_tables_set_all_groups(&f->tables, vf, groups))
		kpf_filter_sync_groups(pf);
	f->vf_promisc &= ~BIT(vf);
	if (unicast)
		f->vf_promisc |= BIT(vf);
	if (f->vf_promisc != old)
		kpf_filter_write_uta(pf);
	spin_unlock_bh(&f->lock);
}

int kpf_filter_set_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid, bool on)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_set_vf_vlan(&pf->filter.tables, vf, vid, on);
	kpf_filter_sync_vlans(pf);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

bool kpf_filter_has_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid)
{
	bool has;

	spin_lock_bh(&pf->filter.lock);
	has = kpf_tables_has_vlan(&pf->filter.tables, vf, vid);
	spin_unlock_bh(&pf->filter.lock);
	return has;
}

int kpf_filter_count_vf_vlans(struct kpf_dev *pf, u8 vf)
{
	int count;

	spin_lock_bh(&pf->filter.lock);
	count = kpf_tables_count_vlans(&pf->filter.tables, vf);
	spin_unlock_bh(&pf->filter.lock);
	return count;
}

/* Out of all VLANs but @keep and that of untagged frames with a priority */
void kpf_filter_drop_vf_vlans(struct kpf_dev *pf, u8 vf, u16 keep)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_tables_drop_vlans(&pf->filter.tables, vf, keep);
	kpf_filter_sync_vlans(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/* Out of all others and into this one, or -ENOSPC and nothing changes */
int kpf_filter_set_port_vlan(struct kpf_dev *pf, u8 vf, u16 vid)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_tables_set_port_vlan(&pf->filter.tables, vf, vid);
	kpf_filter_sync_vlans(pf);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}
