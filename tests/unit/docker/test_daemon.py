# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a person's Docker is started, what of it contradicts a network, and what it gets besides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.docker import daemon as daemon_room
from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon import DockerDaemon, look
from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon_options import DaemonOptions
from ansible_collections.container_network.lab.plugins.module_utils.docker.daemon_problems import (
    GATEWAY_EGRESS,
    DaemonNeeds,
    daemon_problems,
)
from ansible_collections.container_network.lab.plugins.module_utils.docker.unit_files import (
    UnitFile,
    directives,
    read_unit,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput

DEBIAN = """[Unit]
Description=Docker Application Container Engine
[Service]
Type=notify
EnvironmentFile=-/etc/default/docker
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
StartLimitInterval=60s
"""
DOCKER_CE = DEBIAN.replace("/usr/sbin", "/usr/bin").replace(" $DOCKER_OPTS", "").replace("EnvironmentFile", "#")
PACKAGED = Path("/usr/lib/systemd/system/docker.service")
OVERRIDE = Path("/etc/systemd/system/docker.service.d/override.conf")
FLANNEL = DaemonOptions(
    "flannel", {"bip": "40.15.43.1/24", "mtu": 8951, "ip-masq": False}, "container-network-restore.service"
)
DRIVER = DaemonOptions("driver", {"dns": "169.254.20.10"}, "dns.service", "/bin/copy /run/up", "/run/docker.json")
NEEDS = {
    "flannel": DaemonNeeds("the lease of the host", "40.15.43.1/24", 8951, ip_masq=False),
    "calico": DaemonNeeds(dns=True),
    "weave": DaemonNeeds(dns=True, masquerading=GATEWAY_EGRESS),
    "swarm": DaemonNeeds(masquerading=GATEWAY_EGRESS, swarm=True),
}


class Host:
    """A host's files, in a folder."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._patch = monkeypatch
        self.ip_forward = "1"
        self.running = "/usr/sbin/dockerd -H fd://"

    def write(self, path: str | Path, text: str) -> Path:
        """Write a file of the host."""
        place = self.root / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def override(self, text: str, name: str = "override.conf") -> Path:
        """What 'systemctl edit docker' leaves."""
        return self.write(OVERRIDE.with_name(name), f"[Service]\n{text}\n")

    def look(self) -> DockerDaemon:
        """What the host's Docker is started by."""
        folders = [self.root / "etc/systemd/system", self.root / "usr/lib/systemd/system"]
        self._patch.setattr(daemon_room, "FOLDERS", folders)
        self._patch.setattr(daemon_room, "CONFIG_FILE", f"{self.root}/etc/docker/daemon.json")
        self._patch.setattr(daemon_room.sysctl, "find", lambda _name: self.ip_forward)
        self._patch.setattr(daemon_room, "command_line", lambda _program: self.running)
        return look()

    def problems(self, network: str) -> list[str]:
        """What contradicts a network, as the controller finds it."""
        facts = json.loads(json.dumps(self.look().facts()))
        return daemon_problems("host1", {"docker_daemon": facts}, NEEDS[network])


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path, monkeypatch)
    host.write(PACKAGED, DEBIAN.replace("/etc/default", f"{tmp_path}/etc/default"))
    return host


def starts(text: str) -> list[str]:
    return [found.value for found in directives([UnitFile(PACKAGED, text)], "Service", "ExecStart")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[Service]\nExecStart=a b\n", ["a b"]),
        ("[Service]\n ExecStart = a b \n", ["a b"]),
        ("[Service]\nExecStart=a\nExecStart=\nExecStart=b\n", ["b"]),
        ("[Service]\nExecStart=a \\\n  b \\\n# not this\n  c\nUser=x\n", ["a b c"]),
        ("[Service]\n#ExecStart=a\n;ExecStart=b\n", []),
        ("[Unit]\nExecStart=a\n", []),
        ("[Service]\nExecStart=a \\", ["a"]),
        ("", []),
    ],
)
def test_what_a_unit_file_says(text: str, found: list[str]) -> None:
    assert starts(text) == found


