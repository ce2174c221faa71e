/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of a VF: mailbox, session with the PF, link. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kawela_vf

#if !defined(KVF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVF_TRACE_H

#include <linux/bitfield.h>
#include <linux/device.h>
#include <linux/tracepoint.h>

#include <kawela/mbx_trace.h>

DECLARE_EVENT_CLASS(kvf_mbx,
		    TP_PROTO(const struct device *dev, const u32 *msg,
			     u8 words),
		    TP_ARGS(dev, msg, words),
		    TP_STRUCT__entry(__string(name, dev_name(dev))
				     __field(u8, words)
				     __field(u16, id)
				     __field(u8, info)
				     __field(u8, flags)
				     __array(u32, msg, KWL_MBX_TRACE_WORDS)
		    ),
		    TP_fast_assign(__assign_str(name);
				   __entry->words = words;
				   __entry->id = FIELD_GET(KWL_MSG_ID, msg[0]);
				   __entry->info = FIELD_GET(KWL_MSG_INFO,
							     msg[0]);
				   __entry->flags =
					FIELD_GET(KWL_MBX_TRACE_FLAGS, msg[0]);
				   kwl_mbx_trace_copy(__entry->msg, msg, words);
		    ),
		    TP_printk("%s %s flags=%s info=%#x words=%u: %08x %08x %08x %08x",
			      __get_str(name), kwl_mbx_show_id(__entry->id),
			      kwl_mbx_show_flags(__entry->flags), __entry->info,
			      __entry->words, __entry->msg[0], __entry->msg[1],
			      __entry->msg[2], __entry->msg[3])
);

DEFINE_EVENT(kvf_mbx, kvf_mbx_in,
	     TP_PROTO(const struct device *dev, const u32 *msg, u8 words),
	     TP_ARGS(dev, msg, words)
);

DEFINE_EVENT(kvf_mbx, kvf_mbx_out,
	     TP_PROTO(const struct device *dev, const u32 *msg, u8 words),
	     TP_ARGS(dev, msg, words)
);

TRACE_EVENT(kvf_reset,
	    TP_PROTO(const struct device *dev, int err),
	    TP_ARGS(dev, err),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
			     __field(int, err)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->err = err;
	    ),
	    TP_printk("%s err=%d", __get_str(name), __entry->err)
);

TRACE_EVENT(kvf_lose,
	    TP_PROTO(const struct device *dev),
	    TP_ARGS(dev),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
	    ),
	    TP_fast_assign(__assign_str(name);
	    ),
	    TP_printk("%s", __get_str(name))
);

TRACE_EVENT(kvf_link,
	    TP_PROTO(const struct device *dev, bool up, u32 state),
	    TP_ARGS(dev, up, state),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
			     __field(bool, up)
			     __field(u32, state)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->up = up;
			   __entry->state = state;
	    ),
	    TP_printk("%s %s state=%s", __get_str(name),
		      __entry->up ? "up" : "down",
		      __print_flags(__entry->state, "|",
				    { KWL_STATE_LINK_DOWN, "link_down" },
				    { KWL_STATE_RENEW, "renew" },
				    { KWL_STATE_NEW_MAC, "new_mac" },
				    { KWL_STATE_LINK_UP, "link_up" },
				    { KWL_STATE_TRUSTED, "trusted" },
				    { KWL_STATE_ADMIN_MAC, "admin_mac" }))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
