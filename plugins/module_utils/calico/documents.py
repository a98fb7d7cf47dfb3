# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of Calico's resources as calicoctl v1, calicoctl v3 and kubectl print them: one by one, and in lists. Pure.

Sources: the resource references of Calico v1 and v3, and what kubectl prints of Calico's custom resources. What a
kind's fields mean is read by `pools`, `peers`, `profiles` and `nodes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .fields import Fields

POOL, PEER, PROFILE, NODE = "IPPool", "BGPPeer", "Profile", "Node"
_NOUNS = {POOL: "a pool", PEER: "a BGP peer", PROFILE: "a profile", NODE: "a node"}
_V1_KINDS = {POOL: "ipPool", PEER: "bgpPeer", PROFILE: "profile", NODE: "node"}
KINDS = tuple(_NOUNS)
"""The kinds that are read, as v3 spells them."""
_VERSIONS = {"v1": 1, "projectcalico.org/v3": 3, "crd.projectcalico.org/v1": 3}
"""The API's versions: calicoctl before 3.0, calicoctl since and Calico's API server, and the custom resources."""
_KUBERNETES_METADATA = (
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""What a datastore notes about a document, and no part of what a person wants."""
_DEEPEST_LIST = 3  # a list of people's, with kubectl's List in it, with a list of one kind in that


@dataclass(frozen=True)
class Document:
    """One document: the kind as v3 spells it, the API's version (1 or 3), and its parts."""

    where: str
    kind: str
    version: int
    metadata: Fields
    spec: Fields

    def name(self) -> str | None:
        """The name of a v3 document, and of a v1 document whose kind has one; a problem if it is missing."""
        name = self.metadata.text("name")
        if name is None:
            self.metadata.refuse("name", f"is missing: a {self.kind} has a name")
        return name

    def close(self) -> None:
        """Refuse what nobody asked for."""
        if self.version == 3:
            self.metadata.ignore(*_KUBERNETES_METADATA)
        self.metadata.close(unsaid=_KUBERNETES_METADATA)
        self.spec.close()


def is_document(entry: Any) -> bool:
    """Whether an entry of a list that also takes fields is a document, or a list of documents."""
    return isinstance(entry, (list, tuple)) or (
        isinstance(entry, Mapping) and ("kind" in entry or "apiVersion" in entry)
    )


def documents_in(where: str, entry: Any, kind: str, problems: list[str], beside: Iterable[str] = ()) -> list[Document]:
    """The documents of a kind in an entry of a list, which may be one or a list; what is wrong goes to ``problems``.

    Documents of another kind are wrong too, but for those kinds that the list has ``beside``, for other readers.
    """
    found = []
    for place, value in _flat(where, entry, {}, problems, _DEEPEST_LIST):
        document = _document(place, value, kind, beside, problems)
        found += [document] if document else []
    return found


def _flat(
    where: str, value: Any, inherited: Mapping[str, Any], problems: list[str], depth: int
) -> Iterator[tuple[str, Any]]:
    """A document, or those of a list: a list of YAML, kubectl's List, or the list of a kind, as IPPoolList.

    The documents of a kind's list may leave out kind and version, as Kubernetes' API answers.
    """
    if isinstance(value, (list, tuple)):
        items, inherited = value, {}
    elif isinstance(value, Mapping) and str(value.get("kind")).lower().endswith("list"):
        fields = Fields(where, value, problems)
        kind, version = str(value["kind"])[: -len("List")], fields.text("apiVersion")
        inherited = {"apiVersion": version, "kind": kind} if kind else {}
        items = fields.entries("items")
        fields.ignore("kind", "metadata")
        fields.close()
    else:
        yield where, {**inherited, **value} if isinstance(value, Mapping) else value
        return
    if depth == 0:
        problems.append(f"{where} is a list in a list in a list: write the documents one after the other")
        return
    for index, item in enumerate(items):
        yield from _flat(f"{where}, item {index}", item, inherited, problems, depth - 1)


def _document(where: str, value: Any, kind: str, beside: Iterable[str], problems: list[str]) -> Document | None:
    if not isinstance(value, Mapping):
        problems.append(f"{where}: {value!r} is not a document: write a mapping with apiVersion, kind, metadata, spec")
        return None
    version, written = _VERSIONS.get(str(value.get("apiVersion"))), _kind(value.get("kind"))
    if version is None or written not in (kind, *beside):
        wanted = "a document that this collection reads" if beside else _NOUNS[kind]
        ways = [f"'v1' with '{_V1_KINDS[one]}', 'projectcalico.org/v3' with '{one}'" for one in beside or (kind,)]
        problems.append(
            f"{where}: apiVersion '{value.get('apiVersion')}', kind '{value.get('kind')}' is not {wanted}: "
            f"write {', or '.join(ways)}"
        )
        return None
    if written != kind:
        return None
    fields = Fields(where, value, problems)
    document = Document(where, kind, version, fields.part("metadata"), fields.part("spec"))
    fields.ignore("apiVersion", "kind", "status")
    fields.close(unsaid=["status"])
    return document


def _kind(written: Any) -> str | None:
    """A kind in v3's spelling, however it is written; None for one that is not read."""
    return next((kind for kind in KINDS if kind.lower() == str(written).lower()), None)
