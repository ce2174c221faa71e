/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KAWELA_TX_OFFLOAD_H
#define KAWELA_TX_OFFLOAD_H

#include <linux/types.h>

struct sk_buff;

/**
 * struct kwl_tx_meta - what a frame asks of the hardware, as descriptor words
 * @ctx_lens: context descriptor, kwl_tx_ctx.vlan_lens
 * @ctx_type: context descriptor, kwl_tx_ctx.type; 0 if none is needed
 * @ctx_mss: context descriptor, kwl_tx_ctx.mss_l4len
 * @cmd: command bits of the data descriptors, length not included
 * @olinfo: olinfo of the data descriptors
 * @bytes: bytes on the wire without CRC
 * @segs: frames on the wire
 */
struct kwl_tx_meta {
	u32 ctx_lens;
	u32 ctx_type;
	u32 ctx_mss;
	u32 cmd;
	u32 olinfo;
	u32 bytes;
	u16 segs;
};

void kwl_tx_csum_at(struct kwl_tx_meta *meta, __be16 proto, u16 mac_len,
		    u16 start, u16 offset);
int kwl_tx_offload(struct sk_buff *skb, struct kwl_tx_meta *meta);

#endif
