// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VF's three vectors: transmit, receive, mailbox. The emulator delivers
 * mail to the wrong vector (82576 mailbox event n comes as n - 1), so each of
 * them may mean mail.
 */
#include <linux/bitfield.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/timer.h>

#include "kvf.h"

/* The timer goes on in place of an interrupt that is later than this */
#define KVF_IRQ_WAIT		(HZ / 10)
/* Five seconds: a guest may be off its processors, and all of them miss one */
#define KVF_IRQ_MISSES		50
/* To ask again takes control's lock; where none comes none may ever come */
#define KVF_IRQ_ASK_AGAIN	(2 * HZ)

static void kvf_irq_look_for_mail(struct kvf_dev *kvf)
{
	if (likely(time_before(jiffies, READ_ONCE(kvf->mbx_check))))
		return;
	WRITE_ONCE(kvf->mbx_check, jiffies + KVF_MAIL_INTERVAL);
	kvf_service_kick(kvf);
}

static irqreturn_t kvf_irq_queue(int irq, void *data)
{
	struct kvf_dev *kvf = data;

	napi_schedule_irqoff(&kvf->net->port.vec[0]->napi);
	kvf_irq_look_for_mail(kvf);
	return IRQ_HANDLED;
}

static irqreturn_t kvf_irq_mbx(int irq, void *data)
{
	struct kvf_dev *kvf = data;

	WRITE_ONCE(kvf->heard, true);
	kvf_service_kick(kvf);
	kwl_wr32(&kvf->hw, KWL_EIMS, BIT(KVF_VECTOR_MBX));
	return IRQ_HANDLED;
}

/* In place of all three, where none can come */
static void kvf_irq_tick(struct timer_list *tick)
{
	struct kvf_dev *kvf = container_of(tick, struct kvf_dev, tick);

	/* What ends it has interrupts asked for anew, and this begun if need be */
	if (!READ_ONCE(kvf->session))
		return;
	napi_schedule(&kvf->net->port.vec[0]->napi);
	kvf_irq_look_for_mail(kvf);
	mod_timer(tick, jiffies + 1);
}

/* Not for long while the interface is there: kvf_irq_settle() may begin it */
void kvf_irq_stop_tick(struct kvf_dev *kvf)
{
	timer_delete_sync(&kvf->tick);
}

int kvf_irq_init(struct kvf_dev *kvf)
{
	int num = pci_alloc_irq_vectors(kvf->pdev, KVF_VECTORS, KVF_VECTORS,
					PCI_IRQ_MSIX);

	timer_setup(&kvf->tick, kvf_irq_tick, 0);
	return num < 0 ? num : 0;
}

void kvf_irq_fini(struct kvf_dev *kvf)
{
	pci_free_irq_vectors(kvf->pdev);
}

static const struct {
	const char *suffix;
	irq_handler_t handler;
} kvf_irqs[KVF_VECTORS] = {
	[KVF_VECTOR_TX]	 = { "-tx-0", kvf_irq_queue },
	[KVF_VECTOR_RX]	 = { "-rx-0", kvf_irq_queue },
	[KVF_VECTOR_MBX] = { "", kvf_irq_mbx },
};

static void kvf_irq_free_first(struct kvf_dev *kvf, int count)
{
	while (count--)
		free_irq(pci_irq_vector(kvf->pdev, count), kvf);
}

int kvf_irq_request(struct kvf_net *net)
{
	struct kvf_dev *kvf = net->kvf;
	int err, i;

	/* The handlers schedule its NAPI */
	err = kwl_irq_request(&net->port, 0, 1);
	if (err)
		return err;
	for (i = 0; i < KVF_VECTORS; i++) {
		snprintf(kvf->irq_name[i], sizeof(kvf->irq_name[i]), "%s%s",
			 netdev_name(net->netdev), kvf_irqs[i].suffix);
		err = request_irq(pci_irq_vector(kvf->pdev, i),
				  kvf_irqs[i].handler, 0, kvf->irq_name[i],
				  kvf);
		if (err) {
			kvf_irq_free_first(kvf, i);
			kwl_irq_free(&net->port, 0, 1);
			return err;
		}
	}
	return 0;
}

void kvf_irq_free(struct kvf_net *net)
{
	kwl_wr32(&net->kvf->hw, KWL_EIMC, GENMASK(KVF_VECTORS - 1, 0));
	kvf_irq_stop_tick(net->kvf);
	WRITE_ONCE(net->kvf->misses, 0);
	kvf_irq_free_first(net->kvf, KVF_VECTORS);
	kwl_irq_free(&net->port, 0, 1);
}

