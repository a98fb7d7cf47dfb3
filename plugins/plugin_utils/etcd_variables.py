# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables of a play say of its etcd: for the lookups etcd_access and etcd_host, on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.container_network.lab.plugins.lookup.networks import find_networks
from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import Validity
from ansible_collections.container_network.lab.plugins.module_utils.datastore.cluster import Cluster, address_problems
from ansible_collections.container_network.lab.plugins.module_utils.datastore.secrets_folder import SecretsFolder
from ansible_collections.container_network.lab.plugins.module_utils.errors import raise_if_any

DEFAULTS = {
    "etcd_tls": True,
    "etcd_client_port": 2379,
    "etcd_peer_port": 2380,
    "etcd_certificate_days": 365,
    "etcd_renewal_days": 90,
}
"""Those of the role etcd, which other roles do not see."""
SECRETS = ".etcd_secrets"


class EtcdVariables:
    """The variables of the host for which a lookup runs; ``template`` renders a value."""

    def __init__(self, variables: Mapping[str, Any], template: Callable[[Any], Any]) -> None:
        self._variables = variables
        self._template = template

    def value(self, name: str) -> Any:
        """A variable; None if it is not defined, or the role's default."""
        if name not in self._variables:
            return DEFAULTS.get(name)
        return self._template(self._variables[name])

    def members(self) -> list[str]:
        """The hosts of the cluster."""
        chosen = self.value("etcd_members")
        return list(chosen if chosen is not None else self._variables.get("groups", {}).get("etcd", []))

    def tls(self) -> bool:
        """Whether the etcd that the role runs has TLS and users."""
        try:
            return boolean(self.value("etcd_tls"))
        except TypeError:
            raise AnsibleLookupError(f"etcd_tls is '{self.value('etcd_tls')}': write true or false") from None

    def cluster(self) -> Cluster:
        """The etcd that the role runs."""
        members = {name: self._address(name) for name in self.members()}
        raise_if_any(address_problems(members))
        return Cluster(
            members,
            self._number("etcd_client_port"),
            self._number("etcd_peer_port"),
            self.tls(),
        )

    def secrets(self) -> SecretsFolder:
        """The folder of its secrets: beside the inventory that has its first member."""
        chosen, own = self.value("etcd_secrets"), (self.value("etcd_authority_cert"), self.value("etcd_authority_key"))
        if any(own) and not all(own):
            raise AnsibleLookupError("etcd_authority_cert and etcd_authority_key belong together: name both or none")
        validity = Validity(self._number("etcd_certificate_days"), self._number("etcd_renewal_days"))
        return SecretsFolder(
            Path(chosen).expanduser() if chosen else self._beside_inventory() / SECRETS,
            validity,
            (Path(own[0]).expanduser(), Path(own[1]).expanduser()) if all(own) else None,
            keep=not self._variables.get("ansible_check_mode", False),
        )

    def _beside_inventory(self) -> Path:
        first = self._variables["hostvars"][self.members()[0]]
        return Path(first.get("inventory_dir") or self._variables.get("playbook_dir") or ".")

    def _address(self, name: str) -> str:
        host = self._variables["hostvars"][name]
        for variable in ("etcd_address", "underlay_address", "ansible_host"):
            if host.get(variable):
                return str(host[variable])
        return name

    def _number(self, name: str) -> int:
        value = self.value(name)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise AnsibleLookupError(f"{name} is '{value}': write a number") from None

    def prefixes(self) -> dict[str, list[str]]:
        """What the keys of all networks begin with that there are, as the roles declare them."""
        found = {}
        for name, network in find_networks(self._variables).items():
            declared = yaml.safe_load(Path(network["declaration"]).read_text()).get("network_etcd_prefixes") or []
            found[name] = [str(self._template(_trusted(text))) for text in declared]
        return found


def _trusted(text: str) -> str:
    """A text of a role's own file, of which ansible-core 2.19 and newer wants to be told that it may be a template."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return text
    return trust_as_template(text)
