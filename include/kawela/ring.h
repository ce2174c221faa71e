/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ports, vectors, rings: what the library keeps for whoever owns a function,
 * be it the PF or a VF. The owner resolves every difference between the two
 * into the pointers and values stored here; the code behind this header
 * never asks whose queue it drives.
 */
#ifndef KAWELA_RING_H
#define KAWELA_RING_H

#include <linux/bpf.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/dim.h>
#include <linux/netdevice.h>
#include <linux/seqlock.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/gro_cells.h>
#include <net/netdev_queues.h>
#include <net/xdp.h>

#include <kawela/desc.h>
#include <kawela/io.h>
#include <kawela/mbx.h>
#include <kawela/queue_regs.h>
#include <kawela/stamp.h>

struct ethtool_coalesce;
struct ethtool_ringparam;
struct kernel_ethtool_coalesce;
struct kernel_ethtool_ringparam;
struct page_pool;
struct xsk_buff_pool;

#define KWL_RING_MIN		64
#define KWL_RING_MAX		4096
#define KWL_RING_DEFAULT	256

/*
 * One page per receive buffer: headroom for XDP in front, room for
 * skb_shared_info behind, and in between a whole number of KiB, because that
 * is the unit in which the device is told the buffer size. The device can
 * then never write past the data area, whatever its frame length limit says.
 */
#define KWL_RX_HEADROOM		(XDP_PACKET_HEADROOM + NET_IP_ALIGN)
#define KWL_RX_BUF_LEN		3072
static_assert(SKB_HEAD_ALIGN(KWL_RX_HEADROOM + KWL_RX_BUF_LEN) <= PAGE_SIZE);

/*
 * Headers apart from data: the longest of IPv4 and TCP take 138 bytes, IPv6 has
 * extensions. The data have their page for themselves, so that it can change
 * hands as a whole.
 */
#define KWL_SPLIT_HDR_LEN	192
#define KWL_SPLIT_BUF_LEN	min(PAGE_SIZE, SZ_16K)
static_assert(KWL_SPLIT_HDR_LEN % 64 == 0);

/* Most bytes one data descriptor carries */
#define KWL_TX_CHUNK		SZ_32K
/*
 * Most descriptors one frame takes: context, linear part, fragments, and one
 * more for each time 64 KiB of payload cross a KWL_TX_CHUNK.
 */
#define KWL_TX_DESC_MAX		(1 + 1 + MAX_SKB_FRAGS + SZ_64K / KWL_TX_CHUNK + 2)
/* Free descriptors at which a stopped queue is worth waking */
#define KWL_TX_WAKE		(2 * KWL_TX_DESC_MAX)
static_assert(KWL_TX_WAKE < KWL_RING_MIN);

/* Whose frames a batch is made of */
enum kwl_tx_kind {
	KWL_TX_SKB,		/* the stack's */
	KWL_TX_XDP,		/* a program's */
	KWL_TX_XSK,		/* an AF_XDP socket's, from its own memory */
	KWL_TX_REPR,		/* of an interface that sends through this one */
};

/**
 * struct kwl_tx_buf - what to give back when a descriptor is done
 * @skb: the frame, on its first descriptor only; else NULL
 * @xdpf: the same from an XDP program
 * @bytes: bytes on the wire without CRC, on the first descriptor only; of a
 *	socket on each
 * @segs: frames on the wire, on the first descriptor only; of a socket on the
 *	last one
 * @last: slot of the batch's last descriptor, on its first one only
 * @dma: bus address to unmap
 * @len: bytes to unmap
 * @mapped: this descriptor has a mapping to undo: no context, no page of a pool,
 *	no memory of an application
 * @kind: whose frame it is, on its first descriptor only; &enum kwl_tx_kind
 * @ctx: of a socket: no descriptor of its own, but a context for the next frame
 */
struct kwl_tx_buf {
	union {
		struct sk_buff *skb;
		struct xdp_frame *xdpf;
	};
	u32 bytes;
	u16 segs;
	u16 last;
	DEFINE_DMA_UNMAP_ADDR(dma);
	DEFINE_DMA_UNMAP_LEN(len);
	bool mapped;
	u8 kind;
	bool ctx;
};

