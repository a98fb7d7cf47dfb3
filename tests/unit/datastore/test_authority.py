# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When certificates of etcd are made again, and whom they let in; OpenSSL is the second opinion."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.authority import (
    AUTHORITY_DAYS,
    CLIENT,
    PEER,
    SERVER,
    Authority,
    Validity,
)
from ansible_collections.container_network.lab.plugins.module_utils.errors import InvalidInput

NOW = datetime.datetime.now(datetime.timezone.utc)
YEAR = Validity(365, 90)
PLACES = ["192.168.1.68", "node-1", "127.0.0.1", "fd00::1"]


def days(number: float) -> datetime.timedelta:
    return datetime.timedelta(days=number)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make(NOW)


def openssl(tmp_path: Path, authority: Authority, bundle: str, *options: str) -> str:
    """What "openssl verify" says of a bundle."""
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "bundle.pem").write_text(bundle)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "-untrusted", "bundle.pem", *options]
    run = subprocess.run([*command, "bundle.pem"], cwd=tmp_path, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


def test_openssl_takes_the_certificates_for_their_purpose_and_no_other(tmp_path, authority):
    for purpose, serves in ((SERVER, True), (PEER, True), (CLIENT, False)):
        bundle = authority.issue(purpose, "node-1", PLACES, NOW, YEAR)
        assert "bundle.pem: OK" in openssl(tmp_path, authority, bundle, "-purpose", "sslclient")
        as_server = openssl(tmp_path, authority, bundle, "-purpose", "sslserver")
        assert ("bundle.pem: OK" in as_server) is serves, as_server
    server = authority.issue(SERVER, "node-1", PLACES, NOW, YEAR)
    assert "bundle.pem: OK" in openssl(tmp_path, authority, server, "-verify_ip", "192.168.1.68")
    assert "bundle.pem: OK" in openssl(tmp_path, authority, server, "-verify_hostname", "node-1")
    assert "mismatch" in openssl(tmp_path, authority, server, "-verify_ip", "192.168.1.69")


def test_only_members_have_the_name_of_members_and_clients_have_none(tmp_path, authority):
    """With users, etcd's gateway refuses clients whose certificate has a common name."""
    subjects = {}
    for purpose in (SERVER, PEER, CLIENT):
        (tmp_path / "one.pem").write_text(authority.issue(purpose, "node-1", [], NOW, YEAR))
        command = ["openssl", "x509", "-in", "one.pem", "-noout", "-subject", "-nameopt", "RFC2253"]
        subjects[purpose.name] = subprocess.run(
            command, check=False, cwd=tmp_path, capture_output=True, text=True
        ).stdout
    assert "CN=container-network-etcd-peer" in subjects["peer"]
    assert "CN=" not in subjects["server"] + subjects["client"]


@pytest.mark.parametrize(
    ("later", "reason"),
    [(0, None), (365 - 91, None), (365 - 89, "expires"), (366, "expires"), (-1, "not yet valid")],
)
def test_a_certificate_is_due_before_it_expires(authority, later, reason):
    bundle = authority.issue(CLIENT, "node-1", [], NOW, YEAR)
    assert authority.due_for(bundle, CLIENT, [], NOW + days(later), YEAR) == reason


def test_a_certificate_is_due_when_its_host_or_authority_is_another_one(authority):
    bundle = authority.issue(SERVER, "node-1", PLACES, NOW, YEAR)
    assert authority.due_for(bundle, SERVER, list(reversed(PLACES)), NOW, YEAR) is None
    assert authority.due_for(bundle, SERVER, PLACES[:2], NOW, YEAR) == "of another name"
    assert authority.due_for(bundle, PEER, PLACES, NOW, YEAR) == "of another name"
    assert Authority.make(NOW).due_for(bundle, SERVER, PLACES, NOW, YEAR) == "signed by another authority"
    for broken in ("", "nonsense", bundle[: len(bundle) // 2], bundle.split("-----BEGIN PRIVATE")[0]):
        assert authority.due_for(broken, SERVER, PLACES, NOW, YEAR) == "unreadable"
    other = authority.issue(SERVER, "node-1", PLACES, NOW, YEAR)
    mixed = bundle.split("-----BEGIN PRIVATE")[0] + "-----BEGIN PRIVATE" + other.split("-----BEGIN PRIVATE")[1]
    assert authority.due_for(mixed, SERVER, PLACES, NOW, YEAR) == "its key is another one's"


def test_a_renewed_authority_stands_for_what_it_has_signed(tmp_path, authority):
    bundle = authority.issue(SERVER, "node-1", PLACES, NOW, YEAR)
    soon = NOW + days(AUTHORITY_DAYS - 365 - 90 + 1)
    assert not authority.is_due(NOW, YEAR)
    assert authority.is_due(soon, YEAR)
    renewed = Authority.make(NOW + days(1), authority.key)
    assert renewed.certificate != authority.certificate
    assert renewed.due_for(bundle, SERVER, PLACES, NOW, YEAR) is None
    later = ("-attime", str(int((NOW + days(2)).timestamp())))
    assert "bundle.pem: OK" in openssl(tmp_path, renewed, bundle, *later)


def test_no_certificate_outlives_its_authority(authority):
    late = NOW + days(AUTHORITY_DAYS - 10)
    bundle = authority.issue(CLIENT, "node-1", [], late, YEAR)
    assert authority.due_for(bundle, CLIENT, [], late, Validity(365, 9)) is None
    assert authority.due_for(bundle, CLIENT, [], late, Validity(365, 11)) == "expires"


def test_a_name_that_cannot_stand_in_a_certificate_is_refused(authority):
    with pytest.raises(InvalidInput, match="'nöde' cannot stand in a certificate"):
        authority.issue(SERVER, "node-1", ["nöde"], NOW, YEAR)


@pytest.mark.parametrize("numbers", [(1, 1), (365, 365), (365, 0), (10, 20), (-5, -6)])
def test_days_that_make_no_sense_are_refused(numbers):
    (problem,) = Validity(*numbers).problems()
    assert f"etcd_certificate_days is {numbers[0]} and etcd_renewal_days {numbers[1]}" in problem


PLACES_OF_OWN = ("CERT", "KEY")


def test_what_is_wrong_with_an_authority_of_ones_own(authority):
    assert authority.problems(NOW, 365, PLACES_OF_OWN) == []
    bundle = authority.issue(CLIENT, "node-1", [], NOW, YEAR)
    assert Authority(bundle, bundle).problems(NOW, 30, PLACES_OF_OWN) == [
        "CERT is not the certificate of an authority (CA:TRUE)"
    ]
    other = Authority.make(NOW)
    assert Authority(authority.certificate, other.key).problems(NOW, 30, PLACES_OF_OWN) == [
        "KEY is not the key of CERT"
    ]
    (problem,) = Authority("nonsense", other.key).problems(NOW, 30, PLACES_OF_OWN)
    assert problem.startswith("CERT is no PEM certificate")
    (problem,) = Authority(authority.certificate, "nonsense").problems(NOW, 30, PLACES_OF_OWN)
    assert problem.startswith("KEY is no PEM key without a passphrase")
    (problem,) = authority.problems(NOW + days(AUTHORITY_DAYS - 100), 365, PLACES_OF_OWN)
    assert "it must be valid now, and not end before the certificates that it is to sign" in problem


def test_below_an_authority_of_ones_own_the_chain_is_sent_along(tmp_path):
    """An intermediate authority of RSA, as companies have them, made by openssl."""

    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes")
    run("req", "-x509", *new, "-days", "800", "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem")
    run("req", *new, "-subj", "/CN=between", "-keyout", "between.key", "-out", "between.csr")
    (tmp_path / "extensions").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
    signed_by = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "700", "-extfile", "extensions")
    run("x509", "-req", "-in", "between.csr", *signed_by, "-out", "between.pem")
    chain = (tmp_path / "between.pem").read_text() + (tmp_path / "root.pem").read_text()
    own = Authority(chain, (tmp_path / "between.key").read_text())
    assert own.problems(datetime.datetime.now(datetime.timezone.utc), 365, PLACES_OF_OWN) == []
    bundle = own.issue(SERVER, "node-1", PLACES, NOW, YEAR)
    assert own.due_for(bundle, SERVER, PLACES, NOW, YEAR) is None
    root = Authority((tmp_path / "root.pem").read_text(), "")
    (tmp_path / "ca.pem").write_text(root.certificate)
    (tmp_path / "bundle.pem").write_text(bundle)
    run("verify", "-CAfile", "ca.pem", "-untrusted", "bundle.pem", "-purpose", "sslserver", "bundle.pem")
