/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual function. Two lifetimes as in the PF's driver: struct kvf_dev
 * lives with the PCI device, struct kvf_net with the interface.
 */
#ifndef KVF_H
#define KVF_H

#include <linux/bitmap.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include <kawela/count.h>
#include <kawela/mbx.h>
#include <kawela/regs.h>
#include <kawela/ring.h>
#include <kawela/vf_regs.h>

/* What the PF is asked to let in: header, CRC and one VLAN tag of either kind */
#define KVF_FRAME_EXTRA		(ETH_HLEN + ETH_FCS_LEN + VLAN_HLEN)
#define KVF_MAX_MTU		(KWL_MAX_FRAME - KVF_FRAME_EXTRA)
/* What the in-tree PF driver gives a VF beside its own address, and groups */
#define KVF_OTHERS_ADDRS	3
#define KVF_OTHERS_GROUPS	KWL_MSG_MULTICAST_MAX
/* What we can ask for at most */
#define KVF_MAX_ADDRS		32

/* Under traffic, look for mail behind queue vectors this often at most */
#define KVF_MAIL_INTERVAL	(HZ / 10)

/*
 * The plan of vectors that the in-tree driver has: the emulator ORs what is
 * written into VTIVAR and forgets it only when the PF is reset, so all
 * drivers that a VF ever sees have to agree.
 */
enum kvf_vector {
	KVF_VECTOR_TX,
	KVF_VECTOR_RX,
	KVF_VECTOR_MBX,
	KVF_VECTORS,
};

struct ethtool_stats;
struct kvf_net;

/**
 * struct kvf_mbx - VF end of the mailbox
 * @seen: bits of V2PMAILBOX that a read has cleared before their time
 */
struct kvf_mbx {
	/** @lock: one request in flight; protects @seen; sleeps */
	struct mutex lock;
	u32 seen;
};

/**
 * struct kvf_lists - what the PF is to let in
 * @own: the interface's own address
 * @addrs: unicast addresses beside the interface's own
 * @num_addrs: valid entries in @addrs
 * @total_addrs: how many there would be, were there room
 * @groups: multicast groups
 * @allmulti: all groups
 * @promisc: everything
 * @dirty: the PF has not been told
 */
struct kvf_lists {
	u8 own[ETH_ALEN];
	struct kwl_addr addrs[KVF_MAX_ADDRS];
	u8 num_addrs;
	u16 total_addrs;
	struct kwl_groups groups;
	bool allmulti;
	bool promisc;
	bool dirty;
};

/**
 * struct kvf_pf - what the PF's driver can do, as it said in the handshake
 * @ext: version of the extension that both speak; 0 on in-tree PFs
 * @state: KWL_STATE_*, as it has said last; others say nothing
 * @admin_mac: the address that it gives us is its administrator's
 * @max_frame: longest frame with CRC and tag
 * @max_addrs: unicast addresses beside the own one
 * @max_groups: multicast groups
 */
struct kvf_pf {
	u16 ext;
	u32 state;
	bool admin_mac;
	u16 max_frame;
	u16 max_addrs;
	u16 max_groups;
};

/* What the card counts for us and the rings cannot */
enum kvf_stat {
	KVF_RX_MULTICAST,
	KVF_RX_SWITCHED,
	KVF_TX_SWITCHED,
	KVF_RX_SWITCHED_OCTETS,
	KVF_TX_SWITCHED_OCTETS,
	KVF_NUM_STATS
};

/**
 * struct kvf_dev - the PCI function
 * @hw: register access
 * @pdev: the function
 * @net: its interface
 * @mbx: mailbox
 * @service: looks after session, link and lists
 * @lists: what the stack wants
 * @refused: what the PF said to @lists
 * @stats: counters of the card
 * @stats_check: jiffies when the service fetches @stats again
 * @retry: jiffies before which the service does not ask for a new session
 * @pf: what the PF's driver can do
 * @session: the PF has answered a reset and keeps us in service; set under
 *	RTNL (or before the interface is there), taken away by anybody
 * @mbx_check: jiffies before which traffic does not make us look for mail
 * @asked: jiffies when an interrupt was asked for last
 * @heard: the mailbox's vector has fired since
 * @misses: how often in a row it had not in time; under control's lock
 * @tick: runs in place of interrupts that do not come
 * @irq_name: names of the vectors
 */
