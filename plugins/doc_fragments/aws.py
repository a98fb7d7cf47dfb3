# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of every module that calls the EC2 API; they mirror ``AWS`` of module_utils/aws_vpc/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach the EC2 API."""

    DOCUMENTATION = r"""
options:
  region:
    description:
      - Region of the VPC. Without it, boto3's own sources decide, such as E(AWS_DEFAULT_REGION), and at last the
        instance metadata, where the host is found by it.
    type: str
  endpoint_url:
    description:
      - URL of the API, for a server other than the provider's; E(AWS_ENDPOINT_URL) does the same.
      - It must be reachable from where the task runs.
    type: str
  profile:
    description: Profile of boto3's configuration files.
    type: str
  access_key:
    description:
      - Access key.
      - Without it, boto3's own sources decide, which are the environment, O(profile), and on an instance its role.
    type: str
  secret_key:
    description: Secret key that goes with O(access_key).
    type: str
  session_token:
    description: Session token, with keys that are valid for a time.
    type: str
  aws_ca_bundle:
    description:
      - PEM file with the authority that signed the certificate of O(endpoint_url), where the task runs. Certificates
        are always verified.
    type: path
requirements:
  - boto3 1.26 or newer, where the task runs
"""
