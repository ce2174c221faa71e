// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes in, and to whom: sole owner of RAR, MTA, VFTA, VLVF, UTA and the
 * filter bits of RCTL and of the PF's VMOLR. Desired state is kept here, so
 * that a reset can replay it. Without VFs everything is the PF's; with VFs the
 * same tables say which pool gets what.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "kpf.h"

/* VLVF entry of VID 0, which frames with a priority but no VLAN carry */
#define KPF_VLVF_PRIORITY	0

void kpf_filter_init(struct kpf_dev *pf)
{
	spin_lock_init(&pf->filter.lock);
	__set_bit(0, pf->filter.vlans);
}

/* Unicast addresses */

static void kpf_filter_write_rar(struct kpf_dev *pf, int i)
{
	const struct kpf_rar *rar = &pf->filter.rar[i];
	u32 high = 0;

	lockdep_assert_held(&pf->filter.lock);

	if (rar->pools)
		high = FIELD_PREP(KWL_RAH_ADDR,
				  get_unaligned_le16(rar->addr + 4)) |
		       FIELD_PREP(KWL_RAH_POOLS, rar->pools) | KWL_RAH_AV;
	/* Invalid while its two halves differ */
	kwl_wr32(&pf->hw, kwl_rah(i), 0);
	kwl_wr32(&pf->hw, kwl_ral(i), get_unaligned_le32(rar->addr));
	kwl_wr32(&pf->hw, kwl_rah(i), high);
}

static void kpf_filter_set_rar(struct kpf_dev *pf, int i, const u8 *addr,
			       u8 pools)
{
	struct kpf_rar *rar = &pf->filter.rar[i];

	/* Not for a moment is an address in use out of service */
	if (addr && rar->pools == pools && ether_addr_equal(rar->addr, addr))
		return;
	if (addr)
		ether_addr_copy(rar->addr, addr);
	rar->pools = pools;
	kpf_filter_write_rar(pf, i);
}

/* Entries for lists: between the PF's own and the VFs' primary addresses */
static int kpf_filter_free_rar(const struct kpf_dev *pf)
{
	int i;

	for (i = 1; i < KWL_RAR_ENTRIES - pf->num_vfs; i++)
		if (!pf->filter.rar[i].pools)
			return i;
	return -ENOSPC;
}

static int kpf_filter_add_rar(struct kpf_dev *pf, const u8 *addr, u8 pools)
{
	int i = kpf_filter_free_rar(pf);

	if (i < 0)
		return i;
	kpf_filter_set_rar(pf, i, addr, pools);
	return 0;
}

/* Drop the list entries of a pool */
static void kpf_filter_drop_rars(struct kpf_dev *pf, u8 pools)
{
	int i;

	for (i = 1; i < KWL_RAR_ENTRIES - pf->num_vfs; i++)
		if (pf->filter.rar[i].pools == pools)
			kpf_filter_set_rar(pf, i, NULL, 0);
}

/* Multicast: one hash table for all, and a flag by pool to use it */

static void kpf_filter_write_mta(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	bool all = pf->num_vfs && pf->emulated && (f->promisc || f->allmulti);
	int i, vf;

	lockdep_assert_held(&pf->filter.lock);

	for (i = 0; i < KWL_MTA_WORDS; i++) {
		/* The emulator knows no "all multicast" of a pool */
		u32 word = all ? U32_MAX : f->mta[i];

		for (vf = 0; vf < pf->num_vfs; vf++)
			word |= f->vf_mta[vf][i];
		kwl_wr32(&pf->hw, KWL_MTA(i), word);
	}
}

/* The last 12 bits of the address select one of 4096 buckets (RCTL.MO = 0) */
#define KPF_FILTER_HASH		GENMASK(15, 4)

static u32 kpf_filter_hash(const u8 *addr)
{
	return FIELD_GET(KPF_FILTER_HASH, get_unaligned_le16(addr + 4));
}

static void kpf_filter_set_hash(u32 *mta, u16 hash)
{
	mta[hash / 32] |= BIT(hash % 32);
}

/* VLANs: VFTA says which there are, VLVF in which pools */

/* With VFs the filter cannot be off: then the PF is in all VLANs instead */
static bool kpf_filter_all_vlans(const struct kpf_dev *pf)
{
	return pf->num_vfs && (pf->filter.promisc || !pf->filter.vlan_filter);
}

