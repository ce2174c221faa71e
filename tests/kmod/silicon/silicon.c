// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: while loaded, an emulated 82576 looks like one of silicon to the
 * driver that binds to it, by its subsystem's vendor. What the driver then
 * writes to registers can be watched, also to those that the emulator lacks;
 * what the card would do about it can't.
 */
#include <linux/module.h>
#include <linux/pci.h>

#define SILICON_DEVICE	0x10c9

static void silicon_rename(u16 from, u16 to)
{
	struct pci_dev *pdev = NULL;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_INTEL, SILICON_DEVICE,
				      pdev)))
		if (pdev->subsystem_vendor == from)
			pdev->subsystem_vendor = to;
}

static int __init silicon_init(void)
{
	silicon_rename(PCI_SUBVENDOR_ID_REDHAT_QUMRANET, PCI_VENDOR_ID_INTEL);
	return 0;
}
module_init(silicon_init);

static void __exit silicon_exit(void)
{
	silicon_rename(PCI_VENDOR_ID_INTEL, PCI_SUBVENDOR_ID_REDHAT_QUMRANET);
}
module_exit(silicon_exit);

MODULE_DESCRIPTION("Makes emulated 82576 look like silicon, for tests");
MODULE_LICENSE("GPL");
