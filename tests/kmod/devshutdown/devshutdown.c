// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: shut one PCI device down as the kernel does with all of them
 * before it reboots, powers off or starts another kernel by kexec.
 *
 *	echo 0000:01:00.0 > /sys/module/devshutdown/parameters/device
 *
 * The machine goes on, so that one can look whether the device is quiet.
 * Afterwards its driver has to be unbound and bound.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

static int devshutdown_set(const char *name, const struct kernel_param *kp)
{
	unsigned int domain, bus, slot, func;
	struct pci_dev *pdev;
	struct device *dev;

	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &func) != 4)
		return -EINVAL;
	pdev = pci_get_domain_bus_and_slot(domain, bus, PCI_DEVFN(slot, func));
	if (!pdev)
		return -ENODEV;

	dev = &pdev->dev;
	device_lock(dev);
	pm_runtime_get_noresume(dev);
	pm_runtime_barrier(dev);
	dev->bus->shutdown(dev);
	pm_runtime_put_noidle(dev);
	device_unlock(dev);
	pci_dev_put(pdev);
	return 0;
}

static const struct kernel_param_ops devshutdown_ops = {
	.set = devshutdown_set,
};
module_param_cb(device, &devshutdown_ops, NULL, 0200);

MODULE_DESCRIPTION("Shuts a PCI device down while the machine goes on, for tests");
MODULE_LICENSE("GPL");
