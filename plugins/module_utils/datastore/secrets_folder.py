# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of an etcd, in a folder of the controller: made once, kept, and renewed before they expire.

Only its owner may look into the folder, and git leaves it out. Several processes of one run ask at once.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..atomic_file import replace_file
from ..errors import InvalidInput, LabError, raise_if_any
from ..validation import NODE_NAME, NODE_NAME_RULE
from .authority import Authority, Purpose, Validity

_PASSWORD_BYTES = 24
_IGNORED = ".gitignore"
_AUTHORITY = ("ca.pem", "ca.key")


class SecretsFolder:
    """Authority, certificates and passwords. With ``keep=False``, as in check mode, nothing new is written."""

    def __init__(
        self,
        path: Path,
        validity: Validity,
        own_authority: tuple[Path, Path] | None = None,
        keep: bool = True,
        now: datetime.datetime | None = None,
    ) -> None:
        """``own_authority``: certificate and key of the user's, which take the place of those that are made."""
        raise_if_any(validity.problems())
        self._path = path
        self._validity = validity
        self._own_authority = own_authority
        self._keep = keep
        self._now = now or datetime.datetime.now(datetime.timezone.utc)

    def authority(self) -> Authority:
        """The user's, or the one that is kept here."""
        if self._own_authority:
            return self._users_authority(*self._own_authority)
        with self._locked():
            certificate, key = map(self._read, _AUTHORITY)
            if certificate and not key:
                raise LabError(
                    f"{self._path / _AUTHORITY[1]} is missing, the key of {_AUTHORITY[0]} beside it: bring it back, or "
                    "remove the whole folder, for new secrets of all hosts."
                )
            authority = Authority(certificate, key) if certificate and key else None
            if authority is None or authority.is_due(self._now, self._validity):
                authority = Authority.make(self._now, key)
                self._write(_AUTHORITY[1], authority.key)
                self._write(_AUTHORITY[0], authority.certificate)
            return authority

    def bundle(self, purpose: Purpose, host: str, places: Sequence[str] = ()) -> str:
        """Certificate, chain and key of a host that is reached at these names and addresses."""
        if not NODE_NAME.fullmatch(host):
            raise InvalidInput([f"the host's name '{host}' cannot be a part of its certificate: {NODE_NAME_RULE}"])
        authority = self.authority()
        return self._kept(
            f"{purpose.name}-{host}.pem",
            lambda text: authority.due_for(text, purpose, places, self._now, self._validity) is None,
            lambda: authority.issue(purpose, host, places, self._now, self._validity),
        )

    def password(self, user: str) -> str:
        """The password of a user; whoever writes another one into its file has chosen that one."""
        return self._kept(
            f"password-{user}",
            lambda text: bool(text.strip()),
            lambda: f"{secrets.token_urlsafe(_PASSWORD_BYTES)}\n",
        ).strip()

    def _users_authority(self, certificate: Path, key: Path) -> Authority:
        try:
            authority = Authority(certificate.read_text(), key.read_text())
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(
                [
                    f"etcd_authority_cert ({certificate}) and etcd_authority_key ({key}) must be PEM files on the "
                    f"controller: {reason}"
                ]
            ) from None
        places = (f"etcd_authority_cert ({certificate})", f"etcd_authority_key ({key})")
        raise_if_any(authority.problems(self._now, self._validity.days, places))
        return authority

    def _kept(self, name: str, serves: Callable[[str], bool], make: Callable[[], str]) -> str:
        with self._locked():
            text = self._read(name)
            if text is None or not serves(text):
                text = make()
                self._write(name, text)
            return text

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if not self._keep:
            yield
            return
        self._prepare()
        descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not (self._path / _IGNORED).exists():
                self._write(_IGNORED, "*\n")
            yield
        finally:
            os.close(descriptor)

    def _prepare(self) -> None:
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
                raise LabError(
                    f"{self._path} keeps the secrets of etcd: it must be a folder that belongs to the user who runs "
                    f"Ansible (id {os.geteuid()}) and that nobody else may enter (chmod 0700), and is of user id "
                    f"{found.st_uid} with mode {found.st_mode & 0o7777:04o}."
                )
        except OSError as error:
            raise LabError(
                f"{self._path}, where the secrets of etcd are kept, cannot be used: {error.strerror}. "
                "Choose another folder with etcd_secrets."
            ) from error

    def _read(self, name: str) -> str | None:
        try:
            return (self._path / name).read_text()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise LabError(f"{self._path / name} cannot be read: {reason}.") from error

    def _write(self, name: str, text: str) -> None:
        if self._keep:
            replace_file(self._path / name, text.encode(), 0o600)
