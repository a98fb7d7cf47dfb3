# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says to Keystone comes out of the file as it went into it, and no message has a password."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest

from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.ask import main
from ansible_collections.container_network.lab.plugins.module_utils.kuryr.credentials import (
    Credentials,
    read_credentials,
)

TEMPLATE = Path(__file__).parents[3] / "roles/kuryr/templates/credentials.conf.j2"
GIVEN = {"auth_url": "http://127.0.0.1:9/v3", "username": "kuryr", "project_name": "service"}


def written(tmp_path: Path, **values: str) -> Path:
    """A file as the role writes it."""
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, autoescape=False)
    file = tmp_path / "credentials.conf"
    file.write_text(environment.from_string(TEMPLATE.read_text()).render(_kuryr_credentials={**GIVEN, **values}))
    return file


@pytest.mark.parametrize(
    "password", ["plain", " blank ", "$1 $$ $(x)", '"quoted"', "'", "a=b;c#d", "%(x)s", "[neutron]", "ü", "back\\"]
)
def test_what_is_written_is_read(tmp_path: Path, password: str) -> None:
    expected = Credentials(**GIVEN, password=password)
    assert read_credentials(written(tmp_path, password=password)) == expected


def test_domains_have_keystones_default(tmp_path: Path) -> None:
    found = read_credentials(written(tmp_path, password="x", user_domain_name="people"))
    assert (found.user_domain_name, found.project_domain_name) == ("people", "Default")


@pytest.mark.parametrize("text", ["", "secret", "[neutron]\nusername = kuryr\npassword = secret\n", "[other]\n"])
def test_a_file_without_credentials_is_refused_without_a_word_of_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "credentials.conf"
    file.write_text(text)
    with pytest.raises(LabError, match="has no section") as refused:
        read_credentials(file)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"credentials_file .*none cannot be read: No such file"):
        read_credentials(tmp_path / "none")


def test_the_command_of_a_host_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:9"]) == 2
    assert "usage: neutron-get PATH" in capsys.readouterr().err
    assert main(["http://127.0.0.1:9", "", "ports"]) == 1
    assert "Neutron at http://127.0.0.1:9 does not answer" in capsys.readouterr().err
    assert main(["http://127.0.0.1:9", str(written(tmp_path, password="x")), "ports"]) == 1
    assert "Keystone at http://127.0.0.1:9/v3 does not answer" in capsys.readouterr().err
