/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The physical function. Two lifetimes: struct kpf_dev lives with the PCI
 * device, struct kpf_net with the interface.
 */
#ifndef KPF_H
#define KPF_H

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/phy.h>
#include <linux/workqueue.h>

#include <kawela/regs.h>
#include <kawela/ring.h>

#include "eswitch.h"
#include "tables.h"

#define KPF_MAX_PAIRS		8
/* Header, CRC and up to two VLAN tags around the MTU */
#define KPF_FRAME_EXTRA		(ETH_HLEN + ETH_FCS_LEN + 2 * VLAN_HLEN)
#define KPF_MAX_MTU		(KWL_MAX_FRAME - KPF_FRAME_EXTRA)

/* A board's number as text */
#define KPF_PBA_LEN		32

struct devlink_health_reporter;
struct devlink_port;
struct devlink_region;
struct ethtool_wolinfo;
struct kpf_net;
struct kpf_ptp;
struct kpf_vf;
struct kpf_vf_port;

/**
 * struct kpf_link - PHY and link
 * @bus: MDIO bus with the one PHY of this port
 * @phy: that PHY, NULL before kpf_link_init()
 * @started: phylib runs the link
 * @loopback: frames come back from where they would leave the port
 * @fc_autoneg: flow control is what the negotiation says, else as below
 * @fc_rx: obey pause frames
 * @fc_tx: send pause frames
 */
struct kpf_link {
	struct mii_bus *bus;
	struct phy_device *phy;
	bool started;
	bool loopback;
	bool fc_autoneg;
	bool fc_rx;
	bool fc_tx;
};

/**
 * struct kpf_filter - tables, and what the registers hold of them
 * @tables: who wants what
 * @ral: RAL as last written
 * @rah: RAH as last written
 * @mta: MTA as last written
 * @vlvf: VLVF as last written
 * @vfta: VFTA as last written
 * @stale: the registers hold something else: write them all
 * @vf_promisc: pools that get unicast nobody has claimed
 * @max_frame: longest frame for the interface, while there are VFs
 * @vlan_strip: tags of the interface's frames go into the descriptor
 */
struct kpf_filter {
	/** @lock: protects all members and the registers behind them; leaf, BH */
	spinlock_t lock;
	struct kpf_tables tables;
	u32 ral[KWL_RAR_ENTRIES];
	u32 rah[KWL_RAR_ENTRIES];
	u32 mta[KWL_MTA_WORDS];
	u32 vlvf[KWL_VLVF_ENTRIES];
	u32 vfta[KWL_VFTA_WORDS];
	bool stale;
	u8 vf_promisc;
	u16 max_frame;
	bool vlan_strip;
};

/* Port counters, accumulated from clear-on-read registers; see stats.c */
struct kpf_stats {
	u64 crc_errors;
	u64 align_errors;
	u64 symbol_errors;
	u64 rx_errors;
	u64 missed;
	u64 single_collisions;
	u64 excessive_collisions;
	u64 multiple_collisions;
	u64 late_collisions;
	u64 collisions;
	u64 deferred;
	u64 no_carrier;
	u64 rx_length_events;
	u64 rx_type_length;
	u64 rx_xon;
	u64 tx_xon;
	u64 rx_xoff;
	u64 tx_xoff;
	u64 rx_unknown_control;
	u64 rx_hist[6];
	u64 rx_good;
	u64 rx_broadcast;
	u64 rx_multicast;
	u64 tx_good;
	u64 rx_good_octets;
	u64 tx_good_octets;
	u64 rx_no_buffer;
	u64 rx_undersize;
	u64 rx_fragments;
	u64 rx_oversize;
	u64 rx_jabber;
	u64 rx_management;
	u64 rx_management_dropped;
	u64 tx_management;
	u64 rx_total_octets;
	u64 tx_total_octets;
	u64 rx_total;
	u64 tx_total;
	u64 tx_hist[6];
	u64 tx_multicast;
	u64 tx_broadcast;
	u64 tx_tso;
	u64 tx_tso_failed;
	u64 rx_to_host;
	u64 tx_from_host;
};

/**
 * struct kpf_sriov - virtual functions
 * @vf: all of them, NULL if there are none
 * @mbx_work: serves the mailbox
 * @user_pairs: channels to give back when the VFs have gone
 * @recheck: the PF has new addresses; a VF may have had one of them
 * @waits: how often a VF had to wait because it asks too much
 * @floods: how often one was shut off because it went on
 */
