"""Read the page's files once, and keep them as they are sent: packed, with a tag that says which they are."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("static")
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What a browser may load; licences, lists of what is vendored and READMEs stay on the disk."""
_IMPORT_MAP: Final = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class PageFile:
    """One file, as it is sent."""

    content: bytes
    media_type: str

    @cached_property
    def packed(self) -> bytes:
        """The content in gzip's format, the same bytes at each start."""
        return gzip.compress(self.content, 9, mtime=0)

    @cached_property
    def tag(self) -> str:
        """A name of this content, for ``ETag``."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:24]}"'


def read_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """Every file that browsers may load, by its path below ``folder``."""
    return {
        place.relative_to(folder).as_posix(): PageFile(place.read_bytes(), _TYPES[place.suffix])
        for place in sorted(folder.rglob("*"))
        if place.suffix in _TYPES and place.is_file()
    }


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: files of this server, and the page's import map, by its hash.

    Raises:
        ValueError: the page has no import map, or more than one.
    """
    (import_map,) = _IMPORT_MAP.findall(page.decode())
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    return (
        f"default-src 'self'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
