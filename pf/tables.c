// SPDX-License-Identifier: GPL-2.0-only
/* Who gets which addresses, groups and VLANs, and what the registers say. */
#include <linux/bitfield.h>
#include <linux/errno.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "tables.h"

/* VLVF entry of VID 0, which frames with a priority but no VLAN carry */
#define KPF_VLVF_PRIORITY	0

/* @t is zero */
void kpf_tables_init(struct kpf_tables *t, const u8 *addr)
{
	__set_bit(0, t->vlans);
	kpf_tables_set_own_addr(t, addr);
}

static void kpf_tables_move_addrs(struct kpf_tables *t, u8 num_vfs)
{
	u8 own = BIT(t->own);
	int i;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		t->rar[i].pools = t->rar[i].pools == own &&
				  i < KWL_RAR_ENTRIES - num_vfs ?
				  BIT(num_vfs) : 0;
}

static void kpf_tables_move_groups(struct kpf_tables *t, u8 num_vfs)
{
	struct kwl_groups own = t->groups[t->own];
	bool all = t->all_groups & BIT(t->own);

	memset(t->groups, 0, sizeof(t->groups));
	t->groups[num_vfs] = own;
	t->all_groups = all ? BIT(num_vfs) : 0;
}

static void kpf_tables_move_vlans(struct kpf_tables *t, u8 num_vfs)
{
	int i = KPF_VLVF_PRIORITY + 1;
	unsigned int vid = 1;

	memset(t->vlvf, 0, sizeof(t->vlvf));
	if (!num_vfs)
		return;
	t->vlvf[KPF_VLVF_PRIORITY].pools = GENMASK(num_vfs, 0);
	for_each_set_bit_from(vid, t->vlans, VLAN_N_VID) {
		t->vlvf[i].vid = vid;
		t->vlvf[i++].pools = BIT(num_vfs);
	}
}

/*
 * The interface moves to the pool after @num_vfs VFs: to 0, and no pools at
 * all, if there are none. VFs' entries are gone, its own move along. -ENOSPC
 * if it has more VLANs than can be told apart by pool: then nothing changes.
 */
int kpf_tables_move(struct kpf_tables *t, u8 num_vfs)
{
	if (num_vfs && bitmap_weight(t->vlans, VLAN_N_VID) > KWL_VLVF_ENTRIES)
		return -ENOSPC;
	kpf_tables_move_addrs(t, num_vfs);
	kpf_tables_move_groups(t, num_vfs);
	kpf_tables_move_vlans(t, num_vfs);
	t->own = num_vfs;
	return 0;
}

/* Unicast addresses */

static void kpf_rar_set(struct kpf_rar *rar, const u8 *addr, u8 pools)
{
	ether_addr_copy(rar->addr, addr);
	rar->pools = pools;
}

/* Entries for lists are between the interface's own and the VFs' primary ones */
static int kpf_tables_end(const struct kpf_tables *t)
{
	return KWL_RAR_ENTRIES - t->own;
}

/* Who now has this address by right: no other VF's list may keep it */
void kpf_tables_evict(struct kpf_tables *t, u8 pool, const u8 *addr)
{
	int i;

	for (i = 1; i < kpf_tables_end(t); i++) {
		struct kpf_rar *rar = &t->rar[i];

		if (!(rar->pools & (BIT(pool) | BIT(t->own))) &&
		    ether_addr_equal(rar->addr, addr))
			rar->pools = 0;
	}
}

void kpf_tables_set_own_addr(struct kpf_tables *t, const u8 *addr)
{
	kpf_tables_evict(t, t->own, addr);
	kpf_rar_set(&t->rar[0], addr, BIT(t->own));
}

/* A VF's primary address; NULL for none */
void kpf_tables_set_vf_addr(struct kpf_tables *t, u8 vf, const u8 *addr)
{
	struct kpf_rar *rar = &t->rar[KWL_RAR_ENTRIES - 1 - vf];

	if (!addr) {
		rar->pools = 0;
		return;
	}
	kpf_tables_evict(t, vf, addr);
	kpf_rar_set(rar, addr, BIT(vf));
}

/*
 * Does another pool have this address? Entries are looked up together, so
 * whoever took it would hear what is meant for the other.
 */
bool kpf_tables_is_taken(const struct kpf_tables *t, u8 pool, const u8 *addr)
{
	int i;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		if (t->rar[i].pools & ~BIT(pool) &&
		    ether_addr_equal(t->rar[i].addr, addr))
			return true;
	return false;
}

