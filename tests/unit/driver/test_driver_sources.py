# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup of the driver's files: those of the collection's networks, and networks from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.container_network.lab.plugins.lookup.driver_sources import driver_files
from tests.support import plain_network

LIBRARY = Path("/usr/local/lib/container-network-driver")
ROOT = Path(__file__).parents[3]
OURS = "ansible_collections.container_network.lab.plugins.module_utils"


def files(*modules: str, library: Path = LIBRARY, packages: tuple[Path, ...] = ()) -> dict[str, str]:
    """What the lookup returns: texts by path."""
    return {str(path): text for path, text in driver_files(modules, library, packages).items()}


@pytest.fixture
def plain_package(tmp_path: Path) -> Path:
    """A network of a package of its own."""
    folder = tmp_path / "elsewhere/plain_networks"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "parts/__init__.py").touch()
    (folder / "parts/bridge.py").write_text('KIND = "bridge"\n')
    text = Path(plain_network.__file__).read_text().replace(OURS, "container_network")
    imports = "from container_network.kernel import xfrm\nfrom .parts import bridge"
    (folder / "driver.py").write_text(text.replace("import ipaddress", f"import ipaddress\n{imports}", 1))
    return folder


def test_a_host_gets_the_code_of_its_networks_only() -> None:
    found = {path.removeprefix(f"{LIBRARY}/container_network/") for path in files(".weave.driver")}
    assert {"driver/__main__.py", "driver/__init__.py", "weave/driver.py", "kernel/netlink.py"} <= found
    assert not {path for path in found if path.startswith(("calico/", "overlay/"))}


def test_a_network_of_another_package_runs_beside_ours(plain_package: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    found = files("plain_networks.driver", library=library, packages=(plain_package,))
    assert f"{library}/plain_networks/parts/bridge.py" in found
    assert f"{library}/container_network/kernel/xfrm.py" in found, "it imports what the driver does not"
    for path, text in found.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    code = (
        f"import sys; sys.path.insert(0, {str(library)!r})\n"
        "from container_network.driver.registry import network_classes\n"
        "print(network_classes({'plain': {'module': 'plain_networks.driver'}})['plain'].address_space)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Plain\n", "")


def test_the_lookup_takes_folders_beside_the_playbook(plain_package: Path) -> None:
    playbook = plain_package.parent / "play.yml"
    query = "query('container_network.lab.driver_sources', 'plain_networks.driver', library='/lib', packages=packages)"
    tasks = [{"ansible.builtin.debug": {"msg": f"{{{{ {query} | map(attribute='path') | join(' ') }}}}"}}]
    play = {"hosts": "localhost", "gather_facts": False, "vars": {"packages": ["plain_networks"]}, "tasks": tasks}
    playbook.write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", playbook]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")
    assert "/lib/plain_networks/driver.py" in done.stdout, done.stdout + done.stderr


def test_all_that_is_wrong_with_packages_is_said_at_once(plain_package: Path, tmp_path: Path) -> None:
    wrong_name, ours = tmp_path / "my-networks", tmp_path / "container_network"
    for folder in (wrong_name, ours):
        folder.mkdir()
        (folder / "__init__.py").touch()
    with pytest.raises(AnsibleLookupError) as caught:
        files("plain_networks.drivers", "weave.driver", packages=(plain_package, wrong_name, ours))
    assert str(caught.value).splitlines() == [
        f"the package {wrong_name} must be a folder with an __init__.py, whose name Python can import",
        f"the package {ours} has the name of this collection's own: rename it",
        *(
            f"the module '{module}' is in none of the packages (plain_networks, my-networks, "
            "container_network): add its package's folder, or begin the name with a dot if it is one of this "
            "collection's"
            for module in ("plain_networks.drivers", "weave.driver")
        ),
    ]


@pytest.mark.parametrize(
    "line", ["from container_network.kernel import paint", "import container_network.paint", "1 +"]
)
def test_a_package_that_cannot_work_is_named(plain_package: Path, line: str) -> None:
    (plain_package / "driver.py").write_text(f"{line}\n")
    with pytest.raises(AnsibleLookupError, match=f"a package of {plain_package} cannot be used"):
        files("plain_networks.driver", packages=(plain_package,))
