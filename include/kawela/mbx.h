/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between PF and VF: the format that the in-tree igb, igbvf and DPDK
 * speak. Sixteen 32-bit words per VF, shared by both directions; word 0 is the
 * header. Words travel as CPU integers through MMIO, addresses as bytes in
 * memory order.
 */
#ifndef KAWELA_MBX_H
#define KAWELA_MBX_H

#include <linux/bits.h>
#include <linux/if_ether.h>
#include <linux/types.h>

#define KWL_MBX_WORDS			16

/* Word 0 */
#define KWL_MSG_ID			GENMASK(15, 0)
#define KWL_MSG_INFO			GENMASK(23, 16)
#define KWL_MSG_CTS			BIT(29)
#define KWL_MSG_NACK			BIT(30)
#define KWL_MSG_ACK			BIT(31)

/* VF to PF */
#define KWL_MSG_RESET			0x0001
/*
 * Words by which kawela's two drivers know each other. They travel where
 * others neither write nor read: a VF adds one to its RESET, with the newest
 * version it speaks, and only a PF that understands it adds some to its
 * answer: the version both speak, state, and what the VF may have.
 */
#define  KWL_EXT_REQ_WORD		1
#define  KWL_EXT_REPLY_WORD		3
#define  KWL_EXT_STATE_WORD		4
#define  KWL_EXT_LIMITS_WORD		5
#define  KWL_EXT_REPLY_WORDS		6
#define  KWL_EXT_MAGIC			0x4b570000
#define  KWL_EXT_VERSION		GENMASK(15, 0)
#define  KWL_EXT_NEWEST			1
/* Of KWL_EXT_LIMITS_WORD: longest frame, list entries, groups */
#define  KWL_EXT_MAX_FRAME		GENMASK(13, 0)
#define  KWL_EXT_MAX_ADDRS		GENMASK(19, 14)
#define  KWL_EXT_MAX_GROUPS		GENMASK(31, 20)
#define KWL_MSG_SET_MAC			0x0002
#define  KWL_MSG_SET_MAC_PRIMARY	0
#define  KWL_MSG_SET_MAC_CLEAR		1
#define  KWL_MSG_SET_MAC_ADD		2
#define KWL_MSG_SET_MULTICAST		0x0003
#define  KWL_MSG_MULTICAST_MAX		30
#define  KWL_MSG_MULTICAST_OVERFLOW	BIT(7)	/* DPDK only */
#define  KWL_MSG_MULTICAST_HASH		0xfff	/* half a word each */
#define KWL_MSG_SET_VLAN		0x0004
#define KWL_MSG_SET_LPE			0x0005
#define KWL_MSG_SET_PROMISC		0x0006
#define  KWL_MSG_PROMISC_UNICAST	BIT(0)
#define  KWL_MSG_PROMISC_MULTICAST	BIT(1)

/*
 * Extension: whole lists, in as many messages as they take. The first one
 * starts a new list, the last one puts it in force, all of it or nothing.
 */
#define KWL_MSG_LIST_ADDRS		0x0080
#define  KWL_MSG_LIST_ADDRS_MAX		10	/* one byte after the other */
#define KWL_MSG_LIST_GROUPS		0x0081
#define  KWL_MSG_LIST_COUNT		GENMASK(4, 0)	/* these are of INFO */
#define  KWL_MSG_LIST_FIRST		BIT(5)
#define  KWL_MSG_LIST_LAST		BIT(6)

/* Extension: why a request was refused, in the word after a NACK */
#define KWL_MSG_REASON_WORD		1
#define  KWL_REASON_NOT_ALLOWED		0
#define  KWL_REASON_NO_ROOM		1
#define  KWL_REASON_TAKEN		2

/* PF to VF */
#define KWL_MSG_CONTROL			0x0100
/* Info, and KWL_EXT_STATE_WORD; only to a VF that speaks the extension */
#define  KWL_STATE_LINK_DOWN		BIT(0)
#define  KWL_STATE_RENEW		BIT(1)	/* say hello again */
#define  KWL_STATE_NEW_MAC		BIT(2)	/* and take the address */
#define  KWL_STATE_LINK_UP		BIT(3)	/* even if the port has none */
#define  KWL_STATE_TRUSTED		BIT(4)	/* promiscuity may be asked for */
#define  KWL_STATE_SOFT_TAGS		BIT(5)	/* the card's tags are the PF's */
#define  KWL_STATE_RING_AGAIN		BIT(6)	/* a doorbell may be missed */
/* In the answer to RESET alone */
#define  KWL_STATE_ADMIN_MAC		BIT(8)	/* whose address it is */

/* PFMAILBOX */
#define KWL_P2V_STS			BIT(0)
#define KWL_P2V_ACK			BIT(1)
#define KWL_P2V_VFU			BIT(2)
#define KWL_P2V_PFU			BIT(3)
#define KWL_P2V_RVFU			BIT(4)

/* VFMAILBOX */
#define KWL_V2P_REQ			BIT(0)
#define KWL_V2P_ACK			BIT(1)
#define KWL_V2P_VFU			BIT(2)
#define KWL_V2P_PFU			BIT(3)
#define KWL_V2P_PFSTS			BIT(4)
#define KWL_V2P_PFACK			BIT(5)
#define KWL_V2P_RSTI			BIT(6)
#define KWL_V2P_RSTD			BIT(7)
#define KWL_V2P_READ_CLEAR		(KWL_V2P_PFSTS | KWL_V2P_PFACK | \
					 KWL_V2P_RSTD)

/* An address in a list */
struct kwl_addr {
	u8 octet[ETH_ALEN] __aligned(2);
};

#define KWL_GROUPS_WORDS		128

/**
 * struct kwl_groups - a set of multicast groups, as the card knows them
 * @word: a bit for each of 4096 hashes
 */
struct kwl_groups {
	u32 word[KWL_GROUPS_WORDS];
};

/* msg.c */
u16 kwl_group_hash(const u8 *addr);
void kwl_groups_add(struct kwl_groups *groups, u16 hash);
unsigned int kwl_groups_count(const struct kwl_groups *groups);
void kwl_msg_put_addr(u32 *words, const u8 *addr);
void kwl_msg_get_addr(const u32 *words, u8 *addr);
void kwl_msg_put_addrs(u32 *words, const struct kwl_addr *list,
		       unsigned int count);
void kwl_msg_get_addrs(const u32 *words, struct kwl_addr *list,
		       unsigned int count);
unsigned int kwl_msg_put_groups(u32 *words, const struct kwl_groups *groups,
				unsigned int *next);
void kwl_msg_get_groups(const u32 *words, struct kwl_groups *groups,
			unsigned int count);

#endif
