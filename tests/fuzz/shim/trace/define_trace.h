/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoints are nothing outside the kernel; see TRACE_EVENT in kernel.h. */