struct kpf_sriov {
	/**
	 * @lock: protects @vf and everything in it; taken by ndos, mailbox
	 * and reset; never held across pci_enable_sriov() or
	 * pci_disable_sriov(), for VFs of this host talk to us meanwhile
	 */
	struct mutex lock;
	struct kpf_vf *vf;
	struct delayed_work mbx_work;
	u16 user_pairs;
	bool recheck;
	u64 waits;
	u64 floods;
};

/**
 * struct kpf_health - what goes wrong, on its way to devlink; see health.c
 * @work: passes events on
 * @watch: looks for receive queues that nobody empties
 * @events: which have happened
 * @which: queue or VF, by event
 * @tx: reporter of transmit queues
 * @rx: reporter of receive queues
 * @vf: reporter of VFs
 * @vf_shut: some VF has been shut off, and devlink has been told
 * @rx_ntc: slot to be cleaned next, at the last look
 * @rx_waits: a frame was waiting there
 */
struct kpf_health {
	struct work_struct work;
	struct delayed_work watch;
	unsigned long events;
	u16 which[3];
	struct devlink_health_reporter *tx;
	struct devlink_health_reporter *rx;
	struct devlink_health_reporter *vf;
	bool vf_shut;
	u32 rx_ntc[KPF_MAX_PAIRS];
	bool rx_waits[KPF_MAX_PAIRS];
};

enum kpf_irq_mode {
	KPF_IRQ_MSIX,
	KPF_IRQ_MSI,
	KPF_IRQ_INTX,
};

/**
 * struct kpf_dev - the PCI function
 * @hw: register access
 * @pdev: the function
 * @net: its interface, NULL before it exists
 * @link: PHY and link
 * @ptp: clock and time stamps, NULL before kpf_ptp_init()
 * @filter: address and VLAN filters
 * @sriov: virtual functions
 * @health: what goes wrong
 * @eswitch: the card as a switch that the host runs
 * @region: devlink's view of the registers
 * @wire: devlink's port for the interface
 * @vf_ports: devlink's ports for VFs, changed under sriov.lock
 * @num_vf_ports: how many they are
 * @num_vfs: how many VFs the function is set up for; the PF's pool, too
 * @bridge_mode: BRIDGE_MODE_*, of the on-card switch
 * @stats: port counters
 * @service: looks after the card, and refreshes counters before they wrap
 * @stats_check: when to refresh them next, in jiffies
 * @reset_work: resets the function under RTNL
 * @tx_timeouts: resets that a transmit time-out has asked for
 * @link_irqs: link events by interrupt, for the self test
 * @ledctl: LEDs as they were before somebody looked for the port
 * @perm_addr: MAC address in the NVM
 * @nvm_version: as the NVM has it
 * @irq_mode: what the system could give
 * @num_irqs: vectors allocated
 * @irq_name: of vector 0
 * @lan_id: which port of the card
 * @wake_opts: WAKE_*, what is to wake the system
 * @wake_able: it could
 * @emulated: QEMU's model, see kpf_hw_identify()
 * @offline: no register access: suspended or in PCI reset; set under
 *	@stats_lock
 */
struct kpf_dev {
	struct kwl_hw hw;
	struct pci_dev *pdev;
	struct kpf_net *net;
	struct kpf_link link;
	struct kpf_ptp *ptp;
	struct kpf_filter filter;
	struct kpf_sriov sriov;
	struct kpf_health health;
	struct kpf_eswitch eswitch;
	struct devlink_region *region;
	struct devlink_port *wire;
	struct kpf_vf_port *vf_ports;
	u16 num_vf_ports;
	u16 num_vfs;
	u16 bridge_mode;
	/** @stats_lock: protects @stats and reads of its registers; leaf, BH */
	spinlock_t stats_lock;
	struct kpf_stats stats;
	/** @sem_lock: one software user of the SWSM semaphore at a time */
	struct mutex sem_lock;
	struct delayed_work service;
	unsigned long stats_check;
	struct work_struct reset_work;
	u64 tx_timeouts;
	u32 link_irqs;
	u32 ledctl;
	u8 perm_addr[ETH_ALEN];
	u16 nvm_version;
	enum kpf_irq_mode irq_mode;
	u16 num_irqs;
	char irq_name[32];
	u32 wake_opts;
	u8 lan_id;
	bool wake_able;
	bool emulated;
	bool offline;
};

/**
 * struct kpf_rss - how received flows spread over the queues
 * @key: Toeplitz key, in memory order
 * @table: queue by the low bits of the hash
 * @ports: bits of KWL_MRQC, the protocols that are hashed by ports, too
 */
