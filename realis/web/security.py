"""Security headers and the content security policy for every page. No page needs an exception."""

from __future__ import annotations

from aiohttp import web

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


def policy(gateway_url: str) -> str:
    """The content security policy: our own origin and, for screens, the gateway's websocket."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self' {gateway_url}; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def install(app: web.Application, gateway_url: str, *, https: bool) -> None:
    """Put the headers on every answer of this application."""
    content_policy = policy(gateway_url)

    async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", content_policy)
        if https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")

    app.on_response_prepare.append(add_headers)