/* A VF's fair share of the entries for lists */
u8 kpf_tables_share(const struct kpf_tables *t)
{
	return t->own ? (kpf_tables_end(t) - 1) / (t->own + 1) : 0;
}

/* List entries that are free, or this pool's already */
int kpf_tables_room(const struct kpf_tables *t, u8 pool)
{
	int i, room = 0;

	for (i = 1; i < kpf_tables_end(t); i++)
		room += !t->rar[i].pools || t->rar[i].pools == BIT(pool);
	return room;
}

/* One more for a pool's list; -ENOSPC if it has @limit, or the card is full */
int kpf_tables_add_addr(struct kpf_tables *t, u8 pool, const u8 *addr,
			int limit)
{
	struct kpf_rar *free = NULL;
	int i, used = 0;

	for (i = 1; i < kpf_tables_end(t); i++) {
		struct kpf_rar *rar = &t->rar[i];

		if (!rar->pools) {
			free = free ?: rar;
		} else if (rar->pools == BIT(pool)) {
			if (ether_addr_equal(rar->addr, addr))
				return 0;
			used++;
		}
	}
	if (!free || used >= limit)
		return -ENOSPC;
	kpf_rar_set(free, addr, BIT(pool));
	return 0;
}

static bool kpf_list_has(const struct kwl_addr *list, int count, const u8 *addr)
{
	while (count--)
		if (ether_addr_equal(list[count].octet, addr))
			return true;
	return false;
}

/*
 * Replace a pool's list. All of it or nothing: -ENOSPC, and the old list, if
 * it has more than @limit or the card has no room for it. Entries that stay
 * are never out of service.
 */
int kpf_tables_set_addrs(struct kpf_tables *t, u8 pool,
			 const struct kwl_addr *list, int count, int limit)
{
	int i;

	if (count > limit || count > kpf_tables_room(t, pool))
		return -ENOSPC;
	for (i = 1; i < kpf_tables_end(t); i++)
		if (t->rar[i].pools == BIT(pool) &&
		    !kpf_list_has(list, count, t->rar[i].addr))
			t->rar[i].pools = 0;
	for (i = 0; i < count; i++) {
		if (pool == t->own)
			kpf_tables_evict(t, pool, list[i].octet);
		kpf_tables_add_addr(t, pool, list[i].octet, KWL_RAR_ENTRIES);
	}
	return 0;
}

void kpf_tables_drop_addrs(struct kpf_tables *t, u8 pool)
{
	kpf_tables_set_addrs(t, pool, NULL, 0, 0);
}

/* All addresses of a pool into @list, of KWL_RAR_ENTRIES; returns how many */
int kpf_tables_list_addrs(const struct kpf_tables *t, u8 pool,
			  struct kwl_addr *list)
{
	int i, count = 0;

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		if (t->rar[i].pools & BIT(pool))
			ether_addr_copy(list[count++].octet, t->rar[i].addr);
	return count;
}

/* Nobody can read who had a free entry before */
u32 kpf_tables_ral(const struct kpf_tables *t, int i)
{
	return t->rar[i].pools ? get_unaligned_le32(t->rar[i].addr) : 0;
}

u32 kpf_tables_rah(const struct kpf_tables *t, int i)
{
	const struct kpf_rar *rar = &t->rar[i];

	if (!rar->pools)
		return 0;
	return FIELD_PREP(KWL_RAH_ADDR, get_unaligned_le16(rar->addr + 4)) |
	       FIELD_PREP(KWL_RAH_POOLS, rar->pools) | KWL_RAH_AV;
}

/* Groups: one hash table for all, and a flag by pool to use it */

/* NULL for none; false if nothing changes */
bool kpf_tables_set_groups(struct kpf_tables *t, u8 pool,
			   const struct kwl_groups *groups)
{
	static const struct kwl_groups none;

	groups = groups ?: &none;
	if (!memcmp(&t->groups[pool], groups, sizeof(*groups)))
		return false;
	t->groups[pool] = *groups;
	return true;
}

/* False if nothing changes */
bool kpf_tables_set_all_groups(struct kpf_tables *t, u8 pool, bool on)
{
	u8 old = t->all_groups;

	t->all_groups &= ~BIT(pool);
	if (on)
		t->all_groups |= BIT(pool);
	return t->all_groups != old;
}

u32 kpf_tables_mta(const struct kpf_tables *t, int i)
{
	u32 word = 0;
	int pool;

	/* All pools that listen at all hear everything then */
	if (t->own && t->emulated && t->all_groups)
		return U32_MAX;
	for (pool = 0; pool <= t->own; pool++)
		word |= t->groups[pool].word[i];
	return word;
}

