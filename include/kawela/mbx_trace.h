/* SPDX-License-Identifier: GPL-2.0-only */
/* How both ends of the mailbox show a message in their tracepoints. */
#ifndef KAWELA_MBX_TRACE_H
#define KAWELA_MBX_TRACE_H

#include <linux/tracepoint.h>

#include <kawela/mbx.h>

/* As many words of a message as an event keeps */
#define KWL_MBX_TRACE_WORDS		4

static inline void kwl_mbx_trace_copy(u32 *to, const u32 *msg, u8 words)
{
	u8 i;

	for (i = 0; i < KWL_MBX_TRACE_WORDS; i++)
		to[i] = i < words ? msg[i] : 0;
}

/* The flags of a message as an event keeps them */
#define KWL_MBX_TRACE_FLAGS	(KWL_MSG_CTS | KWL_MSG_NACK | KWL_MSG_ACK)

#define kwl_mbx_show_id(id)					\
	__print_symbolic(id,					\
			 { 0, "NONE" },				\
			 { KWL_MSG_RESET, "RESET" },		\
			 { KWL_MSG_SET_MAC, "SET_MAC" },	\
			 { KWL_MSG_SET_MULTICAST, "SET_MULTICAST" }, \
			 { KWL_MSG_SET_VLAN, "SET_VLAN" },	\
			 { KWL_MSG_SET_LPE, "SET_LPE" },	\
			 { KWL_MSG_SET_PROMISC, "SET_PROMISC" }, \
			 { KWL_MSG_LIST_ADDRS, "LIST_ADDRS" },	\
			 { KWL_MSG_LIST_GROUPS, "LIST_GROUPS" }, \
			 { KWL_MSG_CONTROL, "CONTROL" })

#define kwl_mbx_show_flags(flags)				\
	__print_flags(flags, "|", { 4, "ACK" }, { 2, "NACK" }, { 1, "CTS" })

#endif
