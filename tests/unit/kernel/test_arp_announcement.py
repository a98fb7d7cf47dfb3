# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame that announces an address."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.kernel.addresses import packed_ip, packed_mac
from ansible_collections.container_network.lab.plugins.module_utils.kernel.arp_announcement import announcement


def test_sender_and_target_are_the_address_itself() -> None:
    """RFC 5227, 2.3: a broadcast request for one's own address."""
    assert announcement(packed_mac("02:42:ac:6f:de:01"), packed_ip("172.111.222.1")).hex(" ") == (
        "ff ff ff ff ff ff 02 42 ac 6f de 01 08 06 "
        "00 01 08 00 06 04 00 01 02 42 ac 6f de 01 ac 6f de 01 00 00 00 00 00 00 ac 6f de 01"
    )
