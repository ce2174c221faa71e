/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read by sparse before anything else. Kernel 7.2 uses two things that sparse 0.6.4
 * cannot parse; and after its first error sparse keeps all warnings to itself, so
 * each file would look clean.
 */
#define __typeof_unqual__ __typeof__
#define __builtin_strlen(string) (sizeof(string) - 1)
