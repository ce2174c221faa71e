/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual functions as the PF keeps them; for sriov.c and the vf_ files. */
#ifndef KPF_VF_H
#define KPF_VF_H

#include <linux/bitmap.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>

#include <kawela/count.h>
#include <kawela/mbx.h>

#include "kpf.h"
#include "kpf_devlink.h"
#include "quota.h"

/* VLANs a VF may have; the table of 32 is shared by all */
#define KPF_VF_MAX_VLANS	8
/* Addresses beside its own that any VF may have, and a trusted one of ours */
#define KPF_VF_MIN_ADDRS	3
#define KPF_VF_MAX_ADDRS	16
/* One VF's groups must not fill the hash table that all share */
#define KPF_VF_MAX_GROUPS	256

/**
 * struct kpf_vf_admin - what the administrator has set
 * @mac: address; all zero if the VF may choose
 * @vlan: port VLAN, 0 for none
 * @qos: priority that goes with it
 * @spoofchk: sources must be the VF's own
 * @trusted: may have more than an untrusted one
 * @link_state: IFLA_VF_LINK_STATE_*
 * @rss_query: may ask how flows are spread; no VF driver of this card does
 * @max_rate: Mbit/s, 0 for no limit
 */
struct kpf_vf_admin {
	u8 mac[ETH_ALEN];
	u16 vlan;
	u8 qos;
	bool spoofchk;
	bool trusted;
	bool rss_query;
	int link_state;
	u32 max_rate;
};

/**
 * struct kpf_vf_req - what the VF has asked for since its last reset
 * @mac: address in use
 * @max_frame: longest frame with CRC and tag
 * @vlans: how many VLANs of its own
 * @multicast: listens to some groups
 * @allmulti: listens to all groups
 * @promisc: gets unicast that nobody has claimed
 */
struct kpf_vf_req {
	u8 mac[ETH_ALEN];
	u16 max_frame;
	u8 vlans;
	bool multicast;
	bool allmulti;
	bool promisc;
};

/**
 * struct kpf_vf_lists - lists that a VF has begun to send
 * @addrs: unicast addresses
 * @num_addrs: how many of them
 * @groups: multicast groups
 */
struct kpf_vf_lists {
	struct kwl_addr addrs[KPF_VF_MAX_ADDRS];
	u8 num_addrs;
	struct kwl_groups groups;
};

/**
 * struct kpf_vf_end - the host's end of the pipe, in mode switchdev
 * @up: the representor is
 * @mtu: the representor's
 */
struct kpf_vf_end {
	bool up;
	u16 mtu;
};

/* What the card counts for a VF */
enum kpf_vf_stat {
	KPF_VF_RX_PACKETS,
	KPF_VF_TX_PACKETS,
	KPF_VF_RX_BYTES,
	KPF_VF_TX_BYTES,
	KPF_VF_MULTICAST,
	KPF_VF_NUM_STATS
};

/**
 * struct kpf_vf - one virtual function
 * @num: its number, and that of its pool and first queue
 * @cts: has said hello since its last reset and is in service
 * @ext: version of the extension it speaks, 0 for none
 * @default_mac: its address unless somebody sets one
 * @admin: the administrator's wishes; survive everything but the VF's end
 * @req: the VF's own; forgotten when it is reset
 * @lists: not in force before they are complete
 * @port: the host's end of it
 * @stats: counters, under kpf_dev.stats_lock
 * @quota: how much of our time it may still take
 * @nack_after: jiffies before which no bare NACK is sent again
 * @unread: the VF has not acknowledged our last word
 * @pending: what to tell it when it has
 */
struct kpf_vf {
	u8 num;
	bool cts;
	u16 ext;
	u8 default_mac[ETH_ALEN];
	struct kpf_vf_admin admin;
	struct kpf_vf_req req;
	struct kpf_vf_lists lists;
	struct kpf_vf_end port;
	struct kwl_count stats[KPF_VF_NUM_STATS];
	struct kpf_quota quota;
	unsigned long nack_after;
	bool unread;
	u32 pending;
};

/* vf_cfg.c */
void kpf_vf_apply(struct kpf_dev *pf, const struct kpf_vf *vf);
void kpf_vf_forget(struct kpf_dev *pf, struct kpf_vf *vf);
const u8 *kpf_vf_granted_mac(const struct kpf_vf *vf);
u32 kpf_vf_state(const struct kpf_dev *pf, const struct kpf_vf *vf);
int kpf_vf_link(const struct kpf_dev *pf, const struct kpf_vf *vf);
u32 kpf_vf_max_frame(const struct kpf_dev *pf, const struct kpf_vf *vf);
u32 kpf_vf_limits(struct kpf_dev *pf, const struct kpf_vf *vf);
int kpf_vf_max_addrs(struct kpf_dev *pf, const struct kpf_vf *vf);
void kpf_vf_notify_state(struct kpf_dev *pf, struct kpf_vf *vf);
bool kpf_vf_is_taken(struct kpf_dev *pf, const struct kpf_vf *vf,
		     const u8 *addr);
void kpf_vf_recheck(struct kpf_dev *pf);
void kpf_vf_impose_mac(struct kpf_dev *pf, struct kpf_vf *vf);
void kpf_vf_renew(struct kpf_dev *pf, struct kpf_vf *vf, u32 why);

/* vf_mbx.c */
bool kpf_mbx_receive(struct kpf_dev *pf, u8 vf, u32 *msg);
void kpf_mbx_reply(struct kpf_dev *pf, struct kpf_vf *vf, const u32 *msg,
		   int words);
void kpf_mbx_release(struct kpf_dev *pf, u8 vf);
void kpf_mbx_notify(struct kpf_dev *pf, struct kpf_vf *vf, u32 word);
void kpf_mbx_scrub(struct kpf_dev *pf, u8 vf);
void kpf_mbx_farewell(struct kpf_dev *pf, struct kpf_vf *vf);
void kpf_mbx_open_doors(struct kpf_dev *pf);
void kpf_vf_pardon(struct kpf_dev *pf, struct kpf_vf *vf);
void kpf_mbx_work(struct work_struct *work);

/* vf_msg.c */
bool kpf_vf_handle(struct kpf_dev *pf, struct kpf_vf *vf);
bool kpf_vf_may_nack(struct kpf_vf *vf);
void kpf_vf_handle_reset(struct kpf_dev *pf, struct kpf_vf *vf);

/* vf_ndo.c */
int kpf_ndo_set_vf_mac(struct net_device *netdev, int num, u8 *mac);
int kpf_ndo_set_vf_vlan(struct net_device *netdev, int num, u16 vlan, u8 qos,
			__be16 proto);
int kpf_ndo_set_vf_rate(struct net_device *netdev, int num, int min_rate,
			int max_rate);
int kpf_ndo_set_vf_spoofchk(struct net_device *netdev, int num, bool on);
int kpf_ndo_set_vf_trust(struct net_device *netdev, int num, bool on);
int kpf_ndo_set_vf_rss_query_en(struct net_device *netdev, int num, bool on);
int kpf_ndo_set_vf_link_state(struct net_device *netdev, int num, int state);
int kpf_ndo_get_vf_config(struct net_device *netdev, int num,
			  struct ifla_vf_info *info);
int kpf_ndo_get_vf_stats(struct net_device *netdev, int num,
			 struct ifla_vf_stats *stats);

/* sriov.c */
void kpf_vf_refresh_stats(struct kpf_dev *pf, struct kpf_vf *vf);

#endif
