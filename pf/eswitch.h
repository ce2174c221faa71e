/* SPDX-License-Identifier: GPL-2.0-only */
/* The card as a switch that the host runs: mode switchdev. */
#ifndef KPF_ESWITCH_H
#define KPF_ESWITCH_H

#include <linux/netdevice.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include <kawela/ring.h>

#include "tables.h"

/* What a representor's MTU leaves out: header, CRC and one VLAN tag */
#define KPF_REPR_EXTRA	(ETH_HLEN + ETH_FCS_LEN + VLAN_HLEN)

struct kpf_dev;
struct kpf_repr;
struct kwl_vector;
struct netlink_ext_ack;

/**
 * struct kpf_share - what a VF takes of the queue that all share; share.c
 * @freed: ns when it was let go on
 * @until: jiffies before which it is not
 * @row: how often in a row it has filled the queue at once again
 * @holds: how often it was held back
 *
 * All of it under filter.lock.
 */
struct kpf_share {
	u64 freed;
	unsigned long until;
	int row;
	unsigned long holds;
};

/**
 * struct kpf_brport - a representor as a port of a bridge; brport.c
 * @list: all ports of bridges, of all cards; under a lock of brport.c, as is
 *	@bridge
 * @repr: the representor
 * @bridge: the bridge, NULL for none; not to be looked at
 * @filters: the bridge looks at VLANs
 * @forwards: the port is not blocked or down
 * @flags: BR_*, of the port
 * @blocks: of tc's rules, at either side of the port
 * @uppers: interfaces on top of the representor that are no bridges
 *
 * All of it under sriov.lock, @bridge written under both.
 */
struct kpf_brport {
	struct list_head list;
	struct kpf_repr *repr;
	const struct net_device *bridge;
	bool filters;
	bool forwards;
	unsigned long flags;
	unsigned int blocks;
	unsigned int uppers;
};

/**
 * struct kpf_fwd_entry - an address that some bridge has learned; fwd.c
 * @addr: the address
 * @owners: VFs that have it, one bridge each
 * @ripe: of these, for whom no frame waits that the card has not forwarded
 * @told: of these, whose bridge knows that the card forwards to it
 */
struct kpf_fwd_entry {
	u8 addr[ETH_ALEN];
	u8 owners;
	u8 ripe;
	u8 told;
} __aligned(2);

/**
 * struct kpf_fwd - what the card forwards between VFs; fwd.c
 * @entry: addresses of VFs
 * @group: by VF, those that the card forwards among, with itself; 0 for none
 * @members: VFs in groups
 * @over: VFs with more addresses than their share of the table
 * @marks: the receive path marks what the card has forwarded
 * @work: what can not be done where bridges learn addresses
 *
 * All but @work under filter.lock; @group and @members written under
 * sriov.lock as well.
 */
struct kpf_fwd {
	struct kpf_fwd_entry entry[KWL_RAR_ENTRIES];
	u8 group[KPF_MAX_VFS];
	u8 members;
	u8 over;
	bool marks;
	struct delayed_work work;
};

/**
 * struct kpf_eswitch - mode switchdev
 * @mode: DEVLINK_ESWITCH_MODE_*; written under devlink's lock and RTNL
 * @active: there are VFs and private tags tell whose a frame is; written under
 *	RTNL, sriov.lock and filter.lock, queues stopped
 * @tpid: EtherType of the private tags
 * @demux: their VIDs, and the representors
 * @shut: VFs whose frames a rule of tc has the card drop; under filter.lock
 * @share: what VFs take of the queue
 * @share_timer: ends their waiting
 * @brport: representors as ports of bridges
 * @fwd: what the card forwards for these bridges
 * @gate: the pools of VFs, as VMOLR has them
 * @bell: how frames leave for the wire on the emulator
 * @up: the uplink is, and with it the way for frames of VFs; written under RTNL
 * @repr: representors by VF; written under devlink's lock and RTNL
 */
struct kpf_eswitch {
	u16 mode;
	bool active;
	u16 tpid;
	struct kwl_demux demux;
	u32 shut;
	struct kpf_share share[KPF_MAX_VFS];
	struct timer_list share_timer;
	struct kpf_brport brport[KPF_MAX_VFS];
	struct kpf_fwd fwd;
	struct kwl_gate gate[KPF_MAX_VFS];
	struct kwl_bell bell;
	bool up;
	struct net_device *repr[KPF_MAX_VFS];
};

/* eswitch.c */
void kpf_eswitch_init(struct kpf_dev *pf);
bool kpf_eswitch_is_switchdev(const struct kpf_dev *pf);
int kpf_eswitch_check(struct kpf_dev *pf, u16 mode,
		      struct netlink_ext_ack *extack);
void kpf_eswitch_update(struct kpf_dev *pf);
void kpf_eswitch_setup_queue(struct kpf_dev *pf, struct kwl_vector *vec);
void kpf_eswitch_apply(struct kpf_dev *pf);
u16 kpf_eswitch_vid_from(const struct kpf_dev *pf, u8 vf);
u32 kpf_eswitch_vlvf(const struct kpf_dev *pf, int i);
void kpf_eswitch_vfta(const struct kpf_dev *pf, u32 *words);
/* fwd.c */
void kpf_fwd_init(struct kpf_dev *pf);
void kpf_fwd_fini(struct kpf_dev *pf);
void kpf_fwd_update(struct kpf_dev *pf);
void kpf_fwd_learn(struct kpf_dev *pf, u8 vf, const u8 *addr);
void kpf_fwd_forget(struct kpf_dev *pf, u8 vf, const u8 *addr);
void kpf_fwd_leave(struct kpf_dev *pf, u8 vf);
u32 kpf_fwd_ral(const struct kpf_dev *pf, int i);
u32 kpf_fwd_rah(const struct kpf_dev *pf, int i);
/* share.c */
void kpf_share_init(struct kpf_dev *pf);
void kpf_share_fini(struct kpf_dev *pf);
/* repr.c */
int kpf_repr_create_all(struct kpf_dev *pf, struct netlink_ext_ack *extack);
void kpf_repr_destroy_all(struct kpf_dev *pf);
void kpf_repr_uplink_changed(struct kpf_dev *pf);

#endif
