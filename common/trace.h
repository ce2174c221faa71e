/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the data path. All of them are where something has gone
 * wrong or a queue changes its state; a frame that passes meets none.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kawela

#if !defined(KWL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KWL_TRACE_H

#include <linux/netdevice.h>
#include <linux/tracepoint.h>

#ifndef KWL_TRACE_ONCE
#define KWL_TRACE_ONCE
/* Why a received frame, or a buffer for one, was lost */
enum kwl_rx_drop {
	KWL_RX_DROP_NO_PAGE,	/* no buffer to post */
	KWL_RX_DROP_NO_SKB,	/* no memory for the frame's head */
	KWL_RX_DROP_ERROR,	/* the device says that it is damaged */
	KWL_RX_DROP_SHORT,	/* no whole Ethernet header */
	KWL_RX_DROP_LONG,	/* more buffers than a frame can have */
	KWL_RX_DROP_OWN,	/* our own, given back by the switch */
	KWL_RX_DROP_NO_REPR,	/* of an interface that is not there, or down */
	KWL_RX_DROP_SPOOFED,	/* of a VF, with a source that is not its own */
	KWL_RX_DROP_FAST,	/* of a VF, above its rate */
	KWL_RX_DROP_XDP_LONG,	/* in more buffers than the program can take */
};
#endif

TRACE_DEFINE_ENUM(KWL_RX_DROP_NO_PAGE);
TRACE_DEFINE_ENUM(KWL_RX_DROP_NO_SKB);
TRACE_DEFINE_ENUM(KWL_RX_DROP_ERROR);
TRACE_DEFINE_ENUM(KWL_RX_DROP_SHORT);
TRACE_DEFINE_ENUM(KWL_RX_DROP_LONG);
TRACE_DEFINE_ENUM(KWL_RX_DROP_OWN);
TRACE_DEFINE_ENUM(KWL_RX_DROP_NO_REPR);
TRACE_DEFINE_ENUM(KWL_RX_DROP_SPOOFED);
TRACE_DEFINE_ENUM(KWL_RX_DROP_FAST);
TRACE_DEFINE_ENUM(KWL_RX_DROP_XDP_LONG);

TRACE_EVENT(kwl_rx_drop,
	    TP_PROTO(const struct net_device *netdev, u16 queue,
		     enum kwl_rx_drop why, u32 len),
	    TP_ARGS(netdev, queue, why, len),
	    TP_STRUCT__entry(__string(name, netdev_name(netdev))
			     __field(u16, queue)
			     __field(u32, why)
			     __field(u32, len)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->queue = queue;
			   __entry->why = why;
			   __entry->len = len;
	    ),
	    TP_printk("%s queue=%u why=%s len=%u", __get_str(name),
		      __entry->queue,
		      __print_symbolic(__entry->why,
				       { KWL_RX_DROP_NO_PAGE, "no_page" },
				       { KWL_RX_DROP_NO_SKB, "no_skb" },
				       { KWL_RX_DROP_ERROR, "error" },
				       { KWL_RX_DROP_SHORT, "short" },
				       { KWL_RX_DROP_LONG, "long" },
				       { KWL_RX_DROP_OWN, "own" },
				       { KWL_RX_DROP_NO_REPR, "no_repr" },
				       { KWL_RX_DROP_SPOOFED, "spoofed" },
				       { KWL_RX_DROP_FAST, "fast" },
				       { KWL_RX_DROP_XDP_LONG, "xdp_long" }),
		      __entry->len)
);

DECLARE_EVENT_CLASS(kwl_tx_queue,
		    TP_PROTO(const struct net_device *netdev, u16 queue,
			     u32 room),
		    TP_ARGS(netdev, queue, room),
		    TP_STRUCT__entry(__string(name, netdev_name(netdev))
				     __field(u16, queue)
				     __field(u32, room)
		    ),
		    TP_fast_assign(__assign_str(name);
				   __entry->queue = queue;
				   __entry->room = room;
		    ),
		    TP_printk("%s queue=%u room=%u", __get_str(name),
			      __entry->queue, __entry->room)
);

DEFINE_EVENT(kwl_tx_queue, kwl_tx_stop,
	     TP_PROTO(const struct net_device *netdev, u16 queue, u32 room),
	     TP_ARGS(netdev, queue, room)
);

DEFINE_EVENT(kwl_tx_queue, kwl_tx_wake,
	     TP_PROTO(const struct net_device *netdev, u16 queue, u32 room),
	     TP_ARGS(netdev, queue, room)
);

TRACE_EVENT(kwl_tx_hang,
	    TP_PROTO(const struct net_device *netdev, u16 queue, u32 ntu,
		     u32 ntc, u32 tdh, u32 tdt),
	    TP_ARGS(netdev, queue, ntu, ntc, tdh, tdt),
	    TP_STRUCT__entry(__string(name, netdev_name(netdev))
			     __field(u16, queue)
			     __field(u32, ntu)
			     __field(u32, ntc)
			     __field(u32, tdh)
			     __field(u32, tdt)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->queue = queue;
			   __entry->ntu = ntu;
			   __entry->ntc = ntc;
			   __entry->tdh = tdh;
			   __entry->tdt = tdt;
	    ),
	    TP_printk("%s queue=%u ntu=%u ntc=%u tdh=%u tdt=%u",
		      __get_str(name), __entry->queue, __entry->ntu,
		      __entry->ntc, __entry->tdh, __entry->tdt)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
