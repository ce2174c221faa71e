#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""The PF without memory for what it receives: told, counted, and over when there is memory again."""

from types import SimpleNamespace

from lib.py import ksft_exit, ksft_run
from kwl_env import Env
from kwl_starve import no_head, no_page


def main():
    """Run the cases."""
    env = Env()
    env.ethtool("-L", "combined", 1)
    env.wait_carrier()
    end = SimpleNamespace(env=env, ns=None, ifname=env.ifname, mac=env.mac)
    ksft_run([no_head, no_page], args=(end,))
    ksft_exit()


if __name__ == "__main__":
    main()
