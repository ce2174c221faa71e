// SPDX-License-Identifier: GPL-2.0-only
/* Life of the PCI function: probe, remove, shutdown, sleep, PCI reset. */
#include <linux/module.h>
#include <linux/pci.h>

#include <kawela/compat.h>
#include <kawela/lock.h>

#include "kvf.h"

/* Seen on QEMU 10.0.2: a BAR above 4 GiB is mapped elsewhere and reads 0 */
static int kvf_probe_hw(struct kvf_dev *kvf)
{
	u32 status = kwl_rd32(&kvf->hw, KWL_STATUS);

	if (status && !kvf->hw.gone)
		return 0;
	return dev_err_probe(&kvf->pdev->dev, -ENODEV,
			     "registers do not answer (%#x)\n", status);
}

static struct kvf_dev *kvf_alloc(struct pci_dev *pdev)
{
	struct kvf_dev *kvf = kzalloc(sizeof(*kvf), GFP_KERNEL);

	if (!kvf)
		return NULL;
	kvf->pdev = pdev;
	kvf->mbx_check = jiffies;
	kvf->stats_check = jiffies;
	kvf->retry = jiffies;
	kvf_mbx_init(kvf);
	kvf_service_init(kvf);
	pci_set_drvdata(pdev, kvf);
	return kvf;
}

static void kvf_free(struct kvf_dev *kvf)
{
	mutex_destroy(&kvf->mbx.lock);
	kfree(kvf);
}

static int kvf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct kvf_dev *kvf;
	struct kvf_net *net;
	int err;

	kvf = kvf_alloc(pdev);
	if (!kvf)
		return -ENOMEM;
	err = kwl_pci_map(pdev, &kvf->hw, KBUILD_MODNAME);
	if (err)
		goto err_free;
	err = kvf_probe_hw(kvf);
	if (err)
		goto err_unmap;
	err = kvf_irq_init(kvf);
	if (err)
		goto err_unmap;
	net = kvf_net_create(kvf);
	if (IS_ERR(net)) {
		err = PTR_ERR(net);
		goto err_irq;
	}
	err = register_netdev(net->netdev);
	if (err)
		goto err_net;

	netdev_info(net->netdev, "82576 VF, %pM\n", net->netdev->dev_addr);
	kvf_service_start(kvf);
	/* For kwl_pci_restore() */
	pci_save_state(pdev);
	return 0;

err_net:
	kvf_service_stop(kvf);
	kvf_net_destroy(net);
err_irq:
	kvf_irq_fini(kvf);
err_unmap:
	kwl_pci_unmap(pdev, &kvf->hw);
err_free:
	kvf_free(kvf);
	return err;
}

static void kvf_remove(struct pci_dev *pdev)
{
	struct kvf_dev *kvf = pci_get_drvdata(pdev);

	unregister_netdev(kvf->net->netdev);
	kvf_service_stop(kvf);
	kvf_net_destroy(kvf->net);
	kvf_irq_fini(kvf);
	kwl_pci_unmap(pdev, &kvf->hw);
	kvf_free(kvf);
}

static void kvf_suspend_net(struct kvf_dev *kvf)
{
	struct kvf_net *net = kvf->net;

	kwl_ctl_lock(net->netdev);
	netif_device_detach(net->netdev);
	WRITE_ONCE(kvf->session, false);
	netif_carrier_off(net->netdev);
	kwl_port_stop(&net->port);
	kwl_ctl_unlock(net->netdev);
	/* Detached, nothing begins it anew; it kicks the service */
	kvf_irq_stop_tick(kvf);
	kvf_service_stop(kvf);
}

static int kvf_resume_net(struct kvf_dev *kvf)
{
	struct kvf_net *net = kvf->net;

	kwl_ctl_lock(net->netdev);
	kvf->hw.gone = false;
	if (netif_running(net->netdev))
		kvf_net_restart(net);
	netif_device_attach(net->netdev);
	kwl_ctl_unlock(net->netdev);
	kvf_service_start(kvf);
	return 0;
}

static void kvf_shutdown(struct pci_dev *pdev)
{
	kvf_suspend_net(pci_get_drvdata(pdev));
	pci_clear_master(pdev);
}

static int kvf_suspend(struct device *dev)
{
	kvf_suspend_net(dev_get_drvdata(dev));
	return 0;
}

static int kvf_resume(struct device *dev)
{
	struct kvf_dev *kvf = dev_get_drvdata(dev);

	pci_set_master(kvf->pdev);
	return kvf_resume_net(kvf);
}

static DEFINE_SIMPLE_DEV_PM_OPS(kvf_pm_ops, kvf_suspend, kvf_resume);

static void kvf_reset_prepare(struct pci_dev *pdev)
{
	kvf_suspend_net(pci_get_drvdata(pdev));
}

static void kvf_reset_done(struct pci_dev *pdev)
{
	kvf_resume_net(pci_get_drvdata(pdev));
}

/* As in the PF's driver */
static pci_ers_result_t kvf_error_detected(struct pci_dev *pdev,
					   pci_channel_state_t state)
{
	kvf_suspend_net(pci_get_drvdata(pdev));
	return state == pci_channel_io_perm_failure ?
	       PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t kvf_slot_reset(struct pci_dev *pdev)
{
	return kwl_pci_restore(pdev) ? PCI_ERS_RESULT_DISCONNECT :
				       PCI_ERS_RESULT_RECOVERED;
}

static void kvf_error_resume(struct pci_dev *pdev)
{
	kvf_resume_net(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers kvf_err_handlers = {
	.error_detected	= kvf_error_detected,
	.slot_reset	= kvf_slot_reset,
	.resume		= kvf_error_resume,
	.reset_prepare	= kvf_reset_prepare,
	.reset_done	= kvf_reset_done,
};

static const struct pci_device_id kvf_ids[] = {
	{ PCI_VDEVICE(INTEL, 0x10ca) },
	{ }
};
MODULE_DEVICE_TABLE(pci, kvf_ids);

static struct pci_driver kvf_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= kvf_ids,
	.probe		= kvf_probe,
	.remove		= kvf_remove,
	.shutdown	= kvf_shutdown,
	.driver.pm	= pm_sleep_ptr(&kvf_pm_ops),
	.err_handler	= &kvf_err_handlers,
};
module_pci_driver(kvf_driver);

MODULE_DESCRIPTION("Intel 82576 virtual function");
MODULE_AUTHOR("The kawela developers");
MODULE_LICENSE("GPL");
KWL_IMPORT_NS;
