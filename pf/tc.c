// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of tc that the card itself follows, in mode switchdev. It tells the
 * frames of one VF from those of another and no more, so there is one such
 * rule: a VF's frames are dropped, all of them, before anybody has to look at
 * them. All others are for tc's software.
 */
#include <net/flow_offload.h>
#include <net/pkt_cls.h>

#include "kpf_repr.h"
#include "kpf_vf.h"

static LIST_HEAD(kpf_tc_blocks);

static void kpf_tc_gate(struct kpf_repr *repr, bool shut)
{
	struct kpf_dev *pf = repr->pf;
	u32 bit = BIT(repr->repr.num);

	spin_lock_bh(&pf->filter.lock);
	if (shut)
		pf->eswitch.shut |= bit;
	else
		pf->eswitch.shut &= ~bit;
	kpf_filter_sync_gates(pf);
	spin_unlock_bh(&pf->filter.lock);
}

static void kpf_tc_stats(struct kpf_repr *repr, struct flow_stats *stats)
{
	struct kpf_repr_drop *drop = &repr->drop;
	struct kpf_repr_count now;

	kpf_repr_read(repr, &now);
	if (now.rx_packets != drop->seen.rx_packets)
		drop->used = jiffies;
	flow_stats_update(stats, now.rx_bytes - drop->seen.rx_bytes,
			  now.rx_packets - drop->seen.rx_packets, 0,
			  drop->used, FLOW_ACTION_HW_STATS_IMMEDIATE);
	drop->seen = now;
}

/* Does the rule look at anything in the frame? */
static bool kpf_tc_looks(const struct flow_rule *rule)
{
	const u64 any = BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) |
			BIT_ULL(FLOW_DISSECTOR_KEY_BASIC);
	struct flow_match_control control;
	struct flow_match_basic basic;

	if (rule->match.dissector->used_keys & ~any)
		return true;
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_BASIC)) {
		flow_rule_match_basic(rule, &basic);
		if (basic.mask->n_proto || basic.mask->ip_proto)
			return true;
	}
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CONTROL)) {
		flow_rule_match_control(rule, &control);
		return control.mask->flags;
	}
	return false;
}

/* Software that comes first would not see the frames any more */
static bool kpf_tc_is_late(struct kpf_repr *repr, u32 prio)
{
	unsigned long cookie;
	void *other;

	xa_for_each(&repr->soft_rules, cookie, other)
		if (xa_to_value(other) < prio)
			return true;
	return false;
}

