/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the driver's files take from the kernel, as far as they are run outside
 * of it. tests/fuzz/build makes every <linux/...> header they name lead here.
 * Locks only count, time stands still unless a fuzzer moves it, and register
 * accesses end in fuzz_readl() and fuzz_writel().
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef u16 __be16;

/* Language */
#define U32_MAX			0xffffffffu
#define __iomem
#define likely(x)		(x)
#define unlikely(x)		(x)
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, val)	((x) = (val))
#define xchg(ptr, val)		fuzz_xchg(ptr, val)
#define ARRAY_SIZE(x)		((int)(sizeof(x) / sizeof((x)[0])))
#define container_of(ptr, type, member)					\
	((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b)							\
({									\
	__auto_type min_a = (a);					\
	__auto_type min_b = (b);					\
	min_a < min_b ? min_a : min_b;					\
})
#define max(a, b)							\
({									\
	__auto_type max_a = (a);					\
	__auto_type max_b = (b);					\
	max_a > max_b ? max_a : max_b;					\
})
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))

static inline bool fuzz_xchg(bool *ptr, bool val)
{
	bool old = *ptr;

	*ptr = val;
	return old;
}

enum {
	EPERM = 1,
	ENOMEM = 12,
	EBUSY = 16,
	ENODEV = 19,
	EINVAL = 22,
	ENOSPC = 28,
	ERANGE = 34,
	EPROTONOSUPPORT = 93,
	EOPNOTSUPP = 95,
	EADDRINUSE = 98,
	EADDRNOTAVAIL = 99,
	ETIMEDOUT = 110,
};

