// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: make one call of a kernel function fail without running it.
 *
 *	modprobe failcall symbol=page_pool_create value=-12 comm=ethtool
 *	echo 2 > /sys/module/failcall/parameters/nth
 *
 * The second call of the function by a process of that name, counted from
 * now, returns the value at once. Afterwards nth reads 0. -1 is all calls,
 * until something else is written. With several
 * functions and values, separated by commas, the calls of all of them count,
 * and "last" tells which one has failed. "caller" limits this to calls from
 * functions, or modules, with such a name. This is what fault injection does
 * in kernels that have it built in, distributions' have not.
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <asm/linkage.h>

#define FAILCALL_MOST	16

static char *symbol[FAILCALL_MOST] = { "page_pool_create" };
static unsigned int symbols = 1;
module_param_array(symbol, charp, &symbols, 0444);
MODULE_PARM_DESC(symbol, "functions that are to fail");

static long value[FAILCALL_MOST] = { -ENOMEM };
module_param_array(value, long, NULL, 0444);
MODULE_PARM_DESC(value, "what each is to return: an error, or 0 for NULL");

static char comm[TASK_COMM_LEN] = "ethtool";
module_param_string(comm, comm, sizeof(comm), 0644);
MODULE_PARM_DESC(comm, "name of the process in whose calls");

static char caller[32];
module_param_string(caller, caller, sizeof(caller), 0444);
MODULE_PARM_DESC(caller, "what the caller's name contains: function, [module");

static int most;
module_param(most, int, 0444);
MODULE_PARM_DESC(most, "how many calls of each function count; 0 for all");

static char last[64];
module_param_string(last, last, sizeof(last), 0444);
MODULE_PARM_DESC(last, "the function that has failed last");

static atomic_t countdown;
static atomic_t calls[FAILCALL_MOST];

static int nth_set(const char *text, const struct kernel_param *kp)
{
	int count, err, i;

	err = kstrtoint(text, 0, &count);
	if (err)
		return err;
	for (i = 0; i < FAILCALL_MOST; i++)
		atomic_set(&calls[i], 0);
	atomic_set(&countdown, count);
	return 0;
}

static int nth_get(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%d\n", atomic_read(&countdown));
}

static const struct kernel_param_ops nth_ops = {
	.set = nth_set,
	.get = nth_get,
};
module_param_cb(nth, &nth_ops, NULL, 0644);
MODULE_PARM_DESC(nth, "which call from now on; 0 for none, -1 for all");

static bool failcall_is_due(void)
{
	return atomic_read(&countdown) < 0 ||
	       !atomic_dec_if_positive(&countdown);
}

/* Does nothing but return, to the caller of the function it stands in for */
asmlinkage void failcall_return(void);
asm(".pushsection .text\n"
	".type failcall_return, @function\n"
	"failcall_return:\n"
	ANNOTATE_NOENDBR "\n"
	ASM_RET
	".size failcall_return, . - failcall_return\n"
	".popsection\n");

/* At a function's entry the address that it returns to is on top */
static bool failcall_is_caller(struct pt_regs *regs)
{
	char name[KSYM_SYMBOL_LEN];

	if (!caller[0])
		return true;
	sprint_symbol(name, regs_get_kernel_stack_nth(regs, 0));
	return strstr(name, caller);
}

static struct kprobe failcall_probe[FAILCALL_MOST];
static struct kprobe *failcall_probes[FAILCALL_MOST];

static int failcall_enter(struct kprobe *probe, struct pt_regs *regs)
{
	int which = probe - failcall_probe;

	/* A softirq that runs on top of the process is none of its calls */
	if (strcmp(current->comm, comm) || in_serving_softirq() ||
	    !failcall_is_caller(regs) ||
	    (most && atomic_inc_return(&calls[which]) > most) ||
	    !failcall_is_due())
		return 0;

	strscpy(last, probe->symbol_name, sizeof(last));
	regs_set_return_value(regs, value[which]);
	instruction_pointer_set(regs, (unsigned long)failcall_return);
	/* Go on there, not in the function */
	return 1;
}

/* A probe that has this is not turned into a jump, which can't lead elsewhere */
static void failcall_left(struct kprobe *probe, struct pt_regs *regs,
			  unsigned long flags)
{
}

static int __init failcall_init(void)
{
	unsigned int i;

	for (i = 0; i < symbols; i++) {
		failcall_probe[i].symbol_name = symbol[i];
		failcall_probe[i].pre_handler = failcall_enter;
		failcall_probe[i].post_handler = failcall_left;
		failcall_probes[i] = &failcall_probe[i];
	}
	return register_kprobes(failcall_probes, symbols);
}
module_init(failcall_init);

static void __exit failcall_exit(void)
{
	unregister_kprobes(failcall_probes, symbols);
}
module_exit(failcall_exit);

MODULE_DESCRIPTION("Makes a chosen call of a function fail, for tests");
MODULE_LICENSE("GPL");
