// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VFs ask for. A VF is hostile: state, length, range, policy, then act.
 * The length is fixed by the buffer and every handler reads words of its own
 * copy, so nothing a VF does meanwhile can change what was checked.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/unaligned.h>

#include "kpf_vf.h"

/* A VF without session is told so this often at most */
#define KPF_NACK_INTERVAL	(2 * HZ)

static u32 kpf_msg_info(const u32 *msg)
{
	return FIELD_GET(KWL_MSG_INFO, msg[0]);
}

static void kpf_msg_get_addr(const u32 *msg, u8 *addr)
{
	put_unaligned_le32(msg[1], addr);
	put_unaligned_le16(msg[2], addr + 4);
}

/* A VF cannot make us say no more often than this */
bool kpf_vf_may_nack(struct kpf_vf *vf)
{
	if (time_before(jiffies, vf->nack_after))
		return false;
	vf->nack_after = jiffies + KPF_NACK_INTERVAL;
	return true;
}

/* VFLRE: the function was reset, by its driver or on the bus */
void kpf_vf_handle_reset(struct kpf_dev *pf, struct kpf_vf *vf)
{
	kpf_vf_refresh_stats(pf, vf);
	kpf_vf_forget(pf, vf);
	kpf_mbx_scrub(pf, vf->num);
}

/* RESET has an answer of its own: three words and no CTS */
static void kpf_msg_reset(struct kpf_dev *pf, struct kpf_vf *vf,
			  const u32 *msg)
{
	const u8 *mac = kpf_vf_granted_mac(vf);
	u32 reply[KWL_MBX_WORDS] = {
		[0] = KWL_MSG_RESET | KWL_MSG_ACK,
		[1] = get_unaligned_le32(mac),
		[2] = get_unaligned_le16(mac + 4),
	};

	kpf_vf_forget(pf, vf);
	ether_addr_copy(vf->req.mac, mac);
	vf->cts = true;
	vf->ext = msg[KWL_EXT_REQ_WORD] == KWL_EXT_MAGIC;
	kpf_vf_apply(pf, vf);

	if (vf->ext) {
		reply[KWL_EXT_REPLY_WORD] = KWL_EXT_MAGIC;
		reply[KWL_EXT_STATE_WORD] = kpf_vf_state(vf);
	}
	/* All words, so that none of the question is left for the next one */
	kpf_mbx_reply(pf, vf, reply, ARRAY_SIZE(reply));
}

static int kpf_msg_set_primary(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u8 *addr)
{
	if (!is_valid_ether_addr(addr))
		return -EADDRNOTAVAIL;
	/* The administrator's word counts, unless the VF is trusted */
	if (!is_zero_ether_addr(vf->admin.mac) && !vf->admin.trusted &&
	    !ether_addr_equal(addr, vf->admin.mac))
		return -EPERM;
	if (kpf_filter_is_taken(pf, vf->num, addr))
		return -EADDRINUSE;
	ether_addr_copy(vf->req.mac, addr);
	kpf_vf_apply(pf, vf);
	return 0;
}

static int kpf_msg_set_mac(struct kpf_dev *pf, struct kpf_vf *vf,
			   const u32 *msg)
{
	u8 addr[ETH_ALEN];

	kpf_msg_get_addr(msg, addr);
	switch (kpf_msg_info(msg)) {
	case KWL_MSG_SET_MAC_PRIMARY:
		return kpf_msg_set_primary(pf, vf, addr);
	case KWL_MSG_SET_MAC_CLEAR:
		/* Goes with any address, or none */
		kpf_filter_drop_vf_unicast(pf, vf->num);
		return 0;
	case KWL_MSG_SET_MAC_ADD:
		if (!is_valid_ether_addr(addr))
			return -EADDRNOTAVAIL;
		if (!is_zero_ether_addr(vf->admin.mac) && !vf->admin.trusted)
			return -EPERM;
		if (kpf_filter_is_taken(pf, vf->num, addr))
			return -EADDRINUSE;
		return kpf_filter_add_vf_unicast(pf, vf->num, addr);
	default:
		return -EINVAL;
	}
}

static int kpf_msg_set_multicast(struct kpf_dev *pf, struct kpf_vf *vf,
				 const u32 *msg)
{
	u16 hashes[KWL_MSG_MULTICAST_MAX];
	u32 count = kpf_msg_info(msg) & ~KWL_MSG_MULTICAST_OVERFLOW;
	u32 i;

	if (count > KWL_MSG_MULTICAST_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++)
		hashes[i] = (msg[1 + i / 2] >> (16 * (i % 2))) &
			    KWL_MSG_MULTICAST_HASH;
	vf->req.multicast = count;
	kpf_filter_set_vf_multicast(pf, vf->num, hashes, count);
	kpf_vf_apply(pf, vf);
	return 0;
}

