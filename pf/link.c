// SPDX-License-Identifier: GPL-2.0-only
/*
 * PHY and link. phylib runs the copper PHY over an MDIO bus made of MDIC; the
 * port's interrupt tells it when to look. The PHY belongs to the device, not
 * to the interface: VFs need the link while the PF's interface is down.
 */
#include <linux/bitfield.h>
#include <linux/iopoll.h>
#include <linux/phy.h>

#include "kpf.h"
#include "trace.h"

#define KPF_MDIC_POLL_US	50
#define KPF_MDIC_TIMEOUT_US	20000

/* Until the PHY passes frames in loopback */
#define KPF_LOOPBACK_MS		500

#define KPF_FC_PAUSE_TIME	0xffff
#define KPF_FC_HYSTERESIS	16
#define KPF_FC_ETHERTYPE	0x8808
#define KPF_FC_ADDR_LOW		0x00c28001
#define KPF_FC_ADDR_HIGH	0x00000100

/* One transaction on the MDIO bus; the result of a read in @data */
static int kpf_mdic(struct kpf_dev *pf, u32 cmd, int phy, int reg, u16 *data)
{
	u32 val;
	int err;

	kwl_wr32(&pf->hw, KWL_MDIC, cmd | FIELD_PREP(KWL_MDIC_PHY, phy) |
		 FIELD_PREP(KWL_MDIC_REG, reg) |
		 FIELD_PREP(KWL_MDIC_DATA, *data));
	err = read_poll_timeout(kwl_rd32, val, val & KWL_MDIC_READY,
				KPF_MDIC_POLL_US, KPF_MDIC_TIMEOUT_US, false,
				&pf->hw, KWL_MDIC);
	if (err)
		return err;
	if (pf->hw.gone)
		return -ENODEV;
	if (val & KWL_MDIC_ERROR)
		return -EIO;
	*data = FIELD_GET(KWL_MDIC_DATA, val);
	return 0;
}

static int kpf_mdio(struct kpf_dev *pf, u32 cmd, int phy, int reg, u16 *data)
{
	u32 sem = KWL_SW_FW_SYNC_PHY(pf->lan_id);
	int err;

	err = kpf_sem_get(pf, sem);
	if (err)
		return err;
	err = kpf_mdic(pf, cmd, phy, reg, data);
	kpf_sem_put(pf, sem);
	return err;
}

static int kpf_mdio_read(struct mii_bus *bus, int phy, int reg)
{
	u16 data = 0;
	int err;

	err = kpf_mdio(bus->priv, KWL_MDIC_OP_READ, phy, reg, &data);
	return err ? err : data;
}

static int kpf_mdio_write(struct mii_bus *bus, int phy, int reg, u16 data)
{
	return kpf_mdio(bus->priv, KWL_MDIC_OP_WRITE, phy, reg, &data);
}

/*
 * Pause frames go out while the receive buffer (RXPBS, 64 KiB unless the NVM
 * says otherwise) has less room than two frames of the largest size: one may
 * be on the wire and one about to be when the pause reaches the partner.
 */
static void kpf_link_write_fc(struct kpf_dev *pf, bool rx, bool tx)
{
	struct kwl_hw *hw = &pf->hw;
	u32 buffer = FIELD_GET(KWL_RXPBS_KIB, kwl_rd32(hw, KWL_RXPBS)) * SZ_1K;
	u32 high = max(buffer, 3 * KWL_MAX_FRAME) - 2 * KWL_MAX_FRAME;

	kwl_wr32(hw, KWL_FCT, KPF_FC_ETHERTYPE);
	kwl_wr32(hw, KWL_FCAH, KPF_FC_ADDR_HIGH);
	kwl_wr32(hw, KWL_FCAL, KPF_FC_ADDR_LOW);
	kwl_wr32(hw, KWL_FCTTV, KPF_FC_PAUSE_TIME);
	kwl_wr32(hw, KWL_FCRTV, KPF_FC_PAUSE_TIME / 2);
	high = round_down(high, KPF_FC_HYSTERESIS);
	kwl_wr32(hw, KWL_FCRTL, tx ? (high - KPF_FC_HYSTERESIS) |
				     KWL_FCRTL_XONE : 0);
	kwl_wr32(hw, KWL_FCRTH, tx ? high : 0);
	kwl_rmw32(hw, KWL_CTRL, KWL_CTRL_RFCE | KWL_CTRL_TFCE,
		  (rx ? KWL_CTRL_RFCE : 0) | (tx ? KWL_CTRL_TFCE : 0));
}

/*
 * The PHY's lock, under which phylib does all that it does. CTRL belongs to
 * it, too, once there is a PHY, and a reset must not happen in the middle of
 * a transaction.
 */
void kpf_link_lock(struct kpf_dev *pf)
{
	mutex_lock(&pf->link.phy->lock);
}

