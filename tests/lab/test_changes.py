# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of mind: another backend, another VNI, another network, a node that leaves; nothing of the old is left.

The tests follow one another: each changes what the one before it made.
"""

from __future__ import annotations

from tests.support.lab_runs import HOSTS, Lab, await_condition, on_host, ping_across

FOLLOWING_SECONDS = 2.0
"""In which hosts follow a lease; a second of it is for the look from outside."""


def _lines(host: str, command: str) -> list[str]:
    return [" ".join(line.split()) for line in on_host(host, "sh", "-c", command).splitlines()]


def _leases(prefix: str = "/coreos.com/network") -> list[str]:
    return [key for key in _lines("host1", f"etcdctl get --prefix {prefix}/subnets/ --keys-only") if key]


def _routes_to_leases() -> list[str]:
    return [line for line in _lines("host1", "ip route") if line.startswith("10.244.") and " via " in line]


def test_vxlan_to_host_gw(flannel: Lab) -> None:
    flannel.play("site.yml", "cni=flannel", "flannel_backend=host-gw")
    assert _lines("host1", "ip -o link show type vxlan") == []
    (route,) = _routes_to_leases()
    assert route.endswith("via 10.12.31.212 dev ens160")


def test_a_rebooted_host_is_back_by_itself_with_host_gw(flannel: Lab) -> None:
    flannel.play("lab_reboot.yml", options=("--limit", "host2"))
    ping_across()
    assert flannel.play("site.yml", "cni=flannel", "flannel_backend=host-gw").changed_in_all == 0


def test_host_gw_to_vxlan(flannel: Lab) -> None:
    flannel.play("site.yml", "cni=flannel")
    (route,) = _routes_to_leases()
    assert route.endswith("dev flannel.1 onlink")


def test_another_vni(flannel: Lab) -> None:
    flannel.play("site.yml", "cni=flannel", "flannel_vni=7")
    names = [line.split()[1].rstrip(":") for line in _lines("host1", "ip -o link show type vxlan")]
    assert names == ["flannel.7"]
    assert "vxlan id 7 " in on_host("host1", "ip", "-d", "link", "show", "flannel.7")
    assert not [line for line in _lines("host1", "ip route; bridge fdb; ip neigh") if "flannel.1 " in line]


def test_another_network(flannel: Lab) -> None:
    flannel.play("site.yml", "cni=flannel", "flannel_network=10.99.0.0/16")
    assert not [line for line in _lines("host1", "ip route; ip addr; iptables-save") if "10.244." in line]
    assert len(_leases()) == 2
    assert all("/10.99." in key for key in _leases())
    assert "FLANNEL_NETWORK=10.99.0.0/16" in _lines("host1", "cat /run/flannel/subnet.env")


def test_a_node_that_leaves_gives_its_lease_back_and_is_cleaned(flannel: Lab) -> None:
    flannel.play("site.yml", "cni=flannel", '{"flannel_nodes": ["host1"]}')
    assert len(_leases()) == 1
    assert not [line for line in _lines("host1", "bridge fdb") if "flannel.1" in line]
    assert not [line for line in _lines("host1", "ip route") if "flannel.1" in line]
    assert not [line for line in _lines("host2", "ip -o link; ip route; iptables-save") if "flannel" in line.lower()]


def test_a_real_flannelds_lease_is_served_without_a_run_and_kept(flannel: Lab) -> None:
    """A lease with an expiry, as flanneld takes it: the hosts make the way to it at once, and no run removes it."""
    flannel.play("site.yml", "cni=flannel")
    value = (
        '{"PublicIP":"10.12.31.77","PublicIPv6":null,"BackendType":"vxlan",'
        '"BackendData":{"VNI":1,"VtepMAC":"66:07:45:8a:06:30"}}'
    )
    lease = on_host("host1", "etcdctl", "lease", "grant", "86400").split()[1]
    key = "/coreos.com/network/subnets/10.244.200.0-24"
    on_host("host1", "etcdctl", "put", f"--lease={lease}", key, value)
    shown = "ip route; bridge fdb; ip neigh"
    there = (
        "10.244.200.0/24 via 10.244.200.0 dev flannel.1 onlink",
        "66:07:45:8a:06:30 dev flannel.1 dst 10.12.31.77 self permanent",
        "10.244.200.0 dev flannel.1 lladdr 66:07:45:8a:06:30 PERMANENT",
    )
    try:
        for host in HOSTS:
            await_condition(lambda host=host: set(there) <= set(_lines(host, shown)), FOLLOWING_SECONDS)
        # The verification pings what is there to answer, and this host is not.
        assert flannel.play("site.yml", "cni=flannel").changed_in_all == 0
        assert key in _leases()
    finally:
        on_host("host1", "etcdctl", "lease", "revoke", lease)
    for host in HOSTS:
        await_condition(lambda host=host: not set(there) & set(_lines(host, shown)), FOLLOWING_SECONDS)
