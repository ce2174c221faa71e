// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF's whole way from a VF's mailbox to its registers, and the
 * administrator's way beside it: vf_mbx.c, vf_msg.c, vf_cfg.c, vf_ndo.c and
 * filter.c as they are, on a card that is an array and a mailbox.
 *
 * VFs say and do anything, the administrator anything that he can. After each
 * step the registers, not the driver's idea of them, have to keep every promise
 * that the administrator was made; the work done for a VF has to end; and a VF
 * that was reset has to be like new.
 */
#include <pf/kpf_vf.h>

#include "fuzz.h"

#define VMOLR_FORBIDDEN		(KWL_VMOLR_MPME | KWL_VMOLR_ROPE)
#define ACCESS_US		20
/* All VFs ask without end: so many messages, and no more, in one go */
#define MESSAGES_MAX		(8 * KPF_MAX_VFS)

u64 fuzz_us;
struct workqueue_struct *system_dfl_wq;

static struct kpf_dev pf;
static struct kpf_net net;
static struct net_device netdev;
static struct kpf_vf vfs[KPF_MAX_VFS];
static struct phy_device phy;

/* The card */
static u32 reg[0x20000 / 4];
static u32 p2v[KWL_MAX_POOLS], v2p[KWL_MAX_POOLS];
static u32 fetched[KWL_MAX_POOLS];
static bool unread[KWL_MAX_POOLS];
static u32 served;
static u32 logged;
/* VFs that ask again as soon as they may; and what */
static u8 flooding;
static u32 flood_word[KWL_MAX_POOLS];
/* The work item is to run */
static bool queued;

/* The kernel */

struct mutex *fuzz_lock(struct mutex *lock)
{
	fuzz_check(!lock->held);
	lock->held = 1;
	return lock;
}

void fuzz_unlock(struct mutex *lock)
{
	fuzz_check(lock->held);
	lock->held = 0;
}

void fuzz_lock_held(const struct mutex *lock)
{
	fuzz_check(lock->held);
}

void fuzz_queue(struct delayed_work *work, unsigned long delay)
{
	fuzz_check(work == &pf.sriov.mbx_work);
	/* Who goes on without a rest keeps others from the CPU */
	fuzz_check(delay > 0);
	queued = true;
}

void fuzz_log(const void *dev)
{
	logged++;
}

void *netdev_priv(struct net_device *dev)
{
	return &net;
}

void kwl_hw_check_gone(struct kwl_hw *hw, u32 offset)
{
}

void kpf_vf_refresh_stats(struct kpf_dev *dev, struct kpf_vf *vf)
{
}

void kpf_health_event(struct kpf_dev *dev, enum kpf_health_event event,
		      u16 which)
{
	fuzz_check(event == KPF_HEALTH_VF_SHUT && which < dev->num_vfs);
}

u16 kpf_eswitch_vid_from(const struct kpf_dev *dev, u8 vf)
{
	return 0;
}

u32 kpf_eswitch_vlvf(const struct kpf_dev *dev, int i)
{
	return 0;
}

void kpf_eswitch_vfta(const struct kpf_dev *dev, u32 *words)
{
}

void kpf_fwd_update(struct kpf_dev *dev)
{
}

u32 kpf_fwd_ral(const struct kpf_dev *dev, int i)
{
	return 0;
}

u32 kpf_fwd_rah(const struct kpf_dev *dev, int i)
{
	return 0;
}

void kpf_vf_port_note_rate(struct kpf_dev *dev, u16 num, int mbps)
{
	fuzz_check(num < dev->num_vfs && mbps >= 0);
}

/* The card's mailbox */

static void v2p_write(int vf, u32 val)
{
	if (!(val & KWL_V2P_VFU)) {
		v2p[vf] &= ~KWL_V2P_VFU;
		p2v[vf] &= ~KWL_P2V_VFU;
	} else if (!(v2p[vf] & KWL_V2P_PFU)) {
		v2p[vf] |= KWL_V2P_VFU;
		p2v[vf] |= KWL_P2V_VFU;
	}
	/* Who asks again does without the last answer */
	if (val & (KWL_V2P_REQ | KWL_V2P_ACK))
		unread[vf] = false;
	if (val & KWL_V2P_REQ)
		reg[KWL_MBVFICR / 4] |= KWL_MBVFICR_REQ(vf);
	if (val & KWL_V2P_ACK)
		reg[KWL_MBVFICR / 4] |= KWL_MBVFICR_ACK(vf);
}

