/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers that only a VF's BAR 0 has, or has elsewhere than the PF's. Queue
 * and interrupt blocks are in queue_regs.h, STATUS sits where the PF has it.
 */
#ifndef KAWELA_VF_REGS_H
#define KAWELA_VF_REGS_H

#include <linux/bits.h>

#define KWL_VTCTRL			0x0000
#define  KWL_VTCTRL_RST			BIT(26)
#define KWL_VF_VMBMEM(i)		(0x0800 + 4 * (i))
#define KWL_V2PMAILBOX			0x0c40
#define KWL_VTIVAR			0x1700
#define  KWL_VTIVAR_RX0			GENMASK(7, 0)
#define  KWL_VTIVAR_TX0			GENMASK(15, 8)
#define KWL_VTIVAR_MISC			0x1740
#define  KWL_VTIVAR_MISC_MBX		GENMASK(7, 0)

/* Free running 32-bit counters: not cleared on read, kept over a VF reset */
#define KWL_VFGPRC			0x0f10
#define KWL_VFGPTC			0x0f14
#define KWL_VFGORC			0x0f18
#define KWL_VFGOTC			0x0f34
#define KWL_VFMPRC			0x0f3c
/* The same, of frames that have not left the card */
#define KWL_VFGPRLBC			0x0f40
#define KWL_VFGPTLBC			0x0f44
#define KWL_VFGORLBC			0x0f48
#define KWL_VFGOTLBC			0x0f50

#endif
