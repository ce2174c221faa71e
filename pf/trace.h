/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints of the PF: mailbox, VFs, resets, link. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kawela_pf

#if !defined(KPF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KPF_TRACE_H

#include <linux/bitfield.h>
#include <linux/device.h>
#include <linux/tracepoint.h>

#include <kawela/mbx_trace.h>

#ifndef KPF_TRACE_ONCE
#define KPF_TRACE_ONCE
/* What happens to a VF in its life */
enum kpf_vf_event {
	KPF_VF_MADE,		/* its pool is ready */
	KPF_VF_RESET,		/* it was reset, by its driver or on the bus */
	KPF_VF_HELLO,		/* its driver has introduced itself */
	KPF_VF_FAREWELL,	/* the PF is about to be reset */
	KPF_VF_SHUT,		/* it asks too much: not served for a while */
	KPF_VF_GONE,		/* its pool is the PF's again */
};
#endif

TRACE_DEFINE_ENUM(KPF_VF_MADE);
TRACE_DEFINE_ENUM(KPF_VF_RESET);
TRACE_DEFINE_ENUM(KPF_VF_HELLO);
TRACE_DEFINE_ENUM(KPF_VF_FAREWELL);
TRACE_DEFINE_ENUM(KPF_VF_SHUT);
TRACE_DEFINE_ENUM(KPF_VF_GONE);

DECLARE_EVENT_CLASS(kpf_mbx,
		    TP_PROTO(const struct device *dev, u8 vf, const u32 *msg,
			     u8 words),
		    TP_ARGS(dev, vf, msg, words),
		    TP_STRUCT__entry(__string(name, dev_name(dev))
				     __field(u8, vf)
				     __field(u8, words)
				     __field(u16, id)
				     __field(u8, info)
				     __field(u8, flags)
				     __array(u32, msg, KWL_MBX_TRACE_WORDS)
		    ),
		    TP_fast_assign(__assign_str(name);
				   __entry->vf = vf;
				   __entry->words = words;
				   __entry->id = FIELD_GET(KWL_MSG_ID, msg[0]);
				   __entry->info = FIELD_GET(KWL_MSG_INFO,
							     msg[0]);
				   __entry->flags =
					FIELD_GET(KWL_MBX_TRACE_FLAGS, msg[0]);
				   kwl_mbx_trace_copy(__entry->msg, msg, words);
		    ),
		    TP_printk("%s vf=%u %s flags=%s info=%#x words=%u: %08x %08x %08x %08x",
			      __get_str(name), __entry->vf,
			      kwl_mbx_show_id(__entry->id),
			      kwl_mbx_show_flags(__entry->flags), __entry->info,
			      __entry->words, __entry->msg[0], __entry->msg[1],
			      __entry->msg[2], __entry->msg[3])
);

DEFINE_EVENT(kpf_mbx, kpf_mbx_in,
	     TP_PROTO(const struct device *dev, u8 vf, const u32 *msg,
		      u8 words),
	     TP_ARGS(dev, vf, msg, words)
);

DEFINE_EVENT(kpf_mbx, kpf_mbx_out,
	     TP_PROTO(const struct device *dev, u8 vf, const u32 *msg,
		      u8 words),
	     TP_ARGS(dev, vf, msg, words)
);

TRACE_EVENT(kpf_vf,
	    TP_PROTO(const struct device *dev, u8 vf, enum kpf_vf_event event),
	    TP_ARGS(dev, vf, event),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
			     __field(u8, vf)
			     __field(u32, event)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->vf = vf;
			   __entry->event = event;
	    ),
	    TP_printk("%s vf=%u %s", __get_str(name), __entry->vf,
		      __print_symbolic(__entry->event,
				       { KPF_VF_MADE, "made" },
				       { KPF_VF_RESET, "reset" },
				       { KPF_VF_HELLO, "hello" },
				       { KPF_VF_FAREWELL, "farewell" },
				       { KPF_VF_SHUT, "shut" },
				       { KPF_VF_GONE, "gone" }))
);

TRACE_EVENT(kpf_reset_begin,
	    TP_PROTO(const struct device *dev, u16 num_vfs),
	    TP_ARGS(dev, num_vfs),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
			     __field(u16, num_vfs)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->num_vfs = num_vfs;
	    ),
	    TP_printk("%s vfs=%u", __get_str(name), __entry->num_vfs)
);

TRACE_EVENT(kpf_reset_end,
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

TRACE_EVENT(kpf_link,
	    TP_PROTO(const struct device *dev, bool up, int speed, int duplex),
	    TP_ARGS(dev, up, speed, duplex),
	    TP_STRUCT__entry(__string(name, dev_name(dev))
			     __field(bool, up)
			     __field(int, speed)
			     __field(int, duplex)
	    ),
	    TP_fast_assign(__assign_str(name);
			   __entry->up = up;
			   __entry->speed = speed;
			   __entry->duplex = duplex;
	    ),
	    TP_printk("%s %s speed=%d duplex=%d", __get_str(name),
		      __entry->up ? "up" : "down", __entry->speed,
		      __entry->duplex)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
