// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter tables against a model that knows no entries, only who has what.
 * After each operation the registers are read back into "who gets what" and
 * have to say what the model says; a refused operation has to leave every byte
 * as it was. Operations keep to what the driver promises: VFs are those that
 * exist, and VID 0 is not the interface's to leave.
 */
#include <pf/tables.h>

#include "fuzz.h"

#define POOLS		(KPF_MAX_VFS + 1)

/**
 * struct model - who has what
 * @own_addr: the interface's address
 * @own: its pool, and how many VFs there are
 * @has_primary: VFs with an address of their own
 * @primary: those
 * @list: lists by pool
 * @listed: their lengths
 * @group: buckets by pool
 * @all_groups: pools that listen to all
 * @vlan: VLANs of the interface; these and @member by number in fuzz_vid()
 * @member: pools by VLAN
 */
struct model {
	u8 own_addr[ETH_ALEN];
	u8 own;
	bool has_primary[POOLS];
	u8 primary[POOLS][ETH_ALEN];
	struct kwl_addr list[POOLS][KWL_RAR_ENTRIES];
	int listed[POOLS];
	u32 group[POOLS][KWL_MTA_WORDS];
	bool all_groups[POOLS];
	bool vlan[FUZZ_VLANS];
	u8 member[FUZZ_VLANS];
};

static struct kpf_tables t, before;
static struct model m;

/* The model's own arithmetic */

/* Between the interface's address and those of the VFs */
static int list_entries(void)
{
	return KWL_RAR_ENTRIES - 1 - m.own;
}

static int all_listed(void)
{
	int pool, count = 0;

	for (pool = 0; pool < POOLS; pool++)
		count += m.listed[pool];
	return count;
}

static int room(int pool)
{
	return list_entries() - all_listed() + m.listed[pool];
}

static bool is_listed(int pool, const u8 *addr)
{
	int i;

	for (i = 0; i < m.listed[pool]; i++)
		if (ether_addr_equal(m.list[pool][i].octet, addr))
			return true;
	return false;
}

static void model_add(int pool, const u8 *addr)
{
	if (!is_listed(pool, addr))
		ether_addr_copy(m.list[pool][m.listed[pool]++].octet, addr);
}

static void model_drop(int pool, const u8 *addr)
{
	int i;

	for (i = 0; i < m.listed[pool]; i++)
		if (ether_addr_equal(m.list[pool][i].octet, addr))
			m.list[pool][i--] = m.list[pool][--m.listed[pool]];
}

/* Other VFs' lists give way */
static void model_evict(int owner, const u8 *addr)
{
	int pool;

	for (pool = 0; pool < m.own; pool++)
		if (pool != owner)
			model_drop(pool, addr);
}

static bool has_addr(int pool, const u8 *addr)
{
	if (pool == m.own && ether_addr_equal(addr, m.own_addr))
		return true;
	if (m.has_primary[pool] && ether_addr_equal(addr, m.primary[pool]))
		return true;
	return is_listed(pool, addr);
}

static bool taken(int pool, const u8 *addr)
{
	int other;

	for (other = 0; other <= m.own; other++)
		if (other != pool && has_addr(other, addr))
			return true;
	return false;
}

/* VLANs told apart by pool; frames without one have a place of their own */
#define NO_VLAN		(FUZZ_VLANS - 1)

static int vlans_in_use(void)
{
	int which, count = 0;

	for (which = 0; which < NO_VLAN; which++)
		count += !!m.member[which];
	return count;
}

static int vlans_of(int pool)
{
	int which, count = 0;

	for (which = 0; which < NO_VLAN; which++)
		count += m.member[which] >> pool & 1;
	return count;
}

static bool model_join(int pool, int which, bool on)
{
	if (on && which != NO_VLAN && !m.member[which] &&
	    vlans_in_use() == KWL_VLVF_ENTRIES - 1)
		return false;
	if (on)
		m.member[which] |= 1 << pool;
	else
		m.member[which] &= ~(1 << pool);
	return true;
}