static int kpf_msg_set_vlan(struct kpf_dev *pf, struct kpf_vf *vf,
			    const u32 *msg)
{
	u32 vid = msg[1];
	bool on = kpf_msg_info(msg);
	int err;

	if (vid >= VLAN_N_VID || kpf_msg_info(msg) > 1)
		return -EINVAL;
	if (!vid)
		return 0;
	if (vf->admin.vlan)
		return -EPERM;
	if (on && vf->req.vlans >= KPF_VF_MAX_VLANS &&
	    !kpf_filter_has_vf_vlan(pf, vf->num, vid))
		return -ENOSPC;
	err = kpf_filter_set_vf_vlan(pf, vf->num, vid, on);
	if (err)
		return err;
	vf->req.vlans = kpf_filter_count_vf_vlans(pf, vf->num);
	kpf_vf_apply(pf, vf);
	return 0;
}

static int kpf_msg_set_lpe(struct kpf_dev *pf, struct kpf_vf *vf,
			   const u32 *msg)
{
	if (msg[1] < ETH_ZLEN + ETH_FCS_LEN)
		return -EINVAL;
	vf->req.max_frame = min_t(u32, msg[1], KWL_MAX_FRAME);
	kpf_vf_apply(pf, vf);
	return 0;
}

/* All multicast is other tenants' business, too: for trusted VFs */
static int kpf_msg_set_promisc(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg)
{
	u32 info = kpf_msg_info(msg);

	if (info & ~KWL_MSG_PROMISC_MULTICAST)
		return -EOPNOTSUPP;
	if (info && !vf->admin.trusted)
		return -EPERM;
	vf->req.allmulti = info;
	kpf_vf_apply(pf, vf);
	return 0;
}

typedef int (*kpf_msg_handler)(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg);

static const struct {
	u16 id;
	kpf_msg_handler handler;
} kpf_msg_handlers[] = {
	{ KWL_MSG_SET_MAC, kpf_msg_set_mac },
	{ KWL_MSG_SET_MULTICAST, kpf_msg_set_multicast },
	{ KWL_MSG_SET_VLAN, kpf_msg_set_vlan },
	{ KWL_MSG_SET_LPE, kpf_msg_set_lpe },
	{ KWL_MSG_SET_PROMISC, kpf_msg_set_promisc },
};

static int kpf_msg_dispatch(struct kpf_dev *pf, struct kpf_vf *vf,
			    const u32 *msg)
{
	u32 id = FIELD_GET(KWL_MSG_ID, msg[0]);
	int i;

	for (i = 0; i < ARRAY_SIZE(kpf_msg_handlers); i++)
		if (kpf_msg_handlers[i].id == id)
			return kpf_msg_handlers[i].handler(pf, vf, msg);
	return -EOPNOTSUPP;
}

/* It has lost its session and should know; but it cannot make us shout */
static void kpf_msg_no_session(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg)
{
	u32 reply = msg[0] | KWL_MSG_NACK;

	if (kpf_vf_may_nack(vf))
		kpf_mbx_reply(pf, vf, &reply, 1);
	else
		kpf_mbx_release(pf, vf->num);
}

/*
 * Answer one message. False if it could not be had.
 * Context: sriov.lock
 */
bool kpf_vf_handle(struct kpf_dev *pf, struct kpf_vf *vf)
{
	u32 msg[KWL_MBX_WORDS], reply;
	int err;

	if (!kpf_mbx_receive(pf, vf->num, msg))
		return false;
	/* Our own answer, left in the buffer */
	if (msg[0] & (KWL_MSG_ACK | KWL_MSG_NACK)) {
		kpf_mbx_release(pf, vf->num);
		return true;
	}
	if (msg[0] == KWL_MSG_RESET) {
		kpf_msg_reset(pf, vf, msg);
		return true;
	}
	if (!vf->cts) {
		kpf_msg_no_session(pf, vf, msg);
		return true;
	}

	err = kpf_msg_dispatch(pf, vf, msg);
	if (err)
		dev_dbg(pf->hw.dev, "VF %u: message %#x refused: %d\n",
			vf->num, msg[0], err);
	reply = msg[0] | KWL_MSG_CTS | (err ? KWL_MSG_NACK : KWL_MSG_ACK);
	kpf_mbx_reply(pf, vf, &reply, 1);
	return true;
}
