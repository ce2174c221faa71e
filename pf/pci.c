// SPDX-License-Identifier: GPL-2.0-only
/* Life of the PCI function: probe, remove, shutdown, sleep, PCI reset. */
#include <linux/module.h>
#include <linux/pci.h>

#include <kawela/compat.h>
#include <kawela/lock.h>

#include "kpf.h"
#include "kpf_devlink.h"
#include "kpf_eswitch.h"

/* From an unknown state to a quiet function whose address is known */
static int kpf_probe_hw(struct kpf_dev *pf)
{
	struct device *dev = &pf->pdev->dev;
	int err;

	err = kpf_hw_identify(pf);
	if (err)
		return dev_err_probe(dev, err, "registers do not answer\n");
	err = kpf_hw_reset(pf);
	if (err)
		return err;
	err = kpf_nvm_validate(pf);
	if (err)
		return dev_err_probe(dev, err, "NVM checksum is wrong\n");
	err = kpf_nvm_read_mac(pf, pf->perm_addr);
	if (err)
		return dev_err_probe(dev, err, "NVM holds no MAC address\n");
	return 0;
}

static struct kpf_dev *kpf_alloc(struct pci_dev *pdev)
{
	struct kpf_dev *pf = kpf_devlink_alloc(&pdev->dev);

	if (!pf)
		return NULL;
	pf->pdev = pdev;
	spin_lock_init(&pf->stats_lock);
	mutex_init(&pf->sem_lock);
	kpf_service_init(pf);
	kpf_sriov_init(pf);
	kpf_health_init(pf);
	pci_set_drvdata(pdev, pf);
	return pf;
}

static void kpf_free(struct kpf_dev *pf)
{
	mutex_destroy(&pf->sem_lock);
	kpf_devlink_free(pf);
}

/*
 * Reset the function and start all of it, interface included. Nothing is left
 * if that fails.
 * Context: devlink's lock; the device is locked, too.
 */
int kpf_load(struct kpf_dev *pf)
{
	struct kpf_net *net;
	int err;

	kpf_eswitch_init(pf);
	/* It may have been off the bus when it was unloaded */
	pf->hw.gone = false;
	pf->offline = false;
	err = kpf_irq_init(pf);
	if (err)
		return err;
	err = kpf_probe_hw(pf);
	if (err)
		goto err_irq;
	net = kpf_net_create(pf);
	if (IS_ERR(net)) {
		err = PTR_ERR(net);
		goto err_irq;
	}
	err = kpf_irq_request(pf);
	if (err)
		goto err_net;
	kpf_hw_apply(net);
	pci_sriov_set_totalvfs(pf->pdev,
			       kpf_irq_has_other(pf) ? KPF_MAX_VFS : 0);
	err = kpf_link_init(pf);
	if (err)
		goto err_quiesce;
	err = kpf_ptp_init(pf);
	if (err)
		goto err_link;
	err = kpf_port_register(pf);
	if (err)
		goto err_ptp;
	err = register_netdev(net->netdev);
	if (err)
		goto err_port;

	netdev_info(net->netdev, "82576 port %u, %pM, %s, %u queue pairs\n",
		    pf->lan_id, pf->perm_addr, kpf_irq_mode_name(pf),
		    net->port.num_vec);
	kpf_service_start(pf);
	return 0;

err_port:
	kpf_port_unregister(pf);
err_ptp:
	kpf_ptp_fini(pf);
err_link:
	kpf_link_fini(pf);
err_quiesce:
	kpf_hw_quiesce(pf);
	kpf_irq_free(pf);
	kpf_service_stop(pf);
err_net:
	kpf_net_destroy(net);
err_irq:
	kpf_irq_fini(pf);
	return err;
}

/* Undo kpf_load(); there are no VFs any more. Context: the same. */
void kpf_unload(struct kpf_dev *pf)
{
	unregister_netdev(pf->net->netdev);
	kpf_fwd_fini(pf);
	kpf_share_fini(pf);
	/* The interrupt can ask for a reset, and a reset needs all the rest */
	kpf_irq_disable(pf);
	kpf_irq_free(pf);
	kpf_service_stop(pf);
	kpf_port_unregister(pf);
	kpf_ptp_fini(pf);
	kpf_link_fini(pf);
	kpf_hw_quiesce(pf);
	kwl_rmw32(&pf->hw, KWL_CTRL_EXT,
		  KWL_CTRL_EXT_DRV_LOAD | KWL_CTRL_EXT_PFRSTD, 0);
	kpf_net_destroy(pf->net);
	kpf_irq_fini(pf);
}

