// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of ethtool -N: flows that go to a queue of their own, by EtherType
 * (ETQF) or by protocol, IPv4 addresses and ports (FTQF and its like; 82576
 * datasheet 7.1.1). The emulator has none of the second kind and does not look
 * at the first when it chooses a queue, so there are no rules there.
 */
#include <linux/bitfield.h>
#include <linux/ethtool.h>
#include <linux/in.h>
#include <linux/string.h>
#include <linux/swab.h>

#include "kpf.h"

/* One of either kind marks frames for time stamps */
#define KPF_RULES_PER_KIND	(KPF_RULES / 2)

/**
 * struct kpf_tuple - what a filter of the second kind compares
 * @saddr: source address, if @bypass does not leave it out; so for the others
 * @daddr: destination address
 * @sport: source port
 * @dport: destination port, unless @any_dport
 * @proto: protocol
 * @bypass: bits of KWL_FTQF
 * @any_dport: the destination port is left out
 */
struct kpf_tuple {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	u8 proto;
	u32 bypass;
	bool any_dport;
};

static bool kpf_rule_is_ether(const struct ethtool_rx_flow_spec *fs)
{
	return fs->flow_type == ETHER_FLOW;
}

static u8 kpf_rule_proto(const struct ethtool_rx_flow_spec *fs)
{
	switch (fs->flow_type) {
	case TCP_V4_FLOW:
		return IPPROTO_TCP;
	case UDP_V4_FLOW:
		return IPPROTO_UDP;
	case SCTP_V4_FLOW:
		return IPPROTO_SCTP;
	}
	return fs->h_u.usr_ip4_spec.proto;
}

/* What is left out stays zero, so that equal rules have equal tuples */
static struct kpf_tuple kpf_rule_tuple(const struct ethtool_rx_flow_spec *fs)
{
	/* All four have their addresses at one place, and three their ports */
	const struct ethtool_tcpip4_spec *val = &fs->h_u.tcp_ip4_spec;
	const struct ethtool_tcpip4_spec *mask = &fs->m_u.tcp_ip4_spec;
	bool user = fs->flow_type == IP_USER_FLOW;
	struct kpf_tuple t = {};

	if (mask->ip4src)
		t.saddr = val->ip4src;
	else
		t.bypass |= KWL_FTQF_SADDR_BYPASS;
	if (mask->ip4dst)
		t.daddr = val->ip4dst;
	else
		t.bypass |= KWL_FTQF_DADDR_BYPASS;
	if (!user || fs->m_u.usr_ip4_spec.proto)
		t.proto = kpf_rule_proto(fs);
	else
		t.bypass |= KWL_FTQF_PROTO_BYPASS;
	if (!user && mask->psrc)
		t.sport = val->psrc;
	else
		t.bypass |= KWL_FTQF_SPORT_BYPASS;
	t.any_dport = user || !mask->pdst;
	if (!t.any_dport)
		t.dport = val->pdst;
	return t;
}

/* The card compares bytes in the order in which they come in */
static void kpf_filter_write_tuple(struct kwl_hw *hw, int i,
				   const struct kpf_tuple *t, u8 queue)
{
	/* Nothing matches while it is half written */
	kwl_wr32(hw, KWL_FTQF(i), KWL_FTQF_OFF);
	kwl_wr32(hw, KWL_SAQF(i), swab32(be32_to_cpu(t->saddr)));
	kwl_wr32(hw, KWL_DAQF(i), swab32(be32_to_cpu(t->daddr)));
	kwl_wr32(hw, KWL_SPQF(i), swab16(be16_to_cpu(t->sport)));
	kwl_wr32(hw, KWL_IMIR(i), t->any_dport ? KWL_IMIR_DPORT_BYPASS :
		 swab16(be16_to_cpu(t->dport)));
	kwl_wr32(hw, KWL_IMIREXT(i), KWL_IMIREXT_SIZE_BYPASS |
		 KWL_IMIREXT_CTRL_BYPASS);
	kwl_wr32(hw, KWL_FTQF(i), t->bypass | KWL_FTQF_POOL_BYPASS |
		 KWL_FTQF_QUEUE_ENABLE | FIELD_PREP(KWL_FTQF_QUEUE, queue) |
		 FIELD_PREP(KWL_FTQF_PROTO, t->proto));
}

static void kpf_filter_write_ether(struct kwl_hw *hw, int i, __be16 proto,
				   u8 queue)
{
	kwl_wr32(hw, KWL_ETQF(i), KWL_ETQF_ENABLE | KWL_ETQF_QUEUE_ENABLE |
		 FIELD_PREP(KWL_ETQF_QUEUE, queue) |
		 FIELD_PREP(KWL_ETQF_TYPE, be16_to_cpu(proto)));
}

static int kpf_nth_filter(int n)
{
	return n < KPF_PTP_FILTER ? n : n + 1;
}

