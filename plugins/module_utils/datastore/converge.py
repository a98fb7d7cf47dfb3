# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module etcd_cluster does: members and users of an etcd that runs."""

from __future__ import annotations

import time
from typing import Any

from ..errors import InvalidInput, LabError
from ..outcome import Outcome
from .answers import NoUsers
from .cluster import ROOT
from .etcd import Etcd, EtcdUnreachable
from .membership import initial_cluster, leaving_members, members_of, read_members
from .users import DISABLE, ENABLE, User, read_users, user_steps

HEALTH_SECONDS = 20.0
"""For how long a change of the members is tried while etcd finds itself unhealthy."""


def converge_cluster(params: dict[str, Any], check_mode: bool) -> Outcome:
    """Take out members that are not wanted, bring in the one that joins, and converge the users."""
    etcd, asks_for_users = _administrator(params)
    steps, facts = _converge_members(etcd, params, check_mode)
    steps += _converge_users(etcd, params, asks_for_users, check_mode)
    etcd.close()
    return Outcome({}, {"steps": steps}, facts=facts) if steps else Outcome({}, {}, facts=facts)


def _administrator(params: dict[str, Any]) -> tuple[Etcd, bool]:
    """A client that may do everything, and whether etcd asks for users."""
    etcd = Etcd.from_arguments(params)
    if not params["etcd_username"]:
        return etcd, False
    try:
        etcd.authenticate()
    except NoUsers:
        return Etcd.from_arguments({**params, "etcd_username": None}), False
    return etcd, True


def _converge_members(etcd: Etcd, params: dict[str, Any], check_mode: bool) -> tuple[list[str], dict[str, Any]]:
    wanted, joining = params["members"], params["join"]
    if not wanted:
        return [], {}
    if joining and joining not in wanted:
        raise InvalidInput([f"join: '{joining}' is none of the members ({', '.join(wanted)})"])
    seen = read_members(etcd)
    steps = []
    for member in leaving_members(seen, wanted, joining):
        steps.append(f"member {member.name or ', '.join(member.peer_urls)} leaves")
        if not check_mode:
            _remove_member(etcd, member.id)
    if not joining:
        return steps, {}
    steps.append(f"member {joining} joins")
    if check_mode:
        return steps, {"initial_cluster": ""}
    answer = _change_members(etcd, "cluster/member/add", {"peerURLs": [wanted[joining]]})
    return steps, {"initial_cluster": initial_cluster(members_of(answer), joining, wanted[joining])}


def _remove_member(etcd: Etcd, identifier: str) -> None:
    """A request whose answer was lost is sent again, to another member: it may have gone already."""
    try:
        _change_members(etcd, "cluster/member/remove", {"ID": identifier})
    except LabError as error:
        if "member not found" not in str(error):
            raise


def _change_members(etcd: Etcd, method: str, body: dict[str, Any]) -> dict[str, Any]:
    """Etcd refuses such a change for five seconds after a member was lost or found again."""
    deadline = time.monotonic() + HEALTH_SECONDS
    while True:
        try:
            return etcd.call(method, body)
        except EtcdUnreachable as error:
            if "unhealthy cluster" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _converge_users(etcd: Etcd, params: dict[str, Any], asks_for_users: bool, check_mode: bool) -> list[str]:
    if params["authentication"] is None:
        return []
    if not params["authentication"]:
        steps = [DISABLE] if asks_for_users else []
    else:
        wanted = [User(one["name"], one["password"], tuple(one["prefixes"])) for one in params["users"] or []]
        root = User(ROOT, params["etcd_password"])
        as_user = _client_of(params) if asks_for_users else None
        seen = read_users(etcd, wanted, as_user)
        if asks_for_users:  # As root has been let in, its password is right.
            seen = type(seen)(seen.roles, seen.users, seen.known_passwords | {ROOT})
        steps = user_steps(seen, [root, *wanted])
        if not asks_for_users:
            steps.append(ENABLE)
    if not check_mode:
        for step in steps:
            etcd.call(step.method, step.body)
    return [step.words for step in steps]


def _client_of(params: dict[str, Any]) -> Any:
    return lambda user: Etcd.from_arguments({**params, "etcd_username": user.name, "etcd_password": user.password})
