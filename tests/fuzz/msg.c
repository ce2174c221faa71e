// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message codec. What is put has to come out again, nothing beside the
 * words of the message may be touched, and arbitrary words with arbitrary
 * counts have to be survived. Buffers are as large as promised and not a byte
 * larger, so the sanitizer sees every step aside.
 */
#include <kawela/mbx.h>

#include "fuzz.h"

#define PAYLOAD		(KWL_MBX_WORDS - 1)
#define BUCKETS		(32 * KWL_GROUPS_WORDS)

static void *exactly(size_t bytes)
{
	void *memory = malloc(bytes);

	fuzz_check(memory || !bytes);
	return memory;
}

static unsigned int at_most(unsigned int count, unsigned int limit)
{
	return count < limit ? count : limit;
}

static bool in_set(const struct kwl_groups *set, unsigned int bucket)
{
	return set->word[bucket >> 5] >> (bucket & 31) & 1;
}

static unsigned int size_of_set(const struct kwl_groups *set)
{
	unsigned int bucket, count = 0;

	for (bucket = 0; bucket < BUCKETS; bucket++)
		count += in_set(set, bucket);
	return count;
}

static void one_addr(struct fuzz_input *in)
{
	u32 *words = exactly(2 * sizeof(*words));
	u8 addr[ETH_ALEN], back[ETH_ALEN];
	unsigned int hash;

	fuzz_bytes(in, addr, ETH_ALEN);
	fuzz_bytes(in, words, 2 * sizeof(*words));
	/* Any words make some address, and that one makes the round */
	kwl_msg_get_addr(words, back);
	fuzz_check(back[0] == (words[0] & 0xff) && back[3] == words[0] >> 24 &&
		   back[5] == (words[1] >> 8 & 0xff));
	kwl_msg_put_addr(words, addr);
	fuzz_check(!(words[1] >> 16));
	kwl_msg_get_addr(words, back);
	fuzz_check(ether_addr_equal(addr, back));

	hash = (addr[5] << 8 | addr[4]) / 16;
	fuzz_check(kwl_group_hash(addr) == hash && hash < BUCKETS);
	free(words);
}

static void addr_list(struct fuzz_input *in)
{
	u32 asked = fuzz_u8(in) & 1 ? fuzz_u32(in) : fuzz_u8(in) % 16;
	unsigned int count = at_most(asked, KWL_MSG_LIST_ADDRS_MAX);
	size_t bytes = count * sizeof(struct kwl_addr);
	u32 *words = exactly(PAYLOAD * sizeof(*words));
	struct kwl_addr *list = exactly(bytes);
	struct kwl_addr *back = exactly(bytes);

	fuzz_bytes(in, list, bytes);
	memset(words, 0xa5, PAYLOAD * sizeof(*words));
	kwl_msg_put_addrs(words, list, asked);
	kwl_msg_get_addrs(words, back, asked);
	fuzz_check(!bytes || !memcmp(list, back, bytes));

	fuzz_bytes(in, words, PAYLOAD * sizeof(*words));
	kwl_msg_get_addrs(words, back, asked);
	kwl_msg_put_addrs(words, back, asked);
	kwl_msg_get_addrs(words, list, asked);
	fuzz_check(!bytes || !memcmp(list, back, bytes));
	free(words);
	free(list);
	free(back);
}

/* All of a set in as few messages as possible, and none of anything else */
static void groups_round(const struct kwl_groups *set)
{
	u32 *words = exactly(PAYLOAD * sizeof(*words));
	unsigned int next = 0, sent = 0, messages = 0;
	struct kwl_groups back = {};

	do {
		unsigned int first = next, count;

		count = kwl_msg_put_groups(words, set, &next);
		fuzz_check(count <= KWL_MSG_MULTICAST_MAX);
		fuzz_check(next > first && next <= BUCKETS);
		fuzz_check(count == KWL_MSG_MULTICAST_MAX || next == BUCKETS);
		kwl_msg_get_groups(words, &back, count);
		sent += count;
		messages++;
	} while (next < BUCKETS);
	fuzz_check(!memcmp(&back, set, sizeof(back)));
	fuzz_check(sent == size_of_set(set));
	fuzz_check(messages == 1 || messages ==
		   (sent + KWL_MSG_MULTICAST_MAX - 1) / KWL_MSG_MULTICAST_MAX);
	fuzz_check(!kwl_msg_put_groups(words, set, &next) && next == BUCKETS);
	free(words);
}

static void groups(struct fuzz_input *in)
{
	unsigned int some = fuzz_u8(in);
	struct kwl_groups set = {};
	u16 bucket = 0;

	fuzz_bytes(in, set.word, fuzz_u8(in));
	while (some--) {
		bucket += fuzz_u16(in);
		kwl_groups_add(&set, bucket);
		fuzz_check(in_set(&set, bucket % BUCKETS));
	}
	fuzz_check(kwl_groups_count(&set) == size_of_set(&set));
	groups_round(&set);
}

static void groups_of_anything(struct fuzz_input *in)
{
	u32 asked = fuzz_u8(in) & 1 ? fuzz_u32(in) : fuzz_u8(in) % 40;
	unsigned int count = at_most(asked, KWL_MSG_MULTICAST_MAX);
	u16 *halves = exactly(PAYLOAD * sizeof(u32));
	struct kwl_groups set = {};
	unsigned int i;

	fuzz_bytes(in, halves, PAYLOAD * sizeof(u32));
	kwl_msg_get_groups((u32 *)halves, &set, asked);
	fuzz_check(size_of_set(&set) <= count);
	for (i = 0; i < count; i++)
		fuzz_check(in_set(&set, halves[i] % BUCKETS));
	free(halves);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };

	while (fuzz_more(&in)) {
		switch (fuzz_u8(&in) % 4) {
		case 0:
			one_addr(&in);
			break;
		case 1:
			addr_list(&in);
			break;
		case 2:
			groups(&in);
			break;
		default:
			groups_of_anything(&in);
		}
	}
	return 0;
}
