// SPDX-License-Identifier: GPL-2.0-only
/*
 * Representors as ports of bridges: what bridges say of their ports, and what
 * addresses they have learned there. fwd.c makes of it what the card forwards.
 */
#include <linux/if_bridge.h>
#include <net/switchdev.h>

#include "kpf_eswitch.h"
#include "kpf_repr.h"
#include "kpf_vf.h"

/* What a bridge gives to a port that it has just got */
#define KPF_BRPORT_FLAGS	(BR_LEARNING | BR_FLOOD | BR_MCAST_FLOOD | \
				 BR_BCAST_FLOOD)

static DEFINE_SPINLOCK(kpf_brports_lock);
static LIST_HEAD(kpf_brports);

static struct kpf_brport *kpf_brport_of(const struct kpf_repr *repr)
{
	return &repr->pf->eswitch.brport[repr->repr.num];
}

/*
 * Asked without making the bridge's module one that ours needs: where there is
 * a bridge, there is its module.
 */
static bool kpf_brport_filters(const struct net_device *bridge)
{
	bool (*enabled)(const struct net_device *dev);
	bool on = true;

	if (!IS_ENABLED(CONFIG_BRIDGE_VLAN_FILTERING))
		return false;
	enabled = symbol_get(br_vlan_enabled);
	if (enabled) {
		on = enabled(bridge);
		symbol_put(br_vlan_enabled);
	}
	return on;
}

static int kpf_brport_join(struct kpf_repr *repr, struct net_device *bridge,
			   struct netlink_ext_ack *extack)
{
	struct kpf_brport *port = kpf_brport_of(repr);
	int err;

	err = switchdev_bridge_port_offload(repr->netdev, repr->netdev, repr,
					    NULL, NULL, false, extack);
	if (err)
		return err == -EOPNOTSUPP ? 0 : err;
	guard(mutex)(&repr->pf->sriov.lock);
	spin_lock_bh(&kpf_brports_lock);
	port->repr = repr;
	port->bridge = bridge;
	list_add(&port->list, &kpf_brports);
	spin_unlock_bh(&kpf_brports_lock);
	port->filters = kpf_brport_filters(bridge);
	port->forwards = false;
	port->flags = KPF_BRPORT_FLAGS;
	kpf_fwd_update(repr->pf);
	return 0;
}

static void kpf_brport_leave(struct kpf_repr *repr)
{
	struct kpf_brport *port = kpf_brport_of(repr);

	mutex_lock(&repr->pf->sriov.lock);
	spin_lock_bh(&kpf_brports_lock);
	port->bridge = NULL;
	list_del(&port->list);
	spin_unlock_bh(&kpf_brports_lock);
	kpf_fwd_leave(repr->pf, repr->repr.num);
	mutex_unlock(&repr->pf->sriov.lock);
	switchdev_bridge_port_unoffload(repr->netdev, repr, NULL, NULL);
}

/*
 * A bridge that gives an address to another port, or takes it for itself, does
 * not always say that the former one has lost it. Context: Any.
 */
static void kpf_brport_moved(struct net_device *netdev, const u8 *addr)
{
	const struct net_device *bridge = netdev;
	const struct kpf_brport *port;

	rcu_read_lock();
	if (!netif_is_bridge_master(netdev))
		bridge = netdev_master_upper_dev_get_rcu(netdev);
	spin_lock_bh(&kpf_brports_lock);
	list_for_each_entry(port, &kpf_brports, list)
		if (port->bridge == bridge && port->repr->netdev != netdev)
			kpf_fwd_forget(port->repr->pf, port->repr->repr.num,
				       addr);
	spin_unlock_bh(&kpf_brports_lock);
	rcu_read_unlock();
}

/* VLANs, say: they get their frames before the bridge does */
static void kpf_brport_count_upper(struct kpf_repr *repr, bool more)
{
	guard(mutex)(&repr->pf->sriov.lock);
	kpf_brport_of(repr)->uppers += more ? 1 : -1;
	kpf_fwd_update(repr->pf);
}

/* Context: RTNL. */
static int kpf_brport_netdev_event(struct notifier_block *nb,
				   unsigned long event, void *ptr)
{
	struct net_device *netdev = netdev_notifier_info_to_dev(ptr);
	const struct netdev_notifier_changeupper_info *info = ptr;
	struct kpf_repr *repr = kpf_repr_of(netdev);

	if (event != NETDEV_CHANGEUPPER || !repr)
		return NOTIFY_DONE;
	if (!netif_is_bridge_master(info->upper_dev)) {
		kpf_brport_count_upper(repr, info->linking);
		return NOTIFY_DONE;
	}
	if (info->linking)
		return notifier_from_errno(kpf_brport_join(repr,
							   info->upper_dev,
							   netdev_notifier_info_to_extack(ptr)));
	if (kpf_brport_of(repr)->bridge)
		kpf_brport_leave(repr);
	return NOTIFY_DONE;
}

