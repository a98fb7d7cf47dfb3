# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The EC2 API by boto3, with what it refuses in words."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..errors import LabError
from .values import Instance, RouteTable

_CONNECT_SECONDS, _ANSWER_SECONDS, _ATTEMPTS = 5, 30, 4
_NOT_PERMITTED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_NOT_KNOWN = ("AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "RequestExpired")
_ADVICE = {
    **dict.fromkeys(
        _NOT_PERMITTED,
        "allow ec2:{action} in the policy of the host's role, as the documentation of aws_vpc_route lists it",
    ),
    **dict.fromkeys(
        _NOT_KNOWN, "check access_key, secret_key, session_token or profile, the instance's role, and the clock"
    ),
    "RouteLimitExceeded": "the table is full, at one route a host: have its quota raised, or use fewer hosts",
    "RequestLimitExceeded": "the account makes too many requests: run again, or with fewer hosts at a time",
}


class RouteGone(LabError):
    """The route is not there (any more)."""


class RouteExists(LabError):
    """Somebody made a route to the same range in the meantime."""


class VpcApi:
    """The calls that routes of containers need; each failure is a LabError that names the object and the way out."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def connect(cls, params: Mapping[str, Any], region: str | None = None) -> VpcApi:
        """A client by the options of arguments.AWS; ``region`` is taken where these and the environment have none."""
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise LabError(
                f"the Python package boto3 is missing ({error}): install Debian's python3-boto3 where the task runs, "
                "or boto3 by pip for the Python that runs it"
            ) from error
        try:
            session = boto3.session.Session(
                aws_access_key_id=params.get("access_key"),
                aws_secret_access_key=params.get("secret_key"),
                aws_session_token=params.get("session_token"),
                region_name=params.get("region"),
                profile_name=params.get("profile"),
            )
            client = session.client(
                "ec2",
                region_name=session.region_name or region,
                endpoint_url=params.get("endpoint_url"),
                verify=params.get("aws_ca_bundle"),
                config=Config(
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_ANSWER_SECONDS,
                    retries={"mode": "standard", "max_attempts": _ATTEMPTS},
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise LabError(
                f"no way to the EC2 API: {_sentence(error)} Check region, endpoint_url and profile"
            ) from error
        return cls(client)

    def instance(self, instance_id: str) -> list[Instance]:
        """The instance with the id; LabError if there was none."""
        return self._instances(f"instance {instance_id}", InstanceIds=[instance_id])

    def instances_at(self, address: str, vpc_id: str | None = None) -> list[Instance]:
        """The instances with the private address, also terminated ones; only of a VPC if one is given."""
        filters = [{"Name": "private-ip-address", "Values": [address]}]
        if vpc_id:
            filters.append({"Name": "vpc-id", "Values": [vpc_id]})
        return self._instances(f"the instance at {address}", Filters=filters)

    def instances_of(self, vpc_id: str) -> list[Instance]:
        """All instances of the VPC."""
        return self._instances(f"the instances of {vpc_id}", Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])

    def route_tables(self, vpc_id: str) -> list[RouteTable]:
        """All route tables of the VPC."""
        filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
        pages = self._pages("describe_route_tables", f"the route tables of {vpc_id}", Filters=filters)
        return [RouteTable.from_answer(fields) for page in pages for fields in page["RouteTables"]]

    def create_route(self, table_id: str, destination: ipaddress.IPv4Network, interface_id: str) -> None:
        """Lead the range to the interface; RouteExists if somebody was faster."""
        self._call("create_route", f"{destination} in {table_id}", **_route(table_id, destination, interface_id))

    def replace_route(self, table_id: str, destination: ipaddress.IPv4Network, interface_id: str) -> None:
        """Lead the range to the interface instead of its present target, without a moment in between."""
        self._call("replace_route", f"{destination} in {table_id}", **_route(table_id, destination, interface_id))

    def delete_route(self, table_id: str, destination: ipaddress.IPv4Network) -> None:
        """Remove the route; RouteGone if it is not there."""
        self._call("delete_route", f"{destination} in {table_id}", **_route(table_id, destination))

    def disable_source_dest_check(self, interface_id: str) -> None:
        """Let the interface send and receive packets of containers."""
        self._call(
            "modify_network_interface_attribute",
            f"the source/destination check of {interface_id}",
            NetworkInterfaceId=interface_id,
            SourceDestCheck={"Value": False},
        )

    def _instances(self, subject: str, **arguments: Any) -> list[Instance]:
        pages = self._pages("describe_instances", subject, **arguments)
        reservations = [reservation for page in pages for reservation in page["Reservations"]]
        return [Instance.from_answer(fields) for entry in reservations for fields in entry["Instances"]]

    def _pages(self, operation: str, subject: str, **arguments: Any) -> list[dict[str, Any]]:
        paginator = self._client.get_paginator(operation)
        return self._guarded(operation, subject, lambda: list(paginator.paginate(**arguments)))

    def _call(self, operation: str, subject: str, **arguments: Any) -> Any:
        return self._guarded(operation, subject, lambda: getattr(self._client, operation)(**arguments))

    @staticmethod
    def _guarded(operation: str, subject: str, call: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        action = "".join(word.capitalize() for word in operation.split("_"))
        try:
            return call()
        except ClientError as error:
            raise _refusal(action, subject, error.response.get("Error") or {}) from error
        except BotoCoreError as error:
            raise LabError(
                f"{action}, {subject}: {_sentence(error)} Check endpoint_url, region, credentials, and the way there"
            ) from error


def _route(table_id: str, destination: ipaddress.IPv4Network, interface_id: str | None = None) -> dict[str, str]:
    target = {"NetworkInterfaceId": interface_id} if interface_id else {}
    return {"RouteTableId": table_id, "DestinationCidrBlock": str(destination), **target}


def _refusal(action: str, subject: str, said: Mapping[str, str]) -> LabError:
    code, text = said.get("Code", "an error without a code"), said.get("Message", "")
    if code == "InvalidRoute.NotFound" or (action == "ReplaceRoute" and code == "InvalidParameterValue"):
        return RouteGone(f"{action}, {subject}: there is no such route any more ({code}): run again")
    if code == "RouteAlreadyExists":
        return RouteExists(f"{action}, {subject}: somebody made such a route at the same moment ({code}): run again")
    advice = _ADVICE.get(code, "see the code in the EC2 API reference").format(action=action)
    return LabError(f"{action}, {subject}: the EC2 API refuses it with {code} ({text.rstrip('.')}): {advice}")


def _sentence(error: Exception) -> str:
    return str(error).rstrip(". ") + "."
