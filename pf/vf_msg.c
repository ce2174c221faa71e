// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VFs ask for. A VF is hostile: state, length, range, policy, then act.
 * The length is fixed by the buffer and every handler reads words of its own
 * copy, so nothing a VF does meanwhile can change what was checked.
 */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>

#include "kpf_vf.h"
#include "trace.h"

/* A VF without session is told so this often at most */
#define KPF_NACK_INTERVAL	(2 * HZ)

static u32 kpf_msg_info(const u32 *msg)
{
	return FIELD_GET(KWL_MSG_INFO, msg[0]);
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
	trace_kpf_vf(pf->hw.dev, vf->num, KPF_VF_RESET);
	kpf_vf_refresh_stats(pf, vf);
	kpf_vf_forget(pf, vf);
	kpf_mbx_scrub(pf, vf->num);
}

/* The newest version of the extension that both speak; 0 for none */
static u16 kpf_msg_negotiate(u32 word)
{
	u16 version = FIELD_GET(KWL_EXT_VERSION, word);

	if ((word & ~KWL_EXT_VERSION) != KWL_EXT_MAGIC)
		return 0;
	return min(version, KWL_EXT_NEWEST);
}

/* RESET has an answer of its own: three words and no CTS */
static void kpf_msg_reset(struct kpf_dev *pf, struct kpf_vf *vf,
			  const u32 *msg)
{
	const u8 *mac = kpf_vf_granted_mac(vf);
	u32 reply[KWL_MBX_WORDS] = { KWL_MSG_RESET | KWL_MSG_ACK };

	kwl_msg_put_addr(&reply[1], mac);
	kpf_vf_forget(pf, vf);
	ether_addr_copy(vf->req.mac, mac);
	vf->cts = true;
	vf->ext = kpf_msg_negotiate(msg[KWL_EXT_REQ_WORD]);
	kpf_vf_apply(pf, vf);

	if (vf->ext) {
		reply[KWL_EXT_REPLY_WORD] = KWL_EXT_MAGIC | vf->ext;
		reply[KWL_EXT_STATE_WORD] = kpf_vf_state(pf, vf);
		if (!is_zero_ether_addr(vf->admin.mac))
			reply[KWL_EXT_STATE_WORD] |= KWL_STATE_ADMIN_MAC;
		reply[KWL_EXT_LIMITS_WORD] = kpf_vf_limits(pf, vf);
	}
	trace_kpf_vf(pf->hw.dev, vf->num, KPF_VF_HELLO);
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
	if (kpf_vf_is_taken(pf, vf, addr))
		return -EADDRINUSE;
	ether_addr_copy(vf->req.mac, addr);
	kpf_vf_apply(pf, vf);
	return 0;
}

/* May a VF have this one beside its own? */
static int kpf_msg_check_addr(struct kpf_dev *pf, const struct kpf_vf *vf,
			      const u8 *addr)
{
	if (!is_valid_ether_addr(addr))
		return -EADDRNOTAVAIL;
	if (!is_zero_ether_addr(vf->admin.mac) && !vf->admin.trusted)
		return -EPERM;
	if (kpf_vf_is_taken(pf, vf, addr))
		return -EADDRINUSE;
	return 0;
}

static int kpf_msg_set_mac(struct kpf_dev *pf, struct kpf_vf *vf,
			   const u32 *msg)
{
	u8 addr[ETH_ALEN] __aligned(2);
	int err;

	kwl_msg_get_addr(&msg[1], addr);
	switch (kpf_msg_info(msg)) {
	case KWL_MSG_SET_MAC_PRIMARY:
		return kpf_msg_set_primary(pf, vf, addr);
	case KWL_MSG_SET_MAC_CLEAR:
		/* Goes with any address, or none */
		kpf_filter_drop_vf_addrs(pf, vf->num);
		return 0;
	case KWL_MSG_SET_MAC_ADD:
		err = kpf_msg_check_addr(pf, vf, addr);
		if (err)
			return err;
		return kpf_filter_add_vf_addr(pf, vf->num, addr,
					      kpf_vf_max_addrs(pf, vf));
	default:
		return -EINVAL;
	}
}

static void kpf_msg_take_groups(struct kpf_dev *pf, struct kpf_vf *vf,
				const struct kwl_groups *groups)
{
	vf->req.multicast = kwl_groups_count(groups);
	kpf_filter_set_vf_groups(pf, vf->num, groups);
	kpf_vf_apply(pf, vf);
}

static int kpf_msg_set_multicast(struct kpf_dev *pf, struct kpf_vf *vf,
				 const u32 *msg)
{
	u32 count = kpf_msg_info(msg) & ~KWL_MSG_MULTICAST_OVERFLOW;
	struct kwl_groups groups = {};

	if (count > KWL_MSG_MULTICAST_MAX)
		return -EINVAL;
	kwl_msg_get_groups(&msg[1], &groups, count);
	kpf_msg_take_groups(pf, vf, &groups);
	return 0;
}