/*
 * Write all rules, in the order of their places: of two filters that match,
 * the card takes the lower one. With VFs they rest, as RSS does, and so does
 * one for a queue that is not among those in use, should it get lost with VFs.
 */
void kpf_ntuple_apply(struct kpf_net *net, u16 pairs)
{
	const struct kpf_ntuple *nt = &net->ntuple;
	struct kwl_hw *hw = &net->pf->hw;
	int ether = 0, tuple = 0, i;

	if (net->pf->emulated)
		return;
	for (i = 0; i < KPF_RULES && !net->pf->num_vfs; i++) {
		const struct ethtool_rx_flow_spec *fs = &nt->rule[i];
		u8 queue = fs->ring_cookie;

		if (!test_bit(i, nt->used) || fs->ring_cookie >= pairs)
			continue;
		if (kpf_rule_is_ether(fs)) {
			kpf_filter_write_ether(hw, kpf_nth_filter(ether++),
					       fs->h_u.ether_spec.h_proto,
					       queue);
		} else {
			struct kpf_tuple t = kpf_rule_tuple(fs);

			kpf_filter_write_tuple(hw, kpf_nth_filter(tuple++), &t,
					       queue);
		}
	}
	while (ether < KPF_RULES_PER_KIND)
		kwl_wr32(hw, KWL_ETQF(kpf_nth_filter(ether++)), 0);
	while (tuple < KPF_RULES_PER_KIND)
		kwl_wr32(hw, KWL_FTQF(kpf_nth_filter(tuple++)), KWL_FTQF_OFF);
}

/* Forget all rules */
void kpf_ntuple_clear(struct kpf_net *net)
{
	bitmap_zero(net->ntuple.used, KPF_RULES);
	kpf_ntuple_apply(net, net->port.cfg.pairs);
}

static bool kpf_is_partial(const void *mask, size_t size)
{
	return memchr_inv(mask, 0, size) && memchr_inv(mask, 0xff, size);
}

static const char *kpf_check_ether(const struct ethtool_rx_flow_spec *fs)
{
	const struct ethhdr *mask = &fs->m_u.ether_spec;

	if (!is_zero_ether_addr(mask->h_source) ||
	    !is_zero_ether_addr(mask->h_dest))
		return "the card's filters do not compare MAC addresses";
	if (mask->h_proto != htons(U16_MAX))
		return "the card's filters compare the whole EtherType";
	switch (be16_to_cpu(fs->h_u.ether_spec.h_proto)) {
	case ETH_P_IP:
	case ETH_P_IPV6:
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		return "the card's filters are not for IP or VLAN by EtherType";
	case ETH_P_1588:
		return "this EtherType's filter is the clock's";
	}
	return NULL;
}

static const char *kpf_check_tuple(const struct ethtool_rx_flow_spec *fs)
{
	const struct ethtool_tcpip4_spec *mask = &fs->m_u.tcp_ip4_spec;
	const struct ethtool_usrip4_spec *user = &fs->m_u.usr_ip4_spec;
	bool any = mask->ip4src || mask->ip4dst;

	if (kpf_is_partial(&mask->ip4src, sizeof(mask->ip4src)) ||
	    kpf_is_partial(&mask->ip4dst, sizeof(mask->ip4dst)))
		return "the card's filters compare whole addresses";
	if (fs->flow_type == IP_USER_FLOW) {
		if (user->l4_4_bytes || user->tos || user->ip_ver ||
		    fs->h_u.usr_ip4_spec.ip_ver != ETH_RX_NFC_IP4)
			return "the card's filters do not compare this field";
		if (kpf_is_partial(&user->proto, sizeof(user->proto)))
			return "the card's filters compare the whole protocol";
		return any || user->proto ? NULL : "a rule for any frame";
	}
	if (mask->tos)
		return "the card's filters do not compare this field";
	if (kpf_is_partial(&mask->psrc, sizeof(mask->psrc)) ||
	    kpf_is_partial(&mask->pdst, sizeof(mask->pdst)))
		return "the card's filters compare whole ports";
	return NULL;
}

/* Why the card can't do what a rule says; NULL if it can */
static const char *kpf_check_rule(const struct ethtool_rx_flow_spec *fs)
{
	if (fs->ring_cookie == RX_CLS_FLOW_DISC ||
	    fs->ring_cookie == RX_CLS_FLOW_WAKE ||
	    ethtool_get_flow_spec_ring_vf(fs->ring_cookie))
		return "the card's filters lead to the PF's queues and nowhere else";
	switch (fs->flow_type) {
	case ETHER_FLOW:
		return kpf_check_ether(fs);
	case TCP_V4_FLOW:
	case UDP_V4_FLOW:
	case SCTP_V4_FLOW:
	case IP_USER_FLOW:
		return kpf_check_tuple(fs);
	}
	return "the card's filters take an EtherType, or TCP, UDP, SCTP or a protocol of IPv4";
}

