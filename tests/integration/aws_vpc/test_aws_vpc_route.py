# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module aws_vpc_route against the lab's EC2 API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.instance_metadata import ENDPOINT_VARIABLE
from tests.support.four_nodes import UNDERLAY
from tests.support.module_runner import ModuleFailed, assert_converges, assert_unchanged, run_module
from tests.support.vpc import TABLE_A, TABLE_B, Vpc, running_vpc

NETWORK, SUBNETS = "40.15.0.0/16", {"node-1": "40.15.16.0/24", "node-2": "40.15.64.0/24", "node-4": "40.15.83.0/24"}


@pytest.fixture
def vpc() -> Iterator[Vpc]:
    with running_vpc() as made:
        yield made


def options(vpc: Vpc, node: str = "node-1", **more) -> dict:
    found = {
        "endpoint_url": vpc.url,
        "region": "us-east-1",
        "access_key": "lab",
        "secret_key": "lab",
        "private_ip": UNDERLAY.get(node),
        "network": NETWORK,
        "subnet": SUBNETS.get(node),
    }
    return {name: value for name, value in {**found, **more}.items() if value is not None}


def refused(vpc: Vpc, **more) -> str:
    with pytest.raises(ModuleFailed) as caught:
        run_module("aws_vpc_route", **options(vpc, **more))
    return str(caught.value)


def test_a_node_gets_a_route_in_the_table_of_its_subnet_and_may_forward(vpc):
    done = assert_converges("aws_vpc_route", **options(vpc))
    eni = vpc.interface_id("node-1")
    assert vpc.routes(TABLE_A) == {"40.15.16.0/24": (eni, "active")}
    assert vpc.routes(TABLE_B) == {}
    assert vpc.interface("node-1")["SourceDestCheck"] is False
    assert vpc.interface("node-2")["SourceDestCheck"] is True
    assert (done["interface_id"], done["vpc_id"], done["route_table_ids"]) == (eni, vpc.id, [TABLE_A])
    assert done["diff"]["after"] == {
        "routes": {TABLE_A: [f"40.15.16.0/24 -> {eni}"]},
        "source_dest_check": {eni: False},
    }


def test_a_subnet_without_a_table_of_its_own_uses_the_main_one():
    with running_vpc(route_tables={TABLE_B: {"segments": ["subnet-2"]}}) as vpc:
        done = run_module("aws_vpc_route", **options(vpc))
        (main,) = done["route_table_ids"]
        filters = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc.id]}]
        assert main == vpc.ec2.describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
        assert list(vpc.routes(main)) == ["40.15.16.0/24"]


def test_all_listed_tables_get_the_route_and_those_that_are_listed_no_longer_lose_it(vpc):
    assert_converges("aws_vpc_route", **options(vpc, route_table_ids=[TABLE_A, TABLE_B]))
    assert vpc.routes(TABLE_A) == vpc.routes(TABLE_B) != {}
    done = assert_converges("aws_vpc_route", **options(vpc, route_table_ids=TABLE_B))
    assert (done["route_table_ids"], done["subnet_route_table_id"]) == ([TABLE_B], TABLE_A)
    assert (list(vpc.routes(TABLE_A)), list(vpc.routes(TABLE_B))) == ([], ["40.15.16.0/24"])
    assert_converges("aws_vpc_route", **options(vpc))
    assert (list(vpc.routes(TABLE_A)), list(vpc.routes(TABLE_B))) == (["40.15.16.0/24"], [])


def test_a_route_of_somebody_else_is_taken_over_only_if_told_to_and_at_no_moment_missing(vpc):
    other = vpc.interface_id("node-2")
    vpc.ec2.create_route(RouteTableId=TABLE_A, DestinationCidrBlock="40.15.16.0/24", NetworkInterfaceId=other)
    assert f"{TABLE_A} leads 40.15.16.0/24 -> {other}" in refused(vpc)
    assert vpc.interface("node-1")["SourceDestCheck"] is True
    assert_converges("aws_vpc_route", **options(vpc, on_conflict="replace"))
    assert vpc.routes(TABLE_A) == {"40.15.16.0/24": (vpc.interface_id("node-1"), "active")}