static bool all_vlans(void)
{
	return m.own && (t.promisc || !t.vlan_filter);
}

/* What the registers say */

static void check_primary(int entry, bool present, const u8 *addr, int pool)
{
	u32 rah = kpf_tables_rah(&t, entry);
	u32 ral = kpf_tables_ral(&t, entry);
	u8 seen[ETH_ALEN];

	if (!present) {
		fuzz_check(!rah && !ral);
		return;
	}
	put_unaligned_le32(ral, seen);
	put_unaligned_le16(rah, seen + 4);
	fuzz_check(rah >> 31 && (rah >> 18 & 0xff) == 1u << pool);
	fuzz_check(ether_addr_equal(seen, addr));
}

static void check_addrs(void)
{
	struct kwl_addr seen[KWL_RAR_ENTRIES];
	u32 pools[KWL_RAR_ENTRIES];
	int vf, i, j, count = 0;

	check_primary(0, true, m.own_addr, m.own);
	for (vf = 0; vf < m.own; vf++)
		check_primary(KWL_RAR_ENTRIES - 1 - vf, m.has_primary[vf],
			      m.primary[vf], vf);

	for (i = 1; i <= list_entries(); i++) {
		u32 rah = kpf_tables_rah(&t, i);

		if (!(rah >> 31)) {
			fuzz_check(!rah && !kpf_tables_ral(&t, i));
			continue;
		}
		put_unaligned_le32(kpf_tables_ral(&t, i), seen[count].octet);
		put_unaligned_le16(rah, seen[count].octet + 4);
		pools[count] = rah >> 18 & 0xff;
		fuzz_check(hweight8(pools[count]) == 1);
		fuzz_check(is_listed(__builtin_ctz(pools[count]),
				     seen[count].octet));
		for (j = 0; j < count; j++)
			fuzz_check(pools[j] != pools[count] ||
				   !ether_addr_equal(seen[j].octet,
						     seen[count].octet));
		count++;
	}
	/* All of them listed, none twice, and as many as are listed */
	fuzz_check(count == all_listed());
}

static void check_groups(void)
{
	bool listens = false;
	int i, pool;

	for (pool = 0; pool <= m.own; pool++)
		listens |= m.all_groups[pool];
	for (i = 0; i < KWL_MTA_WORDS; i++) {
		u32 word = 0;

		for (pool = 0; pool <= m.own; pool++)
			word |= m.group[pool][i];
		if (m.own && t.emulated && listens)
			word = U32_MAX;
		fuzz_check(kpf_tables_mta(&t, i) == word);
	}
}

/* The pools of a VLAN's only entry; two entries would count together */
static u8 vlvf_pools(u16 vid)
{
	bool found = false;
	u8 pools = 0;
	int i;

	for (i = 0; i < KWL_VLVF_ENTRIES; i++) {
		u32 vlvf = kpf_tables_vlvf(&t, i);

		if (!(vlvf >> 31)) {
			fuzz_check(!vlvf);
		} else if ((vlvf & 0xfff) == vid) {
			fuzz_check(!found);
			found = true;
			pools = vlvf >> 12;
		}
	}
	return pools;
}

static void check_vlans(void)
{
	u32 vfta[KWL_VFTA_WORDS] = {}, seen[KWL_VFTA_WORDS];
	int i, which, pool, entries = 0, used = 0;

	for (i = 0; i < KWL_VLVF_ENTRIES; i++)
		entries += kpf_tables_vlvf(&t, i) >> 31;
	for (which = 0; which < FUZZ_VLANS; which++) {
		u16 vid = fuzz_vid(which);
		u8 pools = m.member[which];

		used += !!pools;
		if (m.vlan[which] || pools)
			vfta[vid / 32] |= 1u << vid % 32;
		if (pools && all_vlans())
			pools |= 1 << m.own;
		fuzz_check(vlvf_pools(vid) == pools);
	}
	/* And no entry of any other VLAN */
	fuzz_check(entries == used);
	kpf_tables_vfta(&t, seen);
	for (i = 0; i < KWL_VFTA_WORDS; i++)
		fuzz_check(seen[i] == (all_vlans() ? U32_MAX : vfta[i]));
	for (pool = 0; pool <= m.own; pool++)
		fuzz_check(kpf_tables_count_vlans(&t, pool) == vlans_of(pool));
}

