# SPDX-License-Identifier: GPL-2.0-only
# For people; kbuild reads Kbuild.

KDIR   ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= all
DRIVER ?= kawela
T      ?=
V      ?= 0
RETRY  ?= 0
REST   ?= 0

.DEFAULT_GOAL := all
.PHONY: all modules modules_install clean distclean help
.PHONY: setup demo demo-switchdev demo-pf shell test test-debug test-races bench bench-dpdk study fuzz check deb

help:
	@echo 'The driver:'
	@echo '  make [KDIR=...]           build against the running kernel, or that tree'
	@echo '  make modules_install      install what was built (as root)'
	@echo '  make clean                remove what was built'
	@echo ''
	@echo 'The bench, an emulated 82576 (first run: some minutes of set-up):'
	@echo '  make demo                 an SR-IOV host: VFs in guests, iperf3, VLANs, links'
	@echo '  make demo-switchdev       the same host in mode switchdev: Open vSwitch and two guests'
	@echo '  make demo-pf              only the PF: ping and iperf3 beside the stock igb'
	@echo '  make test                 all tests on all kernels; the last line counts them'
	@echo '       T=net/csum           only files with that in their names (or a glob)'
	@echo '       KERNEL=6.12|7.2      only on that kernel'
	@echo '       DRIVER=stock         the stock igb in place of ours'
	@echo '       RETRY=1              a failed file runs again on a new machine; both are told'
	@echo '       T=upstream/          the driver tests of the kernel itself, on a PF and a VF'
	@echo '       V=1                  show the output of passing files as well'
	@echo '  make test-debug           the same in a kernel full of checkers, with coverage'
	@echo '       REST=1               only files that have not passed with these very modules'
	@echo '  make test-races           the same in a kernel that watches for data races'
	@echo '  make bench                instructions, register accesses and interrupts per packet,'
	@echo '                            beside the stock pair; takes KERNEL'
	@echo '  make bench-dpdk           AF_XDP beside the VF driver of DPDK; takes KERNEL'
	@echo '  make study                guests with a VF beside the host itself and virtio: instructions,'
	@echo '                            exits, rates, fairness; takes KERNEL'
	@echo '  make fuzz [SECONDS=60]    fuzz codec, tables and mailbox outside the kernel'
	@echo '  make shell                log in to the bench; takes KERNEL and DRIVER'
	@echo '  make check                style and static checks'
	@echo '  make deb                  the Debian package kawela-dkms, in build/deb/'
	@echo '  make modules KERNEL=6.12  build for a kernel of the bench'
	@echo '  make setup                only the set-up; MIRROR=http://... if need be'
	@echo '  make distclean            remove all that was built or set up'

all:
	@[ -d "$(KDIR)" ] || { echo "error: no kernel build tree: $(KDIR)" >&2; \
		echo "       install the headers of your kernel or give KDIR=..." >&2; exit 1; }
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install:
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

clean:
	@[ ! -d "$(KDIR)" ] || $(MAKE) -C $(KDIR) M=$(CURDIR) clean
	rm -rf build/mod

distclean: clean
	bash -c '. scripts/lib.sh && as_root rm -rf "$$BUILD"'

setup:
	@scripts/setup

modules: setup
	@scripts/build-modules $(KERNEL)

check: setup
	@scripts/check

fuzz: setup
	@tests/fuzz/run $(or $(SECONDS),60)

deb: setup
	@scripts/build-deb --lint

test:
	@tests/vm/test --kernel '$(KERNEL)' --driver '$(DRIVER)' \
		$(if $(filter-out 0,$(V)),--verbose) $(if $(filter-out 0,$(RETRY)),--retry) \
		$(if $(filter-out 0,$(REST)),--rest) -- $(foreach t,$(T),'$(t)')

test-debug: KERNEL = debug
test-races: KERNEL = races
test-debug test-races: test

bench:
	@tests/vm/bench --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))' $(LOAD)

bench-dpdk:
	@tests/vm/bench-dpdk --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))'

study:
	@tests/vm/study --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))'

demo:
	@tests/vm/demo --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))'

demo-switchdev:
	@tests/vm/demo --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))' --part switchdev

demo-pf:
	@tests/vm/demo --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))' --part physical

shell:
	@tests/vm/shell --kernel '$(if $(filter all,$(KERNEL)),6.12,$(KERNEL))' \
		--driver '$(DRIVER)'
