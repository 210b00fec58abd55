"""Answers that other sites embed: for any origin, kept for a while, sent again once changed."""

from hashlib import sha256

from fastapi import Request, Response

from web.readers import VARIES

KEPT_FOR = "public, max-age=300"


def offered(request: Request, content: str, media_type: str) -> Response:
    """What other sites may ask for, or 304 when they have it already."""
    etag = f'"{sha256(content.encode()).hexdigest()[:32]}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": KEPT_FOR,
        "ETag": etag,
        **VARIES,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
