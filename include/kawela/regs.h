/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel 82576 register map as the physical function sees it: byte offsets
 * into BAR 0 with the field masks beneath. Blocks that look the same in a
 * VF's BAR (queues, interrupt control) live in queue_regs.h.
 */
#ifndef KAWELA_REGS_H
#define KAWELA_REGS_H

#include <linux/bits.h>
#include <linux/types.h>

/* Device control */
#define KWL_CTRL			0x0000
#define  KWL_CTRL_FD			BIT(0)
#define  KWL_CTRL_GIO_MASTER_DISABLE	BIT(2)
#define  KWL_CTRL_ASDE			BIT(5)
#define  KWL_CTRL_SLU			BIT(6)
#define  KWL_CTRL_SPEED			GENMASK(9, 8)
#define   KWL_SPEED_10			0	/* as in STATUS */
#define   KWL_SPEED_100			1
#define   KWL_SPEED_1000		2
#define  KWL_CTRL_FRCSPD		BIT(11)
#define  KWL_CTRL_FRCDPX		BIT(12)
#define  KWL_CTRL_ADVD3WUC		BIT(20)
#define  KWL_CTRL_RST			BIT(26)
#define  KWL_CTRL_RFCE			BIT(27)
#define  KWL_CTRL_TFCE			BIT(28)
#define  KWL_CTRL_VME			BIT(30)
#define  KWL_CTRL_PHY_RST		BIT(31)
#define KWL_STATUS			0x0008
#define  KWL_STATUS_FD			BIT(0)
#define  KWL_STATUS_LU			BIT(1)
#define  KWL_STATUS_LAN_ID		GENMASK(3, 2)
#define  KWL_STATUS_SPEED		GENMASK(7, 6)
#define  KWL_STATUS_NUM_VFS		GENMASK(17, 14)
#define  KWL_STATUS_IOV			BIT(18)
#define  KWL_STATUS_GIO_MASTER		BIT(19)
#define KWL_EECD			0x0010
#define  KWL_EECD_PRES			BIT(8)
#define  KWL_EECD_AUTO_RD		BIT(9)
#define KWL_EERD			0x0014
#define  KWL_EERD_START			BIT(0)
#define  KWL_EERD_DONE			BIT(1)
#define  KWL_EERD_ADDR			GENMASK(15, 2)
#define  KWL_EERD_DATA			GENMASK(31, 16)
#define KWL_CTRL_EXT			0x0018
/* Write-one pulse towards the VFs: never carry it through a read-modify-write */
#define  KWL_CTRL_EXT_PFRSTD		BIT(14)
#define  KWL_CTRL_EXT_DRV_LOAD		BIT(28)
#define KWL_MDIC			0x0020
#define  KWL_MDIC_DATA			GENMASK(15, 0)
#define  KWL_MDIC_REG			GENMASK(20, 16)
#define  KWL_MDIC_PHY			GENMASK(25, 21)
#define  KWL_MDIC_OP_WRITE		BIT(26)
#define  KWL_MDIC_OP_READ		BIT(27)
#define  KWL_MDIC_READY			BIT(28)
#define  KWL_MDIC_ERROR			BIT(30)
#define KWL_FCAL			0x0028
#define KWL_FCAH			0x002c
#define KWL_FCT				0x0030
#define KWL_VET				0x0038
#define  KWL_VET_INNER			GENMASK(15, 0)
#define  KWL_VET_OUTER			GENMASK(31, 16)

/* Interrupts other than the per-vector block of queue_regs.h */
#define KWL_ICR				0x00c0
#define KWL_ICS				0x00c8
#define KWL_IMS				0x00d0
#define KWL_IMC				0x00d8
#define KWL_IAM				0x00e0
#define  KWL_ICR_TXDW			BIT(0)
#define  KWL_ICR_LSC			BIT(2)
#define  KWL_ICR_RXDMT0			BIT(4)
#define  KWL_ICR_RXO			BIT(6)
#define  KWL_ICR_RXDW			BIT(7)
#define  KWL_ICR_VMMB			BIT(8)
#define  KWL_ICR_DOUTSYNC		BIT(28)
#define  KWL_ICR_DRSTA			BIT(30)
#define  KWL_ICR_INT_ASSERTED		BIT(31)