static void p2v_write(int vf, u32 val)
{
	if (!(val & KWL_P2V_PFU)) {
		p2v[vf] &= ~KWL_P2V_PFU;
		v2p[vf] &= ~KWL_V2P_PFU;
	} else if (!(p2v[vf] & KWL_P2V_VFU)) {
		p2v[vf] |= KWL_P2V_PFU;
		v2p[vf] |= KWL_V2P_PFU;
	}
	if (val & KWL_P2V_STS) {
		v2p[vf] |= KWL_V2P_PFSTS;
		unread[vf] = true;
	}
	if (val & KWL_P2V_ACK) {
		v2p[vf] |= KWL_V2P_PFACK;
		served++;
	}
	if (!(val & KWL_P2V_PFU)) {
		fetched[vf] = 0;
		if (flooding & BIT(vf)) {
			reg[KWL_VMBMEM(vf, 0) / 4] = flood_word[vf];
			v2p_write(vf, KWL_V2P_REQ | KWL_V2P_ACK);
		}
	}
}

static bool is_within(u32 offset, u32 first, u32 last)
{
	return offset >= first && offset <= last;
}

static bool is_mail(u32 offset)
{
	return is_within(offset, KWL_VMBMEM(0, 0),
			 KWL_VMBMEM(KWL_MAX_POOLS - 1, KWL_MBX_WORDS - 1));
}

static u32 offset_of(const void *addr)
{
	size_t offset = (const char *)addr - (const char *)reg;

	fuzz_check(offset < sizeof(reg) && !(offset % 4));
	/* Slow, so that quotas are felt */
	fuzz_us += ACCESS_US;
	return offset;
}

u32 fuzz_readl(const void *addr)
{
	u32 offset = offset_of(addr);

	/* A read takes the VF's own status bits away from it */
	fuzz_check(!is_within(offset, KWL_VFMAILBOX_OF(0),
			      KWL_VFMAILBOX_OF(KWL_MAX_POOLS - 1)));
	if (is_within(offset, KWL_PFMAILBOX(0),
		      KWL_PFMAILBOX(KWL_MAX_POOLS - 1)))
		return p2v[(offset - KWL_PFMAILBOX(0)) / 4];
	if (is_mail(offset)) {
		int vf = (offset - KWL_VMBMEM(0, 0)) / 0x40;
		u32 bit = BIT(offset / 4 % KWL_MBX_WORDS);

		/* What is read twice can change between check and use */
		fuzz_check(p2v[vf] & KWL_P2V_PFU && !(fetched[vf] & bit));
		fetched[vf] |= bit;
	}
	return reg[offset / 4];
}

void fuzz_writel(u32 val, void *addr)
{
	u32 offset = offset_of(addr);

	if (is_within(offset, KWL_PFMAILBOX(0),
		      KWL_PFMAILBOX(KWL_MAX_POOLS - 1))) {
		p2v_write((offset - KWL_PFMAILBOX(0)) / 4, val);
		return;
	}
	if (offset == KWL_MBVFICR || offset == KWL_VFLRE) {
		reg[offset / 4] &= ~val;
		return;
	}
	if (is_mail(offset)) {
		int vf = (offset - KWL_VMBMEM(0, 0)) / 0x40;

		/* Only into a buffer of ours, and over nothing unread */
		fuzz_check(p2v[vf] & KWL_P2V_PFU);
		/* But after a reset all of it is wiped out */
		if (!val)
			unread[vf] = false;
		fuzz_check(!unread[vf]);
		fuzz_check(!(reg[KWL_MBVFICR / 4] & KWL_MBVFICR_REQ(vf)));
	}
	reg[offset / 4] = val;
}

/* Promises */

static int pools_of_rar(int entry)
{
	return FIELD_GET(KWL_RAH_POOLS, reg[kwl_rah(entry) / 4]);
}

static void addr_of_rar(int entry, u8 *addr)
{
	put_unaligned_le32(reg[kwl_ral(entry) / 4], addr);
	put_unaligned_le16(reg[kwl_rah(entry) / 4], addr + 4);
}

static void check_addr(const struct kpf_vf *vf, const u8 *addr, int *listed)
{
	const struct kpf_vf_admin *admin = &vf->admin;

	fuzz_check(is_valid_ether_addr(addr));
	if (vf->cts && !is_zero_ether_addr(admin->mac) && !admin->trusted)
		fuzz_check(ether_addr_equal(addr, admin->mac));
	if (!ether_addr_equal(addr, vf->req.mac))
		(*listed)++;
}

