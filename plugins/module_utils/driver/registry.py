# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service finds its networks: the configuration names the module of each one.

So a network is added without a change here: by its own package beside this one, or by a package elsewhere on Python's
search path.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..errors import InvalidInput
from .follower import Follower
from .host_options import MODULE, option_problems

_ROOT = str(__package__).rpartition(".")[0]


def network_class(driver: str, module: str) -> type[Follower]:
    """The network that is called ``driver``: the value ``NETWORK`` of a module.

    ``module`` is ``.PACKAGE.driver`` in this collection's module_utils, or the whole name of another one.
    """
    try:
        found = import_module(module, _ROOT)
    except ImportError as error:
        raise InvalidInput([f"networks: the module '{module}' of '{driver}' cannot be loaded: {error}"]) from None
    network = getattr(found, "NETWORK", None)
    if not (isinstance(network, type) and issubclass(network, Follower) and network.driver == driver):
        raise InvalidInput([f"networks: the module '{module}' has no NETWORK whose Docker driver is called '{driver}'"])
    return network


def network_classes(networks: Mapping[str, Mapping[str, Any]]) -> dict[str, type[Follower]]:
    """The classes of all configured networks, by their names.

    InvalidInput names every module that cannot be used, and every option that a network does not take as it is.
    """
    found: dict[str, type[Follower]] = {}
    problems: list[str] = []
    for driver, options in networks.items():
        try:
            found[driver] = network_class(driver, options[MODULE])
            problems += option_problems(driver, options, found[driver].host_options)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return found
