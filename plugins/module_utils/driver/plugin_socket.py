# Copyright (c) 2026, container_network.lab contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves one plugin socket: Docker's requests, each answered within seconds by a blocking function in a thread."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from aiohttp import web

from ..errors import LabError

CONTENT_TYPE = "application/vnd.docker.plugins.v1+json"
ANSWER_SECONDS = 20.0
"""When Docker gets an error in any case; Docker itself gives up after 30 seconds."""

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any]]
log = logging.getLogger(__name__)


class PluginServer:
    """One socket under /run/docker/plugins; its name is the driver's name."""

    def __init__(self, path: Path, methods: Mapping[str, Handler], executor: Executor) -> None:
        self._path = path
        self._methods = methods
        self._executor = executor
        self._runner = web.AppRunner(self._application(), access_log=None)

    async def start(self) -> None:
        """Listen. The socket appears under its name when it accepts connections, in the place of an old one."""
        await self._runner.setup()
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.new")
        draft.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(draft))
        draft.chmod(0o600)
        listener.listen(512)  # as many containers as start at once
        draft.rename(self._path)
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Finish the running requests and listen no more."""
        self._path.unlink(missing_ok=True)
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/{method}", self._answer)
        return application

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        handler = self._methods.get(method)
        if handler is None:
            return _response(_error(f"{method} is not supported by this driver."))
        try:
            document = json.loads(await request.read() or b"{}")
        except ValueError:
            return _response(_error(f"the body of {method} is not JSON."))
        if not isinstance(document, dict):
            return _response(_error(f"the body of {method} is not a JSON object."))
        return _response(await self._run(method, handler, document))

    async def _run(self, method: str, handler: Handler, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The handler's answer. One that takes too long goes on in its thread; what it leaves, the resync tidies up."""
        work = asyncio.get_running_loop().run_in_executor(self._executor, handler, document)
        try:
            return await asyncio.wait_for(asyncio.shield(work), ANSWER_SECONDS)
        except asyncio.TimeoutError:
            work.add_done_callback(_forget)
            log.error("%s: no result within %g s", method, ANSWER_SECONDS)
            return _error(f"{method} was not finished within {ANSWER_SECONDS:g} s: see the driver's journal.")
        except LabError as error:
            log.warning("%s: %s", method, error)
            return _error(str(error))
        except Exception as error:  # a defect of ours must not leave Docker without an answer
            log.exception("%s %s", method, dict(document))
            return _error(f"{method} failed in the network driver ({error!r}): see its journal.")


def _forget(work: asyncio.Future) -> None:
    if not work.cancelled() and work.exception() is not None:
        log.error("a request that took too long has failed: %s", work.exception())


def _error(text: str) -> Mapping[str, Any]:
    """Docker looks for a network driver's error in ``Err``, and for an IPAM driver's in ``Error``."""
    return {"Err": text, "Error": text}


def _response(document: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(document), content_type=CONTENT_TYPE)


def named_methods(interface: str, methods: Mapping[str, Handler], constants: Mapping[str, Any]) -> dict[str, Handler]:
    """The methods of one of libnetwork's interfaces by their full names, and those whose answer is always the same."""
    named = {f"{interface}.{name}": method for name, method in methods.items()}
    fixed = {f"{interface}.{name}": lambda _document, answer=answer: answer for name, answer in constants.items()}
    return {**named, **fixed}