/* A list of addresses, or a part of it; in force when it is complete */
static int kpf_msg_list_addrs(struct kpf_dev *pf, struct kpf_vf *vf,
			      const u32 *msg)
{
	struct kpf_vf_lists *lists = &vf->lists;
	u32 info = kpf_msg_info(msg);
	u32 count = FIELD_GET(KWL_MSG_LIST_COUNT, info);
	int err, i;

	if (info & KWL_MSG_LIST_FIRST)
		lists->num_addrs = 0;
	if (count > KWL_MSG_LIST_ADDRS_MAX)
		return -EINVAL;
	if (lists->num_addrs + count > KPF_VF_MAX_ADDRS)
		return -ENOSPC;
	kwl_msg_get_addrs(&msg[1], &lists->addrs[lists->num_addrs], count);
	lists->num_addrs += count;
	if (!(info & KWL_MSG_LIST_LAST))
		return 0;

	for (i = 0; i < lists->num_addrs; i++) {
		err = kpf_msg_check_addr(pf, vf, lists->addrs[i].octet);
		if (err)
			return err;
	}
	return kpf_filter_set_vf_addrs(pf, vf->num, lists->addrs,
				       lists->num_addrs,
				       kpf_vf_max_addrs(pf, vf));
}

/* The same for groups */
static int kpf_msg_list_groups(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg)
{
	struct kwl_groups *groups = &vf->lists.groups;
	u32 info = kpf_msg_info(msg);
	u32 count = FIELD_GET(KWL_MSG_LIST_COUNT, info);

	if (info & KWL_MSG_LIST_FIRST)
		memset(groups, 0, sizeof(*groups));
	if (count > KWL_MSG_MULTICAST_MAX)
		return -EINVAL;
	kwl_msg_get_groups(&msg[1], groups, count);
	if (kwl_groups_count(groups) > KPF_VF_MAX_GROUPS)
		return -ENOSPC;
	if (info & KWL_MSG_LIST_LAST)
		kpf_msg_take_groups(pf, vf, groups);
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
		return pf->eswitch.active ? 0 : -ENOSPC;
	err = kpf_filter_set_vf_vlan(pf, vf->num, vid, on);
	/* In mode switchdev all VLANs pass; back in legacy it asks again */
	if (err)
		return pf->eswitch.active ? 0 : err;
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

/* What is other tenants' business, too, is for trusted VFs */
static int kpf_msg_set_promisc(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg)
{
	u32 info = kpf_msg_info(msg);

	if (info & ~(KWL_MSG_PROMISC_UNICAST | KWL_MSG_PROMISC_MULTICAST))
		return -EOPNOTSUPP;
	if (info && !vf->admin.trusted)
		return -EPERM;
	vf->req.promisc = info & KWL_MSG_PROMISC_UNICAST;
	vf->req.allmulti = info & KWL_MSG_PROMISC_MULTICAST;
	kpf_vf_apply(pf, vf);
	return 0;
}

typedef int (*kpf_msg_handler)(struct kpf_dev *pf, struct kpf_vf *vf,
			       const u32 *msg);

/* From which version of the extension on; 0 for all VFs */
static const struct {
	u16 id;
	u16 ext;
	kpf_msg_handler handler;
} kpf_msg_handlers[] = {
	{ KWL_MSG_SET_MAC, 0, kpf_msg_set_mac },
	{ KWL_MSG_SET_MULTICAST, 0, kpf_msg_set_multicast },
	{ KWL_MSG_SET_VLAN, 0, kpf_msg_set_vlan },
	{ KWL_MSG_SET_LPE, 0, kpf_msg_set_lpe },
	{ KWL_MSG_SET_PROMISC, 0, kpf_msg_set_promisc },
	{ KWL_MSG_LIST_ADDRS, 1, kpf_msg_list_addrs },
	{ KWL_MSG_LIST_GROUPS, 1, kpf_msg_list_groups },
};

static int kpf_msg_dispatch(struct kpf_dev *pf, struct kpf_vf *vf,
			    const u32 *msg)
{
	u32 id = FIELD_GET(KWL_MSG_ID, msg[0]);
	int i;

	for (i = 0; i < ARRAY_SIZE(kpf_msg_handlers); i++)
		if (kpf_msg_handlers[i].id == id &&
		    kpf_msg_handlers[i].ext <= vf->ext)
			return kpf_msg_handlers[i].handler(pf, vf, msg);
	return -EOPNOTSUPP;
}

static u32 kpf_msg_reason(int err)
{
	switch (err) {
	case -ENOSPC:
		return KWL_REASON_NO_ROOM;
	case -EADDRINUSE:
		return KWL_REASON_TAKEN;
	default:
		return KWL_REASON_NOT_ALLOWED;
	}
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
	u32 msg[KWL_MBX_WORDS], reply[KWL_MSG_REASON_WORD + 1];
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
	reply[0] = msg[0] | KWL_MSG_CTS | (err ? KWL_MSG_NACK : KWL_MSG_ACK);
	reply[KWL_MSG_REASON_WORD] = kpf_msg_reason(err);
	kpf_mbx_reply(pf, vf, reply, vf->ext ? ARRAY_SIZE(reply) : 1);
	return true;
}
