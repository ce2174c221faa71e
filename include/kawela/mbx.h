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
 * others neither write nor read: a VF adds one to its RESET, and only a PF
 * that understands it adds two to its answer, version and state.
 */
#define  KWL_EXT_REQ_WORD		1
#define  KWL_EXT_REPLY_WORD		3
#define  KWL_EXT_STATE_WORD		4
#define  KWL_EXT_REPLY_WORDS		5
#define  KWL_EXT_MAGIC			0x4b570001	/* version 1 */
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

/* PF to VF */
#define KWL_MSG_CONTROL			0x0100
/* Info, and KWL_EXT_STATE_WORD; only to a VF that speaks the extension */
#define  KWL_STATE_LINK_DOWN		BIT(0)
#define  KWL_STATE_RENEW		BIT(1)	/* say hello again */
#define  KWL_STATE_NEW_MAC		BIT(2)	/* and take the address */
#define  KWL_STATE_LINK_UP		BIT(3)	/* even if the port has none */

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

#endif
