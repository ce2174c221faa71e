// SPDX-License-Identifier: GPL-2.0-only
/* What a VF asks of its PF: one function a request. All of them sleep. */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>

#include "kvf.h"

/* In-tree PF drivers need this long before they look again */
#define KVF_RESET_SETTLE_MS	10

/* Why the PF says no; in-tree ones do not tell */
static int kvf_refusal(const struct kvf_dev *kvf, const u32 *msg)
{
	if (!kvf->pf.ext)
		return -EPERM;
	switch (msg[KWL_MSG_REASON_WORD]) {
	case KWL_REASON_NO_ROOM:
		return -ENOSPC;
	case KWL_REASON_TAKEN:
		return -EADDRINUSE;
	default:
		return -EPERM;
	}
}

/*
 * Send a request, at least two words, and judge the answer. What the PF
 * refuses it refuses for good: kvf_is_refusal(). -ENETRESET if it no longer
 * knows us: the service then starts over.
 */
static int kvf_request(struct kvf_dev *kvf, u32 *msg, int words)
{
	u32 id = FIELD_GET(KWL_MSG_ID, msg[0]);
	int err;

	if (!kvf->session)
		return -ENETRESET;
	err = kvf_mbx_request(kvf, msg, words);
	/* Unanswered or not understood: all of it has to be said again */
	if (err || !(msg[0] & KWL_MSG_CTS)) {
		kvf_service_lose(kvf);
		return err ? err : -ENETRESET;
	}
	if (FIELD_GET(KWL_MSG_ID, msg[0]) != id) {
		kvf_service_lose(kvf);
		return -EBADMSG;
	}
	return msg[0] & KWL_MSG_ACK ? 0 : kvf_refusal(kvf, msg);
}

/* Limits of a PF that speaks the extension, or what others are known to have */
static void kvf_meet_pf(struct kvf_pf *pf, const u32 *reply)
{
	u32 word = reply[KWL_EXT_REPLY_WORD];
	u32 limits = reply[KWL_EXT_LIMITS_WORD];

	if ((word & ~KWL_EXT_VERSION) != KWL_EXT_MAGIC) {
		*pf = (struct kvf_pf) {
			.max_frame = KWL_MAX_FRAME,
			.max_addrs = KVF_OTHERS_ADDRS,
			.max_groups = KVF_OTHERS_GROUPS,
		};
		return;
	}
	pf->ext = FIELD_GET(KWL_EXT_VERSION, word);
	pf->state = reply[KWL_EXT_STATE_WORD];
	pf->admin_mac = pf->state & KWL_STATE_ADMIN_MAC;
	pf->max_frame = FIELD_GET(KWL_EXT_MAX_FRAME, limits);
	pf->max_addrs = FIELD_GET(KWL_EXT_MAX_ADDRS, limits);
	pf->max_groups = FIELD_GET(KWL_EXT_MAX_GROUPS, limits);
}

/*
 * Reset the function and say hello. The answer holds the address that the
 * administrator has chosen, or none: then @addr is left alone.
 */
int kvf_request_reset(struct kvf_dev *kvf, u8 *addr)
{
	u32 msg[KWL_EXT_REPLY_WORDS] = {
		[0] = KWL_MSG_RESET,
		[KWL_EXT_REQ_WORD] = KWL_EXT_MAGIC | KWL_EXT_NEWEST,
	};
	int err;

	kvf->session = false;
	err = kvf_mbx_reset(kvf);
	if (err)
		return err;
	msleep(KVF_RESET_SETTLE_MS);
	err = kvf_mbx_request(kvf, msg, ARRAY_SIZE(msg));
	if (err)
		return err;

	switch (msg[0]) {
	case KWL_MSG_RESET | KWL_MSG_ACK:
		kwl_msg_get_addr(&msg[1], addr);
		break;
	case KWL_MSG_RESET | KWL_MSG_NACK:
		break;
	default:
		return -EBADMSG;
	}
	kvf_meet_pf(&kvf->pf, msg);
	kvf_stats_begin(kvf);
	kvf->session = true;
	return 0;
}

