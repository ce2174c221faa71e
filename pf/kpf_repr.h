/* SPDX-License-Identifier: GPL-2.0-only */
/* Representors as repr.c makes them and tc.c sees them. */
#ifndef KPF_REPR_H
#define KPF_REPR_H

#include <linux/netdevice.h>
#include <linux/xarray.h>

#include "kpf.h"

/**
 * struct kpf_repr_count - what the card counts for a VF, as its representor
 * has it
 * @rx_packets: frames that the VF has sent
 * @rx_bytes: their bytes
 * @tx_packets: frames that the VF has received
 * @tx_bytes: their bytes
 */
struct kpf_repr_count {
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	u64 tx_bytes;
};

/**
 * struct kpf_repr_drop - a rule by which the card drops what the VF sends
 * @cookie: the rule, 0 for none
 * @seen: the counters when somebody asked last
 * @used: jiffies when somebody saw that it had sent more
 */
struct kpf_repr_drop {
	unsigned long cookie;
	struct kpf_repr_count seen;
	unsigned long used;
};

/**
 * struct kpf_repr - a representor
 * @repr: for the library; must come first
 * @netdev: the interface
 * @pf: the card
 * @vf: the VF at the other end, which lives longer
 * @base: what the card had counted before there was a representor
 * @drop: a rule of tc in the card
 * @soft_rules: priorities of those that are not, by cookie
 */
struct kpf_repr {
	struct kwl_repr repr;
	struct net_device *netdev;
	struct kpf_dev *pf;
	struct kpf_vf *vf;
	struct kpf_repr_count base;
	struct kpf_repr_drop drop;
	struct xarray soft_rules;
};

void kpf_repr_read(struct kpf_repr *repr, struct kpf_repr_count *now);

struct kpf_repr *kpf_repr_of(const struct net_device *netdev);

/* brport.c */
void kpf_brport_block(struct kpf_repr *repr, bool bound);

/* tc.c */
int kpf_tc_setup_repr(struct net_device *netdev, enum tc_setup_type type,
		      void *type_data);
int kpf_tc_setup_wire(struct net_device *netdev, enum tc_setup_type type,
		      void *type_data);

#endif