/* VLANs: VFTA says which there are, VLVF in which pools */

/* With VFs the filter cannot be off: the interface is in all VLANs instead */
static bool kpf_tables_all_vlans(const struct kpf_tables *t)
{
	return t->own && (t->promisc || !t->vlan_filter);
}

/* The entry of a VID, or a free one, or -ENOSPC */
static int kpf_tables_find_vlan(const struct kpf_tables *t, u16 vid)
{
	int free = -ENOSPC, i;

	if (!vid)
		return KPF_VLVF_PRIORITY;
	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++) {
		if (t->vlvf[i].pools && t->vlvf[i].vid == vid)
			return i;
		if (!t->vlvf[i].pools && free < 0)
			free = i;
	}
	return free;
}

static int kpf_tables_assign_vlan(struct kpf_tables *t, u8 pool, u16 vid,
				  bool on)
{
	int i = kpf_tables_find_vlan(t, vid);

	if (i < 0)
		return on ? i : 0;
	t->vlvf[i].vid = vid;
	t->vlvf[i].pools &= ~BIT(pool);
	if (on)
		t->vlvf[i].pools |= BIT(pool);
	return 0;
}

/* The interface's; -ENOSPC with VFs, when no more can be told apart by pool */
int kpf_tables_set_vlan(struct kpf_tables *t, u16 vid, bool on)
{
	int err = t->own ? kpf_tables_assign_vlan(t, t->own, vid, on) : 0;

	if (!err)
		__assign_bit(vid, t->vlans, on);
	return err;
}

/* -ENOSPC when the card can tell no more VLANs apart by pool */
int kpf_tables_set_vf_vlan(struct kpf_tables *t, u8 vf, u16 vid, bool on)
{
	return kpf_tables_assign_vlan(t, vf, vid, on);
}

bool kpf_tables_has_vlan(const struct kpf_tables *t, u8 pool, u16 vid)
{
	int i = kpf_tables_find_vlan(t, vid);

	return i >= 0 && t->vlvf[i].pools & BIT(pool);
}

/* Without that of untagged frames with a priority */
int kpf_tables_count_vlans(const struct kpf_tables *t, u8 pool)
{
	int i, count = 0;

	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++)
		count += !!(t->vlvf[i].pools & BIT(pool));
	return count;
}

/* Out of all VLANs but @keep and that of untagged frames with a priority */
void kpf_tables_drop_vlans(struct kpf_tables *t, u8 vf, u16 keep)
{
	int i;

	for (i = KPF_VLVF_PRIORITY + 1; i < KWL_VLVF_ENTRIES; i++)
		if (t->vlvf[i].vid != keep)
			t->vlvf[i].pools &= ~BIT(vf);
}

/* Out of all others and into this one, or -ENOSPC and nothing changes */
int kpf_tables_set_port_vlan(struct kpf_tables *t, u8 vf, u16 vid)
{
	struct kpf_vlvf old[KWL_VLVF_ENTRIES];
	int err;

	memcpy(old, t->vlvf, sizeof(old));
	kpf_tables_drop_vlans(t, vf, vid);
	if (!vid)
		return 0;
	err = kpf_tables_assign_vlan(t, vf, vid, true);
	if (err)
		memcpy(t->vlvf, old, sizeof(old));
	return err;
}

u32 kpf_tables_vlvf(const struct kpf_tables *t, int i)
{
	u8 pools = t->vlvf[i].pools;

	if (!pools)
		return 0;
	if (kpf_tables_all_vlans(t))
		pools |= BIT(t->own);
	return FIELD_PREP(KWL_VLVF_VID, t->vlvf[i].vid) |
	       FIELD_PREP(KWL_VLVF_POOLS, pools) | KWL_VLVF_EN;
}

/* All KWL_VFTA_WORDS of them */
void kpf_tables_vfta(const struct kpf_tables *t, u32 *words)
{
	int i;

	if (kpf_tables_all_vlans(t)) {
		memset(words, 0xff, KWL_VFTA_WORDS * sizeof(*words));
		return;
	}
	bitmap_to_arr32(words, t->vlans, VLAN_N_VID);
	for (i = 0; i < KWL_VLVF_ENTRIES; i++)
		if (t->vlvf[i].pools)
			words[t->vlvf[i].vid / 32] |= BIT(t->vlvf[i].vid % 32);
}
