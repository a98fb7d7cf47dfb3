# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules of the collection in this process, against the real kernel and the real Docker Engine."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from typing import Any

from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args

# The search path set in pyproject.toml finds the checkout under this name, whatever its folder is called.
COLLECTION = "ansible_collections.container_network.lab"


class ModuleFailed(Exception):
    """A module ended by fail_json; the text is its message, ``result`` all it returned."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg", ""))
        self.result = result


def run_module(module_name: str, /, _check: bool = False, _diff: bool = True, **arguments: Any) -> dict[str, Any]:
    """Run a module with these arguments and return what it returns; ModuleFailed if it fails.

    ``_check`` runs it in check mode. A module that ends without a result, by an exception, is an error of its own.
    """
    module = importlib.import_module(f"{COLLECTION}.plugins.modules.{module_name}")
    output = io.StringIO()
    warnings._global_warnings.clear()  # those of modules that this process ran before
    with (
        patch_module_args({**arguments, "_ansible_check_mode": _check, "_ansible_diff": _diff}),
        contextlib.redirect_stdout(output),
        contextlib.suppress(SystemExit),
    ):
        module.main()
    lines = [line for line in output.getvalue().splitlines() if line.startswith("{")]
    assert lines, f"module {module_name} printed no result: {output.getvalue()!r}"
    result = json.loads(lines[-1])
    result.pop("invocation", None)
    if result.get("failed"):
        raise ModuleFailed(result)
    return result


def assert_converges(module_name: str, /, **arguments: Any) -> dict[str, Any]:
    """Check mode predicts a change, the first run makes exactly that, the second changes nothing; returns the first."""
    predicted = run_module(module_name, _check=True, **arguments)
    assert predicted["changed"], f"check mode of {module_name} predicted no change"
    first = run_module(module_name, **arguments)
    assert first["changed"], f"the first run of {module_name} changed nothing"
    assert first.get("diff") == predicted.get("diff"), f"check mode of {module_name} predicted another difference"
    assert_unchanged(module_name, **arguments)
    return first


def assert_unchanged(module_name: str, /, **arguments: Any) -> dict[str, Any]:
    """Neither check mode nor a run changes anything; returns the result of the run."""
    assert not run_module(module_name, _check=True, **arguments)["changed"], (
        f"check mode of {module_name} is not idempotent"
    )
    result = run_module(module_name, **arguments)
    assert not result["changed"], f"{module_name} is not idempotent: {result.get('diff')}"
    return result
