/* SPDX-License-Identifier: GPL-2.0-only */
/* What metadata.bpf.c writes in front of a frame and mark.bpf.c looks for there. */
#define MARK	0x6b617765
