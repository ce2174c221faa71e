#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=3600 drivers=kawela,stock
"""The kernel's own tests in drivers/net, on the PF."""

from kwl_upstream import Physical, main

if __name__ == "__main__":
    main(Physical, ["drivers/net"])