static int kpf_tc_check(struct kpf_repr *repr, const struct flow_rule *rule,
			bool looks, struct flow_cls_common_offload *common)
{
	const struct flow_action *action = &rule->action;

	if (!tc_cls_can_offload_and_chain0(repr->netdev, common))
		return -EOPNOTSUPP;
	if (looks) {
		NL_SET_ERR_MSG(common->extack,
			       "the card does not tell frames of one VF apart: match all");
		return -EOPNOTSUPP;
	}
	if (!flow_offload_has_one_action(action) ||
	    action->entries[0].id != FLOW_ACTION_DROP) {
		NL_SET_ERR_MSG(common->extack,
			       "all that the card can do with a VF's frames is drop them");
		return -EOPNOTSUPP;
	}
	if (!flow_action_hw_stats_check(action, common->extack,
					FLOW_ACTION_HW_STATS_IMMEDIATE_BIT))
		return -EOPNOTSUPP;
	if (repr->drop.cookie) {
		NL_SET_ERR_MSG(common->extack,
			       "the card drops all frames of this VF already");
		return -EOPNOTSUPP;
	}
	if (kpf_tc_is_late(repr, common->prio)) {
		NL_SET_ERR_MSG(common->extack,
			       "rules before this one are not in the card");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int kpf_tc_add(struct kpf_repr *repr, unsigned long cookie,
		      const struct flow_rule *rule, bool looks,
		      struct flow_cls_common_offload *common)
{
	int err = kpf_tc_check(repr, rule, looks, common);

	if (err) {
		xa_store(&repr->soft_rules, cookie, xa_mk_value(common->prio),
			 GFP_KERNEL);
		return err;
	}
	repr->drop.cookie = cookie;
	repr->drop.used = jiffies;
	/* What comes through in between is counted twice rather than never */
	kpf_repr_read(repr, &repr->drop.seen);
	kpf_tc_gate(repr, true);
	return 0;
}

static int kpf_tc_del(struct kpf_repr *repr, unsigned long cookie)
{
	if (repr->drop.cookie != cookie) {
		xa_erase(&repr->soft_rules, cookie);
		return 0;
	}
	kpf_tc_gate(repr, false);
	repr->drop.cookie = 0;
	return 0;
}

static int kpf_tc_ask(struct kpf_repr *repr, unsigned long cookie,
		      struct flow_stats *stats)
{
	if (repr->drop.cookie != cookie)
		return -ENOENT;
	kpf_tc_stats(repr, stats);
	return 0;
}

static int kpf_tc_flower(struct kpf_repr *repr, struct flow_cls_offload *cls)
{
	switch (cls->command) {
	case FLOW_CLS_REPLACE:
		return kpf_tc_add(repr, cls->cookie, cls->rule,
				  kpf_tc_looks(cls->rule), &cls->common);
	case FLOW_CLS_DESTROY:
		return kpf_tc_del(repr, cls->cookie);
	case FLOW_CLS_STATS:
		return kpf_tc_ask(repr, cls->cookie, &cls->stats);
	default:
		return -EOPNOTSUPP;
	}
}

static int kpf_tc_matchall(struct kpf_repr *repr,
			   struct tc_cls_matchall_offload *cls)
{
	switch (cls->command) {
	case TC_CLSMATCHALL_REPLACE:
		return kpf_tc_add(repr, cls->cookie, cls->rule, false,
				  &cls->common);
	case TC_CLSMATCHALL_DESTROY:
		return kpf_tc_del(repr, cls->cookie);
	case TC_CLSMATCHALL_STATS:
		return kpf_tc_ask(repr, cls->cookie, &cls->stats);
	default:
		return -EOPNOTSUPP;
	}
}

/* Context: RTNL. */
static int kpf_tc_rule_of_vf(enum tc_setup_type type, void *type_data,
			     void *cb_priv)
{
	switch (type) {
	case TC_SETUP_CLSFLOWER:
		return kpf_tc_flower(cb_priv, type_data);
	case TC_SETUP_CLSMATCHALL:
		return kpf_tc_matchall(cb_priv, type_data);
	default:
		return -EOPNOTSUPP;
	}
}

/* ndo_setup_tc of a representor */
int kpf_tc_setup_repr(struct net_device *netdev, enum tc_setup_type type,
		      void *type_data)
{
	struct kpf_repr *repr = netdev_priv(netdev);
	const struct flow_block_offload *block = type_data;

	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	kpf_brport_block(repr, block->command == FLOW_BLOCK_BIND);
	return flow_block_cb_setup_simple(type_data, &kpf_tc_blocks,
					  kpf_tc_rule_of_vf, repr, repr, true);
}

/* It shares its queue with VFs, so there is nothing that could be shut */
static int kpf_tc_rule_of_wire(enum tc_setup_type type, void *type_data,
			       void *cb_priv)
{
	struct flow_cls_common_offload *common = type_data;

	if (type == TC_SETUP_CLSFLOWER || type == TC_SETUP_CLSMATCHALL)
		NL_SET_ERR_MSG(common->extack,
			       "the card has no rules for frames of the wire");
	return -EOPNOTSUPP;
}

/* ndo_setup_tc of the uplink, to say why not */
int kpf_tc_setup_wire(struct net_device *netdev, enum tc_setup_type type,
		      void *type_data)
{
	if (type != TC_SETUP_BLOCK)
		return -EOPNOTSUPP;
	return flow_block_cb_setup_simple(type_data, &kpf_tc_blocks,
					  kpf_tc_rule_of_wire, netdev, netdev,
					  true);
}
