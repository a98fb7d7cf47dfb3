# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Neutron is read and changed: its networks for Kuryr, and what hosts that left have there."""

from __future__ import annotations

import http.client
from collections.abc import Iterable

from ..errors import LabError
from .config import NetworkSpec
from .neutron import Neutron, NeutronError
from .security_groups import DEFAULT, GroupPlan
from .snapshot import OUR_TAG, Agent, NeutronNetwork, Port, Resource, agents_from, networks_from


class NeutronStore:
    """What Kuryr's networks have in one Neutron."""

    def __init__(self, neutron: Neutron) -> None:
        self._neutron = neutron

    def networks(self) -> list[NeutronNetwork]:
        """All networks; those of other projects are not ours, whoever made them."""
        found = (self._neutron.list(name) for name in ("networks", "subnets", "subnetpools"))
        return networks_from(*found, self._neutron.project_id)

    def ports(self) -> list[Port]:
        """All ports."""
        return [Port.from_neutron(port) for port in self._neutron.list("ports")]

    def agents(self) -> list[Agent]:
        """The agents of all hosts."""
        return agents_from(self._neutron.list("agents"))

    def make(self, spec: NetworkSpec, there: NeutronNetwork | None) -> None:
        """Make a network, or the rest of one that a killed run has left.

        The subnet comes from a pool of the name under which Kuryr looks for one. So Kuryr can neither take another, nor
        remove this one as long as the subnet is there.
        """
        network_id = there.id if there else self._make_network(spec)
        pools = self._neutron.list("subnetpools", name=spec.subnet_pool)
        pool_id = pools[0]["id"] if pools else self._make_pool(spec)
        subnet_id = there.subnet["id"] if there and there.subnet else self._make_subnet(spec, network_id, pool_id)
        self._neutron.add_tag("subnets", subnet_id, pool_id)

    def tag(self, networks: Iterable[NeutronNetwork]) -> None:
        """Give networks the tag again by which Kuryr knows the ports that it has to remove."""
        for network in networks:
            if network.subnet and network.pool:
                self._neutron.add_tag("subnets", network.subnet["id"], network.pool["id"])

    def _make_network(self, spec: NetworkSpec) -> str:
        network_id = self._neutron.create("networks", {"name": spec.name})["id"]
        self._neutron.add_tag("networks", network_id, OUR_TAG)
        return network_id

    def _make_pool(self, spec: NetworkSpec) -> str:
        length = str(spec.subnet.prefixlen)
        pool = {"name": spec.subnet_pool, "prefixes": [str(spec.subnet)], "default_prefixlen": length}
        return self._neutron.create("subnetpools", pool)["id"]

    def _make_subnet(self, spec: NetworkSpec, network_id: str, pool_id: str) -> str:
        subnet = {
            "name": spec.name,
            "network_id": network_id,
            "subnetpool_id": pool_id,
            "ip_version": 4,
            "cidr": str(spec.subnet),
            "gateway_ip": str(spec.gateway),
            "allocation_pools": spec.allocation_pools,
            "enable_dhcp": False,
        }
        return self._neutron.create("subnets", subnet)["id"]

    def remove(self, network: NeutronNetwork, ports: Iterable[Port]) -> None:
        """Remove a network; ports that no host has bound are what a container has left that was never started."""
        own = [port for port in ports if port.network == network.id]
        bound = [port for port in own if port.host]
        if bound:
            users = ", ".join(f"{port.address} on {port.host}" for port in bound)
            raise LabError(
                f"Neutron's network '{network.name}' has to go, and containers use it ({users}): remove them, with "
                "'docker rm' or by playbooks/teardown.yml, or give the network another name"
            )
        self.remove_ports(own)
        if network.subnet:
            self._neutron.delete("subnets", network.subnet["id"])
        if network.pool:
            self._neutron.delete("subnetpools", network.pool["id"])
        self._neutron.delete("networks", network.id)

    def remove_ports(self, ports: Iterable[Port]) -> None:
        """Remove ports."""
        for port in ports:
            self._neutron.delete("ports", port.id)

    def security_groups(self) -> list[Resource]:
        """The project's security groups with their rules; none where Neutron has the firewall noop."""
        project = self._neutron.project_id
        try:
            return self._neutron.list("security-groups", **({"project_id": project} if project else {}))
        except NeutronError as error:
            if error.status == http.client.NOT_FOUND:
                return []
            raise

    def converge_security_groups(self, steps: GroupPlan, groups: Iterable[Resource]) -> None:
        """Do what a plan for security groups says. Ports go first out of groups that are removed."""
        known = list(groups)
        ids = {group["name"]: group["id"] for group in known if group["name"] == DEFAULT or OUR_TAG in group["tags"]}
        for name in steps.make:
            ids[name] = self._neutron.create("security-groups", {"name": name})["id"]
            self._neutron.add_tag("security-groups", ids[name], OUR_TAG)
        for name, rule in steps.add_rules:
            self._neutron.create("security-group-rules", rule.as_neutron(ids[name], ids))
        for identifier in steps.remove_rules:
            self._neutron.delete("security-group-rules", identifier)
        for port, names in steps.put:
            self._neutron.update("ports", port, {"security_groups": [ids[name] for name in names]})
        for name in steps.remove:
            self._neutron.delete("security-groups", ids[name])

    def remove_agents(self, agents: Iterable[Agent]) -> None:
        """Forget agents."""
        for agent in agents:
            self._neutron.delete("agents", agent.id)