/* Bits */
#define BITS_PER_LONG		64
#define BIT(n)			(1UL << (n))
#define GENMASK(high, low)	((~0UL << (low)) & (~0UL >> (63 - (high))))
#define FIELD_PREP(mask, val)	fuzz_field_prep(mask, val)
#define FIELD_PREP_CONST(mask, val)	FIELD_PREP(mask, val)
#define FIELD_GET(mask, val)	fuzz_field_get(mask, val)
#define FIELD_MAX(mask)		fuzz_field_get(mask, ~0ULL)
#define hweight8(x)		__builtin_popcount((u8)(x))
#define hweight32(x)		__builtin_popcount(x)
#define DECLARE_BITMAP(name, bits)					\
	unsigned long name[((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG]

static inline u64 fuzz_field_prep(u64 mask, u64 val)
{
	return val << __builtin_ctzll(mask) & mask;
}

static inline u64 fuzz_field_get(u64 mask, u64 val)
{
	return (val & mask) >> __builtin_ctzll(mask);
}

static inline bool test_bit(unsigned int bit, const unsigned long *map)
{
	return map[bit / BITS_PER_LONG] >> bit % BITS_PER_LONG & 1;
}

static inline void __set_bit(unsigned int bit, unsigned long *map)
{
	map[bit / BITS_PER_LONG] |= BIT(bit % BITS_PER_LONG);
}

static inline void __assign_bit(unsigned int bit, unsigned long *map, bool on)
{
	map[bit / BITS_PER_LONG] &= ~BIT(bit % BITS_PER_LONG);
	if (on)
		__set_bit(bit, map);
}

static inline unsigned int bitmap_weight(const unsigned long *map,
					 unsigned int bits)
{
	unsigned int count = 0;

	while (bits--)
		count += test_bit(bits, map);
	return count;
}

static inline void bitmap_to_arr32(u32 *words, const unsigned long *map,
				   unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits / 32; i++)
		words[i] = map[i / 2] >> 32 * (i % 2);
}

struct fuzz_bits {
	unsigned int *bit;
	const unsigned long *map;
	unsigned int bits;
	bool again;
};

static inline bool fuzz_next_bit(struct fuzz_bits *it)
{
	*it->bit += it->again;
	it->again = true;
	while (*it->bit < it->bits && !test_bit(*it->bit, it->map))
		++*it->bit;
	return *it->bit < it->bits;
}

#define for_each_set_bit_from(bit, map, bits)				\
	for (struct fuzz_bits fuzz_it = { &(bit), map, bits, false };	\
	     fuzz_next_bit(&fuzz_it);)

/* Bytes */
static inline u32 get_unaligned_le16(const void *p)
{
	const u8 *byte = p;

	return byte[0] | byte[1] << 8;
}

static inline u32 get_unaligned_le32(const void *p)
{
	const u8 *byte = p;

	return get_unaligned_le16(byte) |
	       (u32)get_unaligned_le16(byte + 2) << 16;
}

static inline void put_unaligned_le16(u16 val, void *p)
{
	u8 *byte = p;

	byte[0] = val;
	byte[1] = val >> 8;
}

static inline void put_unaligned_le32(u32 val, void *p)
{
	put_unaligned_le16(val, p);
	put_unaligned_le16(val >> 16, (u8 *)p + 2);
}

static inline u16 htons(u16 val)
{
	return __builtin_bswap16(val);
}

/* Ethernet */
#define ETH_ALEN		6
#define ETH_HLEN		14
#define ETH_ZLEN		60
#define ETH_FRAME_LEN		1514
#define ETH_FCS_LEN		4
#define ETH_P_8021Q		0x8100
#define ETH_GSTRING_LEN		32
#define VLAN_HLEN		4
#define VLAN_N_VID		4096
#define VLAN_PRIO_MASK		0xe000
#define SPEED_1000		1000
#define SPEED_UNKNOWN		(-1)
#define IFF_PROMISC		0x100
#define IFF_ALLMULTI		0x200

static inline void ether_addr_copy(u8 *to, const u8 *from)
{
	memcpy(to, from, ETH_ALEN);
}

static inline bool ether_addr_equal(const u8 *a, const u8 *b)
{
	return !memcmp(a, b, ETH_ALEN);
}

static inline void eth_zero_addr(u8 *addr)
{
	memset(addr, 0, ETH_ALEN);
}

static inline bool is_zero_ether_addr(const u8 *addr)
{
	return !(addr[0] | addr[1] | addr[2] | addr[3] | addr[4] | addr[5]);
}

static inline bool is_multicast_ether_addr(const u8 *addr)
{
	return addr[0] & 1;
}

static inline bool is_valid_ether_addr(const u8 *addr)
{
	return !is_multicast_ether_addr(addr) && !is_zero_ether_addr(addr);
}

/* Register access */
u32 fuzz_readl(const void *addr);
void fuzz_writel(u32 val, void *addr);
#define readl(addr)		fuzz_readl(addr)
#define writel(val, addr)	fuzz_writel(val, addr)

struct list_head {
	struct list_head *next, *prev;
};

/* Locks: held once or not at all */
struct mutex {
	int held;
};

#define spinlock_t		struct mutex

struct mutex *fuzz_lock(struct mutex *lock);
void fuzz_unlock(struct mutex *lock);
void fuzz_lock_held(const struct mutex *lock);

static inline void fuzz_unguard(struct mutex **lock)
{
	fuzz_unlock(*lock);
}

#define spin_lock_init(lock)	((lock)->held = 0)
#define mutex_init(lock)	((lock)->held = 0)
#define mutex_lock(lock)	fuzz_lock(lock)
#define mutex_unlock(lock)	fuzz_unlock(lock)
#define spin_lock_bh(lock)	fuzz_lock(lock)
#define spin_unlock_bh(lock)	fuzz_unlock(lock)
#define lockdep_assert_held(lock)	fuzz_lock_held(lock)
/* Of the only kind the driver's VF code has: guard(mutex)(&lock) */
#define guard(kind)		FUZZ_GUARD_##kind
#define FUZZ_GUARD_mutex						\
	struct mutex *fuzz_guard					\
	__attribute__((cleanup(fuzz_unguard), unused)) = fuzz_lock

/* Time and work: a fuzzer is the scheduler and moves the clock */
extern u64 fuzz_us;
#define HZ			1000
#define jiffies			((unsigned long)(fuzz_us / 1000))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
#define msecs_to_jiffies(ms)	(ms)
#define MSEC_PER_SEC		1000
#define ktime_t			u64
#define ktime_get()		fuzz_us
#define ktime_to_ms(time)	((time) / 1000)
#define ktime_us_delta(a, b)	((a) - (b))

static inline u64 div_u64(u64 a, u32 b)
{
	return a / b;
}

struct work_struct {
	int unused;
};

struct timer_list {
	unsigned long expires;
};

struct delayed_work {
	struct work_struct work;
};

struct workqueue_struct;
extern struct workqueue_struct *system_dfl_wq;
void fuzz_queue(struct delayed_work *work, unsigned long delay);

static inline void queue_delayed_work(struct workqueue_struct *wq,
				      struct delayed_work *work,
				      unsigned long delay)
{
	fuzz_queue(work, delay);
}

/* Nobody else runs meanwhile, so a second look sees what the first one saw */
#define read_poll_timeout(op, val, cond, sleep, timeout, before, ...)	\
({									\
	(void)(sleep);							\
	(void)(timeout);						\
	(void)(before);							\
	(val) = op(__VA_ARGS__);					\
	(cond) ? 0 : -ETIMEDOUT;					\
})

/* Devices and interfaces: only what is looked into */
#define netdev_features_t	u64

struct device;
struct pci_dev;
struct mii_bus;
struct nlmsghdr;
struct sk_buff;
struct netlink_ext_ack;
struct ethtool_pauseparam;
struct ethtool_test;
struct ethtool_pause_stats;
struct ethtool_eth_ctrl_stats;
struct ethtool_eth_mac_stats;
struct ethtool_rx_flow_spec { int unused; };
struct ethtool_rxnfc;
struct ethtool_eth_phy_stats;
struct ethtool_ts_stats;
struct kernel_ethtool_ts_info;
struct kernel_hwtstamp_config;
struct ethtool_rmon_stats;
struct ethtool_rmon_hist_range;
struct rtnl_link_stats64;

void fuzz_log(const void *dev);
#define dev_dbg(dev, ...)	((void)(dev))
#define netdev_info(dev, ...)	fuzz_log(dev)
#define netdev_warn(dev, ...)	fuzz_log(dev)

struct phy_device {
	int speed;
};

struct netdev_hw_addr {
	u8 addr[ETH_ALEN];
};

struct netdev_hw_addr_list {
	int count;
	struct netdev_hw_addr *list;
};

#define netdev_hw_addr_list_count(l)	((l)->count)

struct fuzz_addrs {
	struct netdev_hw_addr **ha;
	const struct netdev_hw_addr_list *l;
	int next;
};

static inline bool fuzz_next_addr(struct fuzz_addrs *it)
{
	*it->ha = it->l->list + it->next;
	return it->next++ < it->l->count;
}

#define netdev_hw_addr_list_for_each(ha, l)				\
	for (struct fuzz_addrs fuzz_it = { &(ha), l, 0 };		\
	     fuzz_next_addr(&fuzz_it);)

struct net_device {
	u8 dev_addr[ETH_ALEN];
};

void *netdev_priv(struct net_device *netdev);

enum {
	IFLA_VF_LINK_STATE_AUTO,
	IFLA_VF_LINK_STATE_ENABLE,
	IFLA_VF_LINK_STATE_DISABLE,
};

struct ifla_vf_info {
	u32 vf;
	u8 mac[32];
	u32 vlan;
	u32 qos;
	u32 spoofchk;
	u32 linkstate;
	u32 min_tx_rate;
	u32 max_tx_rate;
	u32 rss_query_en;
	u32 trusted;
	__be16 vlan_proto;
};

struct ifla_vf_stats {
	u64 rx_packets;
	u64 tx_packets;
	u64 rx_bytes;
	u64 tx_bytes;
	u64 broadcast;
	u64 multicast;
	u64 rx_dropped;
	u64 tx_dropped;
};

/* Tracepoints: calls that do nothing */
#define TP_PROTO(...)			__VA_ARGS__
#define TP_ARGS(...)			__VA_ARGS__
#define TRACE_DEFINE_ENUM(...)		struct fuzz_trace
#define DECLARE_EVENT_CLASS(...)	struct fuzz_trace
#define TRACE_EVENT(name, proto, ...)	static inline void trace_##name(proto) {}
#define DEFINE_EVENT(class, name, proto, ...)				\
	static inline void trace_##name(proto) {}			\
	struct fuzz_trace_##class

#endif
