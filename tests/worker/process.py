"""A Functions worker in a process of its own: Microsoft's code around this project's app.

Reads one call a line from standard input and writes one answer a line; the first line tells what
was indexed. Runs where `azure-functions-runtime` is installed, with the folder of the app as its
argument and first on its path.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tests.worker.messages import Message, Messages

_messages = Messages()


class Worker:
    """The app as the worker code sees it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._runtime: Any = importlib.import_module("azure_functions_runtime")
        self._runtime.start_threadpool_executor()
        self._indexed: dict[str, Any] = {}

    async def start(self) -> str | None:
        """Load the app, which is what the host asks first; why that failed, or None."""
        init = Message(capabilities={}, function_app_directory=self._folder)
        answer = await self._runtime.worker_init_request(_request(worker_init_request=init))
        return _fault(answer)

    async def index(self) -> dict[str, Any]:
        """The functions of the loaded app with their bindings, and where the app lies."""
        listed = await self._runtime.functions_metadata_request(
            _request(functions_metadata_request=Message())
        )
        for one in listed.function_metadata_results:
            bindings = [json.loads(raw) for raw in one.raw_bindings]
            self._indexed[one.name] = (one.function_id, bindings)
        functions = {name: bindings for name, (_, bindings) in self._indexed.items()}
        return {"functions": functions, "loaded": sys.modules["function_app"].__file__}

    async def load(self, function: str) -> str | None:
        """Make ready for the calls of one function; why that failed, or None."""
        function_id, _ = self._indexed[function]
        order = Message(function_id=function_id)
        answer = await self._runtime.function_load_request(_request(function_load_request=order))
        return _fault(answer)

    async def call(self, order: dict[str, Any]) -> dict[str, Any]:
        """Run one function on what the host would send it."""
        if order["function"] not in self._indexed:
            return {"fault": f"no function {order['function']} was indexed"}
        function_id, bindings = self._indexed[order["function"]]
        (argument,) = (b["name"] for b in bindings if b["direction"] == "IN")
        metadata = {name: _data(*value) for name, value in order["metadata"].items()}
        call = Message(
            invocation_id=order["id"],
            function_id=function_id,
            input_data=[_messages.ParameterBinding(name=argument, data=_data(*order["data"]))],
            trigger_metadata=metadata,
            trace_context=Message(trace_parent="", trace_state="", attributes={}),
            retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
        )
        answer = await self._runtime.invocation_request(_request(invocation_request=call))
        if fault := _fault(answer):
            return {"fault": fault}
        return {"returned": _returned(answer.return_value)}


def _request(**body: Message) -> Message:
    properties = {"host": "127.0.0.1", "protos": _messages}
    return Message(request=Message(**body), properties=properties)


def _fault(answer: Any) -> str | None:
    if answer.result.status == _messages.StatusResult.Success:
        return None
    return str(answer.result.exception.message)


def _data(kind: str, value: Any) -> Message:
    if kind == "http":
        value = Message(**{**value, "body": Message(bytes=value["body"].encode())})
    return Message(**{kind: value})


def _returned(value: Message | None) -> dict[str, Any] | None:
    """An HTTP answer; None from functions that return nothing."""
    if value is None:
        return None
    http: Any = value.__dict__["http"]
    body = http.body.__dict__["bytes"].decode()
    return {"status": int(http.status_code), "headers": http.headers, "body": body}


async def serve(folder: str, orders: TextIO, answers: TextIO) -> None:
    """Answer until there are no more orders."""
    worker = Worker(folder)
    fault = await worker.start()
    begun = {"fault": fault} if fault else await worker.index()
    print(json.dumps(begun), file=answers, flush=True)
    for line in orders:
        print(json.dumps(await worker.call(json.loads(line))), file=answers, flush=True)


@contextmanager
def aside() -> Iterator[TextIO]:
    """Standard output for answers alone: what functions print goes to standard error."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as own:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        yield own


if __name__ == "__main__":
    with aside() as own:
        asyncio.run(serve(sys.argv[1], sys.stdin, own))
