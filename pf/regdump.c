// SPDX-License-Identifier: GPL-2.0-only
/*
 * Register dump: the sections below, one after the other, each register as its
 * offset and its value. Registers whose read changes something are not in it:
 * causes, clear-on-read counters, semaphores and the VFs' mailbox words.
 */
#include "kpf.h"

/**
 * struct kpf_section - registers in a row
 * @first: offset of the first one
 * @count: how many
 * @stride: bytes from one to the next
 */
struct kpf_section {
	u32 first;
	u16 count;
	u16 stride;
};

static const struct kpf_section kpf_sections[] = {
	{ KWL_CTRL, 1, 4 },
	{ KWL_STATUS, 1, 4 },
	{ KWL_EECD, 1, 4 },
	{ KWL_CTRL_EXT, 1, 4 },
	{ KWL_VET, 1, 4 },
	{ KWL_IMS, 1, 4 },
	{ KWL_RCTL, 1, 4 },
	{ KWL_TCTL, 1, 4 },
	{ KWL_LEDCTL, 1, 4 },
	{ KWL_GPIE, 1, 4 },
	{ KWL_EIMS, 1, 4 },
	{ KWL_EIAC, 1, 4 },
	{ KWL_EIAM, 1, 4 },
	{ KWL_EITR(0), KWL_MAX_VECTORS, 4 },
	{ KWL_IVAR(0), 8, 4 },
	{ KWL_IVAR_MISC, 1, 4 },
	{ KWL_FCRTL, 1, 4 },
	{ KWL_FCRTH, 1, 4 },
	{ KWL_RXPBS, 1, 4 },
	{ KWL_QDE, 1, 4 },
	{ KWL_TXPBS, 1, 4 },
	{ KWL_DTXSWC, 1, 4 },
	{ KWL_DTXCTL, 1, 4 },
	{ KWL_RXCSUM, 1, 4 },
	{ KWL_RLPML, 1, 4 },
	{ KWL_RFCTL, 1, 4 },
	{ KWL_MTA(0), KWL_MTA_WORDS, 4 },
	{ KWL_RA(0), 2 * KWL_RA_ENTRIES, 4 },
	{ KWL_RA2(0), 2 * KWL_RA2_ENTRIES, 4 },
	{ KWL_VFTA(0), KWL_VFTA_WORDS, 4 },
	{ KWL_PF_PSRTYPE(0), KWL_MAX_POOLS, 4 },
	{ KWL_MRQC, 1, 4 },
	{ KWL_VT_CTL, 1, 4 },
	{ KWL_VMVIR(0), KWL_MAX_POOLS, 4 },
	{ KWL_VMOLR(0), KWL_MAX_POOLS, 4 },
	{ KWL_SAQF(0), KWL_FILTERS, 4 },
	{ KWL_DAQF(0), KWL_FILTERS, 4 },
	{ KWL_SPQF(0), KWL_FILTERS, 4 },
	{ KWL_FTQF(0), KWL_FILTERS, 4 },
	{ KWL_IMIR(0), KWL_FILTERS, 4 },
	{ KWL_IMIREXT(0), KWL_FILTERS, 4 },
	{ KWL_RETA(0), KWL_RETA_ENTRIES / 4, 4 },
	{ KWL_ETQF(0), KWL_FILTERS, 4 },
	{ KWL_VLVF(0), KWL_VLVF_ENTRIES, 4 },
	{ KWL_VFRE, 1, 4 },
	{ KWL_VFTE, 1, 4 },
	{ KWL_PF_RXQ(0) + KWL_RDLEN, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_RXQ(0) + KWL_SRRCTL, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_RXQ(0) + KWL_RDH, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_RXQ(0) + KWL_RDT, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_RXQ(0) + KWL_RXDCTL, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_TXQ(0) + KWL_TDLEN, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_TXQ(0) + KWL_TDH, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_TXQ(0) + KWL_TDT, KWL_MAX_QUEUES, 0x40 },
	{ KWL_PF_TXQ(0) + KWL_TXDCTL, KWL_MAX_QUEUES, 0x40 },
};

/* Size of the dump in bytes: each register with its offset in front */
int kpf_regdump_len(void)
{
	int words = 0, i;

	for (i = 0; i < ARRAY_SIZE(kpf_sections); i++)
		words += 2 * kpf_sections[i].count;
	return words * sizeof(u32);
}

/* Offset and value of each register in turn, so the dump explains itself */
void kpf_regdump(struct kpf_dev *pf, u32 *buf)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(kpf_sections); i++) {
		const struct kpf_section *s = &kpf_sections[i];

		for (j = 0; j < s->count; j++) {
			u32 reg = s->first + j * s->stride;

			*buf++ = reg;
			*buf++ = kwl_rd32(&pf->hw, reg);
		}
	}
}
