/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function in the hands of user space, by vfio: its registers, and some
 * memory that it may reach. Whatever else it addresses, the IOMMU stops.
 */
#ifndef KWL_VFIO_H
#define KWL_VFIO_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/types.h>
#include <linux/vfio.h>

struct kwl_vfio {
	void *bar;	/* its registers */
	void *memory;	/* the memory as this program sees it */
	__u64 iova;	/* and as the function does */
	size_t size;
};

static inline void *kwl_vfio_fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline int kwl_vfio_check(int result, const char *what)
{
	if (result < 0)
		kwl_vfio_fail(what);
	return result;
}

/* So many bytes of memory, which the function finds at iova */
static inline void kwl_vfio_map(struct kwl_vfio *vfio, int container)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = vfio->iova,
		.size = vfio->size,
	};

	vfio->memory = mmap(NULL, vfio->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vfio->memory == MAP_FAILED)
		kwl_vfio_fail("memory");
	map.vaddr = (uintptr_t)vfio->memory;
	kwl_vfio_check(ioctl(container, VFIO_IOMMU_MAP_DMA, &map), "map");
}

static inline void kwl_vfio_open_bar(struct kwl_vfio *vfio, int device)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};

	kwl_vfio_check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "BAR");
	vfio->bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, info.offset);
	if (vfio->bar == MAP_FAILED)
		kwl_vfio_fail("BAR");
}

/* It may read and write memory by itself */
static inline void kwl_vfio_set_master(int device)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	__u16 command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	kwl_vfio_check(ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info), "configuration");
	kwl_vfio_check(pwrite(device, &command, sizeof(command), info.offset + PCI_COMMAND),
		       "bus mastering");
}

/* All of it stays open until the process ends */
static inline void kwl_vfio_open(struct kwl_vfio *vfio, const char *group_path, const char *pci)
{
	int container, group, device;

	container = kwl_vfio_check(open("/dev/vfio/vfio", O_RDWR), "/dev/vfio/vfio");
	group = kwl_vfio_check(open(group_path, O_RDWR), group_path);
	kwl_vfio_check(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), "container");
	kwl_vfio_check(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), "IOMMU");
	kwl_vfio_map(vfio, container);
	device = kwl_vfio_check(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, pci), pci);
	kwl_vfio_open_bar(vfio, device);
	kwl_vfio_set_master(device);
}

#endif