static u32 kpf_filter_vfta_word(const struct kpf_dev *pf, int i)
{
	const struct kpf_filter *f = &pf->filter;
	u32 word = 0;
	int bit;

	if (kpf_filter_all_vlans(pf))
		return U32_MAX;
	for (bit = 0; bit < 32; bit++)
		if (test_bit(i * 32 + bit, f->vlans))
			word |= BIT(bit);
	for (bit = 0; bit < KWL_VLVF_ENTRIES; bit++)
		if (f->vlvf[bit].pools && f->vlvf[bit].vid / 32 == i)
			word |= BIT(f->vlvf[bit].vid % 32);
	return word;
}

static void kpf_filter_write_vlan(struct kpf_dev *pf, u16 vid)
{
	kwl_wr32(&pf->hw, KWL_VFTA(vid / 32),
		 kpf_filter_vfta_word(pf, vid / 32));
}

static void kpf_filter_write_vlvf(struct kpf_dev *pf, int i)
{
	const struct kpf_vlvf *e = &pf->filter.vlvf[i];
	u8 pools = e->pools;
	u32 val = 0;

	if (pools && kpf_filter_all_vlans(pf))
		pools |= BIT(pf->num_vfs);
	if (pools)
		val = FIELD_PREP(KWL_VLVF_VID, e->vid) |
		      FIELD_PREP(KWL_VLVF_POOLS, pools) | KWL_VLVF_EN;
	kwl_wr32(&pf->hw, KWL_VLVF(i), val);
}

/* The entry of a VID, or a free one, or -ENOSPC */
static int kpf_filter_find_vlvf(const struct kpf_filter *f, u16 vid)
{
	int free = -ENOSPC, i;

	if (!vid)
		return KPF_VLVF_PRIORITY;
	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++) {
		if (f->vlvf[i].pools && f->vlvf[i].vid == vid)
			return i;
		if (!f->vlvf[i].pools && free < 0)
			free = i;
	}
	return free;
}

static int kpf_filter_assign_vlvf(struct kpf_dev *pf, u8 pool, u16 vid,
				  bool on)
{
	struct kpf_filter *f = &pf->filter;
	int i = kpf_filter_find_vlvf(f, vid);

	lockdep_assert_held(&f->lock);

	if (i < 0)
		return on ? i : 0;
	f->vlvf[i].vid = vid;
	if (on)
		f->vlvf[i].pools |= BIT(pool);
	else
		f->vlvf[i].pools &= ~BIT(pool);
	kpf_filter_write_vlvf(pf, i);
	kpf_filter_write_vlan(pf, vid);
	return 0;
}

/* Modes */

static void kpf_filter_write_rctl(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	u32 set = 0;

	lockdep_assert_held(&pf->filter.lock);

	if (f->promisc)
		set |= KWL_RCTL_UPE | KWL_RCTL_MPE;
	/* With VFs, their separation by VLAN hangs on it */
	if (pf->num_vfs || (f->vlan_filter && !f->promisc))
		set |= KWL_RCTL_VFE;
	if (f->allunicast)
		set |= KWL_RCTL_UPE;
	if (f->allmulti)
		set |= KWL_RCTL_MPE;
	kwl_rmw32(&pf->hw, KWL_RCTL,
		  KWL_RCTL_UPE | KWL_RCTL_MPE | KWL_RCTL_VFE, set);
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

	lockdep_assert_held(&pf->filter.lock);

	if (!pf->num_vfs)
		return;
	if (f->promisc || f->allmulti)
		val |= KWL_VMOLR_MPME;
	if (f->promisc || f->allunicast)
		val |= KWL_VMOLR_ROPE;
	if (f->vlan_strip)
		val |= KWL_VMOLR_STRVLAN;
	val |= FIELD_PREP(KWL_VMOLR_RLPML, f->max_frame);
	kwl_wr32(&pf->hw, KWL_VMOLR(pf->num_vfs), val);
}

static void kpf_filter_write_uta(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	bool all = pf->num_vfs && !pf->emulated &&
		   (f->promisc || f->allunicast);
	int i;

	/* On the emulator every pool with ROMPE would get it */
	for (i = 0; i < KWL_UTA_WORDS; i++)
		kwl_wr32(&pf->hw, KWL_UTA(i), all ? U32_MAX : 0);
}

static void kpf_filter_write_vlans(struct kpf_dev *pf)
{
	int i;

	lockdep_assert_held(&pf->filter.lock);

	for (i = 0; i < KWL_VLVF_ENTRIES; i++)
		kpf_filter_write_vlvf(pf, i);
	for (i = 0; i < KWL_VFTA_WORDS; i++)
		kwl_wr32(&pf->hw, KWL_VFTA(i), kpf_filter_vfta_word(pf, i));
}