def test_drop_ins_count_by_their_names_and_administrators_before_packages(host: Host) -> None:
    host.write("/usr/lib/systemd/system/docker.service.d/10-vendor.conf", "[Service]\nUser=vendor\n")
    host.write("/usr/lib/systemd/system/docker.service.d/20-same.conf", "[Service]\nUser=packaged\n")
    host.write("/etc/systemd/system/docker.service.d/20-same.conf", "[Service]\nUser=edited\n")
    host.write("/etc/systemd/system/service.d/15-all.conf", "[Service]\nUser=all\n")
    host.write("/etc/systemd/system/docker.service.d/not-a-drop-in", "[Service]\nUser=none\n")
    masked = host.write("/etc/systemd/system/docker.service.d/30-masked.conf", "")
    masked.unlink()
    masked.symlink_to("/dev/null")
    folders = [host.root / "etc/systemd/system", host.root / "usr/lib/systemd/system"]
    files = read_unit("docker.service", folders)
    assert [file.path.name for file in files] == ["docker.service", "10-vendor.conf", "15-all.conf", "20-same.conf"]
    users = [found.value for found in directives(files, "Service", "User")]
    assert users == ["vendor", "all", "edited"]


def test_a_host_without_docker_is_looked_at_without_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Host(tmp_path, monkeypatch)
    bare.running = ""
    assert bare.look().start == ""
    assert [bare.problems(network) for network in NEEDS] == [[]] * len(NEEDS)
    assert not FLANNEL.in_force(bare.look())


@pytest.mark.parametrize("unit", [DEBIAN, DOCKER_CE], ids=["debian", "docker-ce"])
def test_the_units_own_command_stays_and_gets_the_options(host: Host, unit: str) -> None:
    host.write(PACKAGED, unit)
    daemon = host.look()
    own = starts(unit)[-1]
    assert daemon.start == own
    assert f"\nExecStart=\nExecStart={own} --bip=40.15.43.1/24 --mtu=8951 --ip-masq=false\n" in FLANNEL.drop_in(daemon)


def test_a_command_of_ones_own_is_kept_with_all_that_it_says(host: Host) -> None:
    own = '/usr/bin/dockerd -H fd:// \\\n   -H tcp://0.0.0.0:2376 --label "a=b c"'
    path = host.override(f"Environment=HTTP_PROXY=http://proxy:3128\nExecStart=\nExecStart={own}")
    daemon = host.look()
    assert daemon.start_path == str(path)
    text = DRIVER.drop_in(daemon)
    kept = 'ExecStart=/usr/bin/dockerd -H fd://     -H tcp://0.0.0.0:2376 --label "a=b c" '
    assert kept.split() == next(line for line in text.splitlines() if line.startswith("ExecStart=/")).split()[:8]
    assert text.endswith(
        "--config-file=/run/docker.json --dns=169.254.20.10\n"
        "ExecReload=\n"
        f"ExecReload=/bin/copy /run/up {host.root}{JSON} /run/docker.json\n"
        "ExecReload=/bin/kill -s HUP $MAINPID\n"
    )
    assert [host.problems(network) for network in NEEDS] == [[]] * len(NEEDS)


def test_ours_is_not_part_of_the_command_and_is_in_force_when_docker_runs_with_it(host: Host) -> None:
    daemon = host.look()
    assert not FLANNEL.in_force(daemon)
    path = host.write(FLANNEL.path, FLANNEL.drop_in(daemon))
    assert host.look().start == daemon.start
    assert host.look().drop_ins == {str(path): FLANNEL.drop_in(daemon)}


def written(host: Host, options: DaemonOptions) -> DockerDaemon:
    """The host's Docker with the drop-in in its place, as a host has it."""
    seen = host.look()
    return DockerDaemon.from_facts({**seen.facts(), "drop_ins": {str(options.path): options.drop_in(seen)}})


def test_options_are_in_force_with_the_drop_in_and_the_process(host: Host) -> None:
    assert not FLANNEL.in_force(written(host, FLANNEL))
    host.running += " --bip=40.15.43.1/24 --mtu=8951 --ip-masq=false"
    assert FLANNEL.in_force(written(host, FLANNEL))
    former = written(host, FLANNEL)
    host.override("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --debug")
    assert not FLANNEL.in_force(DockerDaemon.from_facts({**host.look().facts(), "drop_ins": former.drop_ins}))