/* Counters of the transmit path that runs under the queue's xmit lock */
struct kwl_tx_xmit_stats {
	u64_stats_t dropped;
	u64_stats_t csum_none;
	u64_stats_t needs_csum;
	u64_stats_t gso_packets;
	u64_stats_t gso_bytes;
	u64_stats_t gso_wire_packets;
	u64_stats_t gso_wire_bytes;
	u64_stats_t stop;
	struct u64_stats_sync syncp;
};

/* Counters of the completion path that runs in NAPI */
struct kwl_tx_done_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t wake;
	u64_stats_t xdp;	/* of programs and AF_XDP, among @packets */
	struct u64_stats_sync syncp;
};

/* What became of frames that an XDP program has seen and not passed on */
enum kwl_xdp_stat {
	KWL_XDP_DROP,		/* dropped by the program */
	KWL_XDP_TX,		/* sent back */
	KWL_XDP_TX_FULL,	/* to be sent back, but there was no room */
	KWL_XDP_REDIRECT,
	KWL_XDP_ERROR,		/* aborted, not redirected, or too long */
	KWL_NUM_XDP,
};

struct kwl_rx_stats {
	u64_stats_t packets;
	u64_stats_t bytes;
	u64_stats_t alloc_fail;
	u64_stats_t dropped;
	u64_stats_t errors;
	u64_stats_t csum_unnecessary;
	u64_stats_t csum_none;
	u64_stats_t csum_bad;
	u64_stats_t xdp[KWL_NUM_XDP];
	struct u64_stats_sync syncp;
};

/**
 * struct kwl_bell - a doorbell that takes more than a write of the tail
 * @loop: register that keeps all frames of all functions inside the card; NULL
 *	where it is somebody else's and the doorbell may be missed
 * @loop_on: its value while it does
 * @loop_off: its value while frames go out
 * @send: register that says which functions may send
 * @send_all: its value, but for
 * @send_own: the moments in which only this one's frames may leave
 * @until: jiffies until when a missed doorbell is repeated
 *
 * For the emulator. Its one way to keep multicast of VFs off the wire is a
 * loopback of the whole card, which the frames for the wire have to get past;
 * a VF that rings its doorbell just then has to do it again.
 */
struct kwl_bell {
	/** @lock: protects the two registers and their values; leaf, any */
	spinlock_t lock;
	void __iomem *loop;
	u32 loop_on;
	u32 loop_off;
	void __iomem *send;
	u32 send_all;
	u32 send_own;
	unsigned long until;
};

/**
 * struct kwl_gate - a pool that is open to more while one frame is sent to it
 * @reg: register with what the pool takes
 * @val: its value, but for
 * @more: bits that are set in the moments in which it takes groups; 0 for a
 *	pool that takes them anyway
 *
 * For the emulator, see kwl_gate_pass().
 */
struct kwl_gate {
	/** @lock: protects all of it; leaf, any */
	spinlock_t lock;
	void __iomem *reg;
	u32 val;
	u32 more;
};

#define KWL_REPRS		8
#define KWL_POLICE_ADDRS	24	/* the card has no more for all */
#define KWL_FWD_ADDRS		24	/* likewise */

/**
 * struct kwl_police - what the sender at one end of a pipe may send
 * @seq: for @num and @addr
 * @any_source: sources are not looked at
 * @num: entries in @addr
 * @addr: the sources that are its own
 * @kib_time: ns that one KiB takes at its rate, 0 for no limit
 * @seen_time: the one that @free_at goes by; in NAPI only
 * @free_at: ns when it will have paid for all that has passed; in NAPI only
 * @syncp: for the counters; one writer, NAPI
 * @spoofed: frames stopped for their source
 * @fast: frames stopped because of the rate
 */
struct kwl_police {
	seqcount_spinlock_t seq;
	bool any_source;
	u8 num;
	struct kwl_addr addr[KWL_POLICE_ADDRS];
	u32 kib_time;
	u32 seen_time;
	u64 free_at;
	struct u64_stats_sync syncp;
	u64_stats_t spoofed;
	u64_stats_t fast;
};

/**
 * struct kwl_fwd_addr - an address that the device knows the place of
 * @octet: the address
 * @owners: whoever has it, by bit: one in each bridge
 */