void kpf_link_unlock(struct kpf_dev *pf)
{
	mutex_unlock(&pf->link.phy->lock);
}

/*
 * Bring the MAC in line with what the PHY has agreed upon. With pause frames
 * on, a full ring has to hold up the port, or there is nothing to send them
 * for.
 * Context: kpf_link_lock(), or before there is a PHY.
 */
void kpf_link_apply(struct kpf_dev *pf)
{
	bool rx = pf->link.fc_rx;
	bool tx = pf->link.fc_tx;

	if (!pf->link.phy)
		return;
	if (pf->link.fc_autoneg)
		phy_get_pause(pf->link.phy, &tx, &rx);
	kpf_link_write_fc(pf, rx, tx);
	kwl_port_set_rx_drop(&pf->net->port, !tx);
}

static void kpf_link_print(const struct kpf_dev *pf, bool up)
{
	const struct phy_device *phy = pf->link.phy;
	struct kpf_net *net = pf->net;

	if (up)
		netif_info(net, link, net->netdev, "Link is Up - %s/%s\n",
			   phy_speed_to_str(phy->speed),
			   phy_duplex_to_str(phy->duplex));
	else
		netif_info(net, link, net->netdev, "Link is Down\n");
}

/* phylib saw the link come or go; called with the PHY's lock held */
static void kpf_link_changed(struct phy_device *phy, bool up)
{
	struct kpf_dev *pf = phy->mdio.bus->priv;
	struct net_device *netdev = pf->net->netdev;

	if (up == netif_carrier_ok(netdev))
		return;
	if (up) {
		kpf_link_apply(pf);
		netif_carrier_on(netdev);
	} else {
		netif_carrier_off(netdev);
	}
	trace_kpf_link(pf->hw.dev, up, phy->speed, phy->duplex);
	kpf_link_print(pf, up);
	kpf_sriov_link_changed(pf);
}

/* The port's interrupt, hard irq context */
void kpf_link_irq(struct kpf_dev *pf)
{
	if (READ_ONCE(pf->link.started))
		phy_mac_interrupt(pf->link.phy);
}

/*
 * Silicon negotiates on its own when it gets power and keeps its PHY through
 * a reset of the MAC. The emulator resets the PHY along with the MAC and
 * negotiates only when told to, so there the settings have to be written and
 * the negotiation restarted, or the link never comes.
 */
static void kpf_link_kick(struct kpf_dev *pf)
{
	struct phy_device *phy = pf->link.phy;

	if (!pf->emulated || kwl_rd32(&pf->hw, KWL_STATUS) & KWL_STATUS_LU)
		return;
	/* Forced or not: without a restart its link never comes */
	phy_restart_aneg(phy);
	phy_start_aneg(phy);
}

/* Speed and duplex of the MAC by hand, for a PHY that does not negotiate */
static void kpf_link_force_mac(struct kpf_dev *pf)
{
	kwl_rmw32(&pf->hw, KWL_CTRL, KWL_CTRL_SPEED,
		  KWL_CTRL_FRCSPD | KWL_CTRL_FRCDPX | KWL_CTRL_FD |
		  KWL_CTRL_SLU | FIELD_PREP(KWL_CTRL_SPEED, KWL_SPEED_1000));
}

/*
 * Send frames back where they came from. On silicon it is the PHY that does
 * it, with the MAC forced to its speed; the way back from there is a reset of
 * the function. The emulator's MAC does it alone.
 */
int kpf_link_loopback(struct kpf_dev *pf, bool on)
{
	struct phy_device *phy = pf->link.phy;
	int err;

	if (pf->emulated) {
		kpf_filter_rmw_rctl(pf, KWL_RCTL_LBM,
				    on ? FIELD_PREP(KWL_RCTL_LBM,
						    KWL_RCTL_LBM_MAC) : 0);
		return 0;
	}

	kpf_link_lock(pf);
	phy->loopback_enabled = on;
	if (on) {
		err = phy_write(phy, MII_BMCR, BMCR_LOOPBACK | BMCR_SPEED1000 |
				BMCR_FULLDPLX);
		kpf_link_force_mac(pf);
	} else {
		err = phy_write(phy, MII_BMCR, BMCR_ANENABLE | BMCR_ANRESTART);
	}
	kpf_link_unlock(pf);
	if (on)
		msleep(KPF_LOOPBACK_MS);
	return err;
}

/*
 * The user's choice (ethtool -K loopback), now or when the interface comes up.
 * Context: Control locked (lock.h).
 */
int kpf_link_set_loopback(struct kpf_dev *pf, bool on)
{
	int err = 0;

	pf->link.loopback = on;
	if (netif_running(pf->net->netdev))
		err = kpf_link_loopback(pf, on);
	if (err || on || pf->emulated)
		return err;
	/* Silicon's MAC has its speed forced */
	return kpf_reset(pf);
}