/* The PF may listen in, but only to an address that nobody else chose */
static void check_shared(int pool, int other, const u8 *addr)
{
	const struct kpf_vf *vf = &vfs[min(pool, other)];

	fuzz_check(max(pool, other) == pf.num_vfs);
	fuzz_check(ether_addr_equal(addr, kpf_vf_granted_mac(vf)));
}

/* Each address has one owner, and each VF no more than its share */
static void check_addrs(void)
{
	int listed[KPF_MAX_VFS] = {};
	u8 addr[ETH_ALEN], other[ETH_ALEN];
	int i, j, pool;

	fuzz_check(pools_of_rar(0) == 1 << pf.num_vfs);
	for (i = 0; i < KWL_RAR_ENTRIES; i++) {
		if (!(reg[kwl_rah(i) / 4] & KWL_RAH_AV))
			continue;
		fuzz_check(hweight8(pools_of_rar(i)) == 1);
		pool = __builtin_ctz(pools_of_rar(i));
		fuzz_check(pool <= pf.num_vfs);
		addr_of_rar(i, addr);
		for (j = 0; j < i; j++) {
			if (!(reg[kwl_rah(j) / 4] & KWL_RAH_AV) ||
			    pools_of_rar(j) == 1 << pool)
				continue;
			addr_of_rar(j, other);
			if (ether_addr_equal(addr, other))
				check_shared(pool, __builtin_ctz(pools_of_rar(j)),
					     addr);
		}
		if (pool < pf.num_vfs)
			check_addr(&vfs[pool], addr, &listed[pool]);
	}
	for (i = 0; i < pf.num_vfs; i++)
		fuzz_check(listed[i] <= kpf_vf_max_addrs(&pf, &vfs[i]));
}

static void check_vlans(const struct kpf_vf *vf)
{
	u16 port_vlan = vf->admin.vlan;
	bool in_port_vlan = false;
	int i, others = 0;
	u32 tag = 0;

	for (i = 0; i < KWL_VLVF_ENTRIES; i++) {
		u32 vlvf = reg[KWL_VLVF(i) / 4];
		u16 vid = FIELD_GET(KWL_VLVF_VID, vlvf);

		if (!(vlvf & KWL_VLVF_EN) ||
		    !(FIELD_GET(KWL_VLVF_POOLS, vlvf) & BIT(vf->num)))
			continue;
		if (port_vlan)
			fuzz_check(vid == port_vlan);
		in_port_vlan |= vid == port_vlan;
		others += vid && vid != port_vlan;
	}
	fuzz_check(!port_vlan || in_port_vlan);
	fuzz_check(others <= KPF_VF_MAX_VLANS);

	if (port_vlan)
		tag = 1u << 30 | vf->admin.qos << 13 | port_vlan;
	fuzz_check(reg[KWL_VMVIR(vf->num) / 4] == tag);
	fuzz_check(!port_vlan ||
		   !(reg[KWL_VMOLR(vf->num) / 4] & KWL_VMOLR_AUPE));
	/* Without this one nothing separates VLANs at all */
	fuzz_check(reg[KWL_RCTL / 4] & KWL_RCTL_VFE);
}

static void check_pool(const struct kpf_vf *vf)
{
	u32 enabled = reg[KWL_VFRE / 4] | reg[KWL_VFTE / 4];
	u32 vmolr = reg[KWL_VMOLR(vf->num) / 4];
	u32 spoof = BIT(vf->num) | BIT(vf->num + 8);

	if (!vf->cts || vf->admin.link_state == IFLA_VF_LINK_STATE_DISABLE)
		fuzz_check(!(enabled & BIT(vf->num)));
	fuzz_check(FIELD_GET(KWL_VMOLR_RLPML, vmolr) <= KWL_MAX_FRAME);
	if (!vf->admin.trusted) {
		fuzz_check(!(vmolr & VMOLR_FORBIDDEN));
		fuzz_check(!((pf.filter.tables.all_groups |
			      pf.filter.vf_promisc) & BIT(vf->num)));
	}
	fuzz_check((reg[KWL_DTXSWC / 4] & spoof) ==
		   (vf->admin.spoofchk ? spoof : 0));
	fuzz_check(kwl_groups_count(&pf.filter.tables.groups[vf->num]) <=
		   KPF_VF_MAX_GROUPS);
}

