// SPDX-License-Identifier: GPL-2.0-only
/* What a VF asks of its PF: one function a request. All of them sleep. */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "kvf.h"

/* In-tree PF drivers need this long before they look again */
#define KVF_RESET_SETTLE_MS	10

/*
 * Send a request and judge the answer. -EPERM if the PF says no, -ENETRESET if
 * it no longer knows us: the service then starts over.
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
	return msg[0] & KWL_MSG_ACK ? 0 : -EPERM;
}

static void kvf_put_addr(u32 *msg, const u8 *addr)
{
	msg[0] = get_unaligned_le32(addr);
	msg[1] = get_unaligned_le16(addr + 4);
}

/*
 * Reset the function and say hello. The answer holds the address that the
 * administrator has chosen, or none: then @addr is left alone.
 */
int kvf_request_reset(struct kvf_dev *kvf, u8 *addr)
{
	u32 msg[KWL_EXT_REPLY_WORDS] = {
		[0] = KWL_MSG_RESET,
		[KWL_EXT_REQ_WORD] = KWL_EXT_MAGIC,
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
		put_unaligned_le32(msg[1], addr);
		put_unaligned_le16(msg[2], addr + 4);
		break;
	case KWL_MSG_RESET | KWL_MSG_NACK:
		break;
	default:
		return -EBADMSG;
	}
	kvf->pf_state = 0;
	if (msg[KWL_EXT_REPLY_WORD] == KWL_EXT_MAGIC)
		kvf->pf_state = msg[KWL_EXT_STATE_WORD];
	kvf->session = true;
	return 0;
}

int kvf_request_mac(struct kvf_dev *kvf, const u8 *addr)
{
	u32 msg[3] = { KWL_MSG_SET_MAC };

	kvf_put_addr(&msg[1], addr);
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

/* 12-bit hashes, two to a word */
static int kvf_request_multicast(struct kvf_dev *kvf,
				 const struct kvf_lists *lists)
{
	u32 msg[KWL_MBX_WORDS] = {
		KWL_MSG_SET_MULTICAST | FIELD_PREP(KWL_MSG_INFO, lists->num_mc),
	};
	int i;

	for (i = 0; i < lists->num_mc; i++)
		msg[1 + i / 2] |= (u32)lists->mc[i] << (16 * (i % 2));
	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

static int kvf_request_allmulti(struct kvf_dev *kvf, bool on)
{
	u32 msg[1] = {
		KWL_MSG_SET_PROMISC |
		FIELD_PREP(KWL_MSG_INFO, on ? KWL_MSG_PROMISC_MULTICAST : 0),
	};

	return kvf_request(kvf, msg, ARRAY_SIZE(msg));
}

/*
 * In-tree PFs want a valid address even where they are told to forget all of
 * them, so the interface's own goes along.
 */
static int kvf_request_unicast(struct kvf_dev *kvf,
			       const struct kvf_lists *lists)
{
	u32 msg[3];
	int err, i;

	msg[0] = KWL_MSG_SET_MAC |
		 FIELD_PREP(KWL_MSG_INFO, KWL_MSG_SET_MAC_CLEAR);
	kvf_put_addr(&msg[1], lists->own);
	err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
	for (i = 0; !err && i < lists->num_uc; i++) {
		msg[0] = KWL_MSG_SET_MAC |
			 FIELD_PREP(KWL_MSG_INFO, KWL_MSG_SET_MAC_ADD);
		kvf_put_addr(&msg[1], lists->uc[i]);
		err = kvf_request(kvf, msg, ARRAY_SIZE(msg));
	}
	return err;
}

/*
 * All lists at once. What the PF refuses it refuses for good, so only a PF
 * that does not answer is an error.
 */
int kvf_request_lists(struct kvf_dev *kvf, const struct kvf_lists *lists)
{
	int err;

	err = kvf_request_multicast(kvf, lists);
	if (!err || err == -EPERM)
		err = kvf_request_allmulti(kvf, lists->allmulti);
	if (!err || err == -EPERM)
		err = kvf_request_unicast(kvf, lists);
	return err == -EPERM ? 0 : err;
}
