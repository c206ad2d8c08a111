"""The messages between host and worker, without protobuf.

`azure_functions_runtime` is handed the module of its message classes by the process that holds
the connection to the host; these have the fields and the few numbers that it reads of them.
"""

from __future__ import annotations

from typing import Any


class Message:
    """A message with the fields it was made with."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802  protobuf's name
        return next(iter(self.__dict__), None)


class ParameterBinding(Message):
    """One argument, by name; the other form that the host knows is shared memory."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802  protobuf's name
        return "data"


class StatusResult(Message):
    Failure = 0
    Success = 1


class Messages:
    """Stands for the module `FunctionRpc_pb2`; the numbers are those of `FunctionRpc.proto`."""

    ParameterBinding = ParameterBinding
    StatusResult = StatusResult
    BindingInfo = type(
        "BindingInfo",
        (Message,),
        {"in": 0, "out": 1, "inout": 2, "undefined": 0, "string": 1, "binary": 2, "stream": 3},
    )

    def __getattr__(self, name: str) -> type[Message]:
        return type(name, (Message,), {})
