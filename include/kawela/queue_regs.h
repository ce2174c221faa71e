/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register blocks that are laid out the same in the PF's and a VF's BAR 0.
 *
 * A queue's registers keep their relative order wherever the block starts, so
 * a ring holds one pointer to the start of its block and the data path never
 * learns whose queue it drives. The interrupt block even has the same
 * absolute offsets in both BARs.
 */
#ifndef KAWELA_QUEUE_REGS_H
#define KAWELA_QUEUE_REGS_H

#include <linux/bits.h>

/* Start of the block of queue q: PF BAR, all 16 queues */
#define KWL_PF_RXQ(q)			(0xc000 + 0x40 * (q))
#define KWL_PF_TXQ(q)			(0xe000 + 0x40 * (q))
/* Start of the block of queue q: VF BAR, 2 queues */
#define KWL_VF_RXQ(q)			(0x2800 + 0x100 * (q))
#define KWL_VF_TXQ(q)			(0x3800 + 0x100 * (q))

/* Receive queue, relative to its block */
#define KWL_RDBAL			0x00
#define KWL_RDBAH			0x04
#define KWL_RDLEN			0x08
#define KWL_SRRCTL			0x0c
#define  KWL_SRRCTL_BSIZEPKT		GENMASK(6, 0)	/* KiB */
#define  KWL_SRRCTL_BSIZEHDR		GENMASK(11, 8)	/* 64 bytes */
#define  KWL_SRRCTL_DESCTYPE		GENMASK(27, 25)
#define  KWL_SRRCTL_DESCTYPE_ONEBUF	1
#define  KWL_SRRCTL_DESCTYPE_SPLIT	5	/* always use header buffer */
#define  KWL_SRRCTL_DROP_EN		BIT(31)
#define KWL_RDH				0x10
#define KWL_RXCTL			0x14
#define KWL_RDT				0x18
#define KWL_RXDCTL			0x28
#define  KWL_RXDCTL_PTHRESH		GENMASK(4, 0)
#define  KWL_RXDCTL_HTHRESH		GENMASK(12, 8)
#define  KWL_RXDCTL_WTHRESH		GENMASK(20, 16)
#define  KWL_RXDCTL_ENABLE		BIT(25)
#define KWL_RQDPC			0x30	/* clears on read */
#define  KWL_RQDPC_COUNT		GENMASK(11, 0)

/* Which headers are split from data: by pool, so queues q and q + 8 share one */
#define KWL_PF_PSRTYPE(q)		(0x5480 + 4 * ((q) % 8))
#define KWL_VF_PSRTYPE			0x0f0c
#define  KWL_PSRTYPE_IP4_TCP		BIT(2)
#define  KWL_PSRTYPE_IP4_UDP		BIT(3)
#define  KWL_PSRTYPE_IP6_TCP		BIT(8)
#define  KWL_PSRTYPE_IP6_UDP		BIT(9)

/* Transmit queue, relative to its block */
#define KWL_TDBAL			0x00
#define KWL_TDBAH			0x04
#define KWL_TDLEN			0x08
#define KWL_TDH				0x10
#define KWL_TXCTL			0x14
#define KWL_TDT				0x18
#define KWL_TXDCTL			0x28
#define  KWL_TXDCTL_PTHRESH		GENMASK(4, 0)
#define  KWL_TXDCTL_HTHRESH		GENMASK(12, 8)
#define  KWL_TXDCTL_WTHRESH		GENMASK(20, 16)
#define  KWL_TXDCTL_ENABLE		BIT(25)
#define KWL_TDWBAL			0x38
#define KWL_TDWBAH			0x3c

/* Interrupt vectors, same offset in both BARs */
#define KWL_GPIE			0x1514	/* PF only */
#define  KWL_GPIE_NSICR			BIT(0)
#define  KWL_GPIE_MSIX			BIT(4)
#define  KWL_GPIE_EIAME			BIT(30)
#define  KWL_GPIE_PBA			BIT(31)
#define KWL_EICS			0x1520
#define KWL_EIMS			0x1524
#define KWL_EIMC			0x1528
#define KWL_EIAC			0x152c
#define KWL_EIAM			0x1530
#define KWL_EICR			0x1580
#define KWL_EITR(vec)			(0x1680 + 4 * (vec))
#define  KWL_EITR_INTERVAL		GENMASK(14, 2)	/* microseconds */
#define  KWL_EITR_CNT_IGNORE		BIT(31)
#define KWL_IVAR(i)			(0x1700 + 4 * (i))
#define  KWL_IVAR_RX			GENMASK(7, 0)
#define  KWL_IVAR_TX			GENMASK(15, 8)
#define KWL_IVAR_MISC			0x1740
#define  KWL_IVAR_MISC_OTHER		GENMASK(15, 8)	/* PF only */
/* One entry: a byte of the above */
#define  KWL_IVAR_VALID			BIT(7)
#define  KWL_IVAR_VECTOR		GENMASK(4, 0)

#endif
