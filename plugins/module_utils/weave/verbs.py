# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one can type after ``weave``: the commands that are served, and those that a sentence answers. Pure.

The names are those of Weave's script, in its versions 1 and 2
(https://github.com/weaveworks/weave/blob/master/weave, "usage").
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import LabError

PARTS = ("targets", "connections", "peers", "ipam", "dns")
"""What ``weave status`` can be asked for alone."""

Argument = tuple[str, Mapping[str, Any]]
_ADDRESSES: Argument = ("addresses", {"nargs": "*", "metavar": "ADDRESS"})
_CONTAINER: Argument = ("container", {"metavar": "CONTAINER"})
_TARGETS: Argument = ("targets", {"nargs": "+", "metavar": "ADDRESS or CONTAINER"})
_NAME: Argument = ("-h", {"dest": "name", "metavar": "NAME"})


@dataclass(frozen=True)
class Served:
    """A command that is done: its arguments, as help shows them and as argparse reads them."""

    usage: str
    meaning: str
    arguments: Sequence[Argument] = ()


SERVED: Mapping[str, Served] = {
    "status": Served(
        f"[{' | '.join(PARTS)}]",
        "the network as this host sees it",
        [("part", {"nargs": "?", "choices": PARTS, "metavar": "part"})],
    ),
    "report": Served("", "the same as one JSON document"),
    "version": Served("", "what this command is"),
    "ps": Served(
        "[CONTAINER ...]",
        "this host's containers on the network",
        [("containers", {"nargs": "*", "metavar": "CONTAINER"})],
    ),
    "run": Served(
        "[ADDRESS ...] ARGUMENT ...",
        "docker run --detach ARGUMENT ..., and attach the container",
    ),
    "attach": Served(
        "[--no-multicast-route] [ADDRESS ...] CONTAINER",
        "connect a running container",
        [("--no-multicast-route", {"action": "store_true"}), _ADDRESSES, _CONTAINER],
    ),
    "detach": Served("[ADDRESS ...] CONTAINER", "disconnect it", [_ADDRESSES, _CONTAINER]),
    "expose": Served("[ADDRESS ...] [-h NAME]", "give this host an address on the network", [_ADDRESSES, _NAME]),
    "hide": Served("[ADDRESS ...]", "take it away", [_ADDRESSES]),
    "dns-add": Served(
        "[ADDRESS ...] [CONTAINER] -h NAME", "give a container's addresses, or others, a name more", [_TARGETS, _NAME]
    ),
    "dns-remove": Served("[ADDRESS ...] [CONTAINER] [-h NAME]", "take such names away", [_TARGETS, _NAME]),
    "dns-lookup": Served("NAME", "the addresses of a name", [("name", {"metavar": "NAME"})]),
}

_RUNS_ALREADY = (
    "Weave runs on this host already, as a service that site.yml started ('weave status' shows it). Its range and its "
    "peers are weave_range and weave_nodes of the inventory. Go on with 'docker run --net weave' or 'weave attach'."
)
_PEERS = (
    "the peers are the hosts of weave_nodes in the inventory ('weave status peers' lists them): change that list, and "
    "run site.yml."
)
_REMOVAL = (
    "packets go through the kernel, and there is no program of Weave to stop. playbooks/teardown.yml takes the network "
    "from all hosts, and site.yml from a host that has left weave_nodes."
)
_NO_PROXY = (
    "there is no proxy for Docker here, and WEAVE_CIDR does nothing. Start containers by docker run --net weave (with "
    "--ip for an address of choice), or by weave run, or put running ones on the network by weave attach."
)
_NO_REWRITING = "/etc/hosts of a container is Docker's, and NAME.weave.local is answered by DNS. Leave it out."
_ALWAYS_NAMED = "the name of a container is always answered. Leave it out."
ANSWERED: Mapping[str, str] = {
    "launch": _RUNS_ALREADY,
    "launch-router": _RUNS_ALREADY,
    "launch-proxy": _NO_PROXY,
    "launch-plugin": _RUNS_ALREADY,
    "start": _RUNS_ALREADY,
    "restart": _RUNS_ALREADY,
    "setup": _RUNS_ALREADY,
    "prime": _RUNS_ALREADY,
    "connect": _PEERS,
    "forget": _PEERS,
    "rmpeer": _PEERS,
    "stop": _REMOVAL,
    "stop-router": _REMOVAL,
    "stop-proxy": _REMOVAL,
    "stop-plugin": _REMOVAL,
    "reset": _REMOVAL,
    "env": _NO_PROXY,
    "proxy-env": _NO_PROXY,
    "config": _NO_PROXY,
    "proxy-config": _NO_PROXY,
    "dns-args": "containers need no options of Docker for names: NAME.weave.local is answered in all. Leave it out.",
    "attach --rewrite-hosts": _NO_REWRITING,
    "attach --no-rewrite-hosts": _NO_REWRITING,
    "attach --add-host": _NO_REWRITING,
    "attach --without-dns": _ALWAYS_NAMED,
    "run --rewrite-hosts": _NO_REWRITING,
    "run --no-rewrite-hosts": _NO_REWRITING,
    "run --without-dns": _ALWAYS_NAMED,
    "run --with-dns": _ALWAYS_NAMED,
    "report -f": "a report is printed whole. Choose what you need from the JSON document, as by jq.",
}
"""Commands and options that are the inventory's affair here, or nobody's: what to do instead."""
EVALUATED = ("env", "proxy-env")
"""Of these, those whose output a shell runs: ``eval $(weave env)``."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LabError(f"weave {self.prog}: {message}. Write: weave {self.prog} {self.usage}".rstrip())


def help_text() -> str:
    """For ``weave --help``."""
    usages = {verb: f"weave {verb} {served.usage}".rstrip() for verb, served in SERVED.items()}
    width = max(map(len, usages.values()))
    lines = [f"  {usages[verb]:<{width}}  {served.meaning}" for verb, served in SERVED.items()]
    addresses = "ADDRESS is net:default, net:SUBNET, or an address with its prefix length; for names, one without it."
    return "\n".join(["Looks at and changes the Weave network of this host.", "", *lines, "", addresses])


def answer(verb: str, arguments: Sequence[str]) -> str | None:
    """The sentence for what is not done here; None for what is.

    The options of ``run`` stand before those of ``docker run``.
    """
    options = arguments[:1] if verb == "run" else arguments
    for typed in (verb, *(f"{verb} {option}" for option in options)):
        if typed in ANSWERED:
            return f"weave {typed}: {ANSWERED[typed]}"
    return None


def evaluated(sentence: str) -> str:
    """What a shell is given that runs the output: the sentence, and a failure."""
    return f"echo {shlex.quote(sentence)} >&2; false"


def parse(verb: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command that is served; LabError says what is wrong with them."""
    if not verb:
        raise LabError("weave needs a command: 'weave --help' lists them.")
    if verb not in SERVED:
        raise LabError(f"weave has no command {verb!r} here: 'weave --help' lists those that it has.")
    if verb == "run":  # argparse would take options before the image for its own
        return argparse.Namespace(arguments=list(arguments))
    for text in arguments:
        if not text or not text.isprintable():
            raise LabError(f"weave {verb}: the argument {text!r} is neither an address nor a name.")
    parser = _Parser(prog=verb, usage=SERVED[verb].usage, add_help=False, allow_abbrev=False)
    for name, options in SERVED[verb].arguments:
        parser.add_argument(name, **options)
    return parser.parse_intermixed_args(list(arguments))
