# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of etcd, each with a role of its own name: what there is, and the steps to what there must be.

Users and roles of others stay. Etcd itself wants a user ``root`` with the role ``root`` before it asks for users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import LabError
from .cluster import ROOT
from .etcd import Etcd, prefix_range

_READ_WRITE = "READWRITE"


@dataclass(frozen=True)
class Permission:
    """A range of keys, as etcd tells it: both ends as base64."""

    kind: str
    key: str
    range_end: str

    @classmethod
    def of_prefix(cls, prefix: str) -> Permission:
        """Reading and writing of all keys with the prefix."""
        of_keys = prefix_range(prefix)
        return cls(_READ_WRITE, of_keys["key"], of_keys["range_end"])

    @property
    def body(self) -> dict[str, str]:
        """As etcd takes it."""
        return {"permType": self.kind, "key": self.key, "range_end": self.range_end}


@dataclass(frozen=True)
class User:
    """A user that must be there; ``prefixes`` are what the keys begin with that it may read and write."""

    name: str
    password: str = field(repr=False)
    prefixes: tuple[str, ...] = ()

    @property
    def permissions(self) -> set[Permission]:
        """What its role permits."""
        return {Permission.of_prefix(prefix) for prefix in self.prefixes}


@dataclass(frozen=True)
class SeenUsers:
    """What etcd has: permissions by role, roles by user, and the users whose password is the wanted one."""

    roles: Mapping[str, frozenset[Permission]]
    users: Mapping[str, frozenset[str]]
    known_passwords: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """A request, and what it does, in words without secrets."""

    method: str
    body: dict[str, Any] = field(repr=False)
    words: str


def read_users(etcd: Etcd, wanted: Sequence[User], as_user: Any = None) -> SeenUsers:
    """What there is; ``as_user`` makes a client of a user, to try its password. Without it none is known."""
    roles = {
        name: frozenset(
            Permission(one.get("permType", "READ"), one.get("key", ""), one.get("range_end", ""))
            for one in etcd.call("auth/role/get", {"role": name}).get("perm", [])
        )
        for name in etcd.call("auth/role/list", {}).get("roles", [])
    }
    users = {
        name: frozenset(etcd.call("auth/user/get", {"name": name}).get("roles", []))
        for name in etcd.call("auth/user/list", {}).get("users", [])
    }
    known = frozenset(user.name for user in wanted if as_user and user.name in users and _is_let_in(as_user(user)))
    return SeenUsers(roles, users, known)


def _is_let_in(etcd: Etcd) -> bool:
    try:
        etcd.authenticate()
    except LabError as error:
        if "invalid user ID or password" in str(error):
            return False
        raise
    finally:
        etcd.close()
    return True


def user_steps(seen: SeenUsers, wanted: Sequence[User]) -> list[Step]:
    """What is to be done, in an order in which nobody has a right too many in between. Pure."""
    steps = []
    for user in wanted:
        steps += _role_steps(seen, user)
        if user.name not in seen.users:
            body = {"name": user.name, "password": user.password}
            steps.append(Step("auth/user/add", body, f"user {user.name}"))
        elif user.name not in seen.known_passwords:
            body = {"name": user.name, "password": user.password}
            steps.append(Step("auth/user/changepw", body, f"password of {user.name}"))
        roles = seen.users.get(user.name, frozenset())
        for role in sorted(roles - {user.name}):
            steps.append(
                Step("auth/user/revoke", {"name": user.name, "role": role}, f"user {user.name} without role {role}")
            )
        if user.name not in roles:
            steps.append(
                Step("auth/user/grant", {"user": user.name, "role": user.name}, f"user {user.name} with its role")
            )
    return steps


def _role_steps(seen: SeenUsers, user: User) -> list[Step]:
    steps = []
    if user.name not in seen.roles:
        steps.append(Step("auth/role/add", {"name": user.name}, f"role {user.name}"))
    if user.name == ROOT:
        return steps  # permits everything, whatever is granted
    found = seen.roles.get(user.name, frozenset())
    for permission in sorted(found - user.permissions, key=str):
        body = {"role": user.name, "key": permission.key, "range_end": permission.range_end}
        steps.append(Step("auth/role/revoke", body, f"role {user.name} without a permission that it must not have"))
    for prefix in user.prefixes:
        permission = Permission.of_prefix(prefix)
        if permission not in found:
            body = {"name": user.name, "perm": permission.body}
            steps.append(Step("auth/role/grant", body, f"role {user.name} may read and write {prefix}"))
    return steps


ENABLE = Step("auth/enable", {}, "who has no user is refused")
DISABLE = Step("auth/disable", {}, "everybody is let in without a user")