struct kwl_fwd_addr {
	u8 octet[ETH_ALEN];
	u8 owners;
} __aligned(2);

/**
 * struct kwl_fwd - what the device forwards by itself among senders
 * @seq: for all of it
 * @groups: multicast, too; broadcast is in any case
 * @num: entries in @addr
 * @peers: by sender, those whom the device forwards to; 0 for none
 * @addr: unicast addresses that it forwards to whoever has them
 */
struct kwl_fwd {
	seqcount_spinlock_t seq;
	bool groups;
	u8 num;
	u8 peers[KWL_REPRS];
	struct kwl_fwd_addr addr[KWL_FWD_ADDRS];
};

struct kwl_demux;

/**
 * struct kwl_demux_ops - what the owner of the queue does for fairness
 * @crowded: the queue is half full, and these have sent more than their
 *	share of what was last taken off it, while others send: a bit for each
 * @drained: nothing is left in it, and some were held back
 *
 * Both are called in NAPI.
 */
struct kwl_demux_ops {
	void (*crowded)(struct kwl_demux *demux, u32 nums);
	void (*drained)(struct kwl_demux *demux);
};

/**
 * struct kwl_demux - interfaces that live behind a queue, told apart by tags
 * @first: VID of frames that come from the first one; those of the others and
 *	then those of frames to them follow
 * @count: how many there are
 * @netdev: the interfaces; NULL drops their frames
 * @ops: what its owner does for fairness
 * @held: those who are held back; its owner's to change
 * @seen: frames of each one since the last look; in NAPI only
 * @heard: jiffies when each one has sent something, the queue's own
 *	interface after them; in NAPI only
 * @rx_packets: frames that came for them, for moderation; in NAPI only
 * @rx_bytes: likewise
 * @tx_packets: frames that they have sent; likewise
 * @fwd: what need not be forwarded once more
 * @looked: by source in it, when a bridge has last been shown such a frame; in
 *	NAPI only
 * @police: what the other ends of their pipes may send
 */
struct kwl_demux {
	u16 first;
	u16 count;
	struct net_device __rcu *netdev[KWL_REPRS];
	const struct kwl_demux_ops *ops;
	u32 held;
	u16 seen[KWL_REPRS];
	unsigned long heard[KWL_REPRS + 1];
	u64 rx_packets;
	u64 rx_bytes;
	u64 tx_packets;
	struct kwl_fwd fwd;
	unsigned long looked[KWL_FWD_ADDRS];
	struct kwl_police police[KWL_REPRS];
};

/**
 * struct kwl_repr - an interface that sends and receives through another one
 * @port: the other one; its first queue pair is used
 * @demux: what tells the frames apart
 * @gate: of the pool at the other end of its pipe
 * @num: which of its interfaces
 * @cells: its own GRO
 *
 * Comes first in the private area.
 */
struct kwl_repr {
	struct kwl_port *port;
	const struct kwl_demux *demux;
	struct kwl_gate *gate;
	u16 num;
	struct gro_cells cells;
};

/*
 * One transmit queue. Indices run free and are masked on use; rung - ntc is the
 * number of descriptors the device may still work on. What is told to the
 * device by one doorbell is a batch: only its last descriptor is written back.
 */
struct kwl_tx_ring {
	/* read-mostly, both sides */
	union kwl_tx_desc *desc;
	struct kwl_tx_buf *buf;
	struct netdev_queue *txq;
	void __iomem *tail;
	struct device *dev;
	struct kwl_bell *bell;	/* how to tell the device; NULL: by the tail */
	u32 mask;
	bool live;		/* XDP may queue frames; changes under the lock */
	/* cold: set-up only */
	void __iomem *regs;
	dma_addr_t dma;

	/* producer: under the queue's xmit lock */
	u32 ntu ____cacheline_aligned_in_smp;
	u32 rung;		/* value of ntu the device knows of: end of a batch */
	u32 ctx_lens;		/* context words the device holds */
	u32 ctx_type;
	u32 ctx_mss;
	u32 late;		/* value of ntu after the last frame that waits */
	bool waits;		/* frames of representors do, for the next poll */
	struct kwl_tx_xmit_stats xmit;

