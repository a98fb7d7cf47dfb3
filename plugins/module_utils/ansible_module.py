# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows Ansible: it runs a convergence as a module.

Everything else in ``module_utils`` also runs on the hosts without Ansible.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import InvalidInput, LabError
from .kernel import namespaces
from .outcome import Outcome


def run_module(
    argument_spec: dict[str, Any],
    converge: Callable[[dict[str, Any], bool], Outcome],
    needs_root: bool = True,
    **module_options: Any,
) -> None:
    """Run ``converge(params, check_mode)`` as an Ansible module and report its outcome.

    ``module_options`` go to AnsibleModule (``required_if`` and the like). Never returns: the module exits.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **module_options)
    if needs_root and os.geteuid() != 0:
        module.fail_json(
            msg=f"Network changes on {os.uname().nodename} need root, "
            f"and this task runs as user id {os.geteuid()}: add 'become: true' to the play or the task."
        )
    namespaces.lookups["container"] = _namespace_of_container
    try:
        outcome = converge(module.params, module.check_mode)
    except InvalidInput as error:
        module.fail_json(msg=str(error), problems=error.problems)
    except LabError as error:
        module.fail_json(msg=str(error))
    for warning in outcome.warnings:
        module.warn(warning)
    result: dict[str, Any] = {"changed": outcome.changed, **outcome.facts}
    if module._diff and (outcome.before is not None or outcome.after is not None):
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    module.exit_json(**result)


def _namespace_of_container(name: str) -> str:
    # Imported where it is needed: few tasks name a container, and the client for Docker takes 20 ms to load.
    from .docker.host_namespaces import namespace_of_container

    return namespace_of_container(name)