static void check_all(void)
{
	fuzz_check(t.own == m.own);
	check_addrs();
	check_groups();
	check_vlans();
}

/* Operations */

static u8 any_pool(struct fuzz_input *in)
{
	return fuzz_u8(in) % (m.own + 1);
}

/* False if there are no VFs */
static bool any_vf(struct fuzz_input *in, u8 *vf)
{
	if (!m.own)
		return false;
	*vf = fuzz_u8(in) % m.own;
	return true;
}

static void expect(int err, bool ok)
{
	fuzz_check(err == (ok ? 0 : -ENOSPC));
	if (err)
		fuzz_check(!memcmp(&t, &before, sizeof(t)));
}

/* The interface's list may lose what its VFs' addresses now need */
static void model_move_list(u8 num_vfs, int kept)
{
	struct kwl_addr list[KWL_RAR_ENTRIES];
	int count = m.listed[kept], i, lost;

	memcpy(list, m.list[kept], sizeof(list));
	memset(m.listed, 0, sizeof(m.listed));
	for (i = 1; i < KWL_RAR_ENTRIES - num_vfs; i++) {
		u8 addr[ETH_ALEN];
		int j;

		if (!kpf_tables_rah(&t, i))
			continue;
		put_unaligned_le32(kpf_tables_ral(&t, i), addr);
		put_unaligned_le16(kpf_tables_rah(&t, i), addr + 4);
		for (j = 0; j < count; j++)
			if (ether_addr_equal(list[j].octet, addr))
				break;
		fuzz_check(j < count);
		model_add(num_vfs, addr);
	}
	lost = count - m.listed[num_vfs];
	fuzz_check(lost >= 0 && lost <= max(0, num_vfs - kept));
}

static void model_move(u8 num_vfs)
{
	u8 old = m.own;
	int which;

	m.own = num_vfs;
	model_move_list(num_vfs, old);
	memset(m.has_primary, 0, sizeof(m.has_primary));
	memmove(m.group[num_vfs], m.group[old], sizeof(m.group[0]));
	m.all_groups[num_vfs] = m.all_groups[old];
	for (old = 0; old < POOLS; old++) {
		if (old == num_vfs)
			continue;
		memset(m.group[old], 0, sizeof(m.group[0]));
		m.all_groups[old] = false;
	}
	for (which = 0; which < FUZZ_VLANS; which++)
		m.member[which] = num_vfs && m.vlan[which] ? 1 << num_vfs : 0;
	/* Frames with a priority and no VLAN go to everybody */
	if (num_vfs)
		m.member[NO_VLAN] = (2 << num_vfs) - 1;
}

static void op_move(struct fuzz_input *in)
{
	u8 num_vfs = fuzz_u8(in) % POOLS;
	int which, count = 0, err;

	for (which = 0; which < FUZZ_VLANS; which++)
		count += m.vlan[which];
	err = kpf_tables_move(&t, num_vfs);
	expect(err, !num_vfs || count <= KWL_VLVF_ENTRIES);
	if (!err)
		model_move(num_vfs);
}

static void op_own_addr(struct fuzz_input *in)
{
	fuzz_addr(in, m.own_addr);
	model_evict(m.own, m.own_addr);
	kpf_tables_set_own_addr(&t, m.own_addr);
}

static void op_vf_addr(struct fuzz_input *in)
{
	u8 vf;

	if (!any_vf(in, &vf))
		return;
	m.has_primary[vf] = fuzz_u8(in) & 3;
	fuzz_addr(in, m.primary[vf]);
	if (m.has_primary[vf])
		model_evict(vf, m.primary[vf]);
	kpf_tables_set_vf_addr(&t, vf, m.has_primary[vf] ? m.primary[vf] :
							   NULL);
}

