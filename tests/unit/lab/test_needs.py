# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that is too small for a lab is told before its image is built."""

from __future__ import annotations

from ansible_collections.container_network.lab.plugins.module_utils.lab.needs import lacking

NEEDS = {"kuryr": {"memory": 700, "memory_of_host": 500, "disk": 6000}}


def test_a_large_machine_lacks_nothing():
    assert lacking("memory=2700\ndisk=6000\ndisk=90000\n", NEEDS, 4) == []
    assert lacking("memory=1\ndisk=1", {}, 4) == []


def test_the_smallest_of_all_places_counts():
    memory, disk = lacking("memory=2699\ndisk=90000\ndisk=5999\n", NEEDS, 4)
    assert memory.startswith(
        "4 hosts with kuryr (lab_image_networks) need 2700 MB of memory, and this machine has 2699 MB"
    )
    assert "takes 6000 MB of disk" in disk
    assert "5999 MB are free" in disk


def test_what_was_not_seen_is_not_judged():
    assert lacking("", NEEDS, 4) == []
