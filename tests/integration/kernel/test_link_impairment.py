# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module link_impairment against the real kernel: what it sets, tc(8) shows and packets feel."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.kernel.impairment import kernel_has_netem
from tests.support.kernel_view import command
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module

netem = pytest.mark.skipif(not kernel_has_netem(), reason="the kernel has no netem")


def queue(netns: str, device: str) -> str:
    return command("tc", "-n", netns, "qdisc", "show", "dev", device)


def answers(netns: str) -> bool:
    return "1 received" in command("ip", "netns", "exec", netns, "sh", "-c", "ping -c1 -W5 10.9.8.2 || true")


def test_a_cut_line_lets_nothing_through_until_it_is_healed(veth_ends):
    here, _there = veth_ends
    assert answers(here)
    assert_converges("link_impairment", devices=[{"name": "va", "netns": here, "cut": True}])
    assert queue(here, "va").startswith("qdisc blackhole 1ab: root")
    assert not answers(here)
    assert_converges("link_impairment", devices=[{"name": "va", "netns": here}])
    assert queue(here, "va").startswith("qdisc noqueue 0:")
    assert answers(here)


def test_a_rate_becomes_another_one_and_a_cut(veth_ends):
    here, _there = veth_ends
    result = assert_converges(
        "link_impairment", devices=[{"name": "va", "netns": here, "rate": "10mbit", "label": "A"}]
    )
    assert result["diff"] == {"before": {"A": ""}, "after": {"A": "rate 10mbit"}}
    assert "rate 10Mbit" in queue(here, "va")
    assert_converges("link_impairment", devices=[{"name": "va", "netns": here, "rate": "40gbit"}])
    assert "rate 40Gbit" in queue(here, "va")
    assert_converges("link_impairment", devices=[{"name": "va", "netns": here, "cut": True, "rate": "40gbit"}])
    assert answers(here) is False


def test_the_rate_is_limited(veth_ends):
    """4 MB at 100 Mbit/s take a third of a second at least; without the limit, some milliseconds."""
    here, there = veth_ends
    run_module("link_impairment", devices=[{"name": "va", "netns": here, "rate": "100mbit"}])
    script = (
        "import socket,sys,time\n"
        "s=socket.create_connection(('10.9.8.2',5001)); t=time.monotonic()\n"
        "s.sendall(bytes(4_000_000)); s.shutdown(1); s.recv(1); print(time.monotonic()-t)"
    )
    receiver = (
        "import socket\nl=socket.create_server(('10.9.8.2',5001)); open('/dev/stdout','w').write('ready'); "
        "c,_=l.accept()\nwhile c.recv(1<<20): pass\nc.sendall(b'x')"
    )
    with subprocess.Popen(
        ["ip", "netns", "exec", there, "python3", "-c", receiver], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.read(5) == "ready"
        seconds = float(command("ip", "netns", "exec", here, "python3", "-c", script))
    assert 0.25 < seconds < 2


@netem
def test_packets_are_delayed_lost_and_reordered(veth_ends):
    here, _there = veth_ends
    wanted = {"delay": "50ms", "jitter": "5ms", "loss": "1.5%", "reorder": "25%", "rate": "20mbit"}
    assert_converges("link_impairment", devices=[{"name": "va", "netns": here, **wanted}])
    shown = queue(here, "va")
    for words in ("netem 1ab: root", "delay 50ms", "5ms", "loss 1.5%", "reorder 25%", "rate 20Mbit"):
        assert words in shown


@pytest.mark.skipif(kernel_has_netem(), reason="the kernel has netem")
def test_what_takes_netem_is_refused_in_words_where_the_kernel_lacks_it(veth_ends):
    here, _there = veth_ends
    with pytest.raises(ModuleFailed) as failure:
        run_module(
            "link_impairment",
            devices=[
                {"name": "va", "netns": here, "cut": True},
                {"name": "va", "netns": here, "label": "node-1's eth0", "delay": "50ms", "rate": "1mbit"},
            ],
        )
    assert "node-1's eth0: delay 50ms, rate 1mbit takes netem, which the running kernel does not have" in str(
        failure.value
    )
    assert answers(here)  # nothing was changed


def test_what_somebody_else_has_set_stays(veth_ends):
    here, _there = veth_ends
    command(
        "tc", "-n", here, "qdisc", "add", "dev", "va", "root", "tbf", "rate", "1gbit", "burst", "64k", "latency", "9ms"
    )
    with pytest.raises(ModuleFailed, match="somebody has given it the queueing discipline tbf, which stays"):
        run_module("link_impairment", devices=[{"name": "va", "netns": here, "cut": True}])
    assert_unchanged("link_impairment", devices=[{"name": "va", "netns": here}])
    assert "rate 1Gbit" in queue(here, "va")


def test_a_device_that_is_not_there_is_named(veth_ends):
    here, _there = veth_ends
    with pytest.raises(ModuleFailed, match="no device 'x0'"):
        run_module("link_impairment", devices=[{"name": "x0", "netns": here, "cut": True}])