static bool kpf_same_match(const struct ethtool_rx_flow_spec *a,
			   const struct ethtool_rx_flow_spec *b)
{
	struct kpf_tuple ta, tb;

	if (kpf_rule_is_ether(a) || kpf_rule_is_ether(b))
		return a->flow_type == b->flow_type &&
		       a->h_u.ether_spec.h_proto == b->h_u.ether_spec.h_proto;
	ta = kpf_rule_tuple(a);
	tb = kpf_rule_tuple(b);
	return ta.saddr == tb.saddr && ta.daddr == tb.daddr &&
	       ta.sport == tb.sport && ta.dport == tb.dport &&
	       ta.proto == tb.proto && ta.bypass == tb.bypass &&
	       ta.any_dport == tb.any_dport;
}

/* Whether there is a filter for it, beside all rules but the one it replaces */
static int kpf_ntuple_fits(const struct kpf_ntuple *nt,
			   const struct ethtool_rx_flow_spec *fs)
{
	int same_kind = 0, i;

	for_each_set_bit(i, nt->used, KPF_RULES) {
		if (i == fs->location)
			continue;
		if (kpf_same_match(&nt->rule[i], fs))
			return -EEXIST;
		if (kpf_rule_is_ether(&nt->rule[i]) == kpf_rule_is_ether(fs))
			same_kind++;
	}
	return same_kind < KPF_RULES_PER_KIND ? 0 : -ENOSPC;
}

static int kpf_ntuple_insert(struct kpf_net *net,
			     const struct ethtool_rx_flow_spec *fs)
{
	struct kpf_ntuple *nt = &net->ntuple;
	const char *why;
	int err;

	if (!(net->netdev->features & NETIF_F_NTUPLE))
		return -EOPNOTSUPP;
	if (net->pf->num_vfs) {
		netdev_info(net->netdev, "no rule: with VFs there is one queue\n");
		return -EBUSY;
	}
	why = kpf_check_rule(fs);
	if (why) {
		netdev_info(net->netdev, "no such rule: %s\n", why);
		return -EOPNOTSUPP;
	}
	if (fs->location >= KPF_RULES ||
	    fs->ring_cookie >= net->port.cfg.pairs)
		return -EINVAL;
	err = kpf_ntuple_fits(nt, fs);
	if (err)
		return err;
	nt->rule[fs->location] = *fs;
	__set_bit(fs->location, nt->used);
	kpf_ntuple_apply(net, net->port.cfg.pairs);
	return 0;
}

static int kpf_ntuple_delete(struct kpf_net *net, u32 location)
{
	struct kpf_ntuple *nt = &net->ntuple;

	if (location >= KPF_RULES || !test_bit(location, nt->used))
		return -ENOENT;
	__clear_bit(location, nt->used);
	kpf_ntuple_apply(net, net->port.cfg.pairs);
	return 0;
}

int kpf_set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *cmd)
{
	struct kpf_net *net = netdev_priv(netdev);

	if (net->pf->emulated)
		return -EOPNOTSUPP;
	switch (cmd->cmd) {
	case ETHTOOL_SRXCLSRLINS:
		return kpf_ntuple_insert(net, &cmd->fs);
	case ETHTOOL_SRXCLSRLDEL:
		return kpf_ntuple_delete(net, cmd->fs.location);
	}
	return -EOPNOTSUPP;
}

static int kpf_ntuple_list(const struct kpf_ntuple *nt,
			   struct ethtool_rxnfc *cmd, u32 *locations)
{
	u32 count = 0;
	int i;

	for_each_set_bit(i, nt->used, KPF_RULES) {
		if (count == cmd->rule_cnt)
			return -EMSGSIZE;
		locations[count++] = i;
	}
	cmd->rule_cnt = count;
	cmd->data = KPF_RULES;
	return 0;
}

int kpf_get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *cmd,
		  u32 *locations)
{
	const struct kpf_net *net = netdev_priv(netdev);
	const struct kpf_ntuple *nt = &net->ntuple;

	if (net->pf->emulated)
		return -EOPNOTSUPP;
	switch (cmd->cmd) {
	case ETHTOOL_GRXCLSRLCNT:
		cmd->rule_cnt = bitmap_weight(nt->used, KPF_RULES);
		cmd->data = KPF_RULES;
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		return kpf_ntuple_list(nt, cmd, locations);
	case ETHTOOL_GRXCLSRULE:
		if (cmd->fs.location >= KPF_RULES ||
		    !test_bit(cmd->fs.location, nt->used))
			return -ENOENT;
		cmd->fs = nt->rule[cmd->fs.location];
		return 0;
	}
	return -EOPNOTSUPP;
}
