"""One request to the provider, and its answer."""

import gzip
import http.client
import io
import ipaddress
import select
import socket
import ssl
import urllib.parse
import zlib


class Unsent(Exception):
    """A case of `send-error`, and what it holds."""


def exchange(connection, origin, method, target, headers, body):
    """Status, headers and body. H-16, H-19: to a judged address, sent once, bounded, and told apart."""
    url, opened = urllib.parse.urlsplit(origin), connection.open.pop(origin, None)
    if opened and select.select([opened.sock], [], [], 0)[0]:  # What stands there unasked is the end of it.
        opened.close()
        opened = None
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        if not opened:
            opened = http.client.HTTPConnection(url.hostname, port, timeout=30)
            found = {it[4][0] for it in socket.getaddrinfo(url.hostname, port, type=socket.SOCK_STREAM)}
            usable = [it for it in found if connection.private or ipaddress.ip_address(it).is_global]
            if not usable:
                raise OSError(f"H-16: {url.hostname} leads to no public address")
            opened.sock = socket.create_connection((usable[0], port), timeout=5)
            opened.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "https":
                opened.sock = ssl.create_default_context().wrap_socket(opened.sock, server_hostname=url.hostname)
            opened.sock.settimeout(30)
    except OSError as why:
        raise Unsent("not-sent", f"H-19: {why}") from None
    try:
        opened.putrequest(method, target, skip_accept_encoding=True)
        sized = [("content-length", str(len(body or b"")))] if body or method != "GET" else []
        for name, value in headers + sized:
            opened.putheader(name, value.encode("latin-1" if name != "authorization" else "utf-8"))
        opened.endheaders(body)
        answer = opened.getresponse()
        content = answer.read(connection.answer_bytes + 1)
        if answer.getheader("content-encoding") == "gzip":
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(connection.answer_bytes + 1)
        if len(content) > connection.answer_bytes:
            raise OSError(f"the answer is larger than {connection.answer_bytes} bytes")
        if answer.length:
            raise OSError("the answer ended early")
    except (OSError, EOFError, zlib.error, http.client.HTTPException) as why:
        opened.close()
        raise Unsent("unanswered", f"H-19: {why!r}") from None
    if not answer.will_close:
        connection.open[origin] = opened
    return answer.status, [(name.lower(), value) for name, value in answer.getheaders()], content
