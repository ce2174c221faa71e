// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test aid: make one call of a kernel function fail without running it.
 *
 *	modprobe failcall symbol=page_pool_create value=-12 comm=ethtool
 *	echo 2 > /sys/module/failcall/parameters/nth
 *
 * The second call of the function by a process of that name, counted from
 * now, returns the value at once. Afterwards nth reads 0. This is what fault
 * injection does in kernels that have it built in, distributions' have not.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <asm/linkage.h>

static char *symbol = "page_pool_create";
module_param(symbol, charp, 0444);
MODULE_PARM_DESC(symbol, "function that is to fail");

static long value = -ENOMEM;
module_param(value, long, 0444);
MODULE_PARM_DESC(value, "what it is to return: an error, or 0 for NULL");

static char *comm = "ethtool";
module_param(comm, charp, 0444);
MODULE_PARM_DESC(comm, "name of the process in whose calls");

static atomic_t countdown;

static int nth_set(const char *text, const struct kernel_param *kp)
{
	int count, err;

	err = kstrtoint(text, 0, &count);
	if (!err)
		atomic_set(&countdown, count);
	return err;
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
MODULE_PARM_DESC(nth, "which call from now on; 0 for none");

/* Does nothing but return, to the caller of the function it stands in for */
asmlinkage void failcall_return(void);
asm(".pushsection .text\n"
	".type failcall_return, @function\n"
	"failcall_return:\n"
	ANNOTATE_NOENDBR "\n"
	ASM_RET
	".size failcall_return, . - failcall_return\n"
	".popsection\n");

static int failcall_enter(struct kprobe *probe, struct pt_regs *regs)
{
	if (strcmp(current->comm, comm) ||
	    atomic_dec_if_positive(&countdown) != 0)
		return 0;

	regs_set_return_value(regs, value);
	instruction_pointer_set(regs, (unsigned long)failcall_return);
	/* Go on there, not in the function */
	return 1;
}

static struct kprobe failcall_probe = {
	.pre_handler = failcall_enter,
};

static int __init failcall_init(void)
{
	failcall_probe.symbol_name = symbol;
	return register_kprobe(&failcall_probe);
}
module_init(failcall_init);

static void __exit failcall_exit(void)
{
	unregister_kprobe(&failcall_probe);
}
module_exit(failcall_exit);

MODULE_DESCRIPTION("Makes a chosen call of a function fail, for tests");
MODULE_LICENSE("GPL");
