// SPDX-License-Identifier: GPL-2.0-only
/* The bus side of a function: its registers and its right to do DMA. */
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/pci.h>

#include <kawela/io.h>

#define KWL_BAR_REGS	0

/**
 * kwl_pci_map() - enable a function and map its registers
 * @pdev: the function
 * @hw: gets the mapping
 * @name: who claims the memory regions
 *
 * BAR 0 holds the registers, of the PF as well as of a VF.
 *
 * Context: Process, may sleep.
 * Return: 0 or a negative errno with nothing left enabled.
 */
int kwl_pci_map(struct pci_dev *pdev, struct kwl_hw *hw, const char *name)
{
	int err;

	hw->dev = &pdev->dev;
	err = pci_enable_device_mem(pdev);
	if (err)
		return err;
	err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		goto err_disable;
	/* Memory of applications is mapped as a whole and used page by page */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);
	err = pci_request_mem_regions(pdev, name);
	if (err)
		goto err_disable;
	hw->regs = pci_iomap(pdev, KWL_BAR_REGS, 0);
	if (!hw->regs) {
		err = -ENOMEM;
		goto err_release;
	}
	pci_set_master(pdev);
	return 0;

err_release:
	pci_release_mem_regions(pdev);
err_disable:
	pci_disable_device(pdev);
	return err;
}
EXPORT_SYMBOL_GPL(kwl_pci_map);

/**
 * kwl_pci_unmap() - undo kwl_pci_map()
 * @pdev: the function
 * @hw: its mapping
 *
 * Context: Process, may sleep.
 */
void kwl_pci_unmap(struct pci_dev *pdev, struct kwl_hw *hw)
{
	pci_clear_master(pdev);
	pci_iounmap(pdev, hw->regs);
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
}
EXPORT_SYMBOL_GPL(kwl_pci_unmap);

/**
 * kwl_pci_restore() - give a function its configuration back
 * @pdev: the function, just reset by the bus
 *
 * As it was saved when its driver was bound. Interrupts and, for a PF, its VFs
 * are part of it.
 *
 * Context: Process, may sleep.
 * Return: 0, or -ENODEV if it does not answer.
 */
int kwl_pci_restore(struct pci_dev *pdev)
{
	pci_restore_state(pdev);
	/* For the next time */
	pci_save_state(pdev);
	pci_set_master(pdev);
	return pci_device_is_present(pdev) ? 0 : -ENODEV;
}
EXPORT_SYMBOL_GPL(kwl_pci_restore);
