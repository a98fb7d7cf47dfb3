# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Docker is started on a host: its systemd unit with all drop-ins, its file daemon.json, and what runs now.

Options have the names of daemon.json: the option ``dns`` is the key "dns" of the file, and --dns on the command line
(https://docs.docker.com/reference/cli/dockerd/, "Daemon configuration file").
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..kernel import sysctl
from ..kernel.host_facts import command_line
from .unit_files import FOLDERS, Directive, UnitFile, directives, read_unit

UNIT = "docker.service"
CONFIG_FILE = "/etc/docker/daemon.json"
DROP_IN_PREFIX = "zz-container-network-"
"""How the names of this collection's drop-ins begin that say how Docker is started: they sort after those of others."""

# Where the file's key is not the flag's name: lists have the plural, and single letters are short for a flag. Runtimes
# are not among them: dockerd takes those of the file and of --add-runtime together.
_KEYS = {
    "H": "hosts",
    "host": "hosts",
    "b": "bridge",
    "D": "debug",
    "G": "group",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
    "authorization-plugin": "authorization-plugins",
    "default-address-pool": "default-address-pools",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
_LISTS = ("dns", "hosts")
# The values of other options are nobody's business here, and may be secrets.
_READ = (
    "bip",
    "bridge",
    "default-gateway",
    "dns",
    "firewall-backend",
    "fixed-cidr",
    "hosts",
    "ip-forward",
    "ip-masq",
    "iptables",
    "live-restore",
    "mtu",
)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")


@dataclass(frozen=True)
class DaemonOption:
    """An option that somebody has set."""

    key: str
    value: Any
    """As the file has it, or the text on the command line; a list of texts for options that are lists; None if it is
    none that this collection looks at."""
    path: str
    """The file that says so."""
    written: str
    """How: the file's key, or the flag."""


@dataclass(frozen=True)
class DockerDaemon:
    """How a host's Docker is started. Plain data, so that it travels from the host to the rules."""

    start: str = ""
    """The unit's own command, as its file has it; what this collection adds is not part of it. Empty without a unit."""
    start_path: str = ""
    config_file: str = CONFIG_FILE
    """The daemon.json that it reads; it need not be there."""
    reloads: Sequence[str] = ()
    """The unit's own commands for a reload."""
    command_line: Sequence[DaemonOption] = ()
    file: Sequence[DaemonOption] = ()
    late_starts: Sequence[str] = ()
    """Drop-ins with a command of their own whose names sort after this collection's, so that they win."""
    unreadable: str = ""
    """What is wrong with daemon.json, if it cannot be read."""
    drop_ins: Mapping[str, str] = field(default_factory=dict)
    """This collection's own drop-ins: their texts by their paths."""
    running: str = ""
    """The command line of the running process; empty if none runs."""
    ip_forward: str = ""
    """The kernel's net.ipv4.ip_forward."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> DockerDaemon:
        """What `facts` returned; nothing is known of a host without them."""
        options = {
            place: tuple(DaemonOption(**option) for option in facts.get(place, ()))
            for place in ("command_line", "file")
        }
        return cls(**{**facts, **options})

    def facts(self) -> dict[str, Any]:
        """All of it as plain data."""
        return asdict(self)

    def option(self, key: str) -> DaemonOption | None:
        """What somebody set for an option; dockerd refuses to start with one in both places."""
        return next((option for option in (*self.file, *self.command_line) if option.key == key), None)

    def in_file(self, key: str) -> DaemonOption | None:
        """What daemon.json says of an option."""
        return next((option for option in self.file if option.key == key), None)


def look() -> DockerDaemon:
    """How this host's Docker is started."""
    started = described(read_unit(UNIT, FOLDERS))
    file, unreadable = _options_of_file(Path(started.config_file))
    return replace(
        started,
        file=file,
        unreadable=unreadable,
        running=command_line("dockerd") or "",
        ip_forward=sysctl.find("net.ipv4.ip_forward") or "",
    )


def start_words() -> list[str]:
    """The words of the unit's own command, as systemd passes them on: its program first."""
    others = _others(read_unit(UNIT, FOLDERS))
    program, *arguments = [word for word, _path in _expanded(_start(others), _environment(others))]
    return [program.lstrip("@-:+!|"), *arguments]


def described(files: Sequence[UnitFile]) -> DockerDaemon:
    """What the files of the unit say, and the files of variables that they name."""
    others = _others(files)
    start = _start(others)
    options = _options_of_command(start, _environment(others))
    config_file = next((option.value for option in options if option.key == "config-file"), CONFIG_FILE)
    return DockerDaemon(
        start=start.value,
        start_path=str(start.path) if start.value else "",
        config_file=config_file,
        reloads=tuple(directive.value for directive in directives(others, "Service", "ExecReload")),
        command_line=tuple(option for option in options if option.key != "config-file"),
        late_starts=tuple(
            str(file.path)
            for file in others[1:]
            if file.path.name > DROP_IN_PREFIX and directives([file], "Service", "ExecStart")
        ),
        drop_ins={str(file.path): file.text for file in files if _is_ours(file)},
    )


def _others(files: Sequence[UnitFile]) -> list[UnitFile]:
    """The files that are not this collection's."""
    return [file for file in files if not _is_ours(file)]


def _start(files: Sequence[UnitFile]) -> Directive:
    """The command that counts: the last one, if there are several."""
    return (directives(files, "Service", "ExecStart") or [Directive("", Path())])[-1]


def _is_ours(file: UnitFile) -> bool:
    return file.path.name.startswith(DROP_IN_PREFIX)


def _environment(files: Sequence[UnitFile]) -> dict[str, Directive]:
    """The variables that the unit's command may use, and which file sets each. A file's count more than the unit's."""
    found: dict[str, Directive] = {}
    for directive in directives(files, "Service", "Environment"):
        found.update(_variables(_words(directive.value), directive.path))
    for directive in directives(files, "Service", "EnvironmentFile"):
        path = Path(directive.value.lstrip("-"))
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError:
            continue  # one that need not be there
        pairs = [" ".join(_words(line)) for line in lines if not line.lstrip().startswith(("#", ";"))]
        found.update(_variables(pairs, path))
    return found


def _variables(pairs: Sequence[str], path: Path) -> Iterator[tuple[str, Directive]]:
    for name, equals, value in (pair.partition("=") for pair in pairs):
        if equals:
            yield name.strip(), Directive(value, path)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark that is never closed: systemd will say so
        return text.split()


def _options_of_command(start: Directive, environment: Mapping[str, Directive]) -> list[DaemonOption]:
    """The flags of a command. A value stands behind an equals sign, or is the next word."""
    words = list(_expanded(start, environment))[1:]
    found: dict[str, DaemonOption] = {}
    for position, (word, path) in enumerate(words):
        if not word.startswith("-") or word in ("-", "--"):
            continue
        written, equals, value = word.partition("=") if word.startswith("--") else _short(word)
        if not equals:
            following = words[position + 1][0] if position + 1 < len(words) else "-"
            value = "true" if following.startswith("-") else following
        name = written.lstrip("-")
        key = _KEYS.get(name, name)
        before = found[key].value if key in found and key in _LISTS else []
        kept = value if key in (*_READ, "config-file") else None
        found[key] = DaemonOption(key, [*before, value] if key in _LISTS else kept, str(path), written)
    return list(found.values())


def _short(word: str) -> tuple[str, str, str]:
    """A flag of one letter, whose value may follow at once."""
    value = word[2:].lstrip("=")
    return word[:2], "=" if value else "", value


def _expanded(start: Directive, environment: Mapping[str, Directive]) -> Iterator[tuple[str, Path]]:
    """The words of a command and the file that each comes from: $NAME as a word becomes several, ${NAME} is a part."""
    for word in _words(start.value):
        whole = _VARIABLE.fullmatch(word)
        if whole and whole[1]:
            variable = environment.get(whole[1], Directive("", start.path))
            yield from ((each, variable.path) for each in _words(variable.value))
        else:
            values = [environment.get(part) for _whole, part in _VARIABLE.findall(word)]
            path = next((value.path for value in values if value), start.path)
            yield _VARIABLE.sub(lambda found: _part(found, environment), word), path


def _part(found: re.Match[str], environment: Mapping[str, Directive]) -> str:
    """A variable in a word: systemd leaves $NAME there as it is, and an unknown ${NAME} is empty."""
    if found[1]:
        return found[0]
    return environment[found[2]].value if found[2] in environment else ""


def _options_of_file(path: Path) -> tuple[tuple[DaemonOption, ...], str]:
    """The options of a daemon.json, and what is wrong with it."""
    try:
        text = path.read_text()
        document = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return (), ""
    except (OSError, ValueError) as error:
        return (), str(error)
    if not isinstance(document, dict):
        return (), "it holds no object in braces"
    return tuple(
        DaemonOption(key, value if key in _READ else None, str(path), key) for key, value in document.items()
    ), ""
