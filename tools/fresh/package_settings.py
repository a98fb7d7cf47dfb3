"""How this machine reaches its package registries, for another machine: nothing where it has no settings of its own.

usage: python3 tools/fresh/package_settings.py FOLDER

Writes files for /etc into the folder, and prints the local paths that pip's settings name, one a line.
"""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# What of apt's settings says how its sources are reached.
APT_SETTINGS = ("Acquire::http", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIP")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
# Every Debian has this folder of its own; what a machine adds to it is in /usr/local/share/ca-certificates.
CERTIFICATES = Path("/etc/ssl/certs")


def output_of(*command: str) -> str:
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def pip_settings() -> dict[str, str]:
    """Pip's settings by name, be they of files or of the environment, which goes first."""
    settings = {}
    for line in output_of(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, value = line.split("=", 1)
        section, option = name.rsplit(".", 1)
        if section == ":env:" or option not in settings:
            settings[option] = ast.literal_eval(value)
    return settings


def local_paths(values: Iterable[str]) -> set[str]:
    """The files and folders of this machine that settings name."""
    paths = set()
    for word in (word for value in values for word in value.split()):
        # The pages of an index name files that lie beside its folder.
        path = Path(word.removeprefix("file://")).parent if word.startswith("file://") else Path(word)
        if path.is_absolute() and path.exists() and CERTIFICATES not in path.parents:
            paths.add(str(path))
    return paths


def main(folder: Path) -> None:
    """Write the files; print the paths."""
    pip = pip_settings()
    if pip:
        config = configparser.ConfigParser(interpolation=None)
        config["global"] = {option: "\n".join(value.split()) for option, value in pip.items()}
        with (folder / "pip.conf").open("w") as file:
            config.write(file)
    apt = folder / "apt/apt.conf.d/90machine"
    apt.parent.mkdir(parents=True)
    lines = output_of("apt-config", "dump", "Acquire").splitlines(keepends=True)
    apt.write_text("".join(line for line in lines if line.startswith(APT_SETTINGS)))
    proxies = [name for name in os.environ if name.lower() in PROXIES]
    (folder / "environment").write_text("".join(f"{name}={os.environ[name]}\n" for name in proxies))
    print(*sorted(local_paths(pip.values())), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