def test_values_that_a_unit_would_take_for_something_else_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"'1.2.3.4/24; reboot' of bip has characters"):
        DaemonOptions.parse({"name": "x", "options": {"bip": "1.2.3.4/24; reboot"}})


JSON = "/etc/docker/daemon.json"


@pytest.mark.parametrize(
    ("network", "document", "words"),
    [
        ("flannel", {"bip": "172.26.0.1/16"}, ["has bip 172.26.0.1/16, and the lease of the host gives docker0"]),
        ("flannel", {"bridge": "br0"}, ["has bridge br0, and the lease of the host"]),
        ("flannel", {"fixed-cidr": "172.26.0.0/24"}, ["has fixed-cidr 172.26.0.0/24"]),
        ("flannel", {"default-gateway": "172.26.0.9"}, ["has default-gateway 172.26.0.9"]),
        ("flannel", {"mtu": 1450}, ["has mtu 1450, and the network's containers have an MTU of 8951"]),
        ("flannel", {"ip-masq": True}, ["has ip-masq true"]),
        ("flannel", {"live-restore": True}, ["has live-restore true, and docker0 cannot get the address"]),
        ("flannel", {"bip": "172.26.0.1/16", "mtu": 1450}, ["has bip", "has mtu"]),
        ("swarm", {"live-restore": True}, ["has live-restore true, and dockerd refuses swarm mode with it"]),
        ("swarm", {"iptables": False}, [f"has iptables false, so that nobody masquerades {GATEWAY_EGRESS}"]),
        ("weave", {"iptables": False}, ["has iptables false"]),
        *(
            (network, {"firewall-backend": "nftables"}, ["has firewall-backend nftables, and what the network's rules"])
            for network in ("flannel", "calico", "weave", "swarm")
        ),
        ("weave", {"hosts": ["tcp://0.0.0.0:2375"]}, ["has hosts tcp://0.0.0.0:2375", "is on Docker's command line"]),
        ("weave", {"hosts": ["unix:///var/run/docker.sock"]}, ["hosts unix:///var/run/docker.sock is on Docker's"]),
    ],
)
def test_what_contradicts_is_named_with_file_and_key(
    host: Host, network: str, document: dict[str, Any], words: list[str]
) -> None:
    path = host.write(JSON, json.dumps(document))
    found = host.problems(network)
    assert len(found) == len(words), found
    for text in words:
        assert [problem for problem in found if text in problem and str(path) in problem], found
    assert all(problem.startswith("host1: ") for problem in found)


@pytest.mark.parametrize(
    ("network", "document"),
    [
        ("flannel", {"dns": ["8.8.8.8"], "iptables": False, "data-root": "/srv/docker", "hosts": []}),
        ("flannel", {"bip": "40.15.43.1/24", "mtu": 8951, "ip-masq": False, "fixed-cidr": "40.15.43.0/25"}),
        ("flannel", {"live-restore": False, "mtu": 0}),
        ("calico", {"dns": ["8.8.8.8"], "bip": "172.26.0.1/16", "mtu": 1450, "iptables": False, "live-restore": True}),
        ("weave", {"dns": ["8.8.8.8"], "bridge": "none", "ip-masq": False, "live-restore": True}),
        ("weave", {"firewall-backend": "iptables"}),
        ("swarm", {"dns": ["8.8.8.8"], "bip": "172.26.0.1/16", "ip-forward": False}),
    ],
)
def test_what_does_not_contradict_is_kept(host: Host, network: str, document: dict[str, Any]) -> None:
    if "hosts" in document:  # as docker-ce's documents tell: then the command has none
        host.override("ExecStart=\nExecStart=/usr/sbin/dockerd")
        document = {**document, "hosts": ["unix:///var/run/docker.sock", "tcp://127.0.0.1:2375"]}
    host.write(JSON, json.dumps(document))
    assert host.problems(network) == []


def test_what_the_file_says_as_well_is_not_said_twice(host: Host) -> None:
    host.write(JSON, json.dumps({"mtu": 8951, "ip-masq": False}))
    assert FLANNEL.flags(host.look()) == ["--bip=40.15.43.1/24"]
    host.write(JSON, json.dumps({"dns": ["8.8.8.8"]}))
    assert DRIVER.flags(host.look()) == ["--config-file=/run/docker.json", "--dns=169.254.20.10"]