int kvf_request_mac(struct kvf_dev *kvf, const u8 *addr)
{
	u32 msg[3] = { KWL_MSG_SET_MAC };

	kwl_msg_put_addr(&msg[1], addr);
	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

int kvf_request_vlan(struct kvf_dev *kvf, u16 vid, bool on)
{
	u32 msg[2] = { KWL_MSG_SET_VLAN | FIELD_PREP(KWL_MSG_INFO, on), vid };

	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

/* Longest frame with CRC and tag */
int kvf_request_max_frame(struct kvf_dev *kvf, u32 bytes)
{
	u32 msg[2] = { KWL_MSG_SET_LPE, bytes };

	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

/* In-tree PFs take what one message holds; who has more listens to all */
static int kvf_request_groups(struct kvf_dev *kvf,
			      const struct kvf_lists *lists)
{
	u32 msg[KWL_MBX_WORDS];
	unsigned int next = 0;
	u32 count;

	count = kwl_msg_put_groups(&msg[1], &lists->groups, &next);
	msg[0] = KWL_MSG_SET_MULTICAST | FIELD_PREP(KWL_MSG_INFO, count);
	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

/*
 * In-tree PFs want a valid address even where they are told to forget all of
 * them, so the interface's own goes along.
 */
static int kvf_request_addrs(struct kvf_dev *kvf,
			     const struct kvf_lists *lists)
{
	u32 total = min(lists->num_addrs, kvf->pf.max_addrs);
	u32 msg[3], i;
	int err;

	msg[0] = KWL_MSG_SET_MAC |
		 FIELD_PREP(KWL_MSG_INFO, KWL_MSG_SET_MAC_CLEAR);
	kwl_msg_put_addr(&msg[1], lists->own);
	err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
	for (i = 0; !err && i < total; i++) {
		msg[0] = KWL_MSG_SET_MAC |
			 FIELD_PREP(KWL_MSG_INFO, KWL_MSG_SET_MAC_ADD);
		kwl_msg_put_addr(&msg[1], lists->addrs[i].octet);
		err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
	}
	return err;
}

static int kvf_request_promisc(struct kvf_dev *kvf, u32 what)
{
	u32 msg[2] = {
		KWL_MSG_SET_PROMISC | FIELD_PREP(KWL_MSG_INFO, what),
	};

	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

static u32 kvf_list_info(u32 count, bool first, bool last)
{
	return FIELD_PREP(KWL_MSG_LIST_COUNT, count) |
	       (first ? KWL_MSG_LIST_FIRST : 0) |
	       (last ? KWL_MSG_LIST_LAST : 0);
}

/* A PF of ours takes whole lists, all of them or nothing */
static int kvf_list_groups(struct kvf_dev *kvf, const struct kwl_groups *groups)
{
	u32 left = min(kwl_groups_count(groups), kvf->pf.max_groups);
	u32 msg[KWL_MBX_WORDS], count;
	unsigned int next = 0;
	bool first = true;
	int err;

	do {
		count = kwl_msg_put_groups(&msg[1], groups, &next);
		count = min(count, left);
		left -= count;
		msg[0] = KWL_MSG_LIST_GROUPS |
			 FIELD_PREP(KWL_MSG_INFO,
				    kvf_list_info(count, first, !left));
		err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
		first = false;
	} while (!err && left);
	return err;
}

static int kvf_list_addrs(struct kvf_dev *kvf, const struct kvf_lists *lists)
{
	u32 total = min(lists->num_addrs, kvf->pf.max_addrs);
	u32 msg[KWL_MBX_WORDS], count, at = 0;
	int err;

	do {
		count = min(total - at, KWL_MSG_LIST_ADDRS_MAX);
		kwl_msg_put_addrs(&msg[1], &lists->addrs[at], count);
		msg[0] = KWL_MSG_LIST_ADDRS |
			 FIELD_PREP(KWL_MSG_INFO,
				    kvf_list_info(count, !at,
						  at + count == total));
		err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
		at += count;
	} while (!err && at < total);
	return err;
}

/* Keep the first refusal in @refused; anything else is an error */
static int kvf_note_refusal(int err, int *refused)
{
	if (!kvf_is_refusal(err))
		return err;
	*refused = *refused ?: err;
	return 0;
}

/* What is more than the PF would take is not sent, so ask for all instead */
static u32 kvf_lists_promisc(const struct kvf_dev *kvf,
			     const struct kvf_lists *lists)
{
	u32 what = 0;

	if (lists->allmulti || lists->promisc ||
	    kwl_groups_count(&lists->groups) > kvf->pf.max_groups)
		what |= KWL_MSG_PROMISC_MULTICAST;
	/* In-tree PFs know of no other promiscuity */
	if (kvf->pf.ext &&
	    (lists->promisc || lists->total_addrs > kvf->pf.max_addrs))
		what |= KWL_MSG_PROMISC_UNICAST;
	return what;
}

static int kvf_request_old_lists(struct kvf_dev *kvf,
				 const struct kvf_lists *lists, int *refused)
{
	int err;

	err = kvf_note_refusal(kvf_request_groups(kvf, lists), refused);
	if (err)
		return err;
	return kvf_note_refusal(kvf_request_addrs(kvf, lists), refused);
}

static int kvf_request_new_lists(struct kvf_dev *kvf,
				 const struct kvf_lists *lists, int *refused)
{
	int err;

	err = kvf_note_refusal(kvf_list_groups(kvf, &lists->groups), refused);
	if (err)
		return err;
	return kvf_note_refusal(kvf_list_addrs(kvf, lists), refused);
}

/*
 * All lists at once. An error if the PF did not answer; @refused tells the
 * first thing that it did not want to do.
 */
int kvf_request_lists(struct kvf_dev *kvf, const struct kvf_lists *lists,
		      int *refused)
{
	u32 promisc = kvf_lists_promisc(kvf, lists);
	int err;

	*refused = 0;
	if (kvf->pf.ext)
		err = kvf_request_new_lists(kvf, lists, refused);
	else
		err = kvf_request_old_lists(kvf, lists, refused);
	if (err)
		return err;
	err = kvf_request_promisc(kvf, promisc);
	/* DPDK's PF does not know the request; then there is nothing to end */
	if (!promisc && kvf_is_refusal(err))
		return 0;
	return kvf_note_refusal(err, refused);
}
