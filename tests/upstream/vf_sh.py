#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=1800 drivers=kawela,stock
"""The kernel's own shell tests that take two interfaces, on a VF and the partner."""

from kwl_upstream import Virtual, main

if __name__ == "__main__":
    main(Virtual, ["drivers/net", "drivers/net/hw"], local=True)
