// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vectors: allocation, routing of causes, and the vector that serves no
 * queue. With MSI-X that is vector 0 and queue pair q has vector q + 1; with
 * MSI or INTx one handler serves everything.
 */
#include <linux/bitfield.h>
#include <linux/interrupt.h>

#include "kpf.h"

/* Causes of the receive and transmit queues where ICR carries them */
#define KPF_ICR_QUEUE	(KWL_ICR_TXDW | KWL_ICR_RXDW | KWL_ICR_RXDMT0 | \
			 KWL_ICR_RXO)
#define KPF_ICR_OTHER	(KWL_ICR_LSC | KWL_ICR_DRSTA)

/* Between two interrupts for mail */
#define KPF_OTHER_USECS	100

/* Vectors of the PF, for masking its own bits and never a VF's */
static u32 kpf_irq_own_bits(const struct kpf_dev *pf)
{
	return pf->irq_mode == KPF_IRQ_MSIX ? BIT(1 + kpf_irq_pairs(pf)) - 1 : 0;
}

u16 kpf_irq_max_pairs(const struct kpf_dev *pf)
{
	return pf->irq_mode == KPF_IRQ_MSIX ? pf->num_irqs - 1 : 1;
}

/*
 * With VFs the PF has one pool, and of that one queue pair: the emulator
 * spreads nothing inside a pool. Vectors from the end down are the VFs'.
 */
u16 kpf_irq_pairs(const struct kpf_dev *pf)
{
	return pf->num_vfs ? 1 : kpf_irq_max_pairs(pf);
}

int kpf_irq_init(struct kpf_dev *pf)
{
	int num;

	num = pci_alloc_irq_vectors(pf->pdev, 2, 1 + KPF_MAX_PAIRS,
				    PCI_IRQ_MSIX);
	if (num > 0) {
		pf->irq_mode = KPF_IRQ_MSIX;
	} else {
		num = pci_alloc_irq_vectors(pf->pdev, 1, 1,
					    PCI_IRQ_MSI | PCI_IRQ_INTX);
		if (num < 0)
			return num;
		pf->irq_mode = pf->pdev->msi_enabled ? KPF_IRQ_MSI :
						       KPF_IRQ_INTX;
	}
	pf->num_irqs = num;
	return 0;
}

const char *kpf_irq_mode_name(const struct kpf_dev *pf)
{
	static const char * const names[] = {
		[KPF_IRQ_MSIX] = "MSI-X",
		[KPF_IRQ_MSI] = "MSI",
		[KPF_IRQ_INTX] = "INTx",
	};

	return names[pf->irq_mode];
}

void kpf_irq_fini(struct kpf_dev *pf)
{
	pci_free_irq_vectors(pf->pdev);
}

static void kpf_irq_handle_other(struct kpf_dev *pf, u32 icr)
{
	if (icr & KWL_ICR_LSC) {
		WRITE_ONCE(pf->link_irqs, pf->link_irqs + 1);
		kpf_link_irq(pf);
	}
	if (icr & KWL_ICR_VMMB)
		kpf_sriov_irq(pf);
	if (icr & KWL_ICR_DRSTA)
		kpf_schedule_reset(pf);
}

/* Vector 0. ICR is read once per event of the link, never per packet. */
static irqreturn_t kpf_irq_other(int irq, void *data)
{
	struct kpf_dev *pf = data;
	u32 icr = kwl_rd32(&pf->hw, KWL_ICR);

	/* All ones are no causes */
	if (unlikely(READ_ONCE(pf->hw.gone)))
		return IRQ_HANDLED;
	kpf_irq_handle_other(pf, icr);
	/* The silicon has masked the vector as it fired */
	kwl_wr32(&pf->hw, KWL_EIMS, BIT(0));
	return IRQ_HANDLED;
}

/* The only vector of MSI or INTx; there the cause has to be read */
static irqreturn_t kpf_irq_single(int irq, void *data)
{
	struct kpf_dev *pf = data;
	struct kwl_vector *vec = pf->net->port.vec[0];
	u32 icr;

	if (READ_ONCE(pf->offline))
		return IRQ_NONE;
	icr = kwl_rd32(&pf->hw, KWL_ICR);
	if (pf->hw.gone ||
	    (pf->irq_mode == KPF_IRQ_INTX && !(icr & KWL_ICR_INT_ASSERTED)))
		return IRQ_NONE;

	kpf_irq_handle_other(pf, icr);
	if (icr & KPF_ICR_QUEUE) {
		kwl_vector_mask(vec);
		napi_schedule_irqoff(&vec->napi);
	}
	return IRQ_HANDLED;
}

/*
 * The vector that serves no queue lives with the device, which is why it is
 * named after it. The single vector lives with the interface.
 */
int kpf_irq_request(struct kpf_dev *pf)
{
	if (!kpf_irq_has_other(pf))
		return 0;
	snprintf(pf->irq_name, sizeof(pf->irq_name), "%s@pci:%s",
		 KBUILD_MODNAME, pci_name(pf->pdev));
	return request_irq(pci_irq_vector(pf->pdev, 0), kpf_irq_other, 0,
			   pf->irq_name, pf);
}

void kpf_irq_free(struct kpf_dev *pf)
{
	if (kpf_irq_has_other(pf))
		free_irq(pci_irq_vector(pf->pdev, 0), pf);
}