struct kpf_rss {
	u8 key[KWL_RSSRK_BYTES];
	u8 table[KWL_RETA_ENTRIES];
	u32 ports;
};

/* Filters of the card's two kinds that are free for rules */
#define KPF_RULES		(2 * (KWL_FILTERS - 1))
/* The one of each kind that is not: it finds PTP messages */
#define KPF_PTP_FILTER		3

/**
 * struct kpf_ntuple - rules by which flows get a queue
 * @used: places that have a rule
 * @rule: the rules, as the user gave them
 */
struct kpf_ntuple {
	DECLARE_BITMAP(used, KPF_RULES);
	struct ethtool_rx_flow_spec rule[KPF_RULES];
};

/**
 * struct kpf_net - the interface
 * @port: the data path; must come first, the library looks for it here
 * @pf: the function
 * @netdev: the interface itself
 * @qset: their memory while the interface is up
 * @rss: receive side scaling
 * @ntuple: flows that go elsewhere
 * @msg_enable: which kinds of messages to log
 */
struct kpf_net {
	struct kwl_port port;
	struct kpf_dev *pf;
	struct net_device *netdev;
	struct kwl_qset *qset;
	struct kpf_rss rss;
	struct kpf_ntuple ntuple;
	u32 msg_enable;
};

/* bridge.c */
void kpf_bridge_apply(struct kpf_dev *pf);
int kpf_ndo_bridge_setlink(struct net_device *netdev, struct nlmsghdr *nlh,
			   u16 flags, struct netlink_ext_ack *extack);
int kpf_ndo_bridge_getlink(struct sk_buff *skb, u32 pid, u32 seq,
			   struct net_device *netdev, u32 filter_mask,
			   int nlflags);
int kpf_fdb_add_check(struct net_device *netdev, const u8 *addr,
		      struct netlink_ext_ack *extack);

/* eswitch.h; who may send */
static inline void kpf_eswitch_rmw_vfte(struct kpf_dev *pf, u32 clear, u32 set)
{
	if (pf->eswitch.active)
		kwl_bell_set_send(&pf->eswitch.bell, clear, set);
	else
		kwl_rmw32(&pf->hw, KWL_VFTE, clear, set);
}

/* RCTL with its loopback, which is how the emulator keeps frames off the wire */
static inline void kpf_eswitch_rmw_rctl(struct kpf_dev *pf, u32 clear, u32 set)
{
	u32 val = (kwl_rd32(&pf->hw, KWL_RCTL) & ~(clear | KWL_RCTL_LBM)) | set;

	if (pf->eswitch.active && pf->emulated)
		kwl_bell_set_loop(&pf->eswitch.bell, val |
				  FIELD_PREP(KWL_RCTL_LBM, KWL_RCTL_LBM_MAC),
				  val);
	else
		kwl_rmw32(&pf->hw, KWL_RCTL, clear, set);
}

/* ethtool.c */
extern const struct ethtool_ops kpf_ethtool_ops;

/* filter.c */
void kpf_filter_init(struct kpf_dev *pf);
void kpf_filter_replay(struct kpf_dev *pf);
void kpf_filter_sync_gates(struct kpf_dev *pf);
void kpf_filter_sync_forward(struct kpf_dev *pf);
void kpf_filter_rmw_rctl(struct kpf_dev *pf, u32 clear, u32 set);
void kpf_filter_set_addr(struct kpf_dev *pf, const u8 *addr);
void kpf_filter_set_rx_mode(struct kpf_dev *pf, unsigned int flags,
			    struct netdev_hw_addr_list *uc,
			    struct netdev_hw_addr_list *mc);
int kpf_filter_set_vlan(struct kpf_dev *pf, u16 vid, bool on);
void kpf_filter_set_vlan_filter(struct kpf_dev *pf, bool on);
void kpf_filter_set_own_pool(struct kpf_dev *pf, u32 max_frame, bool strip);
int kpf_filter_set_num_vfs(struct kpf_dev *pf, u16 num_vfs);
int kpf_filter_unicast_room(struct kpf_dev *pf);
void kpf_filter_set_vf_addr(struct kpf_dev *pf, u8 vf, const u8 *addr);
bool kpf_filter_is_taken(struct kpf_dev *pf, u8 vf, const u8 *addr);
void kpf_filter_evict(struct kpf_dev *pf, u8 vf, const u8 *addr);
int kpf_filter_count_unicast(struct kpf_dev *pf);
int kpf_filter_count_groups(struct kpf_dev *pf);
int kpf_filter_count_vlans(struct kpf_dev *pf);
u8 kpf_filter_share(struct kpf_dev *pf);
int kpf_filter_add_vf_addr(struct kpf_dev *pf, u8 vf, const u8 *addr,
			   int limit);