/* One queue pair; both of its vectors lead to the same NAPI */
void kvf_irq_setup_vector(struct kvf_net *net)
{
	struct kwl_vector *vec = net->port.vec[0];
	void __iomem *regs = net->kvf->hw.regs;

	vec->irq = pci_irq_vector(net->kvf->pdev, KVF_VECTOR_RX);
	vec->unmask = regs + KWL_EIMS;
	vec->mask = regs + KWL_EIMC;
	vec->unmask_val = BIT(KVF_VECTOR_TX) | BIT(KVF_VECTOR_RX);
	vec->eitr = regs + KWL_EITR(KVF_VECTOR_RX);
	vec->eitr_tx = regs + KWL_EITR(KVF_VECTOR_TX);
	vec->rxr.regs = regs + KWL_VF_RXQ(0);
	vec->rxr.tail = vec->rxr.regs + KWL_RDT;
	vec->rxr.psrtype = regs + KWL_VF_PSRTYPE;
	vec->txr.regs = regs + KWL_VF_TXQ(0);
	vec->txr.tail = vec->txr.regs + KWL_TDT;
	vec->rxr.vlans = net->vlans;
	/* Nothing to be seen of it on silicon, whose switch does that */
	vec->rxr.sort = KWL_RX_NOT_OWN;
}

static u32 kvf_irq_entry(enum kvf_vector vector)
{
	return KWL_IVAR_VALID | FIELD_PREP(KWL_IVAR_VECTOR, vector);
}

/* Have the card interrupt, to hear whether it can */
static void kvf_irq_ask(struct kvf_dev *kvf)
{
	WRITE_ONCE(kvf->heard, false);
	WRITE_ONCE(kvf->asked, jiffies);
	kwl_wr32(&kvf->hw, KWL_EICS, BIT(KVF_VECTOR_MBX));
}

/* None has come for so long that the timer is relied on */
static bool kvf_irq_is_given_up(const struct kvf_dev *kvf)
{
	return READ_ONCE(kvf->misses) == KVF_IRQ_MISSES &&
	       timer_pending(&kvf->tick);
}

/* Whether it does what it should: interrupts, or else the timer in their place */
bool kvf_irq_is_settled(const struct kvf_dev *kvf)
{
	if (READ_ONCE(kvf->heard))
		return !timer_pending(&kvf->tick);
	return time_before(jiffies, READ_ONCE(kvf->asked) +
			   (kvf_irq_is_given_up(kvf) ? KVF_IRQ_ASK_AGAIN :
						       KVF_IRQ_WAIT));
}

/*
 * VFs have interrupts only where the PF's driver has set MSI-X mode in GPIE.
 * DPDK's does so when its application wants interrupts of queues itself.
 * Context: Control locked (lock.h), interface up.
 */
void kvf_irq_settle(struct kvf_dev *kvf)
{
	if (READ_ONCE(kvf->heard)) {
		kvf_irq_stop_tick(kvf);
		WRITE_ONCE(kvf->misses, 0);
		return;
	}
	if (kvf->misses < KVF_IRQ_MISSES) {
		WRITE_ONCE(kvf->misses, kvf->misses + 1);
		if (kvf->misses == KVF_IRQ_MISSES)
			netdev_warn(kvf->net->netdev,
				    "the PF's driver lets no interrupt through: looks at its rings %u times a second\n",
				    HZ);
	}
	mod_timer(&kvf->tick, jiffies + 1);
	kvf_irq_ask(kvf);
}

/* After a reset: causes to vectors, and mail is welcome */
void kvf_irq_apply(struct kvf_net *net)
{
	struct kwl_hw *hw = &net->kvf->hw;
	u32 all = GENMASK(KVF_VECTORS - 1, 0);

	kwl_wr32(hw, KWL_VTIVAR,
		 FIELD_PREP(KWL_VTIVAR_RX0, kvf_irq_entry(KVF_VECTOR_RX)) |
		 FIELD_PREP(KWL_VTIVAR_TX0, kvf_irq_entry(KVF_VECTOR_TX)));
	kwl_wr32(hw, KWL_VTIVAR_MISC,
		 FIELD_PREP(KWL_VTIVAR_MISC_MBX,
			    kvf_irq_entry(KVF_VECTOR_MBX)));
	kwl_wr32(hw, KWL_EITR(KVF_VECTOR_MBX), 0);
	/* What somebody left enabled would not fire again when it is enabled */
	kwl_wr32(hw, KWL_EIMC, all);
	kwl_wr32(hw, KWL_EIAC, all);
	kwl_wr32(hw, KWL_EIAM, all);
	kwl_wr32(hw, KWL_EIMS, BIT(KVF_VECTOR_MBX));
	kvf_irq_ask(net->kvf);
}
