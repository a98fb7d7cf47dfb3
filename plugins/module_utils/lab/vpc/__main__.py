# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of a lab with a VPC: the EC2 API, and the router that follows it. Runs in the router's network namespace.

usage: python -m module_utils.lab.vpc FOLDER        FOLDER holds description.json; the file "ready" appears in it
"""

from __future__ import annotations

import ipaddress
import json
import logging
import sys
import threading
from pathlib import Path

from ...aws_vpc.api import VpcApi
from ...errors import LabError
from .builder import build_vpc, client_of
from .ec2_api import Ec2Api
from .plan import API_ADDRESS, VpcDescription
from .router import FIRST_TABLE, Leg, Router, take_address

_LOOK_AGAIN = 30
"""Seconds after which the router looks at the API in any case."""
log = logging.getLogger(__name__)


def main(folder: Path) -> None:
    """Serve until a signal ends the process."""
    vpc = VpcDescription.from_data(json.loads((folder / "description.json").read_text()))
    changed = threading.Event()
    members = ipaddress.ip_network(vpc.cidr)
    api = Ec2Api(
        vpc.region,
        changed.set,
        lambda client: client == API_ADDRESS or ipaddress.ip_address(client) in members,
        vpc.route_limit,
    )
    url = f"http://{API_ADDRESS}"
    take_address(API_ADDRESS)
    api.start(API_ADDRESS, 80)
    built = build_vpc(api, url, vpc)
    legs = [
        Leg(subnet.segment, built.subnet_ids[subnet.segment], subnet.cidr, FIRST_TABLE + number)
        for number, subnet in enumerate(vpc.subnets)
    ]
    router = Router(VpcApi(client_of(url, vpc.region)), built.id, legs, vpc.outside)
    router.prepare()
    router.follow()
    (folder / "ready").touch()
    while True:
        changed.wait(_LOOK_AGAIN)
        changed.clear()
        try:
            if router.follow():
                log.info("the router follows a change of the API")
        except LabError as error:  # what the kernel has stays until the next change
            log.error("%s", error)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s: %(message)s")
    try:
        main(Path(sys.argv[1]))
    except LabError as error:
        raise SystemExit(str(error)) from None
