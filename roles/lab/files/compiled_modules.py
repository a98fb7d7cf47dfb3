# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Python compiles of Ansible's modules, on a lab host and in the virtual environment of the checkout.

A module comes to a host, and to the controller's own Python, as source in a zip archive. Python compiles all of it at
each task, and twice at that: zipimport does so once for a file's name and once more for its code, and keeps nothing, as
it does for source in folders. That is half of what a module costs. Here it is compiled once, and kept under the hash of
the source and of Python's version. (A traceback names the archive that the code was compiled from, which is gone in any
case.)

Python reads this file at each start, by compiled_modules.pth beside it. So it imports nothing but what is there.
"""

import marshal
import os
import sys
import zipimport

# On a host root's only: another user's Python can neither read nor write there, and compiles as ever. A virtual
# environment has its own.
KEPT = os.path.join("/" if sys.prefix == sys.base_prefix else sys.prefix, "var/cache/compiled_modules")


class KeepingImporter(zipimport.zipimporter):
    """An importer of source in zip archives that compiles each source once."""

    def get_filename(self, fullname):
        """The path of a module's source, without a look into it."""
        path = os.path.join(self.archive, self.prefix + fullname.rpartition(".")[2])
        return path + ("/__init__.py" if self.is_package(fullname) else ".py")

    def get_code(self, fullname):
        """A module's code: what is kept of this source, or compiled and kept now."""
        from importlib.util import source_hash  # most starts of Python read no archive

        path = self.get_filename(fullname)
        try:
            source = self.get_data(path)
        except OSError:
            return super().get_code(fullname)  # an archive of compiled modules
        kept = os.path.join(KEPT, f"{fullname}.{source_hash(source).hex()}")
        try:
            with open(kept, "rb") as file:
                return marshal.load(file)  # noqa: S302  # what root wrote below
        except (OSError, EOFError, ValueError, TypeError):  # not there, or what a loss of power left of it
            code = compile(source, path, "exec", dont_inherit=True)
            keep(kept, code)
            return code


def keep(path, code):
    """Write a module's code to a file, which is there as a whole or not at all; nothing where it cannot be written."""
    unfinished = f"{path}.{os.getpid()}"
    try:
        with open(unfinished, "xb") as file:
            marshal.dump(code, file)
        os.replace(unfinished, path)
    except OSError:
        pass


sys.path_hooks.insert(0, KeepingImporter)
