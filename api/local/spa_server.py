"""``lucy spa``: serves the built SPA as static files, apart from the API.

The address of the API is told at run time (``/config.json``), so one build serves everywhere. A path that is no file answers the SPA's
``index.html``, as its router works in the browser. Files under ``assets/`` carry a hash of their content in their name and may be cached
for ever; everything else is asked for anew. Production puts Caddy in this place (``spa/Caddyfile``).
"""

import asyncio
import contextlib
import gzip
import hashlib
import mimetypes
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from api.local.errors import LocalError
from api.local.ports import check_port
from api.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]
_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "application/manifest+json", "image/svg+xml")
_MIN_COMPRESSED = 1_000
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_FOREVER, _ASK = "public, max-age=31536000, immutable", "no-cache"
_SHUTDOWN_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class _File:
    body: bytes
    compressed: bytes | None
    content_type: str
    etag: str


def find_build() -> Path | None:
    """The folder of the built SPA, or None where it is not built."""
    build = _ROOT / "spa" / "dist"
    return build if (build / "index.html").is_file() else None


def run(settings: Settings) -> int:
    """Serve until SIGINT or SIGTERM; the exit code.

    Raises:
        LocalError: The SPA is not built, or the port is taken.
    """
    build = find_build()
    if build is None:
        raise LocalError("the SPA is not built: run `make spa` first")
    check_port(settings.host, settings.spa_port, "LUCY_SPA_PORT")
    asyncio.run(_serve(make_app(settings, build), settings.host, settings.spa_port))
    return 0


def make_app(settings: Settings, build: Path) -> web.Application:
    """The server's application."""
    files = _Files(build)

    async def config(request: web.Request) -> web.StreamResponse:
        return web.json_response({"apiUrl": _api_url(settings, request)}, headers={"Cache-Control": "no-store"})

    async def anything(request: web.Request) -> web.StreamResponse:
        path = request.path.lstrip("/")
        file = await files.find(path)
        if file is None and Path(path).suffix and not path.endswith(".html"):
            raise web.HTTPNotFound  # a missing script answered with the page would hide the mistake
        return _respond(request, file or await files.get("index.html"), is_hashed=file is not None and path.startswith("assets/"))

    @web.middleware
    async def with_security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_security_headers(settings, request))
            raise
        response.headers.update(_security_headers(settings, request))
        return response

    app = web.Application(middlewares=[with_security_headers])
    app.router.add_get("/config.json", config)
    app.router.add_get("/{path:.*}", anything)
    return app


class _Files:
    """The build's files, read and compressed once each."""

    def __init__(self, build: Path) -> None:
        self._build = build.resolve()
        self._known: dict[tuple[Path, int], _File] = {}

    async def find(self, path: str) -> _File | None:
        try:
            target = (self._build / path).resolve()
            if not target.is_relative_to(self._build) or not target.is_file():
                return None
            key = (target, target.stat().st_mtime_ns)
        except (OSError, ValueError):  # a name too long, or with a zero byte: no file has it
            return None
        if key not in self._known:
            self._known[key] = await asyncio.to_thread(_read, target)
        return self._known[key]

    async def get(self, path: str) -> _File:
        file = await self.find(path)
        if file is None:
            raise web.HTTPNotFound
        return file


def _read(path: Path) -> _File:
    body = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressed = None
    if content_type.startswith(_COMPRESSIBLE) and len(body) >= _MIN_COMPRESSED:
        compressed = gzip.compress(body, 6, mtime=0)
    return _File(body, compressed, content_type, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


def _respond(request: web.Request, file: _File, *, is_hashed: bool) -> web.Response:
    headers = {"Cache-Control": _FOREVER if is_hashed else _ASK, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if file.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    text = file.content_type.startswith(_COMPRESSIBLE)
    headers["Content-Type"] = file.content_type + ("; charset=utf-8" if text else "")
    if file.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=file.compressed, headers=headers | {"Content-Encoding": "gzip"})
    return web.Response(body=file.body, headers=headers)


def _api_url(settings: Settings, request: web.Request) -> str:
    """The API's address by the name that the browser used for this machine: the refresh cookie stays on one site only then."""
    parts = urlsplit(settings.api_url)
    asked = urlsplit(f"//{request.host}").hostname or ""
    if parts.hostname in _LOOPBACK and asked in _LOOPBACK and asked != "::1":
        return f"{parts.scheme}://{asked}" + (f":{parts.port}" if parts.port else "") + parts.path
    return settings.api_url


def _security_headers(settings: Settings, request: web.Request) -> dict[str, str]:
    api = urlsplit(_api_url(settings, request))
    policy = {
        "default-src": "'self'",
        "connect-src": f"'self' {api.scheme}://{api.netloc}",
        "img-src": "'self' data:",
        "style-src": "'self' 'unsafe-inline'",  # frameworks set style attributes
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


async def _serve(app: web.Application, host: str, port: int) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, told.set)
    try:
        await web.TCPSite(runner, host, port).start()
        print(f"serving the SPA on http://{host}:{port}", flush=True)
        await told.wait()
    finally:
        await runner.cleanup()