/* Receive and transmit control */
#define KWL_RCTL			0x0100
#define  KWL_RCTL_EN			BIT(1)
#define  KWL_RCTL_SBP			BIT(2)
#define  KWL_RCTL_UPE			BIT(3)
#define  KWL_RCTL_MPE			BIT(4)
#define  KWL_RCTL_LPE			BIT(5)
#define  KWL_RCTL_LBM			GENMASK(7, 6)
#define  KWL_RCTL_LBM_MAC		1
#define  KWL_RCTL_BAM			BIT(15)
#define  KWL_RCTL_VFE			BIT(18)
#define  KWL_RCTL_DPF			BIT(22)
#define  KWL_RCTL_PMCF			BIT(23)
#define  KWL_RCTL_SECRC			BIT(26)
#define KWL_FCTTV			0x0170
#define KWL_TCTL			0x0400
#define  KWL_TCTL_EN			BIT(1)
#define  KWL_TCTL_PSP			BIT(3)
#define  KWL_TCTL_CT			GENMASK(11, 4)
#define  KWL_TCTL_COLD			GENMASK(21, 12)
#define  KWL_TCTL_RTLC			BIT(24)
#define KWL_LEDCTL			0x0e00
/* Each of four LEDs has a byte, with its mode in the low half */
#define  KWL_LEDCTL_ALL_ON		0x0e0e0e0e
#define  KWL_LEDCTL_ALL_OFF		0x0f0f0f0f
#define KWL_FCRTL			0x2160
#define  KWL_FCRTL_XONE			BIT(31)
#define KWL_FCRTH			0x2168
#define KWL_RXPBS			0x2404
#define  KWL_RXPBS_KIB			GENMASK(6, 0)
#define KWL_QDE				0x2408
#define KWL_FCRTV			0x2460
#define KWL_TXPBS			0x3404
#define KWL_DTXSWC			0x3500
#define  KWL_DTXSWC_MACAS		GENMASK(7, 0)
#define  KWL_DTXSWC_VLANAS		GENMASK(15, 8)
#define  KWL_DTXSWC_LOOPBACK		BIT(31)
#define KWL_DTXCTL			0x3590
#define  KWL_DTXCTL_8023LL		BIT(2)
#define  KWL_DTXCTL_VLAN_ADDED		BIT(3)
#define KWL_RTTDQSEL			0x3604
#define KWL_RTTBCNRM			0x3690
#define  KWL_RTTBCNRM_JUMBO		0x14
#define KWL_RTTBCNRC			0x36b0
#define  KWL_RTTBCNRC_FACTOR		GENMASK(27, 0)	/* 14 bits of fraction */
#define  KWL_RTTBCNRC_FRACTION		14
#define  KWL_RTTBCNRC_ENABLE		BIT(31)
#define KWL_VMVIR(pool)			(0x3700 + 4 * (pool))
#define  KWL_VMVIR_TAG			GENMASK(15, 0)
#define  KWL_VMVIR_MODE			GENMASK(31, 30)
#define  KWL_VMVIR_MODE_ALWAYS		1

/* Port statistics, all clear on read; KWL_*L/H pairs hold 64 bits */
#define KWL_CRCERRS			0x4000
#define KWL_ALGNERRC			0x4004
#define KWL_SYMERRS			0x4008
#define KWL_RXERRC			0x400c
#define KWL_MPC				0x4010
#define KWL_SCC				0x4014
#define KWL_ECOL			0x4018
#define KWL_MCC				0x401c
#define KWL_LATECOL			0x4020
#define KWL_COLC			0x4028
#define KWL_DC				0x4030
#define KWL_TNCRS			0x4034
#define KWL_RLEC			0x4040
#define KWL_XONRXC			0x4048
#define KWL_XONTXC			0x404c
#define KWL_XOFFRXC			0x4050
#define KWL_XOFFTXC			0x4054
#define KWL_FCRUC			0x4058
#define KWL_PRC64			0x405c
#define KWL_PRC127			0x4060
#define KWL_PRC255			0x4064
#define KWL_PRC511			0x4068
#define KWL_PRC1023			0x406c
#define KWL_PRC1522			0x4070
#define KWL_GPRC			0x4074
#define KWL_BPRC			0x4078
#define KWL_MPRC			0x407c
#define KWL_GPTC			0x4080
#define KWL_GORCL			0x4088
#define KWL_GOTCL			0x4090
#define KWL_RNBC			0x40a0
#define KWL_RUC				0x40a4
#define KWL_RFC				0x40a8
#define KWL_ROC				0x40ac
#define KWL_RJC				0x40b0
#define KWL_MGTPRC			0x40b4
#define KWL_MGTPDC			0x40b8
#define KWL_MGTPTC			0x40bc
#define KWL_TORL			0x40c0
#define KWL_TOTL			0x40c8
#define KWL_TPR				0x40d0
#define KWL_TPT				0x40d4
#define KWL_PTC64			0x40d8
#define KWL_PTC127			0x40dc
#define KWL_PTC255			0x40e0
#define KWL_PTC511			0x40e4
#define KWL_PTC1023			0x40e8
#define KWL_PTC1522			0x40ec
#define KWL_MPTC			0x40f0
#define KWL_BPTC			0x40f4
#define KWL_TSCTC			0x40f8
#define KWL_TSCTFC			0x40fc
#define KWL_RPTHC			0x4104
#define KWL_HGPTC			0x4118
#define KWL_LENERRS			0x4138