static void check_all(void)
{
	int i;

	fuzz_check(!pf.sriov.lock.held && !pf.filter.lock.held);
	check_addrs();
	for (i = 0; i < pf.num_vfs; i++) {
		check_vlans(&vfs[i]);
		check_pool(&vfs[i]);
		/* A buffer that the PF never gives back is a dead VF */
		fuzz_check(!(p2v[i] & KWL_P2V_PFU));
	}
}

/* Nothing of what a VF has asked for is there after its reset */
static void check_like_new(const struct kpf_vf *vf)
{
	int i;

	fuzz_check(!vf->cts);
	for (i = 0; i < KWL_RAR_ENTRIES; i++)
		fuzz_check(!(pools_of_rar(i) & BIT(vf->num)));
	for (i = 0; i < KWL_VLVF_ENTRIES; i++) {
		u32 vlvf = reg[KWL_VLVF(i) / 4];
		u16 vid = FIELD_GET(KWL_VLVF_VID, vlvf);

		if (FIELD_GET(KWL_VLVF_POOLS, vlvf) & BIT(vf->num))
			fuzz_check(vid == vf->admin.vlan);
	}
	fuzz_check(!kwl_groups_count(&pf.filter.tables.groups[vf->num]));
	fuzz_check(!(reg[KWL_VMOLR(vf->num) / 4] &
		     (VMOLR_FORBIDDEN | KWL_VMOLR_ROMPE)));
	if (v2p[vf->num] & KWL_V2P_VFU)
		return;
	/* Its mail, too; but it may have been told that it has no session */
	for (i = 0; i < KWL_MBX_WORDS; i++) {
		u32 word = reg[KWL_VMBMEM(vf->num, i) / 4];

		fuzz_check(!word || (!i && word == KWL_MSG_NACK));
	}
}

/* What may happen */

static struct kpf_vf *any_vf(struct fuzz_input *in)
{
	return &vfs[fuzz_u8(in) % pf.num_vfs];
}

/* Also that of another VF which it has not used yet */
static void any_addr(struct fuzz_input *in, u8 *addr)
{
	if (fuzz_u8(in) % 8)
		fuzz_addr(in, addr);
	else
		ether_addr_copy(addr, any_vf(in)->default_mac);
}

static void run_work(void)
{
	u64 floods = pf.sriov.floods;

	served = 0;
	logged = 0;
	queued = false;
	kpf_mbx_work(&pf.sriov.mbx_work.work);
	fuzz_check(served <= MESSAGES_MAX);
	/* No guest writes our log, but for the one line when it is shut off */
	fuzz_check(logged == pf.sriov.floods - floods);
}

/* Anything at all, right or wrong, with or without the buffer */
static void op_raw(struct fuzz_input *in)
{
	int vf = any_vf(in)->num;
	u8 what = fuzz_u8(in);

	if (what & 0x80)
		v2p_write(vf, what & 0x1f);
	else
		reg[KWL_VMBMEM(vf, what % KWL_MBX_WORDS) / 4] = fuzz_u32(in);
}

static void send(struct kpf_vf *vf, const u32 *msg, int words)
{
	int i;

	v2p_write(vf->num, KWL_V2P_VFU);
	for (i = 0; i < words; i++)
		reg[KWL_VMBMEM(vf->num, i) / 4] = msg[i];
	v2p_write(vf->num, KWL_V2P_REQ);
}

static void op_words(struct fuzz_input *in)
{
	struct kpf_vf *vf = any_vf(in);
	int words = fuzz_u8(in) % (KWL_MBX_WORDS + 1);
	u32 msg[KWL_MBX_WORDS];

	fuzz_bytes(in, msg, sizeof(*msg) * words);
	send(vf, msg, words);
}

