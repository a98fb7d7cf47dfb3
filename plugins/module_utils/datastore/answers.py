# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answer of an endpoint means, or that none came: etcd's answers, its refusals, and servers that are not etcd.

Pure. The texts of refusals are those of etcd's api/v3rpc/rpctypes/error.go; the gateway puts them into JSON objects
with ``message`` (or only ``error``) and ``code``, the number of gRPC.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from ..errors import LabError

_NO_QUORUM = (500, 503, 504)
"""HTTP statuses of a member that cannot serve now, as one without a leader: another one may."""
_UNAUTHENTICATED = 401
_NOT_ENABLED = "authentication is not enabled"
_OLD_REVISION = "revision of auth store is old"
_CHECK = (
    "Check that etcd runs there (systemctl status etcd), that etcd_endpoints names the right addresses, "
    "and that nothing filters them."
)
_WRONG_CA = (
    "Name as etcd_ca_cert the authority that signed the certificates of etcd, and its endpoints by names or addresses "
    "that the certificates have."
)
_CLIENT_CERT = (
    "Name as etcd_client_cert and etcd_client_key a certificate that is still valid and whose authority etcd trusts "
    "(its --trusted-ca-file)."
)
_CLIENT_CERT_WANTED = "If it asks for a certificate of the client, name it as etcd_client_cert and etcd_client_key."
_NO_TLS_THERE = ("wrong version number", "record layer failure", "http request")
_SPEAKS_TLS = "If it has a certificate, write it with https:// in etcd_endpoints."
_SPEAKS_NO_TLS = "If it has no certificate, write it with http:// in etcd_endpoints."
# Etcd without TLS ends such a connection at once, and one with TLS that of a client without a certificate. Whether the
# client reads that end as one of TLS or as one of TCP is a race.
_ENDS_TLS = f"{_SPEAKS_NO_TLS} {_CLIENT_CERT_WANTED}"
_NOT_ETCD = "Correct etcd_endpoints: it must name the client URLs of etcd 3.4 or newer."


class Unavailable(Exception):
    """An endpoint does not serve now, or is no etcd; the others are tried. ``way_out`` is a sentence."""

    def __init__(self, reason: str, way_out: str = _CHECK) -> None:
        super().__init__(reason)
        self.way_out = way_out


class TokenRefused(LabError):
    """The token is not known any more: it expired, its user changed, or the member that keeps it was restarted."""


class NoUsers(LabError):
    """Etcd takes no users: its authentication is not enabled."""


def read_answer(place: str, method: str, user: str | None, status: int, content: bytes) -> dict[str, Any]:
    """The answer of etcd at ``place`` (``HOST:PORT``) as a dictionary.

    Raises Unavailable where another endpoint may answer, TokenRefused where a new token may help, and otherwise
    LabError with etcd's reason and the way out.
    """
    document = _json_object(content)
    if status == http.client.OK:
        answer = document.get("result", document)  # of a stream, as that of lease/keepalive
        if not (isinstance(answer, dict) and isinstance(answer.get("header"), dict)):
            raise not_etcd(status, content)
        return answer
    message = document.get("message") or document.get("error")
    if status in _NO_QUORUM:
        raise Unavailable(f"{message or _excerpt(content)} (HTTP {status})")
    if status == _UNAUTHENTICATED and not message and b"CommonName" in content:
        message = "the client's certificate has a common name, with which etcd's gateway does not take users"
    if not isinstance(message, str) or ("code" not in document and status != _UNAUTHENTICATED):
        raise not_etcd(status, content)
    refusal = f"etcd at {place} refused {method}: {message} (HTTP {status}). {way_out(message, user)}"
    if status == _UNAUTHENTICATED or _OLD_REVISION in message:
        raise TokenRefused(refusal)
    if _NOT_ENABLED in message:
        raise NoUsers(refusal)
    raise LabError(refusal)


def not_etcd(status: int, content: bytes) -> Unavailable:
    """A server that answers like this is not etcd, or too old."""
    beginning = f", which begins with {_excerpt(content)!r}" if content else ""
    return Unavailable(f"what answers there is not etcd 3.4 or newer (HTTP {status}{beginning})", _NOT_ETCD)


def unavailable(error: Exception, tls: bool) -> Unavailable:
    """Why an endpoint gave no answer; ``tls``: it was asked by https."""
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(f"certificate verify failed: {error.verify_message}", _WRONG_CA)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if "alert" in reason:
            return Unavailable(f"it does not accept the client's certificate ({reason})", _CLIENT_CERT)
        if any(sign in reason for sign in _NO_TLS_THERE):
            return Unavailable(f"it seems not to speak TLS ({reason})", _SPEAKS_NO_TLS)
        return Unavailable(f"TLS failed: {reason}", _ENDS_TLS)
    if isinstance(error, TimeoutError):
        return Unavailable("no answer in time")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)):
        return Unavailable(reason, f"{_CHECK} {_ENDS_TLS if tls else _SPEAKS_TLS}")
    if isinstance(error, http.client.HTTPException):
        return Unavailable(f"what answers there is not etcd ({type(error).__name__})", _NOT_ETCD)
    return Unavailable(reason)


def way_out(message: str, user: str | None) -> str:
    """What to do about a refusal of etcd's."""
    if _NOT_ENABLED in message:
        return f"It has no users: leave out etcd_username ({user}) and etcd_password, or run etcdctl auth enable."
    if not user:
        return "It has users: name one that may read and write these keys, with etcd_username and etcd_password."
    if "invalid user ID or password" in message:
        return (
            f"Correct etcd_username and etcd_password: it has no user '{user}' with this password. Those that the role "
            "etcd made are in etcd_secrets on the controller, which must be the folder that this etcd was made with."
        )
    if "permission denied" in message:
        return f"Grant the user '{user}' a role that may read and write these keys, or choose another etcd_username."
    return (
        "Etcd 3.4 or newer is needed, and with authentication etcd_username and etcd_password of a user that may read "
        "and write these keys."
    )


def _json_object(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _excerpt(content: bytes) -> str:
    return " ".join(content[:80].decode(errors="replace").split())