/* Receive filtering */
#define KWL_RXCSUM			0x5000
#define  KWL_RXCSUM_IPOFLD		BIT(8)
#define  KWL_RXCSUM_TUOFLD		BIT(9)
#define  KWL_RXCSUM_CRCOFL		BIT(11)
#define  KWL_RXCSUM_PCSD		BIT(13)
#define KWL_RLPML			0x5004
#define KWL_RFCTL			0x5008
#define KWL_MTA(i)			(0x5200 + 4 * (i))
#define  KWL_MTA_WORDS			128
/* Receive addresses: 16 entries in one place, 8 in another; see kwl_ral() */
#define KWL_RA(i)			(0x5400 + 8 * (i))
#define  KWL_RA_ENTRIES			16
#define KWL_RA2(i)			(0x54e0 + 8 * (i))
#define  KWL_RA2_ENTRIES		8
#define  KWL_RAH_ADDR			GENMASK(15, 0)
#define  KWL_RAH_POOLS			GENMASK(25, 18)
#define  KWL_RAH_AV			BIT(31)
#define  KWL_RAR_ENTRIES		(KWL_RA_ENTRIES + KWL_RA2_ENTRIES)
#define KWL_VFTA(i)			(0x5600 + 4 * (i))
#define  KWL_VFTA_WORDS			128
#define KWL_MRQC			0x5818
#define  KWL_MRQC_MODE			GENMASK(2, 0)
#define  KWL_MRQC_MODE_RSS		2
#define  KWL_MRQC_MODE_VMDQ		3
#define  KWL_MRQC_TCP4			BIT(16)
#define  KWL_MRQC_IP4			BIT(17)
#define  KWL_MRQC_TCP6EX		BIT(18)
#define  KWL_MRQC_IP6EX			BIT(19)
#define  KWL_MRQC_IP6			BIT(20)
#define  KWL_MRQC_TCP6			BIT(21)
#define  KWL_MRQC_UDP4			BIT(22)
#define  KWL_MRQC_UDP6			BIT(23)
#define  KWL_MRQC_UDP6EX		BIT(24)
#define KWL_VT_CTL			0x581c
#define  KWL_VT_CTL_DEFAULT_POOL	GENMASK(9, 7)
#define  KWL_VT_CTL_DIS_DEF_POOL	BIT(29)
#define  KWL_VT_CTL_REPLICATION		BIT(30)
#define KWL_VMOLR(pool)			(0x5ad0 + 4 * (pool))
#define  KWL_VMOLR_RLPML		GENMASK(13, 0)
#define  KWL_VMOLR_LPE			BIT(16)
#define  KWL_VMOLR_AUPE			BIT(24)	/* untagged */
#define  KWL_VMOLR_ROMPE		BIT(25)	/* hits in MTA */
#define  KWL_VMOLR_ROPE			BIT(26)	/* hits in UTA */
#define  KWL_VMOLR_BAM			BIT(27)	/* broadcast */
#define  KWL_VMOLR_MPME			BIT(28)	/* all multicast */
#define  KWL_VMOLR_STRVLAN		BIT(30)
#define  KWL_VMOLR_STRCRC		BIT(31)
#define KWL_RPLOLR			0x5af0
#define  KWL_RPLOLR_STRVLAN		BIT(30)
#define  KWL_RPLOLR_STRCRC		BIT(31)
#define KWL_RETA(i)			(0x5c00 + 4 * (i))
#define  KWL_RETA_ENTRIES		128
#define KWL_RSSRK(i)			(0x5c80 + 4 * (i))
#define  KWL_RSSRK_BYTES		40
#define KWL_VLVF(i)			(0x5d00 + 4 * (i))
#define  KWL_VLVF_ENTRIES		32
#define  KWL_VLVF_VID			GENMASK(11, 0)
#define  KWL_VLVF_POOLS			GENMASK(19, 12)
#define  KWL_VLVF_LVLAN			BIT(20)	/* never on the wire */
#define  KWL_VLVF_EN			BIT(31)
#define KWL_UTA(i)			(0xa000 + 4 * (i))
#define  KWL_UTA_WORDS			128

