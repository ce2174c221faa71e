// SPDX-License-Identifier: GPL-2.0-only
/* Metadata of the library module; it has nothing to set up or tear down. */
#include <linux/module.h>

MODULE_DESCRIPTION("Intel 82576 data path, shared by kawela_pf and kawela_vf");
MODULE_AUTHOR("The kawela developers");
MODULE_LICENSE("GPL");