	/* consumer: NAPI */
	u32 ntc ____cacheline_aligned_in_smp;
	bool stamping;		/* a frame of a socket waits for its time stamp */
	struct kwl_tx_done_stats done;
};

/**
 * struct kwl_rx_frame - the frame that is being received
 * @xdp: its buffers; data is NULL between frames
 * @wb: its last descriptor, while a program runs
 * @status: of that descriptor
 * @stamp: hardware time in ns once somebody has asked for it, else 0
 */
struct kwl_rx_frame {
	struct xdp_buff xdp;
	const struct kwl_rx_wb *wb;
	u32 status;
	u64 stamp;
};

/* What else may come by a queue than frames for its interface */
enum kwl_rx_sort {
	KWL_RX_ALL_OURS,
	KWL_RX_NOT_OWN,		/* drop own frames that come back */
	KWL_RX_BY_TAG,		/* those with a tag are for struct kwl_demux */
};

/* One receive queue, all of it used in NAPI only */
struct kwl_rx_ring {
	union kwl_rx_desc *desc;
	union {			/* posted buffers, by slot */
		struct page **page;	/* a page is its own netmem_ref */
		struct xdp_buff **xdp;
		netmem_ref *netmem;
	};
	struct page_pool *pool;
	void __iomem *tail;
	struct net_device *netdev;
	struct napi_struct *napi;
	u32 mask;
	u32 ntc;		/* next slot the device writes back */
	u32 ntu;		/* next slot to post */
	u32 told;		/* value of ntu the device knows of */
	u16 queue;
	u16 buf_len;		/* bytes that the device puts into one buffer */
	bool skip;		/* drop up to the next end of packet */
	u8 sort;		/* enum kwl_rx_sort */
	const unsigned long *vlans;	/* tags to report; NULL for all */
	struct kwl_demux *demux;	/* where frames with tags go, if so sorted */
	struct bpf_prog *prog;	/* runs on each frame; NULL for none */
	u8 *hdr;		/* header buffers, if headers are split off */
	struct sk_buff *skb;	/* their frame whose end has not come */
	struct xdp_buff *first;	/* frame of a socket whose end has not come */
	struct kwl_rx_frame frame;
	struct kwl_rx_stats stats;
	struct xdp_rxq_info rxq;
	dma_addr_t hdr_dma;
	/* cold: set-up and statistics only */
	void __iomem *regs;
	void __iomem *psrtype;	/* register that says which headers to split */
	dma_addr_t dma;
	u64 hw_drops;		/* frames for which there was no buffer */
};

/**
 * struct kwl_seen - how many frames there were
 * @at: when
 * @rx: received until then
 * @tx: sent until then
 */
struct kwl_seen {
	ktime_t at;
	u64 rx;
	u64 tx;
};

/**
 * struct kwl_vector - one interrupt vector with its queue pair
 * @napi: polls both rings
 * @unmask: register that lets the vector interrupt again
 * @unmask_val: this vector's bits there
 * @events: interrupts that DIM has seen
 * @adaptive: the distance of two interrupts goes by the traffic
 * @quiet: there is little traffic, so none is kept
 * @port: the function it belongs to
 * @xsk: memory of AF_XDP sockets that the rings work on, else NULL
 * @txr: transmit ring
 * @rxr: receive ring
 * @mask: register that keeps the vector from interrupting
 * @eitr: throttling register, NULL where there is none (MSI, INTx)
 * @eitr_tx: the same of a vector of its own for transmit, else NULL
 * @irq: Linux interrupt number, shared by all where there is only one
 * @idx: queue pair number
 * @usecs: least distance of two interrupts that the user asked for
 * @own_irq: requested by kwl_irq_request(), not by the owner
 * @mask_by_hand: the device does not mask the vector as it fires
 * @eitr_low: it takes the interval for one of bits that begin lower
 * @spread: CPUs for interrupt and transmit have been chosen once
 * @paused: stopped by itself, between kwl_queue_pause() and kwl_queue_resume()
 * @name: as shown in /proc/interrupts
 * @seen: the traffic when it was looked at last
 * @dim: adaptive moderation, while there is much traffic
 */
struct kwl_vector {
	struct napi_struct napi;
	void __iomem *unmask;
	u32 unmask_val;
	u16 events;
	bool adaptive;
	bool quiet;
	struct kwl_port *port;
	struct xsk_buff_pool *xsk;