/*
 * Filters that mark frames for stamping or lead them to a queue, by EtherType
 * and by five-tuple. Addresses and ports are in network order, and a set BYPASS
 * bit leaves its field out.
 */
#define KWL_SAQF(i)			(0x5980 + 4 * (i))
#define KWL_DAQF(i)			(0x59a0 + 4 * (i))
#define KWL_SPQF(i)			(0x59c0 + 4 * (i))
#define KWL_FTQF(i)			(0x59e0 + 4 * (i))
#define  KWL_FTQF_PROTO			GENMASK(7, 0)
#define  KWL_FTQF_QUEUE_ENABLE		BIT(8)
#define  KWL_FTQF_POOL_BYPASS		BIT(15)
#define  KWL_FTQF_QUEUE			GENMASK(19, 16)
#define  KWL_FTQF_1588			BIT(27)
#define  KWL_FTQF_PROTO_BYPASS		BIT(28)
#define  KWL_FTQF_SADDR_BYPASS		BIT(29)
#define  KWL_FTQF_DADDR_BYPASS		BIT(30)
#define  KWL_FTQF_SPORT_BYPASS		BIT(31)
#define  KWL_FTQF_OFF			GENMASK(31, 28)	/* nothing to compare, nothing to do */
#define KWL_IMIR(i)			(0x5a80 + 4 * (i))
#define  KWL_IMIR_DPORT			GENMASK(15, 0)
#define  KWL_IMIR_DPORT_BYPASS		BIT(17)
#define KWL_IMIREXT(i)			(0x5aa0 + 4 * (i))
#define  KWL_IMIREXT_SIZE_BYPASS	BIT(12)
#define  KWL_IMIREXT_CTRL_BYPASS	BIT(19)
#define KWL_ETQF(i)			(0x5cb0 + 4 * (i))
#define  KWL_ETQF_TYPE			GENMASK(15, 0)
#define  KWL_ETQF_QUEUE			GENMASK(18, 16)
#define  KWL_ETQF_ENABLE		BIT(26)
#define  KWL_ETQF_1588			BIT(30)
#define  KWL_ETQF_QUEUE_ENABLE		BIT(31)
#define  KWL_FILTERS			8

/* Clock and time stamps; of a pair, the low half is read first */
#define KWL_TSYNCRXCFG			0x5f50
#define  KWL_TSYNCRXCFG_V1_CONTROL	GENMASK(7, 0)
#define  KWL_TSYNCRXCFG_V2_MESSAGE	GENMASK(15, 8)
#define KWL_SYSTIML			0xb600
#define KWL_SYSTIMH			0xb604
#define KWL_TIMINCA			0xb608
#define  KWL_TIMINCA_INCREMENT		GENMASK(23, 0)
#define  KWL_TIMINCA_PERIOD		GENMASK(31, 24)	/* 16 ns */
#define   KWL_TIMINCA_PERIOD_NS		16
#define KWL_TSYNCTXCTL			0xb614
#define  KWL_TSYNCTXCTL_VALID		BIT(0)
#define  KWL_TSYNCTXCTL_ENABLE		BIT(4)
#define KWL_TXSTMPL			0xb618
#define KWL_TXSTMPH			0xb61c
#define KWL_TSYNCRXCTL			0xb620
#define  KWL_TSYNCRXCTL_VALID		BIT(0)
#define  KWL_TSYNCRXCTL_TYPE		GENMASK(3, 1)
#define   KWL_TSYNCRXCTL_TYPE_L2_V2	0
#define   KWL_TSYNCRXCTL_TYPE_L4_V1	1
#define   KWL_TSYNCRXCTL_TYPE_EVENT_V2	5
#define  KWL_TSYNCRXCTL_ENABLE		BIT(4)
#define KWL_RXSTMPL			0xb624
#define KWL_RXSTMPH			0xb628
#define KWL_RXSATRL			0xb62c
#define KWL_RXSATRH			0xb630

