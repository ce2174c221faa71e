// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: restart one receive queue of an interface by the core's own
 * function, which nothing else on this hardware asks for.
 *
 *	echo eth0 1 > /sys/module/qrestart/parameters/queue
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <net/netdev_rx_queue.h>

#ifdef QRESTART_EXPORTED
#include <net/netdev_lock.h>

MODULE_IMPORT_NS("NETDEV_INTERNAL");

static int qrestart(struct net_device *dev, unsigned int queue)
{
	int err;

	if (!netdev_need_ops_lock(dev))
		return -EOPNOTSUPP;
	netdev_lock(dev);
	if (queue < dev->real_num_rx_queues)
		err = netdev_rx_queue_restart(dev, queue);
	else
		err = -ERANGE;
	netdev_unlock(dev);
	return err;
}

#else

static int qrestart(struct net_device *dev, unsigned int queue)
{
	return -EOPNOTSUPP;
}

#endif

static int qrestart_set(const char *val, const struct kernel_param *kp)
{
	char name[IFNAMSIZ];
	struct net_device *dev;
	unsigned int queue;
	int err;

	if (sscanf(val, "%15s %u", name, &queue) != 2)
		return -EINVAL;
	dev = dev_get_by_name(current->nsproxy->net_ns, name);
	if (!dev)
		return -ENODEV;
	err = qrestart(dev, queue);
	dev_put(dev);
	return err;
}

static const struct kernel_param_ops qrestart_ops = {
	.set = qrestart_set,
};
module_param_cb(queue, &qrestart_ops, NULL, 0200);

MODULE_DESCRIPTION("Restarts single receive queues, for tests");
MODULE_LICENSE("GPL");
