/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock of control operations: RTNL and, inside it, the interface's own
 * where the kernel has one. Everything that changes or walks the queues of a
 * function from outside of NAPI holds it.
 *
 * The core holds both for most ndos, RTNL alone for the few that do not
 * concern queues (forwarding entries, VLAN IDs, bridge mode), and the
 * interface's own alone for ethtool, statistics and queue management.
 */
#ifndef KAWELA_LOCK_H
#define KAWELA_LOCK_H

#include <kawela/compat.h>

/**
 * kwl_ctl_lock() - lock out control operations
 * @netdev: the interface
 *
 * Context: Process, may sleep; devlink's lock comes before.
 */
static inline void kwl_ctl_lock(struct net_device *netdev)
{
	rtnl_lock();
	netdev_lock_ops(netdev);
}

/**
 * kwl_ctl_unlock() - undo kwl_ctl_lock()
 * @netdev: the interface
 *
 * Context: Process.
 */
static inline void kwl_ctl_unlock(struct net_device *netdev)
{
	netdev_unlock_ops(netdev);
	rtnl_unlock();
}

#endif
