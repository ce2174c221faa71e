/* SPDX-License-Identifier: GPL-2.0-only */
/* The card as a switch that the host runs: mode switchdev. */
#ifndef KPF_ESWITCH_H
#define KPF_ESWITCH_H

#include <linux/netdevice.h>
#include <linux/timer.h>

#include <kawela/ring.h>

#include "tables.h"

/* What a representor's MTU leaves out: header, CRC and one VLAN tag */
#define KPF_REPR_EXTRA	(ETH_HLEN + ETH_FCS_LEN + VLAN_HLEN)

struct kpf_dev;
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
 * struct kpf_eswitch - mode switchdev
 * @mode: DEVLINK_ESWITCH_MODE_*; written under devlink's lock and RTNL
 * @active: there are VFs and private tags tell whose a frame is; written under
 *	RTNL, sriov.lock and filter.lock, queues stopped
 * @tpid: EtherType of the private tags
 * @demux: their VIDs, and the representors
 * @shut: VFs whose frames a rule of tc has the card drop; under filter.lock
 * @share: what VFs take of the queue
 * @share_timer: ends their waiting
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
/* share.c */
void kpf_share_init(struct kpf_dev *pf);
void kpf_share_fini(struct kpf_dev *pf);
/* repr.c */
int kpf_repr_create_all(struct kpf_dev *pf, struct netlink_ext_ack *extack);
void kpf_repr_destroy_all(struct kpf_dev *pf);
void kpf_repr_uplink_changed(struct kpf_dev *pf);

#endif