	struct kwl_tx_ring txr ____cacheline_aligned_in_smp;
	struct kwl_rx_ring rxr ____cacheline_aligned_in_smp;

	/* cold */
	void __iomem *mask ____cacheline_aligned_in_smp;
	void __iomem *eitr;
	void __iomem *eitr_tx;
	int irq;
	u16 idx;
	u16 usecs;
	bool own_irq;
	bool mask_by_hand;
	bool eitr_low;
	bool spread;
	bool paused;
	char name[IFNAMSIZ + 16];
	struct kwl_seen seen;
	struct dim dim;
};

/**
 * struct kwl_queue_cfg - how many queue pairs, how long, and of what kind
 * @pairs: queue pairs in use
 * @tx_count: descriptors per transmit ring, a power of two
 * @rx_count: descriptors per receive ring, a power of two
 * @split: headers are received apart from data
 */
struct kwl_queue_cfg {
	u16 pairs;
	u16 tx_count;
	u16 rx_count;
	bool split;
};

/* Memory of one queue pair, apart from the rings so that it can be swapped */
struct kwl_queue_mem {
	union kwl_tx_desc *tx_desc;
	struct kwl_tx_buf *tx_buf;
	dma_addr_t tx_dma;
	union kwl_rx_desc *rx_desc;
	netmem_ref *rx_buf;
	struct page_pool *pool;
	dma_addr_t rx_dma;
	u8 *rx_hdr;
	dma_addr_t rx_hdr_dma;
};

/**
 * struct kwl_qset - everything a configuration needs, allocated ahead
 * @cfg: the configuration
 * @q: memory by queue pair; receive buffers included
 *
 * A change of rings or channels allocates a new set while the old one runs;
 * only when that has succeeded does traffic stop for the swap.
 */
struct kwl_qset {
	struct kwl_queue_cfg cfg;
	struct kwl_queue_mem q[] __counted_by(cfg.pairs);
};

/**
 * struct kwl_port_ops - what only the owner of a function can do
 * @pause: stop all queues, and reset the function if one does not stop
 * @resume: start them again with the memory that there is
 * @recover: have that done soon by somebody with RTNL
 *
 * Control is locked (lock.h), the function is started.
 */
struct kwl_port_ops {
	void (*pause)(struct kwl_port *port);
	int (*resume)(struct kwl_port *port);
	void (*recover)(struct kwl_port *port);
};

/**
 * struct kwl_port - the data path of one function
 * @vec: vectors by queue pair
 * @netdev: the interface; its private area starts with this struct
 * @hw: register access
 * @ops: the owner's part
 * @cfg: what the user wants of the queues, in force when they run next
 * @num_vec: entries in @vec, fixed at probe
 * @stamper: hardware time stamps, NULL where there are none
 * @qset: memory in use while started, else NULL
 * @prog: XDP program of all queues, NULL for none
 * @rx_drop: a full receive ring drops frames rather than hold up the port
 * @stuck: a queue did not stop: reset the function before its memory is freed
 */
struct kwl_port {
	struct kwl_vector **vec;
	struct net_device *netdev;
	struct kwl_hw *hw;
	const struct kwl_port_ops *ops;
	struct kwl_queue_cfg cfg;
	u16 num_vec;
	struct kwl_stamper *stamper;
	struct kwl_qset *qset;
	struct bpf_prog *prog;
	bool rx_drop;
	bool stuck;
	/**
	 * @drops_lock: protects what queues do when they are full: @rx_drop,
	 * buf_len and hw_drops of all rings, and the registers behind them,
	 * which are there while @qset is; leaf, BH
	 */
	spinlock_t drops_lock;
};

/* port.c */
int kwl_port_init(struct kwl_port *port, struct net_device *netdev,
		  struct kwl_hw *hw, u16 num_vec);
void kwl_port_fini(struct kwl_port *port);
int kwl_port_start(struct kwl_port *port, struct kwl_qset *qset);
void kwl_port_wake(struct kwl_port *port);
struct kwl_qset *kwl_port_stop(struct kwl_port *port);
void kwl_queue_pause(struct kwl_port *port, u16 queue);
int kwl_queue_resume(struct kwl_port *port, u16 queue);
void kwl_queue_resume_norntl(struct kwl_port *port, u16 queue);
void kwl_port_set_rx_drop(struct kwl_port *port, bool drop);

