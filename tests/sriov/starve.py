#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# kawela: topology=wire timeout=120 drivers=kawela
"""A VF without memory for what it receives: told, counted, and over when there is memory again."""

from lib.py import ksft_exit, ksft_run
from kwl_sriov import OURS, Sriov
from kwl_starve import no_head, no_page


def main():
    """Run the cases."""
    ksft_run([no_head, no_page], args=(Sriov().use(OURS).vfs[0],))
    ksft_exit()


if __name__ == "__main__":
    main()
