# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an endpoint that ends a connection."""

from __future__ import annotations

import errno
import http.client
import ssl

import pytest

from ansible_collections.container_network.lab.plugins.module_utils.datastore.answers import unavailable

ENDS = [
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    http.client.RemoteDisconnected("Remote end closed connection without response"),
]
END_OF_TLS = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
END_OF_TLS.reason = "UNEXPECTED_EOF_WHILE_READING"
WRITE_HTTP = "If it has no certificate, write it with http:// in etcd_endpoints."
NAME_A_CERTIFICATE = "If it asks for a certificate of the client, name it as etcd_client_cert and etcd_client_key."


@pytest.mark.parametrize("end", [*ENDS, END_OF_TLS], ids=str)
def test_an_end_over_tls_has_two_ways_out_however_the_client_reads_it(end: Exception) -> None:
    found = unavailable(end, tls=True)
    assert WRITE_HTTP in found.way_out
    assert NAME_A_CERTIFICATE in found.way_out


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_an_end_without_tls_may_mean_that_tls_is_asked_for(end: Exception) -> None:
    assert "If it has a certificate, write it with https://" in unavailable(end, tls=False).way_out