/* One that may well be granted */
static void op_message(struct fuzz_input *in)
{
	/* With the info that means something, and a little more */
	static const struct {
		u16 id;
		u8 infos;
	} kinds[] = {
		{ KWL_MSG_RESET, 1 },
		{ KWL_MSG_SET_MAC, 4 },
		{ KWL_MSG_SET_MULTICAST, 33 },
		{ KWL_MSG_SET_VLAN, 3 },
		{ KWL_MSG_SET_LPE, 1 },
		{ KWL_MSG_SET_PROMISC, 5 },
		{ KWL_MSG_LIST_ADDRS, 128 },
		{ KWL_MSG_LIST_GROUPS, 128 },
	};
	struct kpf_vf *vf = any_vf(in);
	int kind = fuzz_u8(in) % ARRAY_SIZE(kinds), i;
	u8 info = fuzz_u8(in) % kinds[kind].infos;
	struct kwl_addr list[KWL_MSG_LIST_ADDRS_MAX];
	u32 msg[KWL_MBX_WORDS] = {};

	msg[0] = kinds[kind].id | FIELD_PREP(KWL_MSG_INFO, info);
	switch (kinds[kind].id) {
	case KWL_MSG_RESET:
		if (fuzz_u8(in) & 3)
			msg[KWL_EXT_REQ_WORD] = KWL_EXT_MAGIC | 1;
		break;
	case KWL_MSG_SET_MAC:
		any_addr(in, list[0].octet);
		kwl_msg_put_addr(&msg[1], list[0].octet);
		break;
	case KWL_MSG_SET_VLAN:
		msg[1] = fuzz_vid(fuzz_u8(in) % FUZZ_VLANS);
		break;
	case KWL_MSG_LIST_ADDRS:
		for (i = 0; i < KWL_MSG_LIST_ADDRS_MAX; i++)
			any_addr(in, list[i].octet);
		kwl_msg_put_addrs(&msg[1], list, KWL_MSG_LIST_ADDRS_MAX);
		break;
	default:
		for (i = 1; i < KWL_MBX_WORDS; i++)
			msg[i] = fuzz_u32(in);
	}
	send(vf, msg, ARRAY_SIZE(msg));
	run_work();
	v2p_write(vf->num, KWL_V2P_ACK);
}

static void op_reset(struct fuzz_input *in)
{
	struct kpf_vf *vf = any_vf(in);
	u32 bit = BIT(vf->num);
	bool alone = !(reg[KWL_MBVFICR / 4] & KWL_MBVFICR_REQ(vf->num)) &&
		     !(flooding & bit);

	reg[KWL_VFRE / 4] &= ~bit;
	reg[KWL_VFTE / 4] &= ~bit;
	reg[KWL_VFLRE / 4] |= bit;
	unread[vf->num] = false;
	/* With its last words still to be looked at, or without */
	if (fuzz_u8(in) & 1)
		return;
	run_work();
	if (alone && !(reg[KWL_VFLRE / 4] & bit) && !vf->quota.shut)
		check_like_new(vf);
}

static void op_flood(struct fuzz_input *in)
{
	struct kpf_vf *vf = any_vf(in);

	flooding ^= BIT(vf->num);
	flood_word[vf->num] = fuzz_u8(in) & 7 ? fuzz_u8(in) % 8 : fuzz_u32(in);
	v2p_write(vf->num, KWL_V2P_REQ);
}

static void op_work(struct fuzz_input *in)
{
	run_work();
}

static void op_wait(struct fuzz_input *in)
{
	fuzz_us += 1000 * fuzz_u16(in);
	if (queued)
		run_work();
}

static const int speeds[] = { SPEED_UNKNOWN, 10, 100, SPEED_1000 };

/* The administrator's choices; what is refused changes nothing */
static void op_admin(struct fuzz_input *in)
{
	struct kpf_vf *vf = any_vf(in);
	struct kpf_vf_admin old = vf->admin;
	u8 what = fuzz_u8(in), mac[ETH_ALEN] = {};
	int num = vf->num, err;

	switch (what % 7) {
	case 0:
		if (what & 0x80)
			any_addr(in, mac);
		err = kpf_ndo_set_vf_mac(&netdev, num, mac);
		break;
	case 1:
		err = kpf_ndo_set_vf_vlan(&netdev, num,
					  fuzz_vid(fuzz_u8(in) % FUZZ_VLANS),
					  fuzz_u8(in) % 9, htons(ETH_P_8021Q));
		break;
	case 2:
		err = kpf_ndo_set_vf_trust(&netdev, num, fuzz_u8(in) & 1);
		break;
	case 3:
		err = kpf_ndo_set_vf_spoofchk(&netdev, num, fuzz_u8(in) & 1);
		break;
	case 4:
		err = kpf_ndo_set_vf_link_state(&netdev, num, fuzz_u8(in) % 4);
		break;
	case 5:
		phy.speed = speeds[fuzz_u8(in) % ARRAY_SIZE(speeds)];
		err = kpf_ndo_set_vf_rate(&netdev, num, 0, fuzz_u16(in) % 1100);
		break;
	default:
		err = kpf_ndo_set_vf_mac(&netdev, fuzz_u32(in) | KPF_MAX_VFS,
					 mac);
		fuzz_check(err);
	}
	if (err)
		fuzz_check(!memcmp(&old, &vf->admin, sizeof(old)));
}

