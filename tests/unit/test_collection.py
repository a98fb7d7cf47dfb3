# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's own files say of each other."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = {path.stem: path.read_text() for path in sorted((ROOT / "plugins/modules").glob("*.py"))}
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
NETWORKS = [role for role in ROLES if (role / "meta/network.yml").exists()]
INSTALLS = re.compile(r"ansible\.builtin\.(apt|package|dnf)\b")
GROUPS = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]


def test_every_module_is_in_its_action_groups():
    assert GROUPS["all"] == sorted(MODULES)
    assert GROUPS["etcd"] == [name for name, text in MODULES.items() if "container_network.lab.etcd\n" in text]
    assert {name for name, text in MODULES.items() if "Engine()" in text} <= set(GROUPS["docker"]) <= set(MODULES)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_specifies_what_it_has_defaults_for(role: Path):
    defaults = role / "defaults/main.yml"
    found = set(yaml.safe_load(defaults.read_text())) if defaults.exists() else set()
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    assert found <= {option for entry in specs.values() for option in entry.get("options") or {}}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_packages_are_installed_by_the_role_that_says_in_words_what_fails(role: Path):
    if role.name in ("packages", "lab"):  # the latter installs on the machine of the lab, with options of apt
        return
    installs = [path.name for path in (role / "tasks").glob("*.yml") if INSTALLS.search(path.read_text())]
    assert installs == []


@pytest.mark.parametrize("role", NETWORKS, ids=lambda role: role.name)
def test_a_network_has_all_that_the_contract_asks_for(role: Path):
    tasks = {path.stem for path in (role / "tasks").glob("*.yml")}
    assert {"validate", "main", "verify", "absent"} <= tasks
    declared = {
        *("network_hosts", "network_needs_etcd", "network_docker_drivers", "network_iptables_chains"),
        *("network_etcd_prefixes", "network_variants"),
    }
    found = yaml.safe_load((role / "meta/network.yml").read_text())
    assert set(found) == declared
    for variant in found["network_variants"]:
        assert variant["name"].partition("-")[0] == role.name
        assert all(isinstance(text, str) for text in variant.get("documented", {}).values())
    assert all(prefix.endswith("/") for prefix in found["network_etcd_prefixes"])
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    removal = specs["main"]["options"][f"{role.name}_removal"]
    assert removal["choices"] == ["host", "network", "nothing"]


def test_hosts_are_asked_for_the_chains_of_all_networks():
    """One that was there before may have left its own in the other mode of iptables."""
    first = yaml.safe_load((ROOT / "playbooks/site.yml").read_text())[0]
    assert first["module_defaults"]["container_network.lab.host_info"] == {
        "iptables_chains": "{{ _networks.values() | map(attribute='iptables_chains') | flatten }}"
    }


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").glob("*.yml")), ids=lambda path: path.stem)
def test_a_playbook_loads_the_plugins_before_ansible_forks(path: Path):
    """Half of a run's processor time went into compiling them again in each of Ansible's processes."""
    first = next(play for play in yaml.safe_load(path.read_text()) if "hosts" in play)
    assert first["hosts"].startswith("{{ lookup('container_network.lab.plugins_loaded', ")


SEEN_BY_A_TASK = """
- hosts: "{{ lookup('container_network.lab.plugins_loaded', 'localhost') }}"
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ '' | loaded_before }}"
"""
LOADED_BEFORE = """
import gc
import sys


class FilterModule:
    def filters(self):
        return {"loaded_before": lambda _: " ".join([*sys.modules, self._most_is_frozen()])}

    def _most_is_frozen(self):
        return "frozen" if gc.get_freeze_count() > len(gc.get_objects()) else "looked-through"
"""


def test_what_a_task_uses_is_loaded_when_it_begins(tmp_path: Path):
    """A filter beside the playbook says what is loaded in the process of a task that uses nothing of the collection."""
    (tmp_path / "play.yml").write_text(SEEN_BY_A_TASK)
    (tmp_path / "filter_plugins").mkdir()
    (tmp_path / "filter_plugins" / "loaded_before.py").write_text(LOADED_BEFORE)
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", tmp_path / "play.yml"],
        check=True,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    prefix = "ansible_collections.container_network.lab.plugins."
    plugins = [path for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py")]
    rules = list((ROOT / "plugins").glob("module_utils/*/inventory.py"))
    wanted = {prefix + ".".join(path.relative_to(ROOT / "plugins").with_suffix("").parts) for path in plugins + rules}
    assert len(rules) == len(NETWORKS)
    said = set(done.stdout.replace('"', " ").split())
    assert wanted - said == set()
    assert "frozen" in said


def test_only_networks_name_networks():
    """A fifth network is added without touching what all have in common."""
    names = [role.name for role in NETWORKS]
    common = [ROOT / f"playbooks/{name}.yml" for name in ("teardown", "verify")]
    for path in [*common, *(ROOT / "roles/network_driver").rglob("*.yml")]:
        lines = [
            line
            for line in path.read_text().splitlines()
            if not line.lstrip().startswith(("#", "- The", "description"))
        ]
        assert not [line for line in lines for name in names if f"{name}_" in line or f"'{name}'" in line], path


def options_of(spec: Mapping[str, Any], *path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All options of an argument spec by their path, those within others too."""
    for name, option in (spec.get("options") or {}).items():
        yield ".".join([*path, name]), option
        yield from options_of(option, *path, name)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_no_log_stands_with_what_is_secret_and_with_nothing_else(role: Path):
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    options = [entry for spec in specs.values() for entry in options_of(spec)]
    secret = {path for path, _option in options if path.endswith(("password", "secret", "secret_key", "token"))}
    assert {path for path, option in options if option.get("no_log")} == secret


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_default_is_one_of_its_choices(role: Path):
    defaults = role / "defaults/main.yml"
    found = yaml.safe_load(defaults.read_text()) if defaults.exists() else {}
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    choices = {name: option["choices"] for name, option in options_of(specs["main"]) if "choices" in option}
    literal = {name: value for name, value in found.items() if name in choices and "{{" not in str(value)}
    assert {name: value for name, value in literal.items() if value not in choices[name]} == {}


def test_modules_tell_their_action_groups():
    for name, text in MODULES.items():
        fragments = {line.strip("- ") for line in text.splitlines() if line.startswith("  - container_network.lab.")}
        told = {f"container_network.lab.{group}" for group in ("etcd", "action_group", "action_group.docker")}
        group = {"etcd": "etcd", "action_group.docker": "docker", "action_group": "all"}
        (fragment,) = fragments & told
        assert name in GROUPS[group[fragment.removeprefix("container_network.lab.")]], name
        assert (name in GROUPS["docker"]) == fragment.endswith(".docker"), name