def test_what_a_terminated_instance_leaves_is_removed_and_foreign_blackholes_are_not(vpc):
    for node in ("node-1", "node-2"):
        run_module("aws_vpc_route", **options(vpc, node))
    gone = vpc.interface_id("node-2")
    vpc.ec2.create_route(RouteTableId=TABLE_A, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=gone)
    vpc.ec2.terminate_instances(InstanceIds=[vpc.instance_id("node-2")])
    assert vpc.routes(TABLE_A)["40.15.64.0/24"] == (gone, "blackhole")
    assert_unchanged("aws_vpc_route", **options(vpc, leases=["40.15.64.0/24"]))
    assert_converges("aws_vpc_route", **options(vpc))
    assert set(vpc.routes(TABLE_A)) == {"40.15.16.0/24", "10.9.0.0/16"}
    assert "private_ip 192.168.1.254: the EC2 API knows no instance with it" in refused(vpc, node="node-2")


def test_removal_leaves_the_routes_of_others(vpc):
    for node in ("node-1", "node-4"):
        run_module("aws_vpc_route", **options(vpc, node, route_table_ids=[TABLE_A, TABLE_B]))
    vpc.ec2.create_route(
        RouteTableId=TABLE_A, DestinationCidrBlock="10.9.0.0/16", NetworkInterfaceId=vpc.interface_id("node-1")
    )
    assert_converges("aws_vpc_route", **options(vpc, "node-1", subnet=None, state="absent"))
    assert (set(vpc.routes(TABLE_A)), set(vpc.routes(TABLE_B))) == ({"40.15.83.0/24", "10.9.0.0/16"}, {"40.15.83.0/24"})


def test_a_moved_lease_takes_its_route_along(vpc):
    run_module("aws_vpc_route", **options(vpc))
    assert_converges("aws_vpc_route", **options(vpc, subnet="40.15.17.0/24"))
    assert list(vpc.routes(TABLE_A)) == ["40.15.17.0/24"]


def test_all_hosts_at_once_lose_no_route(vpc):
    """By the function that the module runs: a module reads its arguments from a place that threads share."""
    from ansible_collections.container_network.lab.plugins.module_utils.aws_vpc.converge import converge
    from ansible_collections.container_network.lab.plugins.modules.aws_vpc_route import ARGUMENTS

    defaults = {name: spec.get("default") for name, spec in ARGUMENTS.items()}
    with ThreadPoolExecutor(3) as threads:
        given = [
            {**defaults, **options(vpc, node), "state": "present", "route_table_ids": [TABLE_A, TABLE_B]}
            for node in SUBNETS
        ]
        assert all(outcome.changed for outcome in threads.map(lambda params: converge(params, False), given))
    assert set(vpc.routes(TABLE_A)) == set(vpc.routes(TABLE_B)) == set(SUBNETS.values())


def test_a_host_finds_itself_by_the_instance_metadata(vpc, monkeypatch):
    """The caller at 127.0.0.1 is made an instance, as the API knows callers by their addresses."""
    monkeypatch.setenv(ENDPOINT_VARIABLE, vpc.url)
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    interface = vpc.api.backend.enis[vpc.interface_id("node-4")]
    interface.private_ip_address = "127.0.0.1"
    done = run_module("aws_vpc_route", **options(vpc, "node-4", private_ip=None, region=None))
    assert (done["interface_id"], done["route_table_ids"]) == (interface.id, [TABLE_B])