int kpf_filter_set_vf_addrs(struct kpf_dev *pf, u8 vf,
			    const struct kwl_addr *list, int count, int limit);
void kpf_filter_drop_vf_addrs(struct kpf_dev *pf, u8 vf);
void kpf_filter_set_vf_groups(struct kpf_dev *pf, u8 vf,
			      const struct kwl_groups *groups);
void kpf_filter_set_vf_promisc(struct kpf_dev *pf, u8 vf, bool groups,
			       bool unicast);
int kpf_filter_set_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid, bool on);
bool kpf_filter_has_vf_vlan(struct kpf_dev *pf, u8 vf, u16 vid);
int kpf_filter_count_vf_vlans(struct kpf_dev *pf, u8 vf);
void kpf_filter_drop_vf_vlans(struct kpf_dev *pf, u8 vf, u16 keep);
int kpf_filter_set_port_vlan(struct kpf_dev *pf, u8 vf, u16 vid);

/* hw.c */
int kpf_hw_identify(struct kpf_dev *pf);
int kpf_hw_reset(struct kpf_dev *pf);
void kpf_hw_apply(struct kpf_net *net);
int kpf_hw_restart(struct kpf_net *net);
void kpf_hw_apply_rx(struct kpf_net *net, unsigned int mtu,
		     netdev_features_t features);
void kpf_hw_apply_pools(struct kpf_net *net);
void kpf_hw_notify_vfs(struct kpf_dev *pf);
void kpf_hw_enable(struct kpf_dev *pf);
void kpf_hw_disable(struct kpf_dev *pf);
void kpf_hw_quiesce(struct kpf_dev *pf);
int kpf_sem_get(struct kpf_dev *pf, u32 mask);
void kpf_sem_put(struct kpf_dev *pf, u32 mask);

/* irq.c */
int kpf_irq_init(struct kpf_dev *pf);
void kpf_irq_fini(struct kpf_dev *pf);
int kpf_irq_request(struct kpf_dev *pf);
void kpf_irq_free(struct kpf_dev *pf);
int kpf_irq_open(struct kpf_net *net);
void kpf_irq_close(struct kpf_net *net);
void kpf_irq_setup_vectors(struct kpf_net *net);
void kpf_irq_apply(struct kpf_net *net);
void kpf_irq_disable(struct kpf_dev *pf);
const char *kpf_irq_mode_name(const struct kpf_dev *pf);
u16 kpf_irq_max_pairs(const struct kpf_dev *pf);
u16 kpf_irq_pairs(const struct kpf_dev *pf);
void kpf_irq_setup_queues(struct kpf_net *net);

/* Is there a vector that serves no queue? */
static inline bool kpf_irq_has_other(const struct kpf_dev *pf)
{
	return pf->irq_mode == KPF_IRQ_MSIX;
}

/* link.c */
int kpf_link_init(struct kpf_dev *pf);
void kpf_link_fini(struct kpf_dev *pf);
void kpf_link_start(struct kpf_dev *pf);
void kpf_link_stop(struct kpf_dev *pf);
void kpf_link_resume(struct kpf_dev *pf);
void kpf_link_irq(struct kpf_dev *pf);
void kpf_link_apply(struct kpf_dev *pf);
void kpf_link_lock(struct kpf_dev *pf);
void kpf_link_unlock(struct kpf_dev *pf);
int kpf_link_loopback(struct kpf_dev *pf, bool on);
int kpf_link_set_loopback(struct kpf_dev *pf, bool on);
int kpf_link_renegotiate(struct kpf_dev *pf);
int kpf_link_set_pause(struct kpf_dev *pf, struct ethtool_pauseparam *pause);

/* netdev.c */
struct kpf_net *kpf_net_create(struct kpf_dev *pf);
void kpf_net_destroy(struct kpf_net *net);
int kpf_net_reconfigure(struct kpf_net *net, const struct kwl_queue_cfg *cfg);
int kpf_net_set_num_vfs(struct kpf_net *net, u16 num_vfs, u16 pairs);
int kpf_net_start(struct kpf_net *net);
void kpf_net_stop(struct kpf_net *net);
void kpf_net_sync_rx_mode(struct kpf_net *net);

/* nvm.c */
int kpf_nvm_read(struct kpf_dev *pf, u16 word, u16 count, u16 *data);
int kpf_nvm_validate(struct kpf_dev *pf);
int kpf_nvm_read_pba(struct kpf_dev *pf, char *text);
void kpf_nvm_version(const struct kpf_dev *pf, char *text, size_t size);
int kpf_nvm_read_mac(struct kpf_dev *pf, u8 *addr);