/* For the bits of RCTL that are no filters */
void kpf_filter_rmw_rctl(struct kpf_dev *pf, u32 clear, u32 set)
{
	spin_lock_bh(&pf->filter.lock);
	kwl_rmw32(&pf->hw, KWL_RCTL, clear, set);
	spin_unlock_bh(&pf->filter.lock);
}

/* After a reset: everything once more */
void kpf_filter_replay(struct kpf_dev *pf)
{
	int i;

	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		kpf_filter_write_rar(pf, i);
	kpf_filter_write_mta(pf);
	kpf_filter_write_uta(pf);
	kpf_filter_write_vlans(pf);
	kpf_filter_write_rctl(pf);
	kpf_filter_write_own_pool(pf);
	spin_unlock_bh(&pf->filter.lock);
}

/*
 * The PF moves to the pool after its VFs: number @num_vfs, or 0 and no pools
 * at all. The VFs' filters are gone; the PF's move along. -ENOSPC if it has
 * more VLANs than can be told apart by pool: then nothing has changed.
 */
int kpf_filter_set_num_vfs(struct kpf_dev *pf, u16 num_vfs)
{
	struct kpf_filter *f = &pf->filter;
	u8 own = BIT(num_vfs);
	unsigned int vid, i;

	if (num_vfs &&
	    bitmap_weight(f->vlans, VLAN_N_VID) > KWL_VLVF_ENTRIES)
		return -ENOSPC;

	spin_lock_bh(&f->lock);
	for (i = 1; i < KWL_RAR_ENTRIES; i++)
		f->rar[i].pools = f->rar[i].pools == BIT(pf->num_vfs) &&
				  i < KWL_RAR_ENTRIES - num_vfs ? own : 0;
	f->rar[0].pools = own;
	memset(f->vf_mta, 0, sizeof(f->vf_mta));
	memset(f->vlvf, 0, sizeof(f->vlvf));
	if (num_vfs) {
		f->vlvf[KPF_VLVF_PRIORITY].pools = GENMASK(num_vfs, 0);
		i = KPF_VLVF_PRIORITY + 1;
		vid = 1;
		for_each_set_bit_from(vid, f->vlans, VLAN_N_VID) {
			f->vlvf[i].vid = vid;
			f->vlvf[i++].pools = own;
		}
	}
	pf->num_vfs = num_vfs;
	spin_unlock_bh(&f->lock);
	return 0;
}

/* The interface's own settings */

void kpf_filter_set_addr(struct kpf_dev *pf, const u8 *addr)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_filter_set_rar(pf, 0, addr, BIT(pf->num_vfs));
	spin_unlock_bh(&pf->filter.lock);
}

/* More unicast addresses than there is room for: all unicast comes in */
static bool kpf_filter_take_unicast(struct kpf_dev *pf,
				    struct netdev_hw_addr_list *uc)
{
	u8 own = BIT(pf->num_vfs);
	struct netdev_hw_addr *ha;
	bool fits = true;

	kpf_filter_drop_rars(pf, own);
	netdev_hw_addr_list_for_each(ha, uc)
		if (kpf_filter_add_rar(pf, ha->addr, own))
			fits = false;
	return fits;
}

static void kpf_filter_take_multicast(struct kpf_filter *f,
				      struct netdev_hw_addr_list *mc)
{
	struct netdev_hw_addr *ha;

	memset(f->mta, 0, sizeof(f->mta));
	netdev_hw_addr_list_for_each(ha, mc)
		kpf_filter_set_hash(f->mta, kpf_filter_hash(ha->addr));
}

/* Take over the interface's flags and address lists */
void kpf_filter_set_rx_mode(struct kpf_dev *pf, unsigned int flags,
			    struct netdev_hw_addr_list *uc,
			    struct netdev_hw_addr_list *mc)
{
	struct kpf_filter *f = &pf->filter;
	bool all_vlans = kpf_filter_all_vlans(pf);

	spin_lock_bh(&f->lock);
	f->promisc = flags & IFF_PROMISC;
	f->allmulti = flags & IFF_ALLMULTI;
	f->allunicast = !kpf_filter_take_unicast(pf, uc);
	kpf_filter_take_multicast(f, mc);
	kpf_filter_write_mta(pf);
	kpf_filter_write_uta(pf);
	if (kpf_filter_all_vlans(pf) != all_vlans)
		kpf_filter_write_vlans(pf);
	kpf_filter_write_rctl(pf);
	kpf_filter_write_own_pool(pf);
	spin_unlock_bh(&f->lock);
}