int kpf_irq_open(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;
	int err;

	err = kwl_irq_request(&net->port, 0, net->port.cfg.pairs);
	if (err || kpf_irq_has_other(pf))
		return err;
	strscpy(pf->irq_name, netdev_name(net->netdev));
	err = request_irq(pci_irq_vector(pf->pdev, 0), kpf_irq_single,
			  pf->irq_mode == KPF_IRQ_INTX ? IRQF_SHARED : 0,
			  pf->irq_name, pf);
	if (err)
		kwl_irq_free(&net->port, 0, net->port.cfg.pairs);
	return err;
}

void kpf_irq_close(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;

	if (!kpf_irq_has_other(pf))
		free_irq(pci_irq_vector(pf->pdev, 0), pf);
	kwl_irq_free(&net->port, 0, net->port.cfg.pairs);
}

/* The PF's queues: all from 0 on, or the first one of the pool after its VFs */
void kpf_irq_setup_queues(struct kpf_net *net)
{
	void __iomem *regs = net->pf->hw.regs;
	u16 i;

	for (i = 0; i < net->port.num_vec; i++) {
		struct kwl_vector *vec = net->port.vec[i];
		u16 queue = (net->pf->num_vfs + i) % KWL_MAX_QUEUES;

		vec->rxr.regs = regs + KWL_PF_RXQ(queue);
		vec->rxr.tail = vec->rxr.regs + KWL_RDT;
		vec->rxr.psrtype = regs + KWL_PF_PSRTYPE(queue);
		vec->txr.regs = regs + KWL_PF_TXQ(queue);
		vec->txr.tail = vec->txr.regs + KWL_TDT;
		/* The emulator sends a pool's own multicast back to it */
		vec->rxr.sort = net->pf->num_vfs && net->pf->emulated ?
				KWL_RX_NOT_OWN : KWL_RX_ALL_OURS;
		kpf_eswitch_setup_queue(net->pf, vec);
	}
}

/* Tell each vector of the data path its interrupt, registers and queues */
void kpf_irq_setup_vectors(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;
	bool msix = pf->irq_mode == KPF_IRQ_MSIX;
	void __iomem *regs = pf->hw.regs;
	u16 i;

	for (i = 0; i < net->port.num_vec; i++) {
		struct kwl_vector *vec = net->port.vec[i];
		u16 num = msix ? i + 1 : 0;

		vec->irq = pci_irq_vector(pf->pdev, num);
		vec->own_irq = msix;
		vec->mask_by_hand = pf->emulated;
		vec->eitr_low = pf->emulated;
		vec->unmask = regs + (msix ? KWL_EIMS : KWL_IMS);
		vec->mask = regs + (msix ? KWL_EIMC : KWL_IMC);
		vec->unmask_val = msix ? BIT(num) : KPF_ICR_QUEUE;
		vec->eitr = msix ? regs + KWL_EITR(num) : NULL;
	}
	kpf_irq_setup_queues(net);
}

static u32 kpf_irq_entry(u16 num)
{
	return KWL_IVAR_VALID | FIELD_PREP(KWL_IVAR_VECTOR, num);
}

/* Both directions of one queue */
static u32 kpf_irq_route(u16 num)
{
	return FIELD_PREP(KWL_IVAR_RX, kpf_irq_entry(num)) |
	       FIELD_PREP(KWL_IVAR_TX, kpf_irq_entry(num));
}

/* Queues from 8 on have the upper half of the same registers */
static_assert(KPF_MAX_PAIRS <= 8);

/* After a reset: route causes to vectors, and let the other causes in */
void kpf_irq_apply(struct kpf_net *net)
{
	struct kpf_dev *pf = net->pf;
	bool msix = pf->irq_mode == KPF_IRQ_MSIX;
	struct kwl_hw *hw = &pf->hw;
	u16 i;

	if (msix) {
		/* First of all, or the chip does not keep the rest */
		kwl_wr32(hw, KWL_GPIE, KWL_GPIE_MSIX | KWL_GPIE_NSICR |
			 KWL_GPIE_EIAME | KWL_GPIE_PBA);
		kwl_wr32(hw, KWL_IVAR_MISC,
			 FIELD_PREP(KWL_IVAR_MISC_OTHER, kpf_irq_entry(0)));
	}
	/*
	 * Nothing of ours may be left in the entries of a VF's queues: the
	 * emulator ORs what the VF writes into them.
	 */
	for (i = 0; i < KWL_MAX_POOLS; i++)
		kwl_wr32(hw, KWL_IVAR(i), 0);
	for (i = 0; i < kpf_irq_pairs(pf); i++)
		kwl_wr32(hw, KWL_IVAR(pf->num_vfs + i),
			 kpf_irq_route(msix ? i + 1 : 0));

	if (msix) {
		/* No guest can keep a processor busy with interrupts */
		kwl_wr32(hw, KWL_EITR(0), pf->num_vfs ?
			 FIELD_PREP(KWL_EITR_INTERVAL, KPF_OTHER_USECS) : 0);
		kwl_wr32(hw, KWL_EIAC, kpf_irq_own_bits(pf));
		kwl_wr32(hw, KWL_EIAM, kpf_irq_own_bits(pf));
		kwl_wr32(hw, KWL_EIMS, BIT(0));
	}
	kwl_wr32(hw, KWL_IAM, 0);
	kwl_wr32(hw, KWL_IMS, KPF_ICR_OTHER);
	if (pf->num_vfs)
		kwl_wr32(hw, KWL_IMS, KWL_ICR_VMMB);
}

/* Nothing of ours interrupts any more, and no old cause is left */
void kpf_irq_disable(struct kpf_dev *pf)
{
	kwl_wr32(&pf->hw, KWL_IMC, U32_MAX);
	kwl_wr32(&pf->hw, KWL_EIMC, kpf_irq_own_bits(pf));
	kwl_rd32(&pf->hw, KWL_ICR);
}
