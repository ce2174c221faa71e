/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Advanced receive, transmit and context descriptors of the 82576. The PF and
 * every VF use the same ones.
 */
#ifndef KAWELA_DESC_H
#define KAWELA_DESC_H

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>

#define KWL_DESC_SIZE			16

/**
 * struct kwl_rx_read - receive descriptor as software hands it to the device
 * @pkt_addr: bus address of the packet buffer
 * @hdr_addr: bus address of the header buffer; zero without header split, and
 *	never odd, because the write-back puts DD into its bit 0
 */
struct kwl_rx_read {
	__le64 pkt_addr;
	__le64 hdr_addr;
};

/**
 * struct kwl_rx_wb - receive descriptor as the device writes it back
 * @info: packet type and header length, KWL_RXD_INFO_*
 * @hash: RSS hash when RXCSUM.PCSD is set
 * @status: status and errors, KWL_RXD_*
 * @len: bytes in this buffer
 * @vlan: tag control information when KWL_RXD_VP is set
 */
struct kwl_rx_wb {
	__le32 info;
	__le32 hash;
	__le32 status;
	__le16 len;
	__le16 vlan;
};

static_assert(sizeof(struct kwl_rx_read) == KWL_DESC_SIZE);
static_assert(sizeof(struct kwl_rx_wb) == KWL_DESC_SIZE);

union kwl_rx_desc {
	struct kwl_rx_read read;
	struct kwl_rx_wb wb;
};

static_assert(sizeof(union kwl_rx_desc) == KWL_DESC_SIZE);

#define KWL_RXD_INFO_RSS_TYPE		GENMASK(3, 0)
enum kwl_rss_type {
	KWL_RSS_NONE,
	KWL_RSS_TCP4,
	KWL_RSS_IP4,
	KWL_RSS_TCP6,
	KWL_RSS_IP6_EX,
	KWL_RSS_IP6,
	KWL_RSS_TCP6_EX,
	KWL_RSS_UDP4,
	KWL_RSS_UDP6,
	KWL_RSS_UDP6_EX,
};

#define KWL_RXD_INFO_SCTP		BIT(10)
/* In a frame's first descriptor, if headers are split from data */
#define KWL_RXD_INFO_HDR_LEN		GENMASK(30, 21)

#define KWL_RXD_DD			BIT(0)
#define KWL_RXD_EOP			BIT(1)
#define KWL_RXD_VP			BIT(3)
#define KWL_RXD_UDPCS			BIT(4)
#define KWL_RXD_L4CS			BIT(5)
#define KWL_RXD_IPCS			BIT(6)
#define KWL_RXD_TS			BIT(16)
#define KWL_RXD_LB			BIT(18)
#define KWL_RXD_ERR_L4E			BIT(29)
#define KWL_RXD_ERR_IPE			BIT(30)
#define KWL_RXD_ERR_RXE			BIT(31)

/**
 * struct kwl_tx_data - transmit data descriptor
 * @addr: bus address of the buffer
 * @cmd: buffer length and command, KWL_TXD_*; of the command only the first
 *	descriptor of a frame counts for VLE and TSE
 * @olinfo: payload length and offload options; DD is written back into bit 0
 */
struct kwl_tx_data {
	__le64 addr;
	__le32 cmd;
	__le32 olinfo;
};

/**
 * struct kwl_tx_ctx - transmit context descriptor
 * @vlan_lens: VLAN tag, MAC and IP header length
 * @rsvd: zero; IPsec and launch time are not used
 * @type: KWL_TXC_*
 * @mss_l4len: MSS, L4 header length and context index
 */
struct kwl_tx_ctx {
	__le32 vlan_lens;
	__le32 rsvd;
	__le32 type;
	__le32 mss_l4len;
};

static_assert(sizeof(struct kwl_tx_data) == KWL_DESC_SIZE);
static_assert(sizeof(struct kwl_tx_ctx) == KWL_DESC_SIZE);

union kwl_tx_desc {
	struct kwl_tx_data data;
	struct kwl_tx_ctx ctx;
};

static_assert(sizeof(union kwl_tx_desc) == KWL_DESC_SIZE);

/* kwl_tx_data.cmd */
#define KWL_TXD_LEN			GENMASK(15, 0)
#define KWL_TXD_TSTAMP			BIT(19)
#define KWL_TXD_DTYP			GENMASK(23, 20)
#define  KWL_TXD_DTYP_CTX		2
#define  KWL_TXD_DTYP_DATA		3
#define KWL_TXD_EOP			BIT(24)
#define KWL_TXD_IFCS			BIT(25)
#define KWL_TXD_RS			BIT(27)
#define KWL_TXD_DEXT			BIT(29)
#define KWL_TXD_VLE			BIT(30)
#define KWL_TXD_TSE			BIT(31)
/* What each data descriptor has */
#define KWL_TXD_CMD_DATA		(FIELD_PREP_CONST(KWL_TXD_DTYP,	\
							  KWL_TXD_DTYP_DATA) | \
					 KWL_TXD_DEXT | KWL_TXD_IFCS)
/* kwl_tx_data.olinfo */
#define KWL_TXD_DD			BIT(0)
#define KWL_TXD_IXSM			BIT(8)
#define KWL_TXD_TXSM			BIT(9)
#define KWL_TXD_PAYLEN			GENMASK(31, 14)

/* kwl_tx_ctx.vlan_lens */
#define KWL_TXC_IPLEN			GENMASK(8, 0)
#define KWL_TXC_MACLEN			GENMASK(15, 9)
#define KWL_TXC_VLAN			GENMASK(31, 16)
/* kwl_tx_ctx.type, beside DTYP and DEXT which sit as in a data descriptor */
#define KWL_TXC_IPV4			BIT(10)
#define KWL_TXC_L4T			GENMASK(12, 11)
#define  KWL_TXC_L4T_UDP		0
#define  KWL_TXC_L4T_TCP		1
#define  KWL_TXC_L4T_SCTP		2
/* kwl_tx_ctx.mss_l4len */
#define KWL_TXC_IDX			GENMASK(6, 4)
#define KWL_TXC_L4LEN			GENMASK(15, 8)
#define KWL_TXC_MSS			GENMASK(31, 16)

#endif
