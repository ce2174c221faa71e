// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: send a PCI device to sleep and wake it, all others staying up.
 *
 *	echo 0000:01:00.0 > /sys/module/devsleep/parameters/device
 *
 * takes the device through the phases of a system suspend and resume, by the
 * PCI bus's own operations, so that the driver sees what it would see there:
 * configuration space saved, D3, and back. Several devices, separated by
 * blanks, go to sleep in this order and wake in the other one. A suspend of the whole machine is
 * no choice on the bench, whose shared directory does not survive one.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/string.h>

/* How long the device sleeps */
#define DEVSLEEP_MS	1000
#define DEVSLEEP_MOST	8

static int devsleep_down(struct device *dev, const struct dev_pm_ops *pm)
{
	int err;

	err = pm->suspend(dev);
	if (err)
		return err;
	err = pm->suspend_late(dev);
	if (!err) {
		err = pm->suspend_noirq(dev);
		if (!err)
			return 0;
		pm->resume_early(dev);
	}
	pm->resume(dev);
	return err;
}

static int devsleep_up(struct device *dev, const struct dev_pm_ops *pm)
{
	int err = pm->resume_noirq(dev);

	if (!err)
		err = pm->resume_early(dev);
	if (!err)
		err = pm->resume(dev);
	return err;
}

/* Put the devices to sleep one inside the other; the innermost waits */
static int devsleep_cycle(struct pci_dev **pdev)
{
	const struct dev_pm_ops *pm;
	struct device *dev;
	int err, nested;

	if (!*pdev) {
		msleep(DEVSLEEP_MS);
		return 0;
	}
	dev = &(*pdev)->dev;
	pm = dev->bus->pm;
	device_lock(dev);
	/* The core says so of all that were awake; else D0 comes too late */
	dev->power.must_resume = true;
	err = pm->prepare(dev);
	if (err < 0)
		goto unlock;
	err = devsleep_down(dev, pm);
	if (!err) {
		pci_info(*pdev, "sleeping in state %s\n",
			 pci_power_name((*pdev)->current_state));
		nested = devsleep_cycle(pdev + 1);
		err = devsleep_up(dev, pm) ?: nested;
	}
	pm->complete(dev);
unlock:
	device_unlock(dev);
	return err;
}

static struct pci_dev *devsleep_find(const char *name)
{
	unsigned int domain, bus, slot, func;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return NULL;
	return pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
}

static int devsleep_set(const char *names, const struct kernel_param *kp)
{
	struct pci_dev *pdev[DEVSLEEP_MOST + 1] = {};
	char *copy, *rest, *name;
	int err, count = 0;

	copy = kstrdup(names, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rest = strim(copy);
	for (name = strsep(&rest, " "); name && count < DEVSLEEP_MOST;
	     name = strsep(&rest, " ")) {
		pdev[count] = devsleep_find(name);
		if (!pdev[count])
			break;
		count++;
	}
	if (name)
		err = -ENODEV;
	else
		err = devsleep_cycle(pdev);
	while (count)
		pci_dev_put(pdev[--count]);
	kfree(copy);
	return err;
}

static const struct kernel_param_ops devsleep_ops = {
	.set = devsleep_set,
};
module_param_cb(device, &devsleep_ops, NULL, 0200);

MODULE_DESCRIPTION("Puts PCI devices to sleep and wakes them, for tests");
MODULE_LICENSE("GPL");
