# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module iptables_chains against real namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.recorded import records
from tests.support.kernel_view import command, rules
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.persistent_sets import Killer, killed_everywhere

COMMENT = '-m comment --comment "flanneld forward"'
FORWARD = {
    "name": "FLANNEL-FWD",
    "rules": [f"-s 40.15.0.0/16 {COMMENT} -j ACCEPT", f"-d 40.15.0.0/16 {COMMENT} -j ACCEPT"],
}
MASQUERADE = {
    "table": "nat",
    "name": "FLANNEL-POSTRTG",
    "rules": ["-s 40.15.43.0/24 -d 40.15.0.0/16 -j RETURN", "-s 40.15.43.0/24 ! -d 224.0.0.0/4 -j MASQUERADE"],
}
JUMPS = [
    {"chain": "FORWARD", "rule": f"{COMMENT} -j FLANNEL-FWD"},
    {"table": "nat", "chain": "POSTROUTING", "rule": "-j FLANNEL-POSTRTG"},
]
FLANNEL: dict[str, Any] = {"chains": [FORWARD, MASQUERADE], "jumps": JUMPS}


@pytest.fixture
def docker(host: str) -> Iterator[str]:
    """A namespace with rules of Docker's kind, which must outlive everything."""
    for arguments in ("-P FORWARD DROP", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-A DOCKER-USER -j RETURN"):
        command("iptables", *arguments.split())
    command("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "-j", "MASQUERADE")
    return host


def everything(netns: str) -> list[str]:
    return rules(netns) + rules(netns, "nat")


def test_flannels_rules(docker: str) -> None:
    result = assert_converges("iptables_chains", **FLANNEL)
    assert rules(docker)[-4:] == [
        '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
        "-A DOCKER-USER -j RETURN",
        '-A FLANNEL-FWD -s 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
        '-A FLANNEL-FWD -d 40.15.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
    ]
    assert "-A FORWARD -j DOCKER-USER" in rules(docker)
    assert "-P FORWARD DROP" in rules(docker)
    assert rules(docker, "nat")[-4:] == [
        "-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE",
        "-A POSTROUTING -j FLANNEL-POSTRTG",
        "-A FLANNEL-POSTRTG -s 40.15.43.0/24 -d 40.15.0.0/16 -j RETURN",
        "-A FLANNEL-POSTRTG -s 40.15.43.0/24 ! -d 224.0.0.0/4 -j MASQUERADE",
    ]
    assert result["diff"]["before"] == {"rules": []}
    assert result["diff"]["after"]["rules"][:2] == [
        "filter: -N FLANNEL-FWD",
        f"filter: -A FLANNEL-FWD -s 40.15.0.0/16 {COMMENT} -j ACCEPT",
    ]


def test_check_mode_writes_nothing(docker: str) -> None:
    before = everything(docker)
    run_module("iptables_chains", _check=True, **FLANNEL)
    assert everything(docker) == before


@pytest.mark.parametrize(
    "rule", ["-p nosuch -j ACCEPT", "--dport 80 -j ACCEPT", "-s 10.0.0.300 -j DROP", "-m nosuch -j DROP"]
)
def test_check_mode_refuses_what_the_run_refuses(docker: str, rule: str) -> None:
    before = everything(docker)
    chains = [{"name": "FLANNEL-FWD", "rules": [rule]}]
    assert rule in failing(chains=chains)
    assert rule in failing(chains=chains, _check=True)
    assert everything(docker) == before


def test_in_another_namespace(netns: str) -> None:
    assert_converges("iptables_chains", netns=netns, **FLANNEL)
    assert "-N FLANNEL-FWD" in rules(netns)


def test_a_chain_holds_exactly_the_listed_rules_in_their_order(docker: str) -> None:
    run_module("iptables_chains", **FLANNEL)
    command("iptables", "-A", "FLANNEL-FWD", "-s", "10.0.0.0/8", "-j", "DROP")
    swapped = {**FORWARD, "rules": FORWARD["rules"][::-1]}
    result = assert_converges("iptables_chains", chains=[swapped])
    assert rules(docker)[-2:] == [f"-A FLANNEL-FWD {rule}" for rule in swapped["rules"]]
    assert "filter: -A FLANNEL-FWD -s 10.0.0.0/8 -j DROP" in result["diff"]["before"]["rules"]
    assert_converges("iptables_chains", chains=[{"name": "FLANNEL-FWD"}])
    assert rules(docker)[-1] == "-A DOCKER-USER -j RETURN"


def test_absent_restores_the_former_rules(docker: str) -> None:
    before = everything(docker)
    run_module("iptables_chains", **FLANNEL)
    assert_converges("iptables_chains", **FLANNEL, state="absent")
    assert everything(docker) == before
    assert_unchanged("iptables_chains", **FLANNEL, state="absent")


def failing(**arguments: Any) -> str:
    with pytest.raises(ModuleFailed) as failure:
        run_module("iptables_chains", **arguments)
    return str(failure.value)


def test_wrong_input_is_reported_all_together_and_changes_nothing(docker: str) -> None:
    before = everything(docker)
    chains = [
        {"name": "A-CHAIN-WITH-A-NAME-OF-29-LET"},
        {"name": "X", "rules": ["-A X -j ACCEPT", "-j ACCEPT\n-j DROP"]},
        {"name": "X"},
        {"name": "INPUT"},
        {"table": "nat", "name": "POSTROUTING"},
    ]
    jumps = [
        {"chain": "X", "rule": "-j ACCEPT"},
        {"chain": "FORWARD", "rule": "-j X"},
        {"chain": "FORWARD", "rule": "-j X"},
    ]
    assert failing(chains=chains, jumps=jumps).splitlines() == [
        "chains[0]: 'A-CHAIN-WITH-A-NAME-OF-29-LET' is not a chain name: 1 to 28 characters, no blank",
        "chains[1].rules[0]: '-A X -j ACCEPT' must be one rule as iptables-save prints it, without '-A CHAIN'",
        "chains[1].rules[1]: '-j ACCEPT\\n-j DROP' must be one rule as iptables-save prints it, without '-A CHAIN'",
        "chains[2]: X of table filter is given twice, in entries 1 and 2: join their rules",
        "chains[3]: INPUT of table filter is a chain of the kernel, which others use too: list its rules in 'jumps'",
        "chains[4]: POSTROUTING of table nat is a chain of the kernel, which others use too: list its rules in 'jumps'",
        "jumps[0]: chain X is listed in 'chains': put the rule there",
        "jumps[2]: '-j X' of chain FORWARD in table filter is given twice, in entries 1 and 2: drop one",
    ]
    assert failing(chains=[{"name": "FORWARD"}], state="absent").startswith("chains[0]: FORWARD of table filter is a")
    assert everything(docker) == before


def test_all_or_nothing(docker: str) -> None:
    before = everything(docker)
    text = failing(chains=[FORWARD, {"name": "Y", "rules": ["-j NO-SUCH-CHAIN"]}])
    assert text.startswith("iptables-restore --noflush --wait 10 failed: ")
    assert "-A Y -j NO-SUCH-CHAIN" in text
    assert everything(docker) == before


USUAL = {
    "chains": [
        {
            "name": "Z",
            "rules": [
                "-p tcp --dport 80 -j ACCEPT",
                "--source 10.0.0.1 -m conntrack --ctstate ESTABLISHED,RELATED --jump RETURN",
                "-j Y",
            ],
        },
        {"name": "Y", "rules": []},
    ],
    "jumps": [
        {"chain": "FORWARD", "rule": "--jump Z"},
        {"chain": "FORWARD", "rule": "-i eth+ --goto Y", "insert": True},
    ],
}


def test_rules_in_the_words_that_people_use(docker: str) -> None:
    before = everything(docker)
    result = assert_converges("iptables_chains", name="usual", persistent=True, **USUAL)
    assert "filter: -A Z -p tcp -m tcp --dport 80 -j ACCEPT" in result["diff"]["after"]["rules"]
    shown = rules(docker)
    assert "-A Z -p tcp -m tcp --dport 80 -j ACCEPT" in shown
    assert "-A Z -s 10.0.0.1/32 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN" in shown
    assert "-A FORWARD -j Z" in shown
    assert_unchanged("iptables_chains", name="usual", persistent=True, **USUAL)
    assert_converges("iptables_chains", name="usual", persistent=True, state="absent")
    assert everything(docker) == before


def test_one_text_that_is_two_rules_is_refused(docker: str) -> None:
    text = failing(chains=[{"name": "Z", "rules": ["-s 10.0.0.1,10.0.0.2 -j ACCEPT"]}])
    assert "'-s 10.0.0.1,10.0.0.2 -j ACCEPT' is printed by iptables-save as '-s 10.0.0.1/32 -j ACCEPT'" in text


# --- recorded sets --------------------------------------------------------------------------------


def recorded(**arguments: Any) -> dict[str, Any]:
    return {"name": "flannel", "persistent": True, **arguments}


def test_what_leaves_the_set_vanishes(docker: str) -> None:
    before = everything(docker)
    assert_converges("iptables_chains", **recorded(**FLANNEL))
    assert_converges("iptables_chains", **recorded(chains=[FORWARD], jumps=JUMPS[:1]))
    assert rules(docker, "nat")[-1] == "-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE"
    assert_converges("iptables_chains", name="flannel", state="absent")
    assert everything(docker) == before
    assert not records.RECORDS.exists()


def test_a_killed_run_is_finished_by_the_next(docker: str, killer: Killer) -> None:
    end = recorded(
        chains=[FORWARD, {"name": "NEW", "rules": ["-j RETURN"]}], jumps=[{"chain": "FORWARD", "rule": "-j NEW"}]
    )
    before = everything(docker)
    for _step in killed_everywhere(
        killer,
        lambda: run_module("iptables_chains", **recorded(**FLANNEL)),
        lambda: run_module("iptables_chains", **end),
    ):
        run_module("iptables_chains", **end)
        assert "-A FORWARD -j NEW" in rules(docker)
        assert JUMPS[0]["rule"] not in " ".join(rules(docker))
        assert "FLANNEL" not in " ".join(rules(docker, "nat"))
        assert_unchanged("iptables_chains", **end)
    run_module("iptables_chains", name="flannel", state="absent")
    assert everything(docker) == before


def test_a_killed_run_is_taken_back(docker: str, killer: Killer) -> None:
    before = everything(docker)
    for _step in killed_everywhere(
        killer,
        lambda: run_module("iptables_chains", name="flannel", state="absent"),
        lambda: run_module("iptables_chains", **recorded(**FLANNEL)),
    ):
        run_module("iptables_chains", name="flannel", state="absent", **FLANNEL)
        assert everything(docker) == before
        assert not records.RECORDS.exists()


def test_iptables_is_missing(docker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert failing(**FLANNEL) == (
        f"iptables-save is not installed on {os.uname().nodename}: install the package iptables."
    )