/* The PF's own interface */
static void op_own(struct fuzz_input *in)
{
	struct netdev_hw_addr uc[40], mc[8];
	struct netdev_hw_addr_list ucs = { fuzz_u8(in) % 8, uc };
	struct netdev_hw_addr_list mcs = { fuzz_u8(in) % 8, mc };
	u8 what = fuzz_u8(in);
	int i;

	switch (what % 5) {
	case 0:
		/* Now and then more than there is room for */
		if (what & 0x80)
			ucs.count = ARRAY_SIZE(uc);
		for (i = 0; i < ucs.count; i++)
			any_addr(in, uc[i].addr);
		for (i = 0; i < mcs.count; i++)
			fuzz_bytes(in, mc[i].addr, ETH_ALEN);
		kpf_filter_set_rx_mode(&pf, fuzz_u16(in), &ucs, &mcs);
		break;
	case 3:
		any_addr(in, netdev.dev_addr);
		kpf_filter_set_addr(&pf, netdev.dev_addr);
		break;
	case 1:
		i = fuzz_vid(fuzz_u8(in) % FUZZ_VLANS);
		kpf_filter_set_vlan(&pf, i, what & 0x80);
		break;
	case 2:
		kpf_filter_set_vlan_filter(&pf, what & 0x80);
		break;
	default:
		/* As after a reset of the card */
		kpf_filter_replay(&pf);
	}
	/* In the work item, as the interface's locks are others */
	pf.sriov.recheck = true;
	run_work();
}

static void (*const ops[])(struct fuzz_input *in) = {
	op_raw,
	op_words,
	op_message,
	op_message,
	op_message,
	op_message,
	op_reset,
	op_flood,
	op_work,
	op_wait,
	op_admin,
	op_admin,
	op_own,
};

static void start(struct fuzz_input *in)
{
	u8 how = fuzz_u8(in);
	int i, num_vfs = 1 + how % KPF_MAX_VFS;

	memset(&pf, 0, sizeof(pf));
	memset(&net, 0, sizeof(net));
	memset(vfs, 0, sizeof(vfs));
	memset(reg, 0, sizeof(reg));
	memset(p2v, 0, sizeof(p2v));
	memset(v2p, 0, sizeof(v2p));
	memset(fetched, 0, sizeof(fetched));
	memset(unread, 0, sizeof(unread));
	flooding = 0;
	queued = false;
	fuzz_us = 1000000;

	phy.speed = SPEED_1000;
	net.pf = &pf;
	net.netdev = &netdev;
	pf.net = &net;
	pf.hw.regs = reg;
	for (i = 0; i < KPF_MAX_VFS; i++)
		pf.eswitch.gate[i].reg = &reg[KWL_VMOLR(i) / 4];
	pf.link.phy = &phy;
	pf.emulated = how & 0x80;
	memset(pf.perm_addr, 0xaa, ETH_ALEN);
	ether_addr_copy(netdev.dev_addr, pf.perm_addr);
	kpf_filter_init(&pf);
	fuzz_check(!kpf_filter_set_num_vfs(&pf, num_vfs));
	kpf_filter_replay(&pf);

	fuzz_lock(&pf.sriov.lock);
	pf.sriov.vf = vfs;
	for (i = 0; i < num_vfs; i++) {
		vfs[i].num = i;
		vfs[i].admin.spoofchk = true;
		vfs[i].nack_after = jiffies;
		kpf_quota_init(&vfs[i].quota, ktime_to_ms(fuzz_us));
		memset(vfs[i].default_mac, 0xba, ETH_ALEN);
		vfs[i].default_mac[5] = i;
		kpf_vf_forget(&pf, &vfs[i]);
	}
	fuzz_unlock(&pf.sriov.lock);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct fuzz_input in = { data, size };
	int limit = 200;

	start(&in);
	check_all();
	while (fuzz_more(&in) && limit--) {
		ops[fuzz_u8(&in) % ARRAY_SIZE(ops)](&in);
		check_all();
	}
	return 0;
}
