/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the receive path of representors meets what their VFs may send. */
#ifndef KAWELA_POLICE_H
#define KAWELA_POLICE_H

#include <kawela/ring.h>

enum kwl_police_word {
	KWL_POLICE_FINE,
	KWL_POLICE_SPOOFED,	/* the source is not the sender's */
	KWL_POLICE_FAST,	/* faster than the sender may send */
};

enum kwl_police_word kwl_police_look(struct kwl_police *police,
				     const void *data, u32 len);

#endif
