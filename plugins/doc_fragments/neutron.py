# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that talks to Neutron; they mirror ``NEUTRON`` of module_utils/kuryr/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach Neutron."""

    DOCUMENTATION = r"""
options:
  neutron_url:
    description: URL of Neutron's API, as V(http://192.168.1.68:9696).
    type: str
    required: true
  credentials:
    description:
      - Who asks, where Neutron has a Keystone. The user needs the role C(admin), since ports are bound to hosts.
      - Without them and O(credentials_file), no token is sent, as to a Neutron without Keystone.
    type: dict
    suboptions:
      auth_url:
        description: URL of Keystone, as V(http://192.168.1.68:5000/v3).
        type: str
        required: true
      username:
        description: Name of the user.
        type: str
        required: true
      password:
        description: The user's password.
        type: str
        required: true
      project_name:
        description: The project in which networks are made.
        type: str
        required: true
      user_domain_name:
        description: Domain of the user, V(Default) unless given.
        type: str
      project_domain_name:
        description: Domain of the project, V(Default) unless given.
        type: str
  credentials_file:
    description:
      - File on the host with the same names and values in a section C([neutron]), as the role
        R(kuryr, ansible_collections.container_network.lab.kuryr_role) writes it. Used if O(credentials) are not given.
    type: path
"""
