// SPDX-License-Identifier: GPL-2.0-only
/* The slow end of a register read: is the function still on the bus? */
#include <linux/export.h>

#include <kawela/io.h>

/**
 * kwl_hw_check_gone() - find out whether all ones means "no device"
 * @hw: the function
 * @reg: the register that read all ones, for the message
 *
 * STATUS can never read all ones on a living function, neither through the
 * PF's BAR nor through a VF's, so it decides. Said once; from then on reads
 * return all ones and writes go nowhere without touching the bus.
 *
 * Context: Any.
 */
void kwl_hw_check_gone(struct kwl_hw *hw, u32 reg)
{
	if (readl(hw->regs + KWL_STATUS) != U32_MAX)
		return;
	if (!xchg(&hw->gone, true))
		dev_err(hw->dev, "no answer at register %#x: device lost\n",
			reg);
}
EXPORT_SYMBOL_GPL(kwl_hw_check_gone);