/* qset.c */
struct kwl_qset *kwl_qset_alloc(struct kwl_port *port,
				const struct kwl_queue_cfg *cfg);
void kwl_qset_free(struct kwl_port *port, struct kwl_qset *qset);

int kwl_queue_alloc_rx(struct kwl_port *port, struct kwl_queue_mem *q, u16 idx,
		       const struct kwl_queue_cfg *cfg);
void kwl_queue_free_rx(struct kwl_port *port, struct kwl_queue_mem *q,
		       u16 count);

bool kwl_same_cfg(const struct kwl_queue_cfg *a, const struct kwl_queue_cfg *b);
void kwl_get_ringparam(struct net_device *netdev,
		       struct ethtool_ringparam *ring,
		       struct kernel_ethtool_ringparam *kring,
		       struct netlink_ext_ack *extack);
int kwl_check_ringparam(const struct kwl_port *port,
			const struct ethtool_ringparam *ring,
			const struct kernel_ethtool_ringparam *kring,
			struct kwl_queue_cfg *cfg,
			struct netlink_ext_ack *extack);

/* queue.c */
extern const struct netdev_queue_mgmt_ops kwl_queue_mgmt_ops;

/* ring.c */
int kwl_tx_ring_start(struct kwl_tx_ring *txr);
int kwl_rx_ring_start(struct kwl_rx_ring *rxr);
void kwl_rx_ring_set_drop(struct kwl_rx_ring *rxr, bool drop);
int kwl_tx_ring_stop(struct kwl_tx_ring *txr);
int kwl_rx_ring_stop(struct kwl_rx_ring *rxr);

/* tx.c */
netdev_tx_t kwl_xmit(struct sk_buff *skb, struct net_device *netdev);
netdev_features_t kwl_features_check(struct sk_buff *skb,
				     struct net_device *netdev,
				     netdev_features_t features);
bool kwl_tx_clean(struct kwl_tx_ring *txr, int budget);
void kwl_tx_drain(struct kwl_tx_ring *txr);
void kwl_tx_hang(struct kwl_port *port, unsigned int queue);

/* rx.c */
int kwl_rx_clean(struct kwl_rx_ring *rxr, int budget);
bool kwl_rx_refill(struct kwl_rx_ring *rxr);
void kwl_rx_repost(struct kwl_rx_ring *rxr);
void kwl_rx_purge(struct kwl_rx_ring *rxr);

/* split.c */
int kwl_split_poll(struct kwl_rx_ring *rxr, int budget, bool *clean);
bool kwl_split_refill(struct kwl_rx_ring *rxr);
void kwl_split_repost(struct kwl_rx_ring *rxr);
void kwl_split_purge(struct kwl_rx_ring *rxr);

/* xdp.c */
void kwl_xdp_init(struct net_device *netdev);
void kwl_xdp_update(struct kwl_port *port);
int kwl_bpf(struct net_device *netdev, struct netdev_bpf *bpf);
int kwl_xdp_xmit(struct net_device *netdev, int n, struct xdp_frame **frames,
		 u32 flags);
int kwl_xdp_check_mtu(struct kwl_port *port, int mtu);

/* xsk.c */
int kwl_xsk_poll(struct kwl_vector *vec, int budget, bool *clean);
bool kwl_xsk_refill(struct kwl_vector *vec);
void kwl_xsk_release(struct kwl_vector *vec);
int kwl_xsk_set_pool(struct kwl_port *port, struct xsk_buff_pool *pool,
		     u16 queue);
int kwl_xsk_wakeup(struct net_device *netdev, u32 queue, u32 flags);
bool kwl_xsk_in_use(const struct kwl_port *port, u16 from);
u32 kwl_xsk_buf_len(struct xsk_buff_pool *pool);

