# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd of an inventory: URLs, users, and how members are started, join and leave."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from ansible_collections.container_network.lab.plugins.module_utils.datastore import cluster
from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import PEER_NAME
from ansible_collections.container_network.lab.plugins.module_utils.datastore.membership import (
    Look,
    Member,
    Start,
    initial_cluster,
    leaving_members,
    start_of,
)
from ansible_collections.container_network.lab.plugins.module_utils.datastore.users import (
    Permission,
    SeenUsers,
    User,
    user_steps,
)
from ansible_collections.container_network.lab.plugins.plugin_utils.etcd_variables import DEFAULTS

MEMBERS = {"a": "10.0.0.1", "b": "10.0.0.2", "c": "fd00::3"}
CLUSTER = cluster.Cluster(MEMBERS, 2379, 2380, tls=True)
PLAIN = cluster.Cluster(MEMBERS, 2379, 2380, tls=False)


def test_urls():
    assert CLUSTER.endpoints == ["https://10.0.0.1:2379", "https://10.0.0.2:2379", "https://[fd00::3]:2379"]
    assert PLAIN.peer_urls["c"] == "http://[fd00::3]:2380"
    assert CLUSTER.places("a") == ["10.0.0.1", "a", "127.0.0.1", "localhost"]


def test_access_has_certificates_and_a_user_with_tls_only():
    assert PLAIN.access("flannel", None) == cluster.access(PLAIN.endpoints)
    found = CLUSTER.access("flannel", "secret")
    assert (found["etcd_username"], found["etcd_password"]) == ("flannel", "secret")
    assert found["etcd_client_cert"] == "/etc/container-network/etcd/client.pem"


def test_endpoints_that_contradict_tls_are_refused():
    assert cluster.endpoint_problems(CLUSTER.endpoints, tls=True) == []
    (problem,) = cluster.endpoint_problems(["https://a:1", "http://b:1"], tls=True)
    assert problem.startswith("etcd_endpoints, entry 1: 'http://b:1' begins with http://, and etcd_tls is true")
    assert len(cluster.endpoint_problems(["https://a:1"], tls=False)) == 1


def test_each_network_has_a_user_for_its_own_keys():
    assert cluster.users_of({"flannel": ["/f/"], "swarm": [], "calico": ["/c/", "/d/"]}) == {
        "calico": ["/c/", "/d/"],
        "flannel": ["/f/"],
        "hosts": ["/c/", "/d/", "/f/"],
    }
    assert cluster.users_of({}) == {}


@pytest.mark.parametrize("password", ["plain", "qu'ote\"d $HOME `id`", "-x"])
def test_the_command_etcdctl_is_told_and_an_option_takes_the_place_of_its_variable(tmp_path, password):
    files = {entry["path"]: entry for entry in CLUSTER.client_files("CA", "BUNDLE", "root", password)}
    assert files[cluster.CLIENT_FILE]["mode"] == files[cluster.ETCDCTL_FILE]["mode"] == "0600"
    told = tmp_path / "etcdctl.env"
    told.write_text(files[cluster.ETCDCTL_FILE]["content"])
    (tmp_path / "etcdctl").write_text('#!/bin/sh\nenv | grep ^ETCDCTL_\necho "$@"\n')
    (tmp_path / "etcdctl").chmod(0o755)
    text = files[cluster.ETCDCTL]["content"].replace(cluster.ETCDCTL_FILE, str(told))
    command = tmp_path / "command"
    command.write_text(text.replace("PATH=", f"PATH={tmp_path}:"))

    def run(*words: str, **variables: str) -> list[str]:
        environment = {"PATH": "/usr/bin:/bin", **variables}
        return subprocess.run(
            ["sh", command, *words], env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    found = run("get", "--prefix", "/a b")
    assert f"ETCDCTL_USER=root:{password}" in found
    assert f"ETCDCTL_ENDPOINTS={','.join(CLUSTER.endpoints)}" in found
    assert found[-1] == "get --prefix /a b"
    assert not [
        line for line in run("--endpoints=x", "--user", "u:p", "get") if line.startswith(("ETCDCTL_EN", "ETCDCTL_U"))
    ]
    assert "ETCDCTL_USER=other:x" in run("get", ETCDCTL_USER="other:x")


SAME, OTHER = "abc", "def"
DATA_RUNS, DATA_STOPPED = Look(True, "active", SAME), Look(True, "inactive", SAME)
STARTING, NOTHING = Look(True, "activating", SAME), Look(False)


@pytest.mark.parametrize(
    ("looks", "together", "in_turn", "joining"),
    [
        ((NOTHING,), "a", "", ""),
        ((NOTHING, NOTHING, NOTHING), "abc", "", ""),
        ((DATA_RUNS,), "", "a", ""),
        ((DATA_STOPPED,), "a", "", ""),
        ((DATA_RUNS, DATA_RUNS, NOTHING), "", "ab", "c"),
        ((DATA_RUNS, DATA_STOPPED, DATA_RUNS), "b", "ac", ""),
        ((DATA_STOPPED, DATA_STOPPED, DATA_STOPPED), "abc", "", ""),
        ((DATA_STOPPED, DATA_STOPPED, NOTHING), "ab", "", "c"),
        ((STARTING, NOTHING, NOTHING), "abc", "", ""),  # a first start that was interrupted
        ((DATA_STOPPED, NOTHING, NOTHING), "abc", "", ""),
        ((DATA_RUNS, NOTHING, NOTHING), "", "a", "bc"),  # one that grows
        ((Look(True, "inactive", OTHER), NOTHING, NOTHING), "a", "", "bc"),  # one that grows, and was stopped
        ((Look(True, "active", ""), NOTHING), "", "a", "b"),  # one of an earlier version
    ],
)
def test_starts(looks, together, in_turn, joining):
    found = start_of(dict(zip("abc", looks, strict=False)), SAME)
    assert found == Start(tuple(together), tuple(in_turn), tuple(joining))


def test_a_look_is_read_among_other_lines():
    lines = ["outdated", "data", "formed=abc", "state=active", "enabled", "ETCD_NAME=a"]
    assert Look.parse(lines) == Look(True, "active", "abc")
    assert Look.parse(["outdated", "missing"]) == NOTHING


ROLE = Path(__file__).parents[3] / "roles/etcd"


def test_the_role_and_the_lookups_agree():
    """Other roles do not see the defaults of the role etcd, so the lookups have them too."""
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    assert {name: defaults[name] for name in DEFAULTS} == DEFAULTS
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text())
    assert variables["_etcd_folder"] == cluster.FOLDER
    assert variables["_etcd_command"] == cluster.ETCDCTL
    assert variables["_etcd_tls_environment"]["ETCD_PEER_CERT_ALLOWED_CN"] == PEER_NAME