/* pci.c */
int kpf_load(struct kpf_dev *pf);
void kpf_unload(struct kpf_dev *pf);

/* ptp.c */
int kpf_ptp_init(struct kpf_dev *pf);
void kpf_ptp_fini(struct kpf_dev *pf);
void kpf_ptp_hold(struct kpf_dev *pf);
void kpf_ptp_apply(struct kpf_dev *pf);
void kpf_ptp_cancel(struct kpf_dev *pf);
int kpf_ndo_hwtstamp_get(struct net_device *netdev,
			 struct kernel_hwtstamp_config *cfg);
int kpf_ndo_hwtstamp_set(struct net_device *netdev,
			 struct kernel_hwtstamp_config *cfg,
			 struct netlink_ext_ack *extack);
int kpf_get_ts_info(struct net_device *netdev,
		    struct kernel_ethtool_ts_info *info);
void kpf_get_ts_stats(struct net_device *netdev,
		      struct ethtool_ts_stats *stats);

/* ntuple.c */
void kpf_ntuple_apply(struct kpf_net *net, u16 pairs);
void kpf_ntuple_clear(struct kpf_net *net);
int kpf_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *cmd);
int kpf_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *cmd,
		  u32 *locations);

/* regdump.c */
int kpf_regdump_len(void);
void kpf_regdump(struct kpf_dev *pf, u32 *buf);

/* rss.c */
void kpf_rss_init(struct kpf_net *net);
void kpf_rss_apply(struct kpf_net *net);
void kpf_rss_set_pairs(struct kpf_net *net, u16 pairs);

/* selftest.c */
#define KPF_SELFTESTS		5
extern const char kpf_selftest_names[KPF_SELFTESTS][ETH_GSTRING_LEN];
void kpf_selftest(struct kpf_net *net, struct ethtool_test *test, u64 *data);

/* service.c */
void kpf_detach(struct kpf_dev *pf);
int kpf_reattach(struct kpf_dev *pf);
void kpf_service_init(struct kpf_dev *pf);
void kpf_service_start(struct kpf_dev *pf);
void kpf_service_stop(struct kpf_dev *pf);
int kpf_reset(struct kpf_dev *pf);
void kpf_schedule_reset(struct kpf_dev *pf);

/* sriov.c */
void kpf_sriov_init(struct kpf_dev *pf);
int kpf_sriov_configure(struct pci_dev *pdev, int num_vfs);
void kpf_sriov_fini(struct kpf_dev *pf);
void kpf_sriov_irq(struct kpf_dev *pf);
void kpf_sriov_recheck(struct kpf_dev *pf);
void kpf_sriov_before_reset(struct kpf_dev *pf);
void kpf_sriov_after_reset(struct kpf_dev *pf);
void kpf_sriov_link_changed(struct kpf_dev *pf);
void kpf_sriov_save_config(struct kpf_dev *pf, bool save);
void kpf_sriov_service(struct kpf_dev *pf);

/* stats.c */
void kpf_stats_refresh(struct kpf_dev *pf);
void kpf_stats_set_offline(struct kpf_dev *pf, bool offline);
void kpf_stats_get64(struct kpf_dev *pf, struct rtnl_link_stats64 *stats);
int kpf_stats_count(void);
void kpf_stats_strings(u8 **data);
void kpf_stats_values(struct kpf_dev *pf, u64 *data);
void kpf_get_pause_stats(struct net_device *netdev,
			 struct ethtool_pause_stats *stats);
void kpf_get_mac_stats(struct net_device *netdev,
		       struct ethtool_eth_mac_stats *stats);
void kpf_get_ctrl_stats(struct net_device *netdev,
			struct ethtool_eth_ctrl_stats *stats);
void kpf_get_phy_stats(struct net_device *netdev,
		       struct ethtool_eth_phy_stats *stats);
void kpf_get_rmon_stats(struct net_device *netdev,
			struct ethtool_rmon_stats *stats,
			const struct ethtool_rmon_hist_range **ranges);

/* wake.c */
void kpf_wake_init(struct kpf_dev *pf);
void kpf_get_wol(struct net_device *netdev, struct ethtool_wolinfo *wol);
int kpf_set_wol(struct net_device *netdev, struct ethtool_wolinfo *wol);
void kpf_wake_arm(struct kpf_dev *pf);
void kpf_wake_disarm(struct kpf_dev *pf);

#endif