def test_flags_count_as_the_file_does_wherever_they_come_from(host: Host) -> None:
    path = host.write("/etc/default/docker", '# comment\nDOCKER_OPTS="--dns 8.8.8.8 --dns=9.9.9.9 --mtu 1450"\n')
    (dns,) = host.problems("calico")
    assert f"{path} has --dns 8.8.8.8 9.9.9.9" in dns
    assert '"dns": ["8.8.8.8", "9.9.9.9"]' in dns
    (mtu,) = host.problems("flannel")
    assert f"{path} has --mtu 1450" in mtu
    override = host.override("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --live-restore -b br0")
    found = host.problems("flannel")
    assert len(found) == 2
    assert f"{override} has -b br0" in found[0]
    assert f"{override} has --live-restore true" in found[1]


def test_another_configuration_file_is_the_one_that_counts(host: Host) -> None:
    host.override("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --config-file=" + f"{host.root}/mine.json")
    path = host.write("/mine.json", '{"bip": "172.26.0.1/16"}')
    assert f"{path} has bip" in host.problems("flannel")[0]
    assert f"ExecStartPre=/bin/copy /run/up {path} /run/docker.json\n" in DRIVER.drop_in(host.look())


def test_a_file_that_dockerd_cannot_read_is_named(host: Host) -> None:
    for text in ('{"dns": ["8.8.8.8"],}', "[]", '"dns"'):
        path = host.write(JSON, text)
        (problem,) = host.problems("calico")
        assert str(path) in problem
        assert "JSON" in problem
    host.write(JSON, "")
    assert host.problems("calico") == []


def test_a_drop_in_that_would_win_is_named(host: Host) -> None:
    path = host.override("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd://", "zzz-mine.conf")
    (problem,) = host.problems("calico")
    assert f"{path} starts Docker by its own ExecStart and sorts after" in problem
    host.override("LimitNOFILE=infinity", "zzz-mine.conf")
    assert host.problems("calico") == []


def test_forwarding_that_is_off_is_named_where_docker_will_not_turn_it_on(host: Host) -> None:
    host.ip_forward = "0"
    assert "net.ipv4.ip_forward is 0, and the host has to forward" in host.problems("calico")[0]
    host.running = ""  # it turns it on when it starts
    assert host.problems("calico") == []
    path = host.write(JSON, '{"ip-forward": false}')
    assert f"net.ipv4.ip_forward is 0 ({path} has ip-forward false)" in host.problems("calico")[0]


def test_a_docker_that_no_unit_starts_is_named_where_it_must_get_options(tmp_path: Path, host: Host) -> None:
    (host.root / str(PACKAGED).lstrip("/")).unlink()
    host.running = "/snap/docker/current/bin/dockerd"
    assert "systemd has no docker.service that starts it" in host.problems("flannel")[0]
    assert "(/snap/docker/current/bin/dockerd)" in host.problems("calico")[0]
    assert host.problems("swarm") == []


def test_runtimes_of_file_and_command_go_together(host: Host) -> None:
    host.override("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --add-runtime=nvidia=/usr/bin/nvidia-runtime")
    host.write(JSON, '{"runtimes": {"other": {"path": "/usr/bin/other"}}}')
    assert host.problems("calico") == []


def test_secrets_of_the_file_do_not_travel(host: Host) -> None:
    host.write(JSON, json.dumps({"proxies": {"http-proxy": "http://user:hunter2@proxy"}, "labels": ["key=hunter2"]}))
    assert "hunter2" not in json.dumps(host.look().facts())


def test_variables_of_the_command_are_read_as_systemd_reads_them(host: Host) -> None:
    host.override(
        'Environment=OPTS="--mtu 1400 --bip 10.9.0.1/16" NET=10.8\n'
        "ExecStart=\nExecStart=/usr/sbin/dockerd $OPTS --dns=${NET}.0.1${NONE} --dns=$NET.1"
    )
    found = {option.key: option.value for option in host.look().command_line}
    assert found == {"mtu": "1400", "bip": "10.9.0.1/16", "dns": ["10.8.0.1", "$NET.1"]}
