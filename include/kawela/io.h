/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Register access of the control path. The data path writes its doorbells and
 * its unmask bits directly and reads no register at all.
 */
#ifndef KAWELA_IO_H
#define KAWELA_IO_H

#include <linux/device.h>
#include <linux/io.h>

#include <kawela/regs.h>

struct pci_dev;

/**
 * struct kwl_hw - access to one function's registers
 * @regs: BAR 0
 * @dev: the PCI function, for messages and DMA
 * @gone: reads return all ones; the function has left the bus
 */
struct kwl_hw {
	void __iomem *regs;
	struct device *dev;
	bool gone;
};

/* io.c */
void kwl_hw_check_gone(struct kwl_hw *hw, u32 reg);

/* pci.c */
int kwl_pci_map(struct pci_dev *pdev, struct kwl_hw *hw, const char *name);
void kwl_pci_unmap(struct pci_dev *pdev, struct kwl_hw *hw);
int kwl_pci_restore(struct pci_dev *pdev);

/**
 * kwl_rd32() - read a register
 * @hw: the function
 * @reg: byte offset into BAR 0
 *
 * All ones is a legal value of very few registers, so it is taken as a reason
 * to look whether the function is still there.
 *
 * Context: Any, but never the data path.
 * Return: The value; all ones once the function is gone.
 */
static inline u32 kwl_rd32(struct kwl_hw *hw, u32 reg)
{
	u32 val;

	if (unlikely(READ_ONCE(hw->gone)))
		return U32_MAX;
	val = readl(hw->regs + reg);
	if (unlikely(val == U32_MAX))
		kwl_hw_check_gone(hw, reg);
	return val;
}

static inline void kwl_wr32(struct kwl_hw *hw, u32 reg, u32 val)
{
	if (likely(!READ_ONCE(hw->gone)))
		writel(val, hw->regs + reg);
}

/* Push posted writes out, through a register whose read has no side effect */
static inline void kwl_flush(struct kwl_hw *hw)
{
	kwl_rd32(hw, KWL_STATUS);
}

static inline void kwl_rmw32(struct kwl_hw *hw, u32 reg, u32 clear, u32 set)
{
	kwl_wr32(hw, reg, (kwl_rd32(hw, reg) & ~clear) | set);
}

#endif
