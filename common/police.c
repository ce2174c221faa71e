// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may come out of a pipe, where the card cannot see to it: frames with
 * sources that are the sender's own, and not faster than it may send.
 */
#include <linux/etherdevice.h>
#include <linux/export.h>
#include <linux/jiffies.h>

#include <kawela/ring.h>

#include "police.h"

/* How far ahead of its rate a sender may be */
#define KWL_POLICE_BURST	(20 * NSEC_PER_MSEC)

/* One KiB at one Mbit/s takes so many ns */
#define KWL_POLICE_KIB_TIME	(SZ_1K * BITS_PER_BYTE * NSEC_PER_USEC)

/**
 * kwl_police_init() - let all pass
 * @police: the police, zero
 * @lock: under which kwl_police_set_sources() will be called
 *
 * Context: Any.
 */
void kwl_police_init(struct kwl_police *police, spinlock_t *lock)
{
	seqcount_spinlock_init(&police->seq, lock);
	u64_stats_init(&police->syncp);
	kwl_police_set_check(police, false);
}
EXPORT_SYMBOL_GPL(kwl_police_init);

/**
 * kwl_police_set_check() - look at sources, or let any pass
 * @police: the police
 * @on: sources must be the sender's own
 *
 * Context: Any.
 */
void kwl_police_set_check(struct kwl_police *police, bool on)
{
	WRITE_ONCE(police->any_source, !on);
}
EXPORT_SYMBOL_GPL(kwl_police_set_check);

/**
 * kwl_police_set_sources() - say which sources are the sender's own
 * @police: the police
 * @addrs: addresses
 * @num: how many, KWL_POLICE_ADDRS at most
 *
 * Context: Under the lock that kwl_police_init() was given, bottom halves off.
 */
void kwl_police_set_sources(struct kwl_police *police,
			    const struct kwl_addr *addrs, u8 num)
{
	if (police->num == num &&
	    !memcmp(police->addr, addrs, num * sizeof(*addrs)))
		return;
	write_seqcount_begin(&police->seq);
	police->num = num;
	memcpy(police->addr, addrs, num * sizeof(*addrs));
	write_seqcount_end(&police->seq);
}
EXPORT_SYMBOL_GPL(kwl_police_set_sources);

/**
 * kwl_police_set_rate() - limit a sender
 * @police: the police
 * @rate: Mbit/s without CRC, 0 for no limit
 *
 * Context: Any.
 */
void kwl_police_set_rate(struct kwl_police *police, u32 rate)
{
	WRITE_ONCE(police->kib_time, rate ? KWL_POLICE_KIB_TIME / rate : 0);
}
EXPORT_SYMBOL_GPL(kwl_police_set_rate);

static bool kwl_police_is_own(const struct kwl_police *police, const u8 *addr)
{
	unsigned int seq;
	bool own;
	u8 i;

	do {
		seq = read_seqcount_begin(&police->seq);
		own = false;
		for (i = 0; i < police->num && !own; i++)
			own = ether_addr_equal(police->addr[i].octet, addr);
	} while (read_seqcount_retry(&police->seq, seq));
	return own;
}

/* Time by the tick, which is fine enough for that burst, and costs nothing */
static bool kwl_police_is_fast(struct kwl_police *police, u32 kib_time, u32 len)
{
	u64 now = jiffies64_to_nsecs(get_jiffies_64());

	/* What was owed at another rate is forgiven */
	if (police->free_at < now || police->seen_time != kib_time)
		police->free_at = now;
	police->seen_time = kib_time;
	if (police->free_at - now > KWL_POLICE_BURST)
		return true;
	police->free_at += (u64)kib_time * len / SZ_1K;
	return false;
}

/**
 * kwl_police_look() - look at a frame, and count it if it must not pass
 * @police: the police
 * @data: the frame
 * @len: its length in bytes
 *
 * Context: NAPI, of one queue only.
 * Return: What is wrong with it.
 */
enum kwl_police_word kwl_police_look(struct kwl_police *police,
				     const void *data, u32 len)
{
	const struct ethhdr *eth = data;
	u32 kib_time = READ_ONCE(police->kib_time);

	if (!READ_ONCE(police->any_source) &&
	    unlikely(!kwl_police_is_own(police, eth->h_source))) {
		u64_stats_update_begin(&police->syncp);
		u64_stats_inc(&police->spoofed);
		u64_stats_update_end(&police->syncp);
		return KWL_POLICE_SPOOFED;
	}
	if (unlikely(kib_time) && kwl_police_is_fast(police, kib_time, len)) {
		u64_stats_update_begin(&police->syncp);
		u64_stats_inc(&police->fast);
		u64_stats_update_end(&police->syncp);
		return KWL_POLICE_FAST;
	}
	return KWL_POLICE_FINE;
}

/**
 * kwl_police_read() - what has been stopped
 * @police: the police
 * @spoofed: frames with a source that is not the sender's
 * @fast: frames above the rate
 *
 * Context: Any.
 */
void kwl_police_read(const struct kwl_police *police, u64 *spoofed, u64 *fast)
{
	unsigned int seq;

	do {
		seq = u64_stats_fetch_begin(&police->syncp);
		*spoofed = u64_stats_read(&police->spoofed);
		*fast = u64_stats_read(&police->fast);
	} while (u64_stats_fetch_retry(&police->syncp, seq));
}
EXPORT_SYMBOL_GPL(kwl_police_read);
