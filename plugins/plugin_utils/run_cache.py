# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run of Ansible leaves to the next one: the archives of this collection's modules, and its bytecode.

Ansible sends a module together with all that it imports, and reads and parses all of that to know what it is: 0.15 s of
processor a module and run, most of it for Ansible's own files. Within a run it keeps what it has built, in the folder
``ansiballz_cache`` of its temporary one (``ansible.executor.module_common``). A run begins here with what earlier ones
had there. An Ansible that looks elsewhere builds its own.

Ansible also compiles what it imports of a collection anew at each run, 0.4 s for the 240 files of this one, and keeps
nothing (``_AnsibleCollectionPkgLoaderBase.get_code``). Here Python keeps the bytecode as it does elsewhere.

Both lie in ``~/.ansible/container_network.lab``, or below ``ANSIBLE_HOME``, in a folder for each state of the files
that they come from. All of it can be removed at any time.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

import ansible
from ansible import constants
from ansible.plugins.loader import module_utils_loader

from ansible_collections.container_network.lab.plugins.module_utils.atomic_file import replace_file
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError

PLUGINS = __name__.rpartition(".plugin_utils.")[0]
_KEPT_MODULES = f"{PLUGINS}.modules."
"""How the names of archives begin that are kept. A module beside a playbook may have the name of one of Ansible's."""
_LATEST = 5
_UNUSED_SECONDS = 3600


@functools.cache
def use_run_cache() -> None:
    """Begin the run with what earlier ones left, and leave what it makes itself to later ones; once in a run.

    Hosts execute what is in the archives, so a folder that others may write to is not used. Nor is one that cannot be
    written: the run makes its own then.
    """
    home = Path(constants.ANSIBLE_HOME, "container_network.lab")
    of_run = Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache")
    with suppress(OSError):
        cache = home / _fingerprint(_sources())
        archives = cache / "archives"
        home.parent.mkdir(parents=True, exist_ok=True)
        for folder in (home, cache, archives):
            folder.mkdir(mode=0o700, exist_ok=True)
        if not all(map(_is_ours_alone, (home, cache, archives))):
            return
        os.utime(cache)
        _remove_unused(home)
        of_run.mkdir(exist_ok=True)
        for archive in archives.glob("[!.]*"):
            (of_run / archive.name).symlink_to(archive)
        atexit.register(_keep_archives, of_run, archives)
        sys.meta_path.insert(0, _Finder(cache / "bytecode"))


def _keep_archives(of_run: Path, archives: Path) -> None:
    """Copy what this run has built."""
    with suppress(OSError, LabError):
        for archive in of_run.iterdir():
            finished = not archive.is_symlink() and not archive.name.endswith((".lock", "-part"))
            if finished and archive.name.startswith(_KEPT_MODULES):
                replace_file(archives / archive.name, archive.read_bytes(), mode=0o600)


def _is_ours_alone(folder: Path) -> bool:
    """Whether it is a folder of this user, and no link to one, and only this user can write to it."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _remove_unused(home: Path) -> None:
    """Remove what no run has begun with for an hour, but for the latest few."""
    by_use = sorted((folder.stat().st_mtime, folder) for folder in home.iterdir())
    for used, folder in by_use[:-_LATEST]:
        if time.time() - used > _UNUSED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _sources() -> list[Path]:
    """Where the files lie that go into the archives of this collection's modules."""
    of_collection = Path(__file__).parents[1]
    return [
        of_collection / "module_utils",
        of_collection / "modules",
        Path(ansible.__file__).parent / "module_utils",
        *map(Path, module_utils_loader._get_paths(subdirs=False)),  # those of a user
    ]


def _fingerprint(sources: Iterable[Path]) -> str:
    """One name for the versions of Ansible and Python, and for these files with their sizes and times of change."""
    digest = hashlib.sha256(f"{ansible.__version__} {sys.version}".encode())
    for source in sources:
        for path in sorted(source.rglob("*.py")):
            status = path.stat()
            digest.update(f"\n{path} {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


class _Finder(MetaPathFinder):
    """Finds the files of this collection before Ansible does, for a loader that keeps bytecode."""

    def __init__(self, bytecode: Path) -> None:
        self._bytecode = bytecode

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of this collection is; None if it is not a file of it. Packages are found by Ansible."""
        if not fullname.startswith(f"{PLUGINS}."):
            return None
        for folder in path or ():
            file = os.path.join(folder, fullname.rpartition(".")[2] + ".py")
            if os.path.isfile(file):
                return spec_from_file_location(fullname, file, loader=_Loader(fullname, file, self._bytecode))
        return None


class _Loader(SourceFileLoader):
    """Python's own loader, with a folder for its bytecode, which it takes if the file has still its time and size."""

    def __init__(self, fullname: str, path: str, bytecode: Path) -> None:
        super().__init__(fullname, path)
        self._bytecode = bytecode

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of a module, from where it was kept, or compiled and kept."""
        before, sys.pycache_prefix = sys.pycache_prefix, str(self._bytecode)
        try:
            return super().get_code(fullname)
        finally:
            sys.pycache_prefix = before
