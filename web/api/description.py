"""What the API offers: as OpenAPI for machines, and as a page without scripts for people."""

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute

from web.api import accounts, requests, suppressions
from web.site import OnSite

router = APIRouter(prefix="/api")
ROUTERS = (accounts.router, requests.router, suppressions.router)


@router.get("/openapi.json")
def openapi(request: Request) -> JSONResponse:
    """The API as OpenAPI 3.1."""
    app: FastAPI = request.app
    routes = [route for part in ROUTERS for route in part.routes]
    return JSONResponse(
        get_openapi(
            title="Promisekeeper",
            version="1",
            description="Errors are application/problem+json, in sentences (RFC 9457).",
            routes=routes,
            servers=[{"url": app.state.site.company.base_url}],
        )
    )


@router.get("/docs")
def docs(site: OnSite) -> HTMLResponse:
    """Every call in words."""
    calls = [route for part in ROUTERS for route in part.routes if isinstance(route, APIRoute)]
    return site.pages.show("api.html", calls=calls, per_minute=site.api_pace.per_minute)