static void op_evict(struct fuzz_input *in)
{
	u8 addr[ETH_ALEN], vf;

	if (!any_vf(in, &vf))
		return;
	fuzz_addr(in, addr);
	kpf_tables_evict(&t, vf, addr);
	model_evict(vf, addr);
}

static void op_add_addr(struct fuzz_input *in)
{
	u8 pool = any_pool(in), addr[ETH_ALEN];
	int limit = fuzz_u8(in) % 20;
	bool ok;

	fuzz_addr(in, addr);
	fuzz_check(kpf_tables_is_taken(&t, pool, addr) == taken(pool, addr));
	ok = is_listed(pool, addr) ||
	     (m.listed[pool] < limit && all_listed() < list_entries());
	expect(kpf_tables_add_addr(&t, pool, addr, limit), ok);
	if (ok)
		model_add(pool, addr);
}

static void op_set_addrs(struct fuzz_input *in)
{
	struct kwl_addr list[KWL_RAR_ENTRIES];
	int limit = fuzz_u8(in) % (KWL_RAR_ENTRIES + 1);
	int count = fuzz_u8(in) % (KWL_RAR_ENTRIES + 1);
	u8 pool = any_pool(in);
	int i, err;

	for (i = 0; i < count; i++)
		fuzz_addr(in, list[i].octet);
	fuzz_check(kpf_tables_room(&t, pool) == room(pool));
	err = kpf_tables_set_addrs(&t, pool, list, count, limit);
	expect(err, count <= limit && count <= room(pool));
	if (err)
		return;
	m.listed[pool] = 0;
	for (i = 0; i < count; i++) {
		if (pool == m.own)
			model_evict(pool, list[i].octet);
		model_add(pool, list[i].octet);
	}
}

static void op_drop_addrs(struct fuzz_input *in)
{
	u8 pool = any_pool(in);

	kpf_tables_drop_addrs(&t, pool);
	m.listed[pool] = 0;
}

static void op_groups(struct fuzz_input *in)
{
	int count = fuzz_u8(in) % 40, left = count;
	struct kwl_groups groups = {};
	u8 pool = any_pool(in);
	u32 old[KWL_MTA_WORDS];
	u16 bucket;

	memcpy(old, m.group[pool], sizeof(old));
	memset(m.group[pool], 0, sizeof(m.group[pool]));
	while (left--) {
		bucket = fuzz_u16(in) % (32 * KWL_GROUPS_WORDS);
		kwl_groups_add(&groups, bucket);
		m.group[pool][bucket / 32] |= 1u << bucket % 32;
	}
	fuzz_check(kpf_tables_set_groups(&t, pool, count ? &groups : NULL) ==
		   !!memcmp(old, m.group[pool], sizeof(old)));
}

static void op_all_groups(struct fuzz_input *in)
{
	u8 pool = any_pool(in);
	bool on = fuzz_u8(in) & 1;

	fuzz_check(kpf_tables_set_all_groups(&t, pool, on) ==
		   (on != m.all_groups[pool]));
	m.all_groups[pool] = on;
}

static void op_vlan(struct fuzz_input *in)
{
	bool on = fuzz_u8(in) & 3;
	int which = fuzz_u8(in) % NO_VLAN;
	bool ok;

	ok = !m.own || model_join(m.own, which, on);
	expect(kpf_tables_set_vlan(&t, fuzz_vid(which), on), ok);
	if (ok)
		m.vlan[which] = on;
}

static void op_vf_vlan(struct fuzz_input *in)
{
	bool on = fuzz_u8(in) & 3;
	int which = fuzz_u8(in) % FUZZ_VLANS;
	u16 vid = fuzz_vid(which);
	u8 vf;

	if (!any_vf(in, &vf))
		return;
	expect(kpf_tables_set_vf_vlan(&t, vf, vid, on),
	       model_join(vf, which, on));
	fuzz_check(kpf_tables_has_vlan(&t, vf, vid) ==
		   (m.member[which] >> vf & 1));
}

