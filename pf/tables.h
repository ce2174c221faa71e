/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The card's filter tables as numbers in memory: who wants what, and which
 * register values say so. No locks and no registers here, so that all of it
 * also runs outside the kernel, under a fuzzer.
 */
#ifndef KPF_TABLES_H
#define KPF_TABLES_H

#include <linux/bitmap.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/types.h>

#include <kawela/mbx.h>
#include <kawela/regs.h>

/* The card has 8 pools and the PF needs one */
#define KPF_MAX_VFS		7

/**
 * struct kpf_rar - a receive address
 * @addr: the address
 * @pools: who gets it; 0 if the entry is free
 */
struct kpf_rar {
	u8 addr[ETH_ALEN] __aligned(2);
	u8 pools;
};

/**
 * struct kpf_vlvf - a VLAN that is told apart by pool
 * @vid: the VLAN
 * @pools: who is in it; 0 if the entry is free
 */
struct kpf_vlvf {
	u16 vid;
	u8 pools;
};

/**
 * struct kpf_tables - what comes in, and to whom
 * @rar: unicast addresses: the interface's own in 0, lists from 1 up, the
 *	primary ones of VFs from the end down
 * @groups: multicast hashes by pool; the interface's are at @own
 * @vlans: VLANs the interface has asked for
 * @vlvf: VLANs by pool, while there are VFs
 * @own: pool of the interface, after those of that many VFs
 * @all_groups: pools that listen to every group
 * @promisc: everything comes in to the interface
 * @allunicast: every unicast does: more addresses than entries
 * @vlan_filter: VLANs not in @vlans stay out
 * @emulated: there is no "every group" of a pool
 */
struct kpf_tables {
	struct kpf_rar rar[KWL_RAR_ENTRIES];
	struct kwl_groups groups[KPF_MAX_VFS + 1];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	struct kpf_vlvf vlvf[KWL_VLVF_ENTRIES];
	u8 own;
	u8 all_groups;
	bool promisc;
	bool allunicast;
	bool vlan_filter;
	bool emulated;
};

void kpf_tables_init(struct kpf_tables *t, const u8 *addr);
int kpf_tables_move(struct kpf_tables *t, u8 num_vfs);

void kpf_tables_set_own_addr(struct kpf_tables *t, const u8 *addr);
void kpf_tables_set_vf_addr(struct kpf_tables *t, u8 vf, const u8 *addr);
void kpf_tables_evict(struct kpf_tables *t, u8 pool, const u8 *addr);
bool kpf_tables_is_taken(const struct kpf_tables *t, u8 pool, const u8 *addr);
u8 kpf_tables_share(const struct kpf_tables *t);
int kpf_tables_room(const struct kpf_tables *t, u8 pool);
int kpf_tables_add_addr(struct kpf_tables *t, u8 pool, const u8 *addr,
			int limit);
int kpf_tables_set_addrs(struct kpf_tables *t, u8 pool,
			 const struct kwl_addr *list, int count, int limit);
void kpf_tables_drop_addrs(struct kpf_tables *t, u8 pool);
int kpf_tables_list_addrs(const struct kpf_tables *t, u8 pool,
			  struct kwl_addr *list);

bool kpf_tables_set_groups(struct kpf_tables *t, u8 pool,
			   const struct kwl_groups *groups);
bool kpf_tables_set_all_groups(struct kpf_tables *t, u8 pool, bool on);

int kpf_tables_set_vlan(struct kpf_tables *t, u16 vid, bool on);
int kpf_tables_set_vf_vlan(struct kpf_tables *t, u8 vf, u16 vid, bool on);
bool kpf_tables_has_vlan(const struct kpf_tables *t, u8 pool, u16 vid);
int kpf_tables_count_vlans(const struct kpf_tables *t, u8 pool);
int kpf_tables_set_port_vlan(struct kpf_tables *t, u8 vf, u16 vid);
void kpf_tables_drop_vlans(struct kpf_tables *t, u8 vf, u16 keep);

u32 kpf_tables_ral(const struct kpf_tables *t, int i);
u32 kpf_tables_rah(const struct kpf_tables *t, int i);
u32 kpf_tables_mta(const struct kpf_tables *t, int i);
u32 kpf_tables_vlvf(const struct kpf_tables *t, int i);
void kpf_tables_vfta(const struct kpf_tables *t, u32 *words);

#endif