struct kvf_dev {
	struct kwl_hw hw;
	struct pci_dev *pdev;
	struct kvf_net *net;
	struct kvf_mbx mbx;
	struct delayed_work service;
	/** @lists_lock: protects @lists; leaf, BH */
	spinlock_t lists_lock;
	struct kvf_lists lists;
	int refused;
	/** @stats_lock: protects @stats; leaf, BH */
	spinlock_t stats_lock;
	struct kwl_count stats[KVF_NUM_STATS];
	unsigned long stats_check;
	unsigned long retry;
	struct kvf_pf pf;
	bool session;
	unsigned long mbx_check;
	unsigned long asked;
	bool heard;
	u8 misses;
	struct timer_list tick;
	char irq_name[KVF_VECTORS][IFNAMSIZ + 16];
};

/**
 * struct kvf_net - the interface
 * @port: the data path; must come first, the library looks for it here
 * @kvf: the function
 * @netdev: the interface itself
 * @qset: their memory while the interface is up
 * @granted: the address that the PF has given us last
 * @vlans: VLANs to be let in
 * @no_vlans: none, while the card's tags are the PF's
 * @bell: for a PF that makes us miss doorbells
 */
struct kvf_net {
	struct kwl_port port;
	struct kvf_dev *kvf;
	struct net_device *netdev;
	struct kwl_qset *qset;
	u8 granted[ETH_ALEN];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	DECLARE_BITMAP(no_vlans, VLAN_N_VID);
	struct kwl_bell bell;
};

/* ethtool.c */
extern const struct ethtool_ops kvf_ethtool_ops;

/* irq.c */
int kvf_irq_init(struct kvf_dev *kvf);
void kvf_irq_fini(struct kvf_dev *kvf);
int kvf_irq_request(struct kvf_net *net);
void kvf_irq_free(struct kvf_net *net);
void kvf_irq_setup_vector(struct kvf_net *net);
void kvf_irq_apply(struct kvf_net *net);
void kvf_irq_stop_tick(struct kvf_dev *kvf);
bool kvf_irq_is_settled(const struct kvf_dev *kvf);
void kvf_irq_settle(struct kvf_dev *kvf);

/* mbx.c */
void kvf_mbx_init(struct kvf_dev *kvf);
int kvf_mbx_reset(struct kvf_dev *kvf);
bool kvf_mbx_pf_ready(struct kvf_dev *kvf);
bool kvf_mbx_was_reset(struct kvf_dev *kvf);
int kvf_mbx_request(struct kvf_dev *kvf, u32 *msg, int words);
int kvf_mbx_poll(struct kvf_dev *kvf, u32 *word);

/* netdev.c */
struct kvf_net *kvf_net_create(struct kvf_dev *kvf);
void kvf_net_destroy(struct kvf_net *net);
int kvf_net_restart(struct kvf_net *net);
int kvf_net_reconfigure(struct kvf_net *net, const struct kwl_queue_cfg *cfg);

/* request.c */
int kvf_request_reset(struct kvf_dev *kvf, u8 *addr);
int kvf_request_mac(struct kvf_dev *kvf, const u8 *addr);
int kvf_request_vlan(struct kvf_dev *kvf, u16 vid, bool on);
int kvf_request_max_frame(struct kvf_dev *kvf, u32 bytes);
int kvf_request_lists(struct kvf_dev *kvf, const struct kvf_lists *lists,
		      int *refused);

/* The PF has said no, and will again; nothing is wrong with the session */
static inline bool kvf_is_refusal(int err)
{
	return err == -EPERM || err == -ENOSPC || err == -EADDRINUSE;
}

/* service.c */
void kvf_service_init(struct kvf_dev *kvf);
bool kvf_service_is_there(struct kvf_dev *kvf);
void kvf_service_start(struct kvf_dev *kvf);
void kvf_service_stop(struct kvf_dev *kvf);
void kvf_service_kick(struct kvf_dev *kvf);
void kvf_service_link(struct kvf_dev *kvf);
void kvf_service_lose(struct kvf_dev *kvf);
void kvf_service_notice(struct kvf_dev *kvf, u32 word);

/* stats.c */
void kvf_stats_refresh(struct kvf_dev *kvf);
void kvf_stats_begin(struct kvf_dev *kvf);
void kvf_get_stats64(struct net_device *netdev,
		     struct rtnl_link_stats64 *stats);
int kvf_get_sset_count(struct net_device *netdev, int sset);
void kvf_get_strings(struct net_device *netdev, u32 sset, u8 *data);
void kvf_get_ethtool_stats(struct net_device *netdev,
			   struct ethtool_stats *stats, u64 *data);

#endif
