// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which frames the device has forwarded to others by itself, so that a copy
 * of them that comes up need not be forwarded once more.
 */
#include <linux/etherdevice.h>
#include <linux/export.h>

#include <kawela/ring.h>

#include "fwd.h"

/**
 * kwl_fwd_init() - the device forwards nothing
 * @fwd: what it forwards, zero
 * @lock: under which kwl_fwd_set() will be called
 *
 * Context: Any.
 */
void kwl_fwd_init(struct kwl_fwd *fwd, spinlock_t *lock)
{
	seqcount_spinlock_init(&fwd->seq, lock);
	memset(fwd->peers, 0, sizeof(fwd->peers));
	fwd->num = 0;
}
EXPORT_SYMBOL_GPL(kwl_fwd_init);

/**
 * kwl_fwd_set() - say what the device forwards
 * @fwd: what it forwards
 * @peers: KWL_REPRS of them: by sender, whom to; 0 for none
 * @groups: it forwards multicast to these as well
 * @addrs: addresses, and who has them
 * @num: how many addresses, KWL_FWD_ADDRS at most
 *
 * Context: Under the lock that kwl_fwd_init() was given, bottom halves off.
 */
void kwl_fwd_set(struct kwl_fwd *fwd, const u8 *peers, bool groups,
		 const struct kwl_fwd_addr *addrs, u8 num)
{
	u16 i;

	write_seqcount_begin(&fwd->seq);
	for (i = 0; i < KWL_REPRS; i++)
		WRITE_ONCE(fwd->peers[i], peers[i]);
	fwd->groups = groups;
	fwd->num = num;
	memcpy(fwd->addr, addrs, num * sizeof(*addrs));
	write_seqcount_end(&fwd->seq);
}
EXPORT_SYMBOL_GPL(kwl_fwd_set);

/* The place of an address that one of these has, or -ENOENT */
static int kwl_fwd_place(const struct kwl_fwd *fwd, u8 owners, const u8 *addr)
{
	u8 i;

	for (i = 0; i < fwd->num; i++)
		if (fwd->addr[i].owners & owners &&
		    ether_addr_equal(fwd->addr[i].octet, addr))
			return i;
	return -ENOENT;
}

/**
 * kwl_fwd_find() - look for an address of a sender's
 * @fwd: what the device forwards
 * @num: the sender
 * @addr: the address
 *
 * Context: NAPI.
 * Return: Its place, below KWL_FWD_ADDRS, or -ENOENT.
 */
int kwl_fwd_find(const struct kwl_fwd *fwd, u16 num, const u8 *addr)
{
	unsigned int seq;
	int place;

	do {
		seq = read_seqcount_begin(&fwd->seq);
		place = kwl_fwd_place(fwd, BIT(num), addr);
	} while (read_seqcount_retry(&fwd->seq, seq));
	return place;
}

/**
 * kwl_fwd_has() - has the device forwarded a frame to all who were to have it?
 * @fwd: what it forwards
 * @num: the sender
 * @dest: the destination
 *
 * Context: NAPI.
 * Return: true if nobody else behind the device is to have it.
 */
bool kwl_fwd_has(const struct kwl_fwd *fwd, u16 num, const u8 *dest)
{
	unsigned int seq;
	bool has;

	do {
		seq = read_seqcount_begin(&fwd->seq);
		if (!fwd->peers[num])
			has = false;
		else if (is_broadcast_ether_addr(dest))
			has = true;
		else if (is_multicast_ether_addr(dest))
			has = fwd->groups;
		else
			has = kwl_fwd_place(fwd, fwd->peers[num], dest) >= 0;
	} while (read_seqcount_retry(&fwd->seq, seq));
	return has;
}
