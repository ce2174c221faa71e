// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU's TCG: counts what a guest executes between two marks.
 *
 *	-plugin libcount.so,ranges=FILE,out=FILE
 *
 * A guest makes a mark by an instruction that does nothing (mark.c). At each, the
 * sums go to the file "out" as a line of JSON: instructions in user space and in the
 * kernel so far; since the mark before, for each address range of the file "ranges"
 * (lines of "name begin end", in hexadecimal; read at each mark), instructions there, reads
 * of registers and writes to them; and the blocks of code that were executed there, as
 * address, instructions, and how often.
 *
 * For one vCPU: nothing here is locked. A block of code that accesses a register is
 * left there and its rest counted again: that is a few instructions too many for a
 * doorbell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 4;

#define MAX_RANGES	8
#define MODULES		0xffffffffc0000000ULL	/* x86-64 */
#define KERNEL		0xffff800000000000ULL

struct range {
	char name[32];
	__u64 begin, end;
	__u64 insns, reads, writes;
};

/* A block of code, or what is left of it after an earlier visit */
struct block {
	__u64 vaddr, count;
	__u32 insns, generation;
	struct range *range;
	struct block *next;
};

static struct range ranges[MAX_RANGES];
static int num_ranges;
static __u32 generation = 1;
static __u64 user, kernel;
static struct block *blocks;
static const char *ranges_file, *out_file;

static struct range *find(__u64 vaddr)
{
	for (int i = 0; i < num_ranges; i++)
		if (vaddr >= ranges[i].begin && vaddr < ranges[i].end)
			return &ranges[i];
	return NULL;
}

/* Ranges may have changed since the block was last here */
static void refresh(struct block *block)
{
	if (block->generation == generation)
		return;
	block->generation = generation;
	block->range = find(block->vaddr);
	block->count = 0;
}

static void on_block(unsigned int vcpu, void *data)
{
	struct block *block = data;

	refresh(block);
	if (block->vaddr < KERNEL)
		user += block->insns;
	else
		kernel += block->insns;
	if (block->range) {
		block->range->insns += block->insns;
		block->count++;
	}
}

static void on_memory(unsigned int vcpu,
		      __u32 info, __u64 vaddr, void *data)
{
	struct qemu_plugin_hwaddr *addr = qemu_plugin_get_hwaddr(info, vaddr);
	struct block *block = data;

	/* With -icount, an access to a register has a block of its own */
	refresh(block);
	if (!addr || !qemu_plugin_hwaddr_is_io(addr) || !block->range)
		return;
	if (qemu_plugin_mem_is_store(info))
		block->range->writes++;
	else
		block->range->reads++;
}

static void read_ranges(void)
{
	FILE *file = fopen(ranges_file, "r");
	struct range *range = ranges;

	memset(ranges, 0, sizeof(ranges));
	while (file && range < ranges + MAX_RANGES &&
	       fscanf(file, "%31s %llx %llx", range->name,
		      &range->begin, &range->end) == 3)
		range++;
	num_ranges = range - ranges;
	generation++;
	if (file)
		fclose(file);
}

static void on_mark(unsigned int vcpu, void *data)
{
	FILE *out = fopen(out_file, "a");
	struct block *block;

	if (!out)
		return;
	fprintf(out, "{\"user\": %llu, \"kernel\": %llu, \"ranges\": {", user,
		kernel);
	for (int i = 0; i < num_ranges; i++)
		fprintf(out, "%s\"%s\": [%llu, %llu, %llu]", i ? ", " : "",
			ranges[i].name, ranges[i].insns, ranges[i].reads,
			ranges[i].writes);
	fprintf(out, "}, \"blocks\": [[0, 0, 0]");
	for (block = blocks; block; block = block->next)
		if (block->generation == generation && block->range &&
		    block->count)
			fprintf(out, ", [%llu, %u, %llu]", block->vaddr,
				block->insns, block->count);
	fprintf(out, "]}\n");
	fclose(out);
	read_ranges();
}

/* nopl 0x6b776c00(%rax) */
static bool is_mark(const struct qemu_plugin_insn *insn)
{
	char code[16];

	return qemu_plugin_insn_size(insn) == 7 &&
	       qemu_plugin_insn_data(insn, code, sizeof(code)) == 7 &&
	       !memcmp(code, "\x0f\x1f\x80\0\x6c\x77\x6b", 7);
}

static void on_translation(__u64 id,
			   struct qemu_plugin_tb *tb)
{
	struct block *block = calloc(1, sizeof(*block));

	block->vaddr = qemu_plugin_tb_vaddr(tb);
	block->insns = qemu_plugin_tb_n_insns(tb);
	/* A range is in a module, or in a library of a program */
	if (block->vaddr >= MODULES || block->vaddr < KERNEL) {
		block->next = blocks;
		blocks = block;
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS,
					     block);
	for (size_t i = 0; i < block->insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (block->vaddr >= MODULES)
			qemu_plugin_register_vcpu_mem_cb(insn, on_memory,
							 QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW,
							 block);
		else if (block->vaddr < KERNEL && is_mark(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
							       QEMU_PLUGIN_CB_NO_REGS,
							       NULL);
	}
}

EXPORT int qemu_plugin_install(__u64 id,
			       const void *info,
			       int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "ranges=", 7))
			ranges_file = strdup(argv[i] + 7);
		else if (!strncmp(argv[i], "out=", 4))
			out_file = strdup(argv[i] + 4);
		else
			return -1;
	}
	if (!ranges_file || !out_file)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
