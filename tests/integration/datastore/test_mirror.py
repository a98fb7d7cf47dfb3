# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy that follows a real etcd: where it goes on, what it is told, and what it misses."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.container_network.lab.plugins.module_utils.calico.snapshot import WATCH_PREFIXES
from ansible_collections.container_network.lab.plugins.module_utils.datastore import etcd as client
from ansible_collections.container_network.lab.plugins.module_utils.datastore import mirror_check
from ansible_collections.container_network.lab.plugins.module_utils.datastore.etcd import Etcd, EtcdUnreachable, Put
from ansible_collections.container_network.lab.plugins.module_utils.datastore.mirror import Mirror, WatchLost
from ansible_collections.container_network.lab.plugins.module_utils.errors import LabError
from tests.support import etcd_process
from tests.support.between import between


class Following:
    """A mirror whose thread follows until the test ends it."""

    def __init__(self, endpoint: str, *prefixes: str, etcd: Etcd | None = None) -> None:
        self.changed = threading.Event()
        self.mirror = Mirror(etcd or Etcd([endpoint]), prefixes, lambda _revision: self.changed.set())
        self._executor = ThreadPoolExecutor(1)
        self.restart()

    def restart(self) -> None:
        self._work = self._executor.submit(self.mirror.follow)

    def wait_until_watching(self, etcd: Etcd, key: str) -> None:
        """When everything is read, a key is written, which only the watch can tell of."""
        self.wait_until(lambda: self.mirror.revision > 0)
        etcd.put(key, "1")
        self.wait_until(lambda: self.mirror.copy().get(key) is not None)

    def wait_until_current(self, etcd: Etcd, prefixes: Sequence[str]) -> None:
        """As the service does: whenever the watch ends, it goes on."""
        wanted = {item.key: item.value for items in etcd.get_prefixes(*prefixes) for item in items}

        def current() -> bool:
            if self._work.done():
                self.restart()
            return self.mirror.copy().texts() == wanted

        self.wait_until(current)

    def behind(self, etcd: Etcd) -> list[str]:
        """What the check says, without waiting longer than until the copy has followed."""
        return mirror_check.behind(etcd, self.mirror, lambda _seconds: None)

    def stop(self) -> BaseException | None:
        self.mirror.stop()
        return self.outcome()

    def outcome(self) -> BaseException | None:
        return self._work.exception(30)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "the mirror did not follow"
            self.changed.wait(0.1)
            self.changed.clear()


def test_a_mirror_that_is_stopped_while_its_watch_opens_ends_without_an_error(endpoint, monkeypatch):
    mirror = Mirror(Etcd([endpoint]), ["/a/"], lambda _revision: None)
    answer = http.client.HTTPConnection.getresponse

    def stop_at_the_watch(connection):
        response = answer(connection)
        if response.chunked:
            mirror.stop()
        return response

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", stop_at_the_watch)
    mirror.follow()


def test_a_mirror_follows_and_goes_on_where_it_was(endpoint):
    etcd = Etcd([endpoint])
    etcd.put("/a/1", "one")
    following = Following(endpoint, "/a/", "/b/")
    etcd.put("/b/1", "two")
    etcd.delete("/a/1")
    following.wait_until(lambda: following.mirror.copy().texts() == {"/b/1": "two"})
    assert following.stop() is None
    etcd.put("/a/2", "three")
    etcd.put("/other", "not ours")
    following.restart()
    following.wait_until(lambda: following.mirror.copy().texts() == {"/a/2": "three", "/b/1": "two"})
    assert following.stop() is None


def test_a_mirror_is_stopped_before_etcd_has_answered():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        following = Following(f"http://127.0.0.1:{silent.getsockname()[1]}", "/a/")
        connection, _address = silent.accept()
        with connection:  # or it would be closed, which is an answer
            assert following.stop() is None


def test_a_compacted_revision_makes_the_mirror_read_everything_again(endpoint):
    etcd = Etcd([endpoint])
    etcd.put("/compacted/1", "one")
    following = Following(endpoint, "/compacted/")
    following.wait_until(lambda: following.mirror.revision > 0)
    following.stop()
    for number in range(5):
        etcd.put("/compacted/1", str(number))
    etcd.call("kv/compaction", {"revision": str(following.mirror.revision + 4)})
    following.restart()
    assert isinstance(following.outcome(), WatchLost)
    following.restart()
    following.wait_until(lambda: following.mirror.copy().texts() == {"/compacted/1": "4"})
    following.stop()


def test_a_watch_that_is_refused_for_rights_is_told_in_words(tmp_path):
    secured = etcd_process.SecuredEtcd(tmp_path)
    with etcd_process.running_etcd(tmp_path, *secured.options, scheme="https") as endpoint:
        secured.add_user(endpoint, "app", "secret", "/a/", "/b/")
        following = Following(endpoint, "/a/", etcd=secured.client(endpoint, "app", "secret"))
        following.wait_until(lambda: following.mirror.revision > 0)
        following.stop()
        root = secured.client(endpoint, "root", "secret")
        key, end = (base64.b64encode(text).decode() for text in (b"/a/", b"/a0"))
        root.call("auth/role/revoke", {"role": "app", "key": key, "range_end": end})
        following.restart()
        error = following.outcome()
    assert isinstance(error, LabError)
    assert not isinstance(error, (WatchLost, EtcdUnreachable))
    assert "etcd refused the watch: " in str(error)
    assert "Grant the user 'app' a role that may read and write these keys" in str(error)