static int kpf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct kpf_dev *pf;
	int err;

	pf = kpf_alloc(pdev);
	if (!pf)
		return -ENOMEM;
	err = kwl_pci_map(pdev, &pf->hw, KBUILD_MODNAME);
	if (err)
		goto err_free;
	kpf_devlink_lock(pf);
	err = kpf_load(pf);
	if (err)
		goto err_unlock;
	err = kpf_devlink_init(pf);
	if (err)
		goto err_unload;
	kpf_devlink_unlock(pf);
	kpf_wake_init(pf);
	/* For kwl_pci_restore() */
	pci_save_state(pdev);
	return 0;

err_unload:
	kpf_unload(pf);
err_unlock:
	kpf_devlink_unlock(pf);
	kwl_pci_unmap(pdev, &pf->hw);
err_free:
	kpf_free(pf);
	return err;
}

static void kpf_remove(struct pci_dev *pdev)
{
	struct kpf_dev *pf = pci_get_drvdata(pdev);

	kpf_sriov_fini(pf);
	kpf_health_stop(pf);
	kpf_devlink_lock(pf);
	kpf_devlink_fini(pf);
	/* Unless it was reloaded in vain */
	if (pf->net)
		kpf_unload(pf);
	kpf_devlink_unlock(pf);
	kwl_pci_unmap(pdev, &pf->hw);
	kpf_free(pf);
}

static void kpf_suspend_net(struct kpf_dev *pf)
{
	kpf_detach(pf);
	kpf_service_stop(pf);
}

static void kpf_shutdown(struct pci_dev *pdev)
{
	struct kpf_dev *pf = pci_get_drvdata(pdev);

	kpf_suspend_net(pf);
	pci_clear_master(pdev);
	if (system_state != SYSTEM_POWER_OFF)
		return;
	kpf_wake_arm(pf);
	pci_wake_from_d3(pdev, pf->wake_opts);
	pci_set_power_state(pdev, PCI_D3hot);
}

static int kpf_suspend(struct device *dev)
{
	struct kpf_dev *pf = dev_get_drvdata(dev);

	kpf_suspend_net(pf);
	kpf_wake_arm(pf);
	return 0;
}

static int kpf_resume(struct device *dev)
{
	struct kpf_dev *pf = dev_get_drvdata(dev);

	pci_set_master(pf->pdev);
	kpf_wake_disarm(pf);
	return kpf_reattach(pf);
}

static DEFINE_SIMPLE_DEV_PM_OPS(kpf_pm_ops, kpf_suspend, kpf_resume);

static void kpf_reset_prepare(struct pci_dev *pdev)
{
	struct kpf_dev *pf = pci_get_drvdata(pdev);

	kpf_sriov_save_config(pf, true);
	kpf_suspend_net(pf);
}

static void kpf_reset_done(struct pci_dev *pdev)
{
	struct kpf_dev *pf = pci_get_drvdata(pdev);

	kpf_sriov_save_config(pf, false);
	kpf_reattach(pf);
}

/* The bus is in doubt, so is all that the function was told: start over */
static pci_ers_result_t kpf_error_detected(struct pci_dev *pdev,
					   pci_channel_state_t state)
{
	kpf_suspend_net(pci_get_drvdata(pdev));
	return state == pci_channel_io_perm_failure ?
	       PCI_ERS_RESULT_DISCONNECT : PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t kpf_slot_reset(struct pci_dev *pdev)
{
	return kwl_pci_restore(pdev) ? PCI_ERS_RESULT_DISCONNECT :
				       PCI_ERS_RESULT_RECOVERED;
}

static void kpf_error_resume(struct pci_dev *pdev)
{
	kpf_reattach(pci_get_drvdata(pdev));
}

static const struct pci_error_handlers kpf_err_handlers = {
	.error_detected	= kpf_error_detected,
	.slot_reset	= kpf_slot_reset,
	.resume		= kpf_error_resume,
	.reset_prepare	= kpf_reset_prepare,
	.reset_done	= kpf_reset_done,
};

static const struct pci_device_id kpf_ids[] = {
	{ PCI_VDEVICE(INTEL, 0x10c9) },
	{ }
};
MODULE_DEVICE_TABLE(pci, kpf_ids);

static struct pci_driver kpf_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= kpf_ids,
	.probe		= kpf_probe,
	.remove		= kpf_remove,
	.shutdown	= kpf_shutdown,
	.driver.pm	= pm_sleep_ptr(&kpf_pm_ops),
	.err_handler	= &kpf_err_handlers,
	.sriov_configure = kpf_sriov_configure,
};

static int __init kpf_init(void)
{
	int err = kpf_brport_register();

	if (err)
		return err;
	err = pci_register_driver(&kpf_driver);
	if (err)
		kpf_brport_unregister();
	return err;
}
module_init(kpf_init);

static void __exit kpf_exit(void)
{
	pci_unregister_driver(&kpf_driver);
	kpf_brport_unregister();
}
module_exit(kpf_exit);

MODULE_DESCRIPTION("Intel 82576 physical function");
MODULE_AUTHOR("The kawela developers");
MODULE_LICENSE("GPL");
KWL_IMPORT_NS;
