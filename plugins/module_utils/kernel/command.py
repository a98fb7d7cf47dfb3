# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the host: run from a list of arguments, never by a shell, with errors in words."""

# pylint: disable=ansible-bad-function # also part of programs, which have no module's run_command

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence

from ..errors import LabError


class CommandFailed(LabError):
    """A program ran, and said that it failed."""


def script(lines: Iterable[str]) -> str:
    """Lines as the input of a program that takes one command a line.

    LabError for a line that is none, whatever made it: a name with a line's end in it would be a command of its own.
    """
    listed = list(lines)
    for line in listed:
        if not line.isprintable():
            raise LabError(f"{line!r} is not one line of printable characters: nothing was changed.")
    return "".join(f"{line}\n" for line in listed)


def run(
    arguments: Sequence[str],
    input: str | None = None,
    package: str | None = None,
    subject: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return what it prints. CommandFailed tells what it said; LabError that it did not run, or end.

    ``package`` is the one that has the program, ``subject`` what begins the error, if not the command itself.
    ``timeout`` is in seconds.
    """
    shown = subject or f"{' '.join(arguments)} failed"
    try:
        done = subprocess.run(arguments, input=input, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError:
        way_out = f"install the package {package}" if package else "install it"
        raise LabError(f"{arguments[0]} is not installed on {os.uname().nodename}: {way_out}.") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"{shown}: nothing within {timeout:g} seconds.") from None
    except OSError as error:
        raise LabError(f"{arguments[0]} cannot be run: {error.strerror}.") from error
    if done.returncode != 0:
        raise CommandFailed(f"{shown}: {(done.stderr or done.stdout).strip().rstrip('.')}.")
    return done.stdout