def test_a_host_without_instance_metadata_is_told_what_to_give(vpc, monkeypatch):
    monkeypatch.setenv(ENDPOINT_VARIABLE, "http://127.0.0.1:9")
    assert "this host is no EC2 instance, or may not ask for them. Give instance_id or private_ip" in refused(
        vpc, private_ip=None
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"private_ip": "10.0.0.1"}, "private_ip 10.0.0.1: the EC2 API knows no instance with it"),
        ({"vpc_id": "vpc-9"}, "private_ip 192.168.1.68: the EC2 API knows no instance with it"),
        ({"instance_id": "i-0123456789abcdef0"}, "refuses it with InvalidInstanceID.NotFound"),
        ({"route_table_ids": "rtb-9"}, f"it has .*{TABLE_B}.*{TABLE_A}.*: correct the id"),
        ({"network": "192.168.0.0/16", "subnet": "192.168.7.0/24"}, "overlaps 192.168.0.0/16, a range of the VPC"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "DescribeInstances, the instance at 192.168.1.68: Could not connect"),
        ({"endpoint_url": "nowhere"}, "no way to the EC2 API: Invalid endpoint: nowhere. Check region, endpoint_url"),
        ({"profile": "nobody", "access_key": "", "secret_key": ""}, "no way to the EC2 API: .*nobody.* Check region"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_words(vpc, wrong, told):
    import re

    assert re.search(told, refused(vpc, **wrong))
    assert vpc.routes(TABLE_A) == {}


def test_check_mode_tells_without_a_subnet_whether_a_host_can_have_a_route(vpc):
    asked = options(vpc, subnet=None)
    assert "subnet is missing: give the range of the host's containers" in refused(vpc, subnet="")
    told = run_module("aws_vpc_route", _check=True, **asked)
    assert (told["interface_id"], told["route_table_ids"]) == (vpc.interface_id("node-1"), [TABLE_A])
    with pytest.raises(ModuleFailed, match="rtb-9 is no route table"):
        run_module("aws_vpc_route", _check=True, **asked, route_table_ids="rtb-9")
    assert vpc.routes(TABLE_A) == {}
    assert vpc.interface("node-1")["SourceDestCheck"] is True


def test_a_full_table_is_told_with_the_way_out():
    with running_vpc(route_limit=3) as vpc:
        assert "one route a host" not in str(run_module("aws_vpc_route", **options(vpc)))
        said = refused(vpc, node="node-2")
    assert (
        "RouteLimitExceeded (The maximum number of routes has been reached: 3): the table is full, at one route a host"
        in said
    )


# --- permissions ----------------------------------------------------------------------------------

DOCUMENTED = [
    "DescribeInstances",
    "CreateRoute",
    "DeleteRoute",
    "ModifyInstanceAttribute",
    "DescribeRouteTables",
    "ReplaceRoute",
]
SUFFICIENT = [*DOCUMENTED, "ModifyNetworkInterfaceAttribute"]


@pytest.fixture
def keys_of(vpc, monkeypatch):
    """Gives the keys of a user with a policy; from then on, the API asks for permissions."""
    import boto3
    from moto.core.responses import ActionAuthenticatorMixin

    access = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    iam = boto3.client("iam", region_name="us-east-1", endpoint_url=vpc.url, **access)

    def keys(actions: list[str]) -> dict[str, str]:
        statement = {"Effect": "Allow", "Action": [f"ec2:{action}" for action in actions], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName="flannel")
        iam.put_user_policy(UserName="flannel", PolicyName="flannel-policy", PolicyDocument=document)
        made = iam.create_access_key(UserName="flannel")["AccessKey"]
        monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
        monkeypatch.setattr("moto.settings.INITIAL_NO_AUTH_ACTION_COUNT", 0)
        return {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"]}

    return keys


def test_the_policy_of_the_documents_lacks_a_permission_and_nothing_is_changed(vpc, keys_of):
    said = refused(vpc, **keys_of(DOCUMENTED))
    assert "allow ec2:ModifyNetworkInterfaceAttribute in the policy of the host's role" in said
    assert "an administrator may switch it off in the place of this role. No route was changed" in said


def test_the_policy_of_the_documents_is_enough_where_the_check_is_off(vpc, keys_of):
    vpc.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=vpc.interface_id("node-1"), SourceDestCheck={"Value": False}
    )
    assert run_module("aws_vpc_route", **options(vpc, **keys_of(DOCUMENTED)))["changed"]


def test_the_policy_of_our_documentation_is_enough(vpc, keys_of):
    assert run_module("aws_vpc_route", **options(vpc, **keys_of(SUFFICIENT)))["changed"]


def test_keys_that_nobody_knows_are_told(vpc, keys_of):
    keys_of(SUFFICIENT)
    assert "AuthFailure" in (said := refused(vpc, access_key="AKIAXXXXXXXXXXXXXXXX")), said
    assert "check access_key, secret_key, session_token or profile" in said
