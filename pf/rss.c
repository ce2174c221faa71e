// SPDX-License-Identifier: GPL-2.0-only
/* Receive side scaling: key, table, hash fields. */
#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/unaligned.h>

#include "kpf.h"

static void kpf_rss_default_table(struct kpf_rss *rss, u16 pairs)
{
	int i;

	for (i = 0; i < KWL_RETA_ENTRIES; i++)
		rss->table[i] = ethtool_rxfh_indir_default(i, pairs);
}

void kpf_rss_init(struct kpf_net *net)
{
	netdev_rss_key_fill(net->rss.key, sizeof(net->rss.key));
	net->rss.ports = KWL_MRQC_TCP4 | KWL_MRQC_TCP6 | KWL_MRQC_TCP6EX |
			 KWL_MRQC_UDP4 | KWL_MRQC_UDP6;
	kpf_rss_default_table(&net->rss, net->port.cfg.pairs);
}

static u32 kpf_rss_mrqc(const struct kpf_net *net)
{
	return FIELD_PREP(KWL_MRQC_MODE, KWL_MRQC_MODE_RSS) |
	       KWL_MRQC_IP4 | KWL_MRQC_IP6 | net->rss.ports;
}

/* Write the desired state to the card */
void kpf_rss_apply(struct kpf_net *net)
{
	const struct kpf_rss *rss = &net->rss;
	struct kwl_hw *hw = &net->pf->hw;
	int i;

	for (i = 0; i < KWL_RSSRK_BYTES / 4; i++)
		kwl_wr32(hw, KWL_RSSRK(i), get_unaligned_le32(&rss->key[4 * i]));
	for (i = 0; i < KWL_RETA_ENTRIES / 4; i++)
		kwl_wr32(hw, KWL_RETA(i),
			 get_unaligned_le32(&rss->table[4 * i]));
	/* With VFs, pools take the place of RSS */
	if (!net->pf->num_vfs)
		kwl_wr32(hw, KWL_MRQC, kpf_rss_mrqc(net));
}

/*
 * The number of queues becomes @pairs. A table that the user has set stays as
 * it is: ethtool refuses a number that leaves out a queue it names.
 */
void kpf_rss_set_pairs(struct kpf_net *net, u16 pairs)
{
	if (!netif_is_rxfh_configured(net->netdev))
		kpf_rss_default_table(&net->rss, pairs);
}
