# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab host and a virtual environment keep of the modules that they compiled, with archives as Ansible's."""

from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType

import pytest

FILE = Path(__file__).resolve().parents[3] / "roles/lab/files/compiled_modules.py"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of what is kept; imports of archives go by the file under test."""
    monkeypatch.setattr(sys, "path_hooks", [*sys.path_hooks])
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location("compiled_modules", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path / "kept"
    folder.mkdir()
    monkeypatch.setattr(module, "KEPT", str(folder))
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def import_from(archive: Path, **files: str) -> ModuleType:
    """Write an archive with a package `sent` of these files, and import its module `rules`."""
    with zipfile.ZipFile(archive, "w") as file:
        for name, source in {"__init__": "", **files}.items():
            file.writestr(f"sent/{name}.py", source)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sent"]:
        del sys.modules[name]
    sys.path.insert(0, str(archive))
    return importlib.import_module("sent.rules")


def test_a_source_is_compiled_once_for_all_archives(kept: Path, tmp_path: Path) -> None:
    first = import_from(tmp_path / "1.zip", rules="from . import values\nanswer = values.mtu", values="mtu = 1450")
    assert first.answer == 1450
    files = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    assert sorted(path.name.rpartition(".")[0] for path in files) == ["sent", "sent.rules", "sent.values"]

    again = import_from(tmp_path / "2.zip", rules="from . import values\nanswer = values.mtu", values="mtu = 1450")
    assert again.answer == 1450
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == files


def test_what_is_kept_is_what_runs(kept: Path, tmp_path: Path) -> None:
    source = "def answer():\n    return 1450\n"
    import_from(tmp_path / "1.zip", rules=source)
    (of_rules,) = kept.glob("sent.rules.*")
    (tmp_path / "other").mkdir()
    import_from(tmp_path / "other/1.zip", rules="def answer():\n    return 8950\n")
    (of_other,) = set(kept.glob("sent.rules.*")) - {of_rules}
    os.replace(of_other, of_rules)
    assert import_from(tmp_path / "2.zip", rules=source).answer() == 8950


def test_what_a_loss_of_power_left_of_a_file_is_compiled_again(kept: Path, tmp_path: Path) -> None:
    source = "mtu = 1450"
    import_from(tmp_path / "1.zip", rules=source)
    (file,) = kept.glob("sent.rules.*")
    whole = file.read_bytes()
    for number, left in enumerate((b"", whole[:20], b"\0" * len(whole), b"n"), 2):
        file.write_bytes(left)
        assert import_from(tmp_path / f"{number}.zip", rules=source).mtu == 1450
        assert isinstance(marshal.loads(file.read_bytes()), CodeType)


def test_another_source_is_another_code(kept: Path, tmp_path: Path) -> None:
    assert import_from(tmp_path / "1.zip", rules="mtu = 1450").mtu == 1450
    assert import_from(tmp_path / "2.zip", rules="mtu = 8950").mtu == 8950


def test_a_module_knows_its_name_and_path_as_ever(kept: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        archive = tmp_path / f"{number}.zip"
        rules = import_from(archive, rules="")
        assert (rules.__name__, rules.__package__) == ("sent.rules", "sent")
        assert rules.__file__ == f"{archive}/sent/rules.py"
        assert sys.modules["sent"].__file__ == f"{archive}/sent/__init__.py"
        assert list(sys.modules["sent"].__path__) == [f"{archive}/sent"]


def test_a_traceback_shows_the_line(kept: Path, tmp_path: Path) -> None:
    rules = import_from(tmp_path / "1.zip", rules="def answer():\n    raise ValueError('mtu')\n")
    with pytest.raises(ValueError, match="mtu") as raised:
        rules.answer()
    assert raised.traceback[-1].lineno == 1
    assert str(raised.traceback[-1].path).endswith("1.zip/sent/rules.py")


def test_errors_of_a_source_are_as_ever(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(SyntaxError) as raised:
        import_from(tmp_path / "1.zip", rules="mtu =")
    assert raised.value.filename == f"{tmp_path}/1.zip/sent/rules.py"
    assert not list(kept.glob("sent.rules.*"))


def test_where_nothing_can_be_kept_it_is_compiled(kept: Path, tmp_path: Path) -> None:
    kept.rmdir()
    assert import_from(tmp_path / "1.zip", rules="mtu = 1450").mtu == 1450
    assert not kept.exists()


def test_archives_of_compiled_modules_are_read_as_ever(kept: Path, tmp_path: Path) -> None:
    source = tmp_path / "alone.py"
    source.write_text("mtu = 1450")
    compiled = py_compile.compile(str(source), cfile=str(tmp_path / "alone.pyc"))
    with zipfile.ZipFile(tmp_path / "1.zip", "w") as file:
        file.write(compiled, "alone.pyc")
    sys.path.insert(0, str(tmp_path / "1.zip"))
    assert importlib.import_module("alone").mtu == 1450
    assert not list(kept.iterdir())


def test_a_virtual_environment_keeps_its_own(tmp_path: Path) -> None:
    """As tools/make_venv makes it; a host's Python has /var/cache."""
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    shutil.copy(FILE, packages)
    (packages / "compiled_modules.pth").write_text("import compiled_modules")
    kept = tmp_path / "venv/var/cache/compiled_modules"
    kept.mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "1.zip", "w") as file:
        file.writestr("rules.py", "print('mtu 1450')")
    begin = "import sys; sys.path.insert(0, sys.argv[1]); import rules"  # as Ansible does
    for _ in range(2):
        command = [python, "-c", begin, tmp_path / "1.zip"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout == "mtu 1450\n"
    assert [path.name.partition(".")[0] for path in kept.iterdir()] == ["rules"]