static void model_drop_vlans(int vf, int keep)
{
	int which;

	for (which = 0; which < NO_VLAN; which++)
		if (which != keep)
			m.member[which] &= ~(1 << vf);
}

static void op_drop_vlans(struct fuzz_input *in)
{
	int keep = fuzz_u8(in) % FUZZ_VLANS;
	u8 vf;

	if (!any_vf(in, &vf))
		return;
	kpf_tables_drop_vlans(&t, vf, fuzz_vid(keep));
	model_drop_vlans(vf, keep);
}

static void op_port_vlan(struct fuzz_input *in)
{
	int which = fuzz_u8(in) % FUZZ_VLANS;
	u8 old[FUZZ_VLANS], vf;
	bool ok;

	if (!any_vf(in, &vf))
		return;
	memcpy(old, m.member, sizeof(old));
	model_drop_vlans(vf, which);
	ok = which == NO_VLAN || model_join(vf, which, true);
	if (!ok)
		memcpy(m.member, old, sizeof(old));
	expect(kpf_tables_set_port_vlan(&t, vf, fuzz_vid(which)), ok);
}

static void op_flags(struct fuzz_input *in)
{
	u8 flags = fuzz_u8(in);

	t.promisc = flags & 1;
	t.allunicast = flags & 2;
	t.vlan_filter = flags & 4;
	t.emulated = flags & 8;
}

/* What is left of a VF of which everything was dropped: nothing */
static void op_drop_vf(struct fuzz_input *in)
{
	u8 vf;
	int i;

	if (!any_vf(in, &vf))
		return;
	kpf_tables_set_vf_addr(&t, vf, NULL);
	kpf_tables_drop_addrs(&t, vf);
	kpf_tables_set_groups(&t, vf, NULL);
	kpf_tables_set_all_groups(&t, vf, false);
	kpf_tables_drop_vlans(&t, vf, 0);
	kpf_tables_set_vf_vlan(&t, vf, 0, false);
	m.has_primary[vf] = false;
	m.listed[vf] = 0;
	memset(m.group[vf], 0, sizeof(m.group[vf]));
	m.all_groups[vf] = false;
	model_drop_vlans(vf, NO_VLAN);
	m.member[NO_VLAN] &= ~(1 << vf);

	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		fuzz_check(!(kpf_tables_rah(&t, i) >> 18 >> vf & 1));
	for (i = 0; i < KWL_VLVF_ENTRIES; i++)
		fuzz_check(!(kpf_tables_vlvf(&t, i) >> 12 >> vf & 1));
	fuzz_check(!kpf_tables_count_vlans(&t, vf));
}

static void (*const ops[])(struct fuzz_input *in) = {
	op_move,
	op_own_addr,
	op_vf_addr,
	op_add_addr,
	op_add_addr,
	op_set_addrs,
	op_set_addrs,
	op_drop_addrs,
	op_groups,
	op_all_groups,
	op_vlan,
	op_vlan,
	op_vf_vlan,
	op_vf_vlan,
	op_drop_vlans,
	op_port_vlan,
	op_port_vlan,
	op_evict,
	op_flags,
	op_drop_vf,
};

int fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	int limit = 200;

	memset(&t, 0, sizeof(t));
	memset(&m, 0, sizeof(m));
	fuzz_addr(&in, m.own_addr);
	m.vlan[NO_VLAN] = true;
	kpf_tables_init(&t, m.own_addr);
	t.vlan_filter = true;
	check_all();
	/* With seven VFs more often than not */
	if (fuzz_u8(&in) & 1) {
		fuzz_check(!kpf_tables_move(&t, KPF_MAX_VFS));
		model_move(KPF_MAX_VFS);
	}
	while (fuzz_more(&in) && limit--) {
		before = t;
		ops[fuzz_u8(&in) % ARRAY_SIZE(ops)](&in);
		check_all();
	}
	return 0;
}