/* Wake-up, firmware and semaphores */
#define KWL_WUC				0x5800
#define  KWL_WUC_PME_EN			BIT(1)
#define KWL_WUFC			0x5808
#define  KWL_WUFC_LNKC			BIT(0)	/* the link changes */
#define  KWL_WUFC_MAG			BIT(1)	/* magic packet */
#define  KWL_WUFC_EX			BIT(2)	/* own address */
#define  KWL_WUFC_MC			BIT(3)
#define  KWL_WUFC_BC			BIT(4)
#define KWL_WUS				0x5810
#define KWL_MANC			0x5820
#define KWL_GCR				0x5b00
#define KWL_SWSM			0x5b50
#define  KWL_SWSM_SMBI			BIT(0)
#define  KWL_SWSM_SWESMBI		BIT(1)
#define KWL_FWSM			0x5b54
#define KWL_SW_FW_SYNC			0x5b5c
#define  KWL_SW_FW_SYNC_PHY(port)	BIT((port) ? 2 : 1)
#define  KWL_SW_FW_SYNC_FW(mask)	((mask) << 16)
#define KWL_PBACLR			0x5b68

/* Mailbox, PF side, and VF enables */
/* Counters of a VF: 32 bits, free running, not cleared on read */
#define KWL_PVFGPRC(vf)			(0x10010 + 0x100 * (vf))
#define KWL_PVFGPTC(vf)			(0x10014 + 0x100 * (vf))
#define KWL_PVFGORC(vf)			(0x10018 + 0x100 * (vf))
#define KWL_PVFGOTC(vf)			(0x10034 + 0x100 * (vf))
#define KWL_PVFMPRC(vf)			(0x1003c + 0x100 * (vf))
#define KWL_VFRE			0x0c8c
#define KWL_VFTE			0x0c90
#define KWL_VMBMEM(vf, i)		(0x0800 + 0x40 * (vf) + 4 * (i))
#define KWL_PFMAILBOX(vf)		(0x0c00 + 4 * (vf))
/* Reading this one clears the VF's own status bits: never touch it */
#define KWL_VFMAILBOX_OF(vf)		(0x0c40 + 4 * (vf))
#define KWL_MBVFICR			0x0c80
#define  KWL_MBVFICR_REQ(vf)		BIT(vf)
#define  KWL_MBVFICR_ACK(vf)		BIT(16 + (vf))
#define KWL_MBVFIMR			0x0c84
#define KWL_VFLRE			0x0c88

/* NVM words, 16 bit each */
#define KWL_NVM_VERSION_WORD		0x05
#define  KWL_NVM_VERSION_MAJOR		GENMASK(15, 12)
#define  KWL_NVM_VERSION_MINOR		GENMASK(11, 4)
#define KWL_NVM_PBA_WORD		0x08
#define  KWL_NVM_PBA_IS_STRING		0xfafa
#define KWL_NVM_CTRL3_PORT_B		0x14
#define KWL_NVM_CTRL3_PORT_A		0x24
#define  KWL_NVM_CTRL3_APME		BIT(10)
#define KWL_NVM_CHECKSUM_WORDS		0x40
#define KWL_NVM_CHECKSUM		0xbaba
#define KWL_NVM_WORDS			1024

/* Sizes of the chip */
#define KWL_MAX_QUEUES			16
#define KWL_MAX_POOLS			8
#define KWL_PF_MAX_VECTORS		10
/* The VFs' are the upper ones */
#define KWL_MAX_VECTORS			25
#define KWL_MAX_FRAME			0x2600	/* 9728 bytes with the CRC */
#define KWL_PHY_ADDR			1

/* Low half of receive address @i, counted through both places */
static inline u32 kwl_ral(unsigned int i)
{
	return i < KWL_RA_ENTRIES ? KWL_RA(i) : KWL_RA2(i - KWL_RA_ENTRIES);
}

static inline u32 kwl_rah(unsigned int i)
{
	return kwl_ral(i) + 4;
}

#endif