URLS = {"a": "http://1:2380", "b": "http://2:2380", "c": "http://3:2380"}
SEEN = [
    Member("1", "a", ("http://1:2380",)),
    Member("2", "b", ("http://2:2380",)),
    Member("3", "c", ("http://3:2380",)),
]


def leaving(seen: list[Member], wanted: dict[str, str], joining: str | None = None) -> list[str]:
    return [member.id for member in leaving_members(seen, wanted, joining)]


def test_members_leave_that_are_not_wanted_or_come_back_without_data():
    assert leaving(SEEN, URLS) == []
    assert leaving(SEEN, URLS, "c") == ["3"]
    assert leaving(SEEN, {"a": URLS["a"], "b": URLS["b"]}) == ["3"]
    assert leaving(SEEN, {"a": URLS["a"], "b": URLS["b"], "d": "http://4:2380"}, "d") == ["3"]
    announced = [*SEEN[:2], Member("9", "", ("http://3:2380",))]
    assert leaving(announced, URLS) == []
    assert leaving(announced, URLS, "c") == ["9"]


def test_a_joining_member_is_told_all_others_and_itself():
    answer = [*SEEN[:2], Member("9", "", ("http://3:2380",))]
    assert initial_cluster(answer, "c", URLS["c"]) == "a=http://1:2380,b=http://2:2380,c=http://3:2380"


def words(seen: SeenUsers, *wanted: User) -> list[str]:
    return [step.words for step in user_steps(seen, wanted)]


FLANNEL = User("flannel", "secret", ("/f/", "/g/"))


def test_a_user_is_made_with_what_it_needs():
    assert words(SeenUsers({}, {}), FLANNEL) == [
        "role flannel",
        "role flannel may read and write /f/",
        "role flannel may read and write /g/",
        "user flannel",
        "user flannel with its role",
    ]
    assert words(SeenUsers({}, {}), User("root", "secret")) == ["role root", "user root", "user root with its role"]


def test_a_user_who_has_more_or_less_than_it_needs():
    every = frozenset(FLANNEL.permissions)
    fine = SeenUsers({"flannel": every}, {"flannel": frozenset({"flannel"})}, frozenset({"flannel"}))
    assert words(fine, FLANNEL) == []
    more = Permission("READ", "AA==", "AA==")
    assert words(
        SeenUsers({"flannel": every | {more}, "x": frozenset()}, {"flannel": frozenset({"flannel", "root"})}), FLANNEL
    ) == [
        "role flannel without a permission that it must not have",
        "password of flannel",
        "user flannel without role root",
    ]


def test_nothing_that_is_shown_of_a_step_has_a_password():
    steps = user_steps(SeenUsers({}, {}), [FLANNEL])
    assert "secret" not in repr(steps) + repr(FLANNEL)


def test_members_listen_at_addresses_and_not_at_names() -> None:
    assert cluster.address_problems({"a": "192.168.1.68", "b": "fd00::1"}) == []
    problems = cluster.address_problems({"a": "a", "b": "192.168.1.68", "c": "c.test"})
    assert problems == [
        "a: etcd would listen at 'a', and must at an IP address: set underlay_address, or etcd_address, of a",
        "c: etcd would listen at 'c.test', and must at an IP address: set underlay_address, or etcd_address, of c",
    ]
