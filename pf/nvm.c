// SPDX-License-Identifier: GPL-2.0-only
/* The card's NVM: 16-bit words behind EERD. Read only. */
#include <linux/bitfield.h>
#include <linux/etherdevice.h>
#include <linux/iopoll.h>
#include <linux/unaligned.h>

#include "kpf.h"

#define KPF_NVM_POLL_US		5
#define KPF_NVM_TIMEOUT_US	100000

static int kpf_nvm_read_word(struct kpf_dev *pf, u16 word, u16 *data)
{
	u32 val;
	int err;

	kwl_wr32(&pf->hw, KWL_EERD,
		 FIELD_PREP(KWL_EERD_ADDR, word) | KWL_EERD_START);
	err = read_poll_timeout(kwl_rd32, val, val & KWL_EERD_DONE,
				KPF_NVM_POLL_US, KPF_NVM_TIMEOUT_US, false,
				&pf->hw, KWL_EERD);
	if (!err && pf->hw.gone)
		err = -ENODEV;
	if (!err)
		*data = FIELD_GET(KWL_EERD_DATA, val);
	return err;
}

/* Read @count words from @word on; sleeps */
int kpf_nvm_read(struct kpf_dev *pf, u16 word, u16 count, u16 *data)
{
	u16 i;
	int err;

	if (word + count > KWL_NVM_WORDS)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		err = kpf_nvm_read_word(pf, word + i, &data[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Do the words that the card loads by itself add up? */
int kpf_nvm_validate(struct kpf_dev *pf)
{
	u16 words[KWL_NVM_CHECKSUM_WORDS];
	u16 sum = 0;
	int err, i;

	err = kpf_nvm_read(pf, 0, ARRAY_SIZE(words), words);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	pf->nvm_version = words[KWL_NVM_VERSION_WORD];
	return sum == KWL_NVM_CHECKSUM ? 0 : -EBADMSG;
}

/* As `ethtool -i` and devlink show it */
void kpf_nvm_version(const struct kpf_dev *pf, char *text, size_t size)
{
	snprintf(text, size, "%lu.%02lx",
		 FIELD_GET(KWL_NVM_VERSION_MAJOR, pf->nvm_version),
		 FIELD_GET(KWL_NVM_VERSION_MINOR, pf->nvm_version));
}

/* A section of its own: its length in words, and characters */
static int kpf_nvm_read_pba_string(struct kpf_dev *pf, u16 at, char *text)
{
	u16 words[KPF_PBA_LEN / 2];
	int err, i;

	err = kpf_nvm_read(pf, at, 1, words);
	if (err)
		return err;
	/* Itself included, and there is a NUL to come */
	if (words[0] < 2 || words[0] > ARRAY_SIZE(words))
		return -ENODATA;
	err = kpf_nvm_read(pf, at, words[0], words);
	if (err)
		return err;
	for (i = 1; i < words[0]; i++)
		put_unaligned_be16(words[i], &text[2 * (i - 1)]);
	text[2 * (i - 1)] = '\0';
	return 0;
}

/*
 * The number of the board's assembly, KPF_PBA_LEN characters of text at most.
 * Older boards have it as digits in two words. -ENODATA if there is none.
 */
int kpf_nvm_read_pba(struct kpf_dev *pf, char *text)
{
	u16 words[2];
	int err;

	err = kpf_nvm_read(pf, KWL_NVM_PBA_WORD, ARRAY_SIZE(words), words);
	if (err)
		return err;
	if (words[0] == KWL_NVM_PBA_IS_STRING)
		return kpf_nvm_read_pba_string(pf, words[1], text);
	if (!words[0] || words[0] == U16_MAX || words[1] == U16_MAX)
		return -ENODATA;
	snprintf(text, KPF_PBA_LEN, "%04X%02X-%03X", words[0], words[1] >> 8,
		 words[1] & 0xff);
	return 0;
}

/*
 * The factory's MAC address. A reset loads it from the NVM into RAR 0, and
 * that with the right words for each port of a card with more than one.
 */
int kpf_nvm_read_mac(struct kpf_dev *pf, u8 *addr)
{
	u32 low = kwl_rd32(&pf->hw, kwl_ral(0));
	u32 high = kwl_rd32(&pf->hw, kwl_rah(0));

	put_unaligned_le32(low, addr);
	put_unaligned_le16(FIELD_GET(KWL_RAH_ADDR, high), addr + 4);
	return is_valid_ether_addr(addr) ? 0 : -EADDRNOTAVAIL;
}
