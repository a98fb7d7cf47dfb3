# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of recorded sets that there are: for each module that has ``persistent: true``, how its sets come about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..kernel import iptables, routes, virtual_links, vxlan_tables
from ..kernel.gc_pause import without_garbage_collector
from ..kernel.host_lock import alone_on_the_host
from ..kernel.writer import missing, require
from ..outcome import Outcome
from . import contents, files
from .records import SetChange


class Kind(NamedTuple):
    """One kind of set."""

    module: str  # whose sets they are; also the folder of their records
    lists: tuple[str, ...]  # the options that hold the entries
    parse: Callable[[dict[str, Any], bool], Any]
    """The typed desired state of parameters, whether for removal; raises InvalidInput."""
    apply: Callable[[Any, Sequence[Any], bool], Outcome]
    """Brings a desired state about and removes what obsolete ones have beyond it; the last argument is check mode."""
    content: Callable[[Any], dict[str, Any]]
    """The options that `parse` reads as this desired state; what a record holds."""
    written_by_pyroute2: bool = False

    def prepare(self, params: dict[str, Any]) -> SetChange:
        """Read parameters, and the record of the set if it has one; InvalidInput names all that is wrong with them."""
        return SetChange.prepare(self.module, self.lists, self.parse, params)

    def prepare_value(self, name: str, wanted: Any) -> SetChange:
        """As `prepare` for the recorded set ``name``, for a desired state that is at hand; an empty one removes it."""
        return SetChange.of_value(self.module, self.lists, self.parse, name, wanted, self.content(wanted))

    def converge(self, params: dict[str, Any], check_mode: bool) -> Outcome:
        """Converge parameters of the module, with their record if they are a persistent set."""
        with without_garbage_collector(), alone_on_the_host(check_mode):
            change = self.prepare(params)
            if not check_mode:
                self.refuse_missing_tools(change)
            return change.converge(self.apply, check_mode)

    def refuse_missing_tools(self, change: SetChange) -> None:
        """LabError if this host lacks what the change needs; for before the record is written."""
        if self.written_by_pyroute2 and missing("links") and self.apply(change.wanted, change.obsolete, True).changed:
            require("links", False)


# In the order of work: what Docker reads first, then rules, links, tables and routes. Removals go in reverse.
FILES = Kind("recorded_files", ("files",), files.parse, files.converge_files, contents.files_content)
CHAINS = Kind("iptables_chains", ("chains", "jumps"), iptables.parse, iptables.converge_chains, contents.chains_content)
LINKS = Kind(
    "network_link", ("links",), virtual_links.parse, virtual_links.converge_links, contents.links_content, True
)
STATIC_TABLES = Kind(
    "vxlan_fdb", ("fdb", "arp"), vxlan_tables.parse, vxlan_tables.converge_tables, contents.tables_content
)
ROUTES = Kind("network_routes", ("routes",), routes.parse, routes.converge_routes, contents.routes_content)
KINDS = (FILES, CHAINS, LINKS, STATIC_TABLES, ROUTES)