/* -ENOSPC with VFs, when the card can tell no more VLANs apart by pool */
int kpf_filter_set_vlan(struct kpf_dev *pf, u16 vid, bool on)
{
	struct kpf_filter *f = &pf->filter;
	int err = 0;

	/* VID 0 comes and goes with the 8021q module; it stays in */
	if (!vid)
		return 0;
	spin_lock_bh(&f->lock);
	if (pf->num_vfs)
		err = kpf_filter_assign_vlvf(pf, pf->num_vfs, vid, on);
	if (!err) {
		__assign_bit(vid, f->vlans, on);
		kpf_filter_write_vlan(pf, vid);
	}
	spin_unlock_bh(&f->lock);
	return err;
}

void kpf_filter_set_vlan_filter(struct kpf_dev *pf, bool on)
{
	spin_lock_bh(&pf->filter.lock);
	pf->filter.vlan_filter = on;
	if (pf->num_vfs)
		kpf_filter_write_vlans(pf);
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
	kpf_filter_set_rar(pf, KWL_RAR_ENTRIES - 1 - vf, addr,
			   addr ? BIT(vf) : 0);
	spin_unlock_bh(&pf->filter.lock);
}

/*
 * Does somebody else have this address? Entries are looked up together, so a
 * VF that took it would hear what is meant for the other.
 */
bool kpf_filter_is_taken(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	bool taken = false;
	int i;

	spin_lock_bh(&pf->filter.lock);
	for (i = 0; i < KWL_RAR_ENTRIES; i++) {
		const struct kpf_rar *rar = &pf->filter.rar[i];

		if (rar->pools & ~BIT(vf) && ether_addr_equal(rar->addr, addr))
			taken = true;
	}
	spin_unlock_bh(&pf->filter.lock);
	return taken;
}

/* One more unicast address for a VF; -ENOSPC if it or the card is full */
int kpf_filter_add_vf_unicast(struct kpf_dev *pf, u8 vf, const u8 *addr)
{
	int i, used = 0, err = -ENOSPC;

	spin_lock_bh(&pf->filter.lock);
	for (i = 1; i < KWL_RAR_ENTRIES - pf->num_vfs; i++) {
		if (pf->filter.rar[i].pools != BIT(vf))
			continue;
		if (ether_addr_equal(pf->filter.rar[i].addr, addr))
			err = 0;
		used++;
	}
	if (err && used < KPF_VF_MAX_UNICAST)
		err = kpf_filter_add_rar(pf, addr, BIT(vf));
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

void kpf_filter_drop_vf_unicast(struct kpf_dev *pf, u8 vf)
{
	spin_lock_bh(&pf->filter.lock);
	kpf_filter_drop_rars(pf, BIT(vf));
	spin_unlock_bh(&pf->filter.lock);
}

void kpf_filter_set_vf_multicast(struct kpf_dev *pf, u8 vf, const u16 *hashes,
				 int count)
{
	struct kpf_filter *f = &pf->filter;
	int i;

	spin_lock_bh(&f->lock);
	memset(f->vf_mta[vf], 0, sizeof(f->vf_mta[vf]));
	for (i = 0; i < count; i++)
		kpf_filter_set_hash(f->vf_mta[vf], hashes[i]);
	kpf_filter_write_mta(pf);
	spin_unlock_bh(&f->lock);
}

int kpf_filter_set_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid, bool on)
{
	int err;

	spin_lock_bh(&pf->filter.lock);
	err = kpf_filter_assign_vlvf(pf, vf, vid, on);
	spin_unlock_bh(&pf->filter.lock);
	return err;
}

bool kpf_filter_has_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid)
{
	bool has;
	int i;

	spin_lock_bh(&pf->filter.lock);
	i = kpf_filter_find_vlvf(&pf->filter, vid);
	has = i >= 0 && pf->filter.vlvf[i].pools & BIT(vf);
	spin_unlock_bh(&pf->filter.lock);
	return has;
}

int kpf_filter_count_vf_vlans(struct kpf_dev *pf, u8 vf)
{
	int i, count = 0;

	spin_lock_bh(&pf->filter.lock);
	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++)
		count += !!(pf->filter.vlvf[i].pools & BIT(vf));
	spin_unlock_bh(&pf->filter.lock);
	return count;
}

/* Out of all VLANs but that of untagged frames with a priority */
void kpf_filter_drop_vf_vlans(struct kpf_dev *pf, u8 vf)
{
	struct kpf_filter *f = &pf->filter;
	int i;

	spin_lock_bh(&f->lock);
	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++) {
		if (!(f->vlvf[i].pools & BIT(vf)))
			continue;
		f->vlvf[i].pools &= ~BIT(vf);
		kpf_filter_write_vlvf(pf, i);
		kpf_filter_write_vlan(pf, f->vlvf[i].vid);
	}
	spin_unlock_bh(&f->lock);
}