def test_a_mirror_of_nothing_says_so():
    following = Following(f"http://127.0.0.1:{etcd_process.free_port()}", "/a/")
    assert isinstance(following.outcome(), EtcdUnreachable)


PREFIXES = (*WATCH_PREFIXES, "/container_network/calico/")


def watches_begun(endpoint: str) -> int:
    """Of as many prefixes as a Calico host follows."""
    etcd = Etcd([endpoint])
    begun = 0
    for answer in etcd.watch_documents(dict.fromkeys(PREFIXES, 1)):
        begun += "created" in answer["result"]
        if begun == len(PREFIXES):
            etcd.close()
    return begun


def test_all_watches_of_a_request_begin(endpoint):
    """Of requests with more than 512 bytes some lost their last watch, one in thirty on a machine with other work."""
    with ThreadPoolExecutor(8) as executor:
        assert set(executor.map(watches_begun, [endpoint] * 400)) == {len(PREFIXES)}


def test_a_watch_that_never_began_is_asked_for_again(endpoint, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_SECONDS", 1.0)
    etcd = Etcd([endpoint])

    def lose_the_last(request: bytes) -> bytes:
        """Go's server does so with what the gateway has not read when the first watch is answered."""
        lines = request.split(b"\n")
        if b"create_request" not in lines[-1]:
            return request
        gateway.asked = lambda data: data
        return b"\n".join([*lines[:-1], b" " * len(lines[-1])])

    with between(endpoint) as gateway:
        gateway.asked = lose_the_last
        following = Following(gateway.endpoint, "/a/", "/b/")
        following.wait_until(lambda: following.mirror.revision > 0)
        etcd.put("/a/lost", "1")
        etcd.put("/b/lost", "2")
        following.wait_until(lambda: following.mirror.copy().get("/a/lost") is not None)
        assert following.outcome() is None
        following.restart()
        following.wait_until(lambda: following.mirror.copy().get("/b/lost") is not None)
        following.stop()


def test_a_watch_that_brings_nothing_is_noticed(endpoint):
    etcd = Etcd([endpoint])
    etcd.put("/silent/kept", "1")
    etcd.put("/silent/gone", "1")
    with between(endpoint) as gateway:
        following = Following(gateway.endpoint, "/silent/", "/beside/")
        following.wait_until_watching(etcd, "/beside/seen")
        assert following.behind(etcd) == []
        gateway.answered = lambda _data: b""
        etcd.delete("/silent/gone")
        assert following.behind(etcd) == ["/silent/"]
        etcd.put("/silent/new", "1")
        assert following.behind(etcd) == ["/silent/"]
        gateway.answered = lambda data: data
        following.mirror.distrust()
        assert following.outcome() is None
        following.restart()
        following.wait_until(
            lambda: set(following.mirror.copy().texts()) == {"/silent/kept", "/silent/new", "/beside/seen"}
        )
        assert following.behind(etcd) == []
        following.stop()


def test_an_etcd_that_begins_anew_is_noticed(endpoint, tmp_path):
    """Its revisions are lower than that at which the watch goes on, so that it would say nothing for long."""
    etcd = Etcd([endpoint])
    for number in range(10):
        etcd.put("/anew/before", str(number))
    with between(endpoint) as gateway, etcd_process.running_etcd(tmp_path) as empty:
        following = Following(gateway.endpoint, "/anew/")
        following.wait_until_watching(etcd, "/anew/seen")
        gateway.server = empty
        gateway.hang_up()
        assert following.outcome() is None
        following.restart()
        Etcd([empty]).put("/anew/after", "1")
        assert following.behind(Etcd([empty])) == ["/anew/"]
        following.mirror.distrust()
        following.outcome()
        following.restart()
        following.wait_until(lambda: following.mirror.copy().texts() == {"/anew/after": "1"})
        following.stop()


def test_nothing_is_lost_while_answers_wait_and_etcds_history_goes(tmp_path):
    """On a busy machine etcd's watches get out of step, and it catches up with each by itself."""
    with etcd_process.running_etcd(tmp_path) as endpoint, between(endpoint) as gateway:
        following = Following(gateway.endpoint, *PREFIXES)
        following.wait_until(lambda: following.mirror.revision > 0)
        etcd, reads = Etcd([endpoint]), threading.Event()
        reads.set()

        def when_it_may(data: bytes) -> bytes:
            reads.wait()
            return data

        gateway.answered = when_it_may
        for lap in range(4):
            reads.clear()
            for number in range(300):  # more than the buffers of a watch take
                etcd.commit([], [Put(f"{prefix}{number}", f"{lap} " + "x" * 3000) for prefix in PREFIXES])
            revision = etcd.put(f"{PREFIXES[-1]}last", str(lap))
            if lap % 2:
                etcd.call("kv/compaction", {"revision": str(revision)})
            reads.set()
            following.wait_until_current(etcd, PREFIXES)
        following.stop()
