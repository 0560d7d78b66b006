"""A server on this machine that hands out files as bad servers do."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Source:
    """What is served. files: content by path; ranges: whether parts are sent; cut_after: bytes
    after which the connection breaks, one number an answer; refusals: statuses of the first answers.

    asked: the path and the Range of every request; url: of the server.
    """

    files: dict[str, bytes]
    ranges: bool = True
    says_length: bool = True
    cut_after: list[int] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    def etag(self, path: str) -> str:
        return f'"{hash(self.files[path])}"'


@contextmanager
def serving(source: Source) -> Iterator[Source]:
    """Serve a source on loopback while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(source))
    source.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()


def _handler(source: Source):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            source.asked.append((self.path, self.headers["Range"]))
            if source.refusals:
                return self.send_error(source.refusals.pop(0))
            if self.path not in source.files:
                return self.send_error(404)
            self._send(source.files[self.path])

        def _send(self, content: bytes):
            start, etag = self._start(), source.etag(self.path)
            if self.headers["If-Range"] not in (None, etag):
                start = 0
            if start and start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("ETag", etag)
            if start:
                span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", span)
            if source.says_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            most = source.cut_after.pop(0) if source.cut_after else len(content)
            self.wfile.write(content[start : start + most])

        def _start(self) -> int:
            match = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
            return int(match[1]) if match and source.ranges else 0

        def log_message(self, *_):
            """Say nothing."""

    return Handler