/* tc looks at what comes in at the port, or goes out. Context: RTNL. */
void kpf_brport_block(struct kpf_repr *repr, bool bound)
{
	guard(mutex)(&repr->pf->sriov.lock);
	kpf_brport_of(repr)->blocks += bound ? 1 : -1;
	kpf_fwd_update(repr->pf);
}

static bool kpf_brport_set(struct kpf_repr *repr,
			   const struct switchdev_attr *attr)
{
	struct kpf_brport *port = kpf_brport_of(repr);

	guard(mutex)(&repr->pf->sriov.lock);
	switch (attr->id) {
	case SWITCHDEV_ATTR_ID_PORT_STP_STATE:
		port->forwards = attr->u.stp_state == BR_STATE_FORWARDING;
		break;
	case SWITCHDEV_ATTR_ID_PORT_BRIDGE_FLAGS:
		port->flags = attr->u.brport_flags.val;
		break;
	default:
		return false;
	}
	kpf_fwd_update(repr->pf);
	return true;
}

/* Of a bridge that has representors for ports, maybe of several cards */
static bool kpf_brport_set_bridge(struct net_device *bridge,
				  const struct switchdev_attr *attr)
{
	struct net_device *lower;
	struct list_head *iter;
	bool ours = false;

	if (attr->id != SWITCHDEV_ATTR_ID_BRIDGE_VLAN_FILTERING)
		return false;
	netdev_for_each_lower_dev(bridge, lower, iter) {
		struct kpf_repr *repr = kpf_repr_of(lower);

		if (!repr)
			continue;
		guard(mutex)(&repr->pf->sriov.lock);
		kpf_brport_of(repr)->filters = attr->u.vlan_filtering;
		kpf_fwd_update(repr->pf);
		ours = true;
	}
	return ours;
}

/* Nothing is refused: what the card can not do, software does. Context: RTNL. */
static int kpf_brport_blocking_event(struct notifier_block *nb,
				     unsigned long event, void *ptr)
{
	struct net_device *netdev = switchdev_notifier_info_to_dev(ptr);
	struct switchdev_notifier_port_attr_info *info = ptr;
	struct kpf_repr *repr = kpf_repr_of(netdev);
	bool taken = false;

	if (event != SWITCHDEV_PORT_ATTR_SET)
		return NOTIFY_DONE;
	if (repr)
		taken = kpf_brport_set(repr, info->attr);
	else if (netif_is_bridge_master(netdev))
		taken = kpf_brport_set_bridge(netdev, info->attr);
	info->handled |= taken;
	return taken ? NOTIFY_OK : NOTIFY_DONE;
}

/* Context: the bridge's lock, bottom halves off. */
static int kpf_brport_event(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	struct net_device *netdev = switchdev_notifier_info_to_dev(ptr);
	const struct switchdev_notifier_fdb_info *info = ptr;
	struct kpf_repr *repr = kpf_repr_of(netdev);

	switch (event) {
	case SWITCHDEV_FDB_ADD_TO_DEVICE:
		if (!info->vid)
			kpf_brport_moved(netdev, info->addr);
		if (repr && !info->is_local && !info->vid)
			kpf_fwd_learn(repr->pf, repr->repr.num, info->addr);
		return NOTIFY_DONE;
	case SWITCHDEV_FDB_DEL_TO_DEVICE:
		if (repr && !info->is_local && !info->vid)
			kpf_fwd_forget(repr->pf, repr->repr.num, info->addr);
		return NOTIFY_DONE;
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block kpf_brport_netdev_nb = {
	.notifier_call = kpf_brport_netdev_event,
};

static struct notifier_block kpf_brport_nb = {
	.notifier_call = kpf_brport_event,
};

static struct notifier_block kpf_brport_blocking_nb = {
	.notifier_call = kpf_brport_blocking_event,
};

/* For the representors of all cards */
int kpf_brport_register(void)
{
	int err;

	err = register_switchdev_blocking_notifier(&kpf_brport_blocking_nb);
	if (err)
		return err;
	err = register_switchdev_notifier(&kpf_brport_nb);
	if (err)
		goto err_blocking;
	err = register_netdevice_notifier(&kpf_brport_netdev_nb);
	if (!err)
		return 0;
	unregister_switchdev_notifier(&kpf_brport_nb);
err_blocking:
	unregister_switchdev_blocking_notifier(&kpf_brport_blocking_nb);
	return err;
}

void kpf_brport_unregister(void)
{
	unregister_netdevice_notifier(&kpf_brport_netdev_nb);
	unregister_switchdev_notifier(&kpf_brport_nb);
	unregister_switchdev_blocking_notifier(&kpf_brport_blocking_nb);
}
