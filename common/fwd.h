/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the receive path of representors meets what the device forwards. */
#ifndef KAWELA_FWD_H
#define KAWELA_FWD_H

#include <kawela/ring.h>

int kwl_fwd_find(const struct kwl_fwd *fwd, u16 num, const u8 *addr);
bool kwl_fwd_has(const struct kwl_fwd *fwd, u16 num, const u8 *dest);

#endif
