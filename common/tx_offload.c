// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the offloads a frame asks for to the words of its descriptors. Pure:
 * touches the frame's headers, no ring and no register.
 */
#include <linux/bitfield.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip6_checksum.h>

#include <kawela/desc.h>

#include "tx_offload.h"

#define KWL_TX_CTX_TYPE		(FIELD_PREP_CONST(KWL_TXD_DTYP,		\
						  KWL_TXD_DTYP_CTX) |	\
				 KWL_TXD_DEXT)

/* The device counts header lengths from here on */
static u32 kwl_tx_l3_lens(const struct sk_buff *skb)
{
	return FIELD_PREP(KWL_TXC_MACLEN, skb_network_offset(skb)) |
	       FIELD_PREP(KWL_TXC_IPLEN, skb_network_header_len(skb));
}

static bool kwl_tx_is_ipv4(const struct sk_buff *skb)
{
	return vlan_get_protocol(skb) == htons(ETH_P_IP);
}

/* Checksum of one frame. The kernel has put the pseudo-header sum in place. */
static int kwl_tx_csum(struct sk_buff *skb, struct kwl_tx_meta *meta)
{
	u32 l4t;

	switch (skb->csum_offset) {
	case offsetof(struct tcphdr, check):
		l4t = KWL_TXC_L4T_TCP;
		break;
	case offsetof(struct udphdr, check):
		l4t = KWL_TXC_L4T_UDP;
		break;
	case offsetof(struct sctphdr, checksum):
		if (skb_csum_is_sctp(skb)) {
			l4t = KWL_TXC_L4T_SCTP;
			break;
		}
		fallthrough;
	default:
		return skb_checksum_help(skb);
	}

	meta->ctx_lens |= kwl_tx_l3_lens(skb);
	meta->ctx_type = KWL_TX_CTX_TYPE | FIELD_PREP(KWL_TXC_L4T, l4t);
	if (kwl_tx_is_ipv4(skb))
		meta->ctx_type |= KWL_TXC_IPV4;
	meta->olinfo |= KWL_TXD_TXSM;
	return 0;
}

/**
 * kwl_tx_csum_at() - have the device put a checksum into a plain frame
 * @meta: words of the frame's descriptors, for no offload yet
 * @proto: EtherType of its layer 3
 * @mac_len: bytes before that
 * @start: where its layer 4 begins
 * @offset: where the checksum goes from there, which tells TCP from UDP
 *
 * What the device cannot do is left as it is: the frame goes out without.
 *
 * Context: Any.
 */
void kwl_tx_csum_at(struct kwl_tx_meta *meta, __be16 proto, u16 mac_len,
		    u16 start, u16 offset)
{
	u32 l4t;

	switch (offset) {
	case offsetof(struct tcphdr, check):
		l4t = KWL_TXC_L4T_TCP;
		break;
	case offsetof(struct udphdr, check):
		l4t = KWL_TXC_L4T_UDP;
		break;
	default:
		return;
	}
	if (start <= mac_len || start - mac_len > FIELD_MAX(KWL_TXC_IPLEN))
		return;
	meta->ctx_lens = FIELD_PREP(KWL_TXC_MACLEN, mac_len) |
			 FIELD_PREP(KWL_TXC_IPLEN, start - mac_len);
	meta->ctx_type = KWL_TX_CTX_TYPE | FIELD_PREP(KWL_TXC_L4T, l4t);
	if (proto == htons(ETH_P_IP))
		meta->ctx_type |= KWL_TXC_IPV4;
	meta->olinfo |= KWL_TXD_TXSM;
}

/*
 * For segmentation the device wants the checksum fields to hold the sum of a
 * pseudo header without length, because the length differs by segment.
 */
static void kwl_tx_seed_l4(struct sk_buff *skb, __sum16 *check, u8 proto)
{
	if (kwl_tx_is_ipv4(skb)) {
		struct iphdr *iph = ip_hdr(skb);

		iph->tot_len = 0;
		iph->check = 0;
		*check = ~csum_tcpudp_magic(iph->saddr, iph->daddr, 0, proto,
					    0);
	} else {
		struct ipv6hdr *ip6h = ipv6_hdr(skb);

		ip6h->payload_len = 0;
		*check = ~csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, 0, proto,
					  0);
	}
}

static int kwl_tx_gso(struct sk_buff *skb, struct kwl_tx_meta *meta)
{
	const struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 l4len, l4t, hdr_len;
	int err;

	err = skb_cow_head(skb, 0);
	if (err)
		return err;

	if (shinfo->gso_type & SKB_GSO_UDP_L4) {
		l4t = KWL_TXC_L4T_UDP;
		l4len = sizeof(struct udphdr);
		kwl_tx_seed_l4(skb, &udp_hdr(skb)->check, IPPROTO_UDP);
	} else {
		l4t = KWL_TXC_L4T_TCP;
		l4len = tcp_hdrlen(skb);
		kwl_tx_seed_l4(skb, &tcp_hdr(skb)->check, IPPROTO_TCP);
	}

	meta->ctx_lens |= kwl_tx_l3_lens(skb);
	meta->ctx_type = KWL_TX_CTX_TYPE | FIELD_PREP(KWL_TXC_L4T, l4t);
	meta->ctx_mss = FIELD_PREP(KWL_TXC_MSS, shinfo->gso_size) |
			FIELD_PREP(KWL_TXC_L4LEN, l4len);
	meta->olinfo |= KWL_TXD_TXSM;
	if (kwl_tx_is_ipv4(skb)) {
		meta->ctx_type |= KWL_TXC_IPV4;
		meta->olinfo |= KWL_TXD_IXSM;
	}
	meta->cmd |= KWL_TXD_TSE;

	hdr_len = skb_transport_offset(skb) + l4len;
	meta->segs = shinfo->gso_segs;
	meta->bytes = skb->len + (meta->segs - 1) * hdr_len;
	meta->olinfo |= FIELD_PREP(KWL_TXD_PAYLEN, skb->len - hdr_len);
	return 0;
}

/**
 * kwl_tx_offload() - translate a frame's offloads into descriptor words
 * @skb: the frame; headers may be rewritten to what the device expects
 * @meta: result
 *
 * The 82576 takes header lengths, checksum type, MSS and VLAN tag from a
 * context descriptor (datasheet: advanced transmit context descriptor).
 * kwl_features_check() has refused frames whose lengths do not fit.
 *
 * Context: Under the queue's xmit lock.
 * Return: 0, or a negative errno if the frame cannot be sent.
 */
int kwl_tx_offload(struct sk_buff *skb, struct kwl_tx_meta *meta)
{
	int err = 0;

	*meta = (struct kwl_tx_meta) {
		.cmd = KWL_TXD_CMD_DATA,
		.bytes = skb->len,
		.segs = 1,
	};

	if (skb_vlan_tag_present(skb)) {
		meta->ctx_lens = FIELD_PREP(KWL_TXC_VLAN, skb_vlan_tag_get(skb));
		meta->ctx_type = KWL_TX_CTX_TYPE;
		meta->cmd |= KWL_TXD_VLE;
	}

	if (skb_is_gso(skb))
		return kwl_tx_gso(skb, meta);

	if (skb->ip_summed == CHECKSUM_PARTIAL)
		err = kwl_tx_csum(skb, meta);
	else if (meta->ctx_type)
		meta->ctx_lens |= FIELD_PREP(KWL_TXC_MACLEN, ETH_HLEN);

	meta->olinfo |= FIELD_PREP(KWL_TXD_PAYLEN, skb->len);
	return err;
}
