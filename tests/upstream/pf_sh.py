#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=b2b timeout=1800 drivers=kawela,stock
"""The kernel's own shell tests that take two interfaces, on two PFs back to back."""

from kwl_upstream import Physical, main

if __name__ == "__main__":
    main(Physical, ["drivers/net", "drivers/net/hw"], local=True)
