"""Serve the dashboard at ``/``, and its files below ``/dashboard/``."""

from fastapi import APIRouter, HTTPException, Request, Response

from twap_server.dashboard.files import PageFile, policy, read_files

_PAGE = "index.html"


def dashboard_router() -> APIRouter:
    """Make the routes. The files are read now, and never again."""
    files = read_files()
    page = files.pop(_PAGE)
    headers = {"Content-Security-Policy": policy(page.content)}
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def dashboard(request: Request) -> Response:
        return _answer(request, page, headers)

    @router.get("/dashboard/{path:path}")
    async def file(request: Request, path: str) -> Response:
        if path not in files:
            raise HTTPException(404, "no such file")
        return _answer(request, files[path], {})

    return router


def _answer(request: Request, file: PageFile, more: dict[str, str]) -> Response:
    """The file, unless the browser has it: it asks each time, so a new version is seen at once."""
    headers = {"Cache-Control": "no-cache", "ETag": file.tag, "Vary": "Accept-Encoding", **more}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(file.packed, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
