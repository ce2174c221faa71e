// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: while loaded, no 82576 gets MSI-X. Machines that run out of
 * vectors are rare on a bench, drivers that must cope with them are not.
 *
 * A probe at the entrance of the kernel's allocator raises the least number
 * of vectors asked for beyond the most, for a device of this kind only. The
 * allocator then refuses by itself, before it has touched anything.
 */
#include <linux/kprobes.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/pci.h>

#define NOMSIX_DEVICE	0x10c9

/* __pci_enable_msix_range(dev, entries, minvec, maxvec, affd, flags) */
static int nomsix_enter(struct kprobe *probe, struct pt_regs *regs)
{
	struct pci_dev *pdev = (void *)regs_get_kernel_argument(regs, 0);

	if (pdev->vendor == PCI_VENDOR_ID_INTEL &&
	    pdev->device == NOMSIX_DEVICE)
		regs->dx = INT_MAX;
	return 0;
}

static struct kprobe nomsix_probe = {
	.symbol_name	= "__pci_enable_msix_range",
	.pre_handler	= nomsix_enter,
};

static int __init nomsix_init(void)
{
	return register_kprobe(&nomsix_probe);
}
module_init(nomsix_init);

static void __exit nomsix_exit(void)
{
	unregister_kprobe(&nomsix_probe);
}
module_exit(nomsix_exit);

MODULE_DESCRIPTION("Refuses MSI-X to 82576 devices, for tests");
MODULE_LICENSE("GPL");
