// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: send one PCI device to sleep and wake it, all others staying up.
 *
 *	echo 0000:01:00.0 > /sys/module/devsleep/parameters/device
 *
 * takes the device through the phases of a system suspend and resume, by the
 * PCI bus's own operations, so that the driver sees what it would see there:
 * configuration space saved, D3, and back. A suspend of the whole machine is
 * no choice on the bench, whose shared directory does not survive one.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm.h>

/* How long the device sleeps */
#define DEVSLEEP_MS	1000

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

static int devsleep_cycle(struct pci_dev *pdev)
{
	const struct dev_pm_ops *pm = pdev->dev.bus->pm;
	struct device *dev = &pdev->dev;
	int err;

	device_lock(dev);
	err = pm->prepare(dev);
	if (err < 0)
		goto unlock;
	err = devsleep_down(dev, pm);
	if (!err) {
		pci_info(pdev, "sleeping in state %s\n",
			 pci_power_name(pdev->current_state));
		msleep(DEVSLEEP_MS);
		err = devsleep_up(dev, pm);
	}
	pm->complete(dev);
unlock:
	device_unlock(dev);
	return err;
}

static int devsleep_set(const char *name, const struct kernel_param *kp)
{
	unsigned int domain, bus, slot, func;
	struct pci_dev *pdev;
	int err;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
	if (!pdev)
		return -ENODEV;
	err = devsleep_cycle(pdev);
	pci_dev_put(pdev);
	return err;
}

static const struct kernel_param_ops devsleep_ops = {
	.set = devsleep_set,
};
module_param_cb(device, &devsleep_ops, NULL, 0200);

MODULE_DESCRIPTION("Puts a PCI device to sleep and wakes it, for tests");
MODULE_LICENSE("GPL");
