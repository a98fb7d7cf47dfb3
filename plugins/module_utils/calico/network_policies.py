# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies that somebody put into the datastore: GlobalNetworkPolicy and NetworkPolicy. Pure.

An endpoint that a policy selects is subject to policies instead of its profiles, in each direction for itself: they are
asked in their order, and what none of them has accepted or passed on is dropped. Only what a Pass passes on reaches the
profiles (Calico's reference, "Global network policy" and "Network policy").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .selectors import parse, selects
from .v3_rules import NAMESPACE_LABEL, V3Rule, rule_problems

INGRESS, EGRESS = "Ingress", "Egress"
_TYPES = (INGRESS, EGRESS)
_FOR_HOSTS = ("doNotTrack", "preDNAT")
"""A policy that says one of these is for the interfaces of hosts, and for no container."""


@dataclass(frozen=True)
class NetworkPolicy:
    """A policy; ``namespace`` is empty for a global one."""

    name: str
    selector: str
    types: tuple[str, ...]
    ingress: Sequence[V3Rule] = ()
    egress: Sequence[V3Rule] = ()
    order: float = math.inf
    namespace: str = ""
    problems: tuple[str, ...] = ()
    """What of its rules cannot be enforced. It then lets nothing through."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NetworkPolicy | None:
        """A policy as it is stored; None for one that concerns no container. ValueError for one that is none."""
        metadata, spec = document["metadata"], document.get("spec") or {}
        if any(spec.get(name) for name in _FOR_HOSTS):
            return None
        name, namespace = str(metadata["name"]), str(metadata.get("namespace") or "")
        selector = _selector(spec, namespace)
        shown = f"policy {namespace}/{name}" if namespace else f"policy {name}"
        problems = rule_problems(shown, spec)
        rules = {} if problems else {"ingress": spec.get("ingress") or (), "egress": spec.get("egress") or ()}
        order = spec.get("order")
        return cls(
            name=name,
            namespace=namespace,
            selector=selector,
            types=_types(spec),
            order=math.inf if order is None else float(order),
            problems=tuple(problems),
            **rules,
        )

    @property
    def identity(self) -> str:
        """By which Felix names its chains."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def precedence(self) -> tuple[float, str]:
        """Policies are asked in this order."""
        return self.order, self.identity

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it applies to an endpoint with these labels."""
        return selects(self.selector, labels)


def _types(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The directions of the policy: by default ingress, and egress if it has only rules for it, or rules for both."""
    given = spec.get("types")
    if given:
        return tuple(one for one in _TYPES if one in given)
    if not spec.get("egress"):
        return (INGRESS,)
    return _TYPES if spec.get("ingress") else (EGRESS,)


def _selector(spec: Mapping[str, Any], namespace: str) -> str:
    """Which endpoints, in Felix's form. Selectors of namespaces and service accounts meet no labels here."""
    parts = [parse(spec.get("selector") or "")]
    if namespace:
        parts.insert(0, parse(f"{NAMESPACE_LABEL} == '{namespace}'"))
    for name in ("namespaceSelector", "serviceAccountSelector"):
        text = spec.get(name) or ""
        if text and not selects(text, {}):
            return "!all()"
    selector = parts[0]
    for part in parts[1:]:
        selector = selector & part
    return selector.text
