// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the port lets in: sole owner of RAR, MTA, VFTA and the filter bits of
 * RCTL. Desired state is kept here, so that a reset can replay it.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "kpf.h"

void kpf_filter_init(struct kpf_dev *pf)
{
	spin_lock_init(&pf->filter.lock);
	/* Frames with a priority but no VLAN carry VID 0: always wanted */
	__set_bit(0, pf->filter.vlans);
}

static void kpf_filter_write_rar(struct kpf_dev *pf, int i, const u8 *addr)
{
	u32 low = get_unaligned_le32(addr);
	u32 high = FIELD_PREP(KWL_RAH_ADDR, get_unaligned_le16(addr + 4));

	/* Invalid while its two halves differ */
	kwl_wr32(&pf->hw, kwl_rah(i), 0);
	kwl_wr32(&pf->hw, kwl_ral(i), low);
	kwl_wr32(&pf->hw, kwl_rah(i), high | KWL_RAH_AV |
		 FIELD_PREP(KWL_RAH_POOLS, BIT(0)));
}

static void kpf_filter_write_unicast(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	int i;

	lockdep_assert_held(&pf->filter.lock);

	for (i = 0; i < f->num_uc; i++)
		kpf_filter_write_rar(pf, i + 1, f->uc[i]);
	for (i = f->num_uc + 1; i < KWL_RAR_ENTRIES; i++)
		kwl_wr32(&pf->hw, kwl_rah(i), 0);
}

static void kpf_filter_write_mta(struct kpf_dev *pf)
{
	int i;

	lockdep_assert_held(&pf->filter.lock);

	for (i = 0; i < KWL_MTA_WORDS; i++)
		kwl_wr32(&pf->hw, KWL_MTA(i), pf->filter.mta[i]);
}

static u32 kpf_filter_vfta_word(const struct kpf_filter *f, int i)
{
	u32 word = 0;
	int bit;

	for (bit = 0; bit < 32; bit++)
		if (test_bit(i * 32 + bit, f->vlans))
			word |= BIT(bit);
	return word;
}

static void kpf_filter_write_rctl(struct kpf_dev *pf)
{
	const struct kpf_filter *f = &pf->filter;
	u32 set = 0;

	lockdep_assert_held(&pf->filter.lock);

	if (f->promisc)
		set |= KWL_RCTL_UPE | KWL_RCTL_MPE;
	else if (f->vlan_filter)
		set |= KWL_RCTL_VFE;
	if (f->allunicast)
		set |= KWL_RCTL_UPE;
	if (f->allmulti)
		set |= KWL_RCTL_MPE;
	kwl_rmw32(&pf->hw, KWL_RCTL,
		  KWL_RCTL_UPE | KWL_RCTL_MPE | KWL_RCTL_VFE, set);
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
	struct kpf_filter *f = &pf->filter;
	int i;

	spin_lock_bh(&f->lock);
	kpf_filter_write_rar(pf, 0, f->addr);
	kpf_filter_write_unicast(pf);
	kpf_filter_write_mta(pf);
	for (i = 0; i < KWL_VFTA_WORDS; i++)
		kwl_wr32(&pf->hw, KWL_VFTA(i), kpf_filter_vfta_word(f, i));
	kpf_filter_write_rctl(pf);
	spin_unlock_bh(&f->lock);
}

void kpf_filter_set_addr(struct kpf_dev *pf, const u8 *addr)
{
	struct kpf_filter *f = &pf->filter;

	spin_lock_bh(&f->lock);
	ether_addr_copy(f->addr, addr);
	kpf_filter_write_rar(pf, 0, addr);
	spin_unlock_bh(&f->lock);
}

/* The last 12 bits of the address select one of 4096 buckets (RCTL.MO = 0) */
#define KPF_FILTER_HASH		GENMASK(15, 4)

static u32 kpf_filter_hash(const u8 *addr)
{
	return FIELD_GET(KPF_FILTER_HASH, get_unaligned_le16(addr + 4));
}

/* Collect unicast addresses; false if they are too many */
static bool kpf_filter_collect_unicast(struct kpf_filter *f,
				       struct netdev_hw_addr_list *uc)
{
	struct netdev_hw_addr *ha;

	f->num_uc = 0;
	if (netdev_hw_addr_list_count(uc) > ARRAY_SIZE(f->uc))
		return false;
	netdev_hw_addr_list_for_each(ha, uc)
		ether_addr_copy(f->uc[f->num_uc++], ha->addr);
	return true;
}

static void kpf_filter_collect_multicast(struct kpf_filter *f,
					 struct netdev_hw_addr_list *mc)
{
	struct netdev_hw_addr *ha;

	memset(f->mta, 0, sizeof(f->mta));
	netdev_hw_addr_list_for_each(ha, mc) {
		u32 hash = kpf_filter_hash(ha->addr);

		f->mta[hash / 32] |= BIT(hash % 32);
	}
}

/*
 * Take over the interface's flags and address lists. More unicast addresses
 * than the card has room for means that all unicast comes in.
 */
void kpf_filter_set_rx_mode(struct kpf_dev *pf, unsigned int flags,
			    struct netdev_hw_addr_list *uc,
			    struct netdev_hw_addr_list *mc)
{
	struct kpf_filter *f = &pf->filter;

	spin_lock_bh(&f->lock);
	f->promisc = flags & IFF_PROMISC;
	f->allmulti = flags & IFF_ALLMULTI;
	f->allunicast = !kpf_filter_collect_unicast(f, uc);
	kpf_filter_collect_multicast(f, mc);
	kpf_filter_write_unicast(pf);
	kpf_filter_write_mta(pf);
	kpf_filter_write_rctl(pf);
	spin_unlock_bh(&f->lock);
}

void kpf_filter_set_vlan(struct kpf_dev *pf, u16 vid, bool on)
{
	struct kpf_filter *f = &pf->filter;

	/* VID 0 comes and goes with the 8021q module; it stays in */
	if (!vid)
		return;
	spin_lock_bh(&f->lock);
	__assign_bit(vid, f->vlans, on);
	kwl_wr32(&pf->hw, KWL_VFTA(vid / 32),
		 kpf_filter_vfta_word(f, vid / 32));
	spin_unlock_bh(&f->lock);
}

void kpf_filter_set_vlan_filter(struct kpf_dev *pf, bool on)
{
	spin_lock_bh(&pf->filter.lock);
	pf->filter.vlan_filter = on;
	kpf_filter_write_rctl(pf);
	spin_unlock_bh(&pf->filter.lock);
}
