"""The console as one ASGI application, built where somebody first asks for it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from console import api, pages
from console.desk import Desk, Missing
from console.entrance import Shut
from console.forms import Forms
from console.rendering import STATIC, render
from console.safety import is_api, refusal
from shared.errors import PortcullisError, StoreUnavailable, Transient

if TYPE_CHECKING:
    from wiring import Gate

_UNAVAILABLE = (StoreUnavailable, Transient)


def build(gate: Gate) -> FastAPI:
    """The console's pages and API over a gate; `entrances.guarded` says who gets to them."""
    app = FastAPI(
        title="Portcullis",
        summary="Review, approve and undo what the gate does.",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    for kind, answer in _ANSWERS:
        app.add_exception_handler(kind, answer)
    app.state.desk = lambda: Desk(gate)
    app.state.forms = Forms(gate.state.store, gate.state.now)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _refused(request: Request, error: Exception) -> Response:
    status = 409
    if isinstance(error, Missing):
        status = 404
    elif isinstance(error, _UNAVAILABLE):
        status = 503
    return _answer(request, status, str(error))


def _shut(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Shut) else 403
    return _answer(request, status, str(error))


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _answer(request, status, HTTPStatus(status).phrase)


def _unreadable(request: Request, error: Exception) -> Response:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    told = (f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in faults)
    return _answer(request, 422, "; ".join(told))


def _answer(request: Request, status: int, message: str) -> Response:
    # Where state cannot be read, no page can be made of it.
    if is_api(request.url.path) or status == HTTPStatus.SERVICE_UNAVAILABLE:
        return refusal(request, Shut(status, message))
    title = HTTPStatus(status).phrase
    return render(request, "message.html", status, title=title, message=message)


_ANSWERS = (
    (PortcullisError, _refused),
    (Shut, _shut),
    (HTTPException, _http),
    (RequestValidationError, _unreadable),
)