void kpf_link_start(struct kpf_dev *pf)
{
	/* Kept running for VFs while the interface was down */
	if (pf->link.started)
		return;
	phy_start(pf->link.phy);
	WRITE_ONCE(pf->link.started, true);
	kpf_link_kick(pf);
	if (pf->link.loopback)
		kpf_link_loopback(pf, true);
}

void kpf_link_stop(struct kpf_dev *pf)
{
	/* Already stopped when an interface goes down that never woke up */
	if (!pf->link.started)
		return;
	WRITE_ONCE(pf->link.started, false);
	phy_stop(pf->link.phy);
	netif_carrier_off(pf->net->netdev);
}

/* The function has been reset under a running link: look again */
void kpf_link_resume(struct kpf_dev *pf)
{
	if (!pf->link.started)
		return;
	kpf_link_kick(pf);
	if (pf->link.loopback)
		kpf_link_loopback(pf, true);
	phy_mac_interrupt(pf->link.phy);
}

/* Negotiate anew. phylib has to look at once, or it misses the link's absence */
int kpf_link_renegotiate(struct kpf_dev *pf)
{
	struct phy_device *phy = pf->link.phy;
	int err;

	if (!pf->link.started)
		return -EAGAIN;
	if (phy->autoneg != AUTONEG_ENABLE)
		return -EINVAL;
	err = phy_restart_aneg(phy);
	phy_mac_interrupt(phy);
	return err;
}

/* User's choice of flow control; -EINVAL if the PHY cannot advertise it */
int kpf_link_set_pause(struct kpf_dev *pf, struct ethtool_pauseparam *pause)
{
	struct phy_device *phy = pf->link.phy;

	if (!phy_validate_pause(phy, pause))
		return -EINVAL;
	/* Starts a new negotiation if the advertisement changes by it */
	phy_set_asym_pause(phy, pause->rx_pause, pause->tx_pause);

	kpf_link_lock(pf);
	pf->link.fc_autoneg = pause->autoneg;
	pf->link.fc_rx = pause->rx_pause;
	pf->link.fc_tx = pause->tx_pause;
	kpf_link_apply(pf);
	kpf_link_unlock(pf);
	return 0;
}

static struct mii_bus *kpf_link_alloc_bus(struct kpf_dev *pf)
{
	struct mii_bus *bus = mdiobus_alloc();

	if (!bus)
		return NULL;
	bus->name = "kawela";
	bus->priv = pf;
	bus->parent = &pf->pdev->dev;
	bus->read = kpf_mdio_read;
	bus->write = kpf_mdio_write;
	bus->phy_mask = ~(u32)BIT(KWL_PHY_ADDR);
	snprintf(bus->id, sizeof(bus->id), "kawela-%s", pci_name(pf->pdev));
	return bus;
}

static int kpf_link_attach_phy(struct kpf_dev *pf)
{
	struct phy_device *phy = phy_find_first(pf->link.bus);
	int err;

	if (!phy)
		return -ENODEV;
	phy->irq = PHY_MAC_INTERRUPT;
	/* Suspend and resume of the PCI function drive the PHY as well */
	phy->mac_managed_pm = true;

	err = phy_attach_direct(NULL, phy, 0, PHY_INTERFACE_MODE_INTERNAL);
	if (err)
		return err;
	phy->phy_link_change = kpf_link_changed;
	phy->is_internal = true;
	phy->port = PORT_TP;
	/* Not a mode of the 82576, whatever the PHY says */
	phy_remove_link_mode(phy, ETHTOOL_LINK_MODE_1000baseT_Half_BIT);
	phy_support_asym_pause(phy);
	pf->link.fc_autoneg = true;
	pf->link.fc_rx = true;
	pf->link.fc_tx = true;
	pf->link.phy = phy;
	return 0;
}

int kpf_link_init(struct kpf_dev *pf)
{
	int err;

	pf->link.loopback = false;
	pf->link.bus = kpf_link_alloc_bus(pf);
	if (!pf->link.bus)
		return -ENOMEM;

	/*
	 * No owner: a PHY without interface takes a reference on the module
	 * that owns its bus, and so would keep this one from being unloaded.
	 */
	err = __mdiobus_register(pf->link.bus, NULL);
	if (err)
		goto err_free;
	err = kpf_link_attach_phy(pf);
	if (err)
		goto err_unregister;
	return 0;

err_unregister:
	mdiobus_unregister(pf->link.bus);
err_free:
	mdiobus_free(pf->link.bus);
	return dev_err_probe(&pf->pdev->dev, err, "no PHY\n");
}

void kpf_link_fini(struct kpf_dev *pf)
{
	phy_detach(pf->link.phy);
	/* A reload sets up the function before it has a PHY again */
	pf->link.phy = NULL;
	mdiobus_unregister(pf->link.bus);
	mdiobus_free(pf->link.bus);
}
