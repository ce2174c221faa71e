// SPDX-License-Identifier: GPL-2.0-only
/*
 * What PF and VF put into each other's messages, packed and unpacked. Pure
 * functions of their arguments: they also run outside the kernel.
 */
#include <linux/bitfield.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include <kawela/mbx.h>

/* The last 12 bits of an address select one of 4096 buckets (RCTL.MO = 0) */
#define KWL_GROUP_HASH		GENMASK(15, 4)
#define KWL_GROUPS		(32 * KWL_GROUPS_WORDS)

/**
 * kwl_group_hash() - which bucket of the multicast table an address falls in
 * @addr: Ethernet address
 *
 * Context: Any.
 * Return: 0 to 4095, as RCTL.MO = 0 has it.
 */
u16 kwl_group_hash(const u8 *addr)
{
	return FIELD_GET(KWL_GROUP_HASH, get_unaligned_le16(addr + 4));
}
EXPORT_SYMBOL_GPL(kwl_group_hash);

/**
 * kwl_groups_add() - add a bucket to a set
 * @groups: the set
 * @hash: the bucket; bits beyond 12 do not count
 *
 * Context: Any.
 */
void kwl_groups_add(struct kwl_groups *groups, u16 hash)
{
	hash &= KWL_MSG_MULTICAST_HASH;
	groups->word[hash / 32] |= BIT(hash % 32);
}
EXPORT_SYMBOL_GPL(kwl_groups_add);

/**
 * kwl_groups_count() - how many buckets are in a set
 * @groups: the set
 *
 * Context: Any.
 * Return: 0 to 4096.
 */
unsigned int kwl_groups_count(const struct kwl_groups *groups)
{
	unsigned int count = 0;
	int i;

	for (i = 0; i < KWL_GROUPS_WORDS; i++)
		count += hweight32(groups->word[i]);
	return count;
}
EXPORT_SYMBOL_GPL(kwl_groups_count);

/**
 * kwl_msg_put_addr() - an address into two words of a message
 * @words: two words; the second one's upper half becomes 0
 * @addr: Ethernet address
 *
 * Context: Any.
 */
void kwl_msg_put_addr(u32 *words, const u8 *addr)
{
	words[0] = get_unaligned_le32(addr);
	words[1] = get_unaligned_le16(addr + 4);
}
EXPORT_SYMBOL_GPL(kwl_msg_put_addr);

/**
 * kwl_msg_get_addr() - an address out of two words of a message
 * @words: two words, of which the second one's upper half does not count
 * @addr: Ethernet address, of whatever kind
 *
 * Context: Any.
 */
void kwl_msg_get_addr(const u32 *words, u8 *addr)
{
	put_unaligned_le32(words[0], addr);
	put_unaligned_le16(words[1], addr + 4);
}
EXPORT_SYMBOL_GPL(kwl_msg_get_addr);

/**
 * kwl_msg_put_addrs() - addresses, one byte after the other
 * @words: fifteen words
 * @list: Ethernet addresses
 * @count: how many; at most KWL_MSG_LIST_ADDRS_MAX of them are put
 *
 * Context: Any.
 */
void kwl_msg_put_addrs(u32 *words, const struct kwl_addr *list,
		       unsigned int count)
{
	const u8 *bytes = (const u8 *)list;
	unsigned int i;

	count = min(count, KWL_MSG_LIST_ADDRS_MAX) * ETH_ALEN;
	memset(words, 0, (KWL_MBX_WORDS - 1) * sizeof(*words));
	for (i = 0; i < count; i++)
		words[i / 4] |= (u32)bytes[i] << 8 * (i % 4);
}
EXPORT_SYMBOL_GPL(kwl_msg_put_addrs);

/**
 * kwl_msg_get_addrs() - the other way round
 * @words: fifteen words
 * @list: room for @count Ethernet addresses
 * @count: how many; at most KWL_MSG_LIST_ADDRS_MAX of them are got
 *
 * Context: Any.
 */
void kwl_msg_get_addrs(const u32 *words, struct kwl_addr *list,
		       unsigned int count)
{
	u8 *bytes = (u8 *)list;
	unsigned int i;

	count = min(count, KWL_MSG_LIST_ADDRS_MAX) * ETH_ALEN;
	for (i = 0; i < count; i++)
		bytes[i] = words[i / 4] >> 8 * (i % 4);
}
EXPORT_SYMBOL_GPL(kwl_msg_get_addrs);

/**
 * kwl_msg_put_groups() - as many buckets of a set as a message holds
 * @words: fifteen words, two buckets to a word
 * @groups: the set
 * @next: bucket to start with; on return that to go on with, or 4096
 *
 * Context: Any.
 * Return: how many were put, 0 to KWL_MSG_MULTICAST_MAX.
 */
unsigned int kwl_msg_put_groups(u32 *words, const struct kwl_groups *groups,
				unsigned int *next)
{
	unsigned int hash, count = 0;

	memset(words, 0, (KWL_MBX_WORDS - 1) * sizeof(*words));
	for (hash = *next; hash < KWL_GROUPS; hash++) {
		if (!(groups->word[hash / 32] & BIT(hash % 32)))
			continue;
		if (count == KWL_MSG_MULTICAST_MAX)
			break;
		words[count / 2] |= (u32)hash << 16 * (count % 2);
		count++;
	}
	*next = hash;
	return count;
}
EXPORT_SYMBOL_GPL(kwl_msg_put_groups);

/**
 * kwl_msg_get_groups() - add a message's buckets to a set
 * @words: fifteen words, two buckets to a word
 * @groups: the set
 * @count: how many; at most KWL_MSG_MULTICAST_MAX of them are got
 *
 * Context: Any.
 */
void kwl_msg_get_groups(const u32 *words, struct kwl_groups *groups,
			unsigned int count)
{
	unsigned int i;

	count = min(count, KWL_MSG_MULTICAST_MAX);
	for (i = 0; i < count; i++)
		kwl_groups_add(groups, words[i / 2] >> 16 * (i % 2));
}
EXPORT_SYMBOL_GPL(kwl_msg_get_groups);
