# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's EC2 API: moto's server in this process, with what it lacks of the real one where the lab shows it.

The account, its access keys and the region are moto's own and open to every lab host; nobody else is answered.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from ...errors import LabError

ACCOUNT = "123456789012"  # moto's
_METADATA = "/latest/meta-data/"
_STOPPED = ("stopped", "stopping", "terminated", "shutting-down")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Ec2Api:
    """The server; ``changed`` is called after each request that may have changed something.

    ``answers`` says whether a client's address may ask. Routes beyond ``route_limit`` a table are refused.
    """

    def __init__(
        self,
        region: str,
        changed: Callable[[], None],
        answers: Callable[[str], bool] = lambda _address: True,
        route_limit: int = 50,
    ) -> None:
        self._region, self._changed, self._answers = region, changed, answers
        try:
            from moto.server import DomainDispatcherApplication, create_backend_app
            from werkzeug.serving import make_server
        except ImportError as error:
            raise LabError(
                f"the lab's EC2 API needs moto ({error}): install requirements-aws_vpc.txt for the Python of Ansible"
            ) from error
        self._make_server = make_server
        _mend_moto(route_limit)
        self._moto: Application = DomainDispatcherApplication(create_backend_app)
        self._server: Any = None

    def start(self, address: str, port: int) -> int:
        """Answer in threads of their own; returns the port, which may be given as 0."""
        self._server = self._make_server(address, port, self, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self._server.port

    def stop(self) -> None:
        """Answer no longer."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def backend(self) -> Any:
        """Moto's model of the region."""
        from moto.ec2.models import ec2_backends

        return ec2_backends[ACCOUNT][self._region]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """One request (PEP 3333)."""
        client, path = environ.get("REMOTE_ADDR", ""), environ.get("PATH_INFO", "")
        if not self._answers(client):
            return _plain(start_response, "403 Forbidden", f"{client} is no host of this lab")
        if path.startswith(_METADATA):
            known = self._identity(client).get(path[len(_METADATA) :])
            if known is not None:
                return _plain(start_response, "200 OK", known)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = self._moto(environ, start_response)
        if not parse_qs(body.decode(errors="replace")).get("Action", ["Describe"])[0].startswith("Describe"):
            self._changed()
        return answer

    def _identity(self, address: str) -> dict[str, str]:
        """What the instance metadata tell an instance of itself; nothing to others. Moto tells everybody the same."""
        for interface in list(self.backend.enis.values()):
            if interface.private_ip_address == address and interface.instance is not None:
                return {
                    "instance-id": interface.instance.id,
                    "local-ipv4": address,
                    "mac": interface.mac_address,
                    "placement/region": self._region,
                    "placement/availability-zone": interface.subnet.availability_zone,
                }
        return {}


def _plain(start_response: Callable[..., Any], status: str, text: str) -> list[bytes]:
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def _mend_moto(route_limit: int) -> None:
    """Moto knows neither blackholes nor a limit, and overwrites the route of somebody else where EC2 refuses."""
    from moto.ec2.exceptions import EC2ClientError, RouteAlreadyExistsError
    from moto.ec2.models.route_tables import Route, RouteBackend

    create = getattr(RouteBackend.create_route, "unmended", RouteBackend.create_route)

    def create_route(
        backend: Any, route_table_id: str, destination_cidr_block: str | None, *args: Any, **options: Any
    ) -> Any:
        table = backend.get_route_table(route_table_id)
        if destination_cidr_block in [route.destination_cidr_block for route in table.routes]:
            raise RouteAlreadyExistsError(destination_cidr_block)
        if len(table.routes) >= route_limit:
            raise EC2ClientError("RouteLimitExceeded", f"The maximum number of routes has been reached: {route_limit}.")
        return create(backend, route_table_id, destination_cidr_block, *args, **options)

    create_route.unmended = create  # type: ignore[attr-defined]
    RouteBackend.create_route = create_route
    Route.state = property(_route_state)


def _route_state(route: Any) -> str:
    instance = route.instance or (route.interface.instance if route.interface else None)
    gone = route.interface is not None and route.interface.id not in route.route_table.ec2_backend.enis
    idle = route.interface is not None and instance is None
    stopped = instance is not None and instance._state.name in _STOPPED
    return "blackhole" if gone or idle or stopped else "active"