/* bell.c */
void kwl_bell_init(struct kwl_bell *bell);
void kwl_bell_ring(struct kwl_tx_ring *txr);
bool kwl_bell_again(struct kwl_tx_ring *txr);
void kwl_bell_wake(struct kwl_port *port);
void kwl_bell_set_loop(struct kwl_bell *bell, u32 on, u32 off);
void kwl_bell_set_send(struct kwl_bell *bell, u32 clear, u32 set);

void kwl_gate_init(struct kwl_gate *gate, void __iomem *reg);
void kwl_gate_set(struct kwl_gate *gate, u32 val, u32 more);
void kwl_gate_pass(struct kwl_gate *gate, const struct kwl_tx_ring *txr);

/* fwd.c */
void kwl_fwd_init(struct kwl_fwd *fwd, spinlock_t *lock);
void kwl_fwd_set(struct kwl_fwd *fwd, const u8 *peers, bool groups,
		 const struct kwl_fwd_addr *addrs, u8 num);

/* police.c */
void kwl_police_init(struct kwl_police *police, spinlock_t *lock);
void kwl_police_set_check(struct kwl_police *police, bool on);
void kwl_police_set_sources(struct kwl_police *police,
			    const struct kwl_addr *addrs, u8 num);
void kwl_police_set_rate(struct kwl_police *police, u32 rate);
void kwl_police_read(const struct kwl_police *police, u64 *spoofed, u64 *fast);

/* repr.c */
netdev_tx_t kwl_repr_xmit(struct sk_buff *skb, struct net_device *netdev);
int kwl_repr_init(struct net_device *netdev);
void kwl_repr_uninit(struct net_device *netdev);

/* coalesce.c */
/* Interrupts between two looks at how much traffic there is */
#define KWL_LOOK_EVENTS		64
/* Those that DIM measures: fewer would be some ms, with TCP's ups and downs */
#define KWL_DIM_EVENTS		256
void kwl_coalesce_init(struct kwl_vector *vec);
void kwl_coalesce_stop(struct kwl_vector *vec);
void kwl_coalesce_write(struct kwl_vector *vec);
void kwl_coalesce_sample(struct kwl_vector *vec);
int kwl_get_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
		     struct kernel_ethtool_coalesce *kec,
		     struct netlink_ext_ack *extack);
int kwl_set_coalesce(struct net_device *netdev, struct ethtool_coalesce *ec,
		     struct kernel_ethtool_coalesce *kec,
		     struct netlink_ext_ack *extack);
int kwl_get_queue_coalesce(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec);
int kwl_set_queue_coalesce(struct net_device *netdev, u32 queue,
			   struct ethtool_coalesce *ec);

/* irq.c */
int kwl_irq_request(struct kwl_port *port, u16 from, u16 to);
void kwl_irq_free(struct kwl_port *port, u16 from, u16 to);
int kwl_poll(struct napi_struct *napi, int budget);

/* stats.c */
void kwl_get_stats64(struct net_device *netdev,
		     struct rtnl_link_stats64 *stats);
void kwl_stats_refresh(struct kwl_port *port);
int kwl_xdp_stats_count(const struct kwl_port *port);
void kwl_xdp_stats_strings(const struct kwl_port *port, u8 **data);
void kwl_xdp_stats_values(const struct kwl_port *port, u64 *data);
extern const struct netdev_stat_ops kwl_stat_ops;

/* Let the vector interrupt (again); one posted write */
static inline void kwl_vector_unmask(const struct kwl_vector *vec)
{
	writel(vec->unmask_val, vec->unmask);
}

static inline void kwl_vector_mask(const struct kwl_vector *vec)
{
	writel(vec->unmask_val, vec->mask);
}

/* Has a frame come that has not been fetched? For an idle look from outside. */
static inline bool kwl_rx_waits(const struct kwl_rx_ring *rxr)
{
	const union kwl_rx_desc *desc = READ_ONCE(rxr->desc);

	return desc && READ_ONCE(desc[READ_ONCE(rxr->ntc) & rxr->mask].wb.status) &
		       cpu_to_le32(KWL_RXD_DD);
}

/*
 * Descriptors the producer may still fill; one slot stays empty so that a full
 * ring differs from an empty one.
 */
static inline u32 kwl_tx_room(const struct kwl_tx_ring *txr)
{
	return txr->mask - (READ_ONCE(txr->ntu) - READ_ONCE(txr->ntc));
}

#endif
