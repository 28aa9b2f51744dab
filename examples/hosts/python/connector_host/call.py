"""What one call may do: the five interfaces that a connector imports."""

import hashlib
import hmac
import json
import time
import urllib.parse

from wasmtime.component import Record, Variant

from . import policy
from .exchange import Unsent, exchange
from .policy import Refused, refuse

REQUESTS, LOG_BYTES = 16, 64 * 1024


def plain(value):
    if isinstance(value, Record):
        return {name: plain(it) for name, it in vars(value).items()}
    if isinstance(value, Variant):
        return Variant(value.tag, plain(value.payload))
    return [plain(it) for it in value] if isinstance(value, (list, tuple)) else value


def record(fields):
    made = Record()
    vars(made).update(fields)
    return made


class Call:
    """The five interfaces, as one call may use them."""

    def __init__(self, connection, silent=None, carried=None):
        self.connection, self.silent, self.carried_uses = connection, silent, carried
        self.wrote, self.requests, self.logged = False, 0, 0

    def scrub(self, text):
        return self.connection.scrub(text) if self.connection else text

    def http_send(self, request):
        try:
            answer = self._send(plain(request))
        except Refused as why:
            answer = Variant("refused", str(why))
        except Unsent as why:
            answer = Variant(*why.args)
        if self.connection:
            self.store.set_epoch_deadline(self.ticks)  # Waiting for an answer is no time of the guest.
        return answer

    def _send(self, request):
        c = self.connection
        if self.silent or not c:
            refuse("H-18", f"{self.silent} sends nothing")
        self.requests += 1
        if self.wrote or self.requests > REQUESTS:
            refuse("H-17", "the call has already written, or sent too much")
        m = c.connector.manifest
        endpoint = next((e for e in m["endpoints"] if e["name"] == request["endpoint"]), None) or refuse("H-10", f"the endpoint {request['endpoint']} is not declared")
        origin = policy.fill(endpoint["origin"], c.settings)
        if endpoint["path"] == "":
            url = urllib.parse.urlsplit(origin)
            origin, endpoint = f"{url.scheme}://{url.netloc}", endpoint | {"path": url.path or "/"}
            request["path-with-query"] = endpoint["path"] + request["path-with-query"]
        target, headers, body, rendered = policy.place_secrets(m, endpoint, request, c.secret, c.settings)
        c.wait(endpoint, request["cost"])
        self.wrote = endpoint["writes"]
        headers.append(("user-agent", f"connector-host-example {m['name']}/{m['version']}"))
        try:
            status, answer, content = exchange(c, origin, endpoint["method"], target, headers, body)
        except Unsent as why:
            self.wrote = self.wrote and why.args[0] != "not-sent"
            raise Unsent(why.args[0], self.scrub(why.args[1])) from None
        captured = []
        for capture in endpoint["captures"] if 200 <= status < 300 else []:  # H-25
            if capture["place"].tag == "header":
                name = capture["place"].payload["name"].lower()
                prefix = capture["place"].payload["prefix"]
                values = [v.removeprefix(prefix) for n, v in answer if n == name]
                answer = [(n, v) for n, v in answer if n != name]
            else:
                text, values = content.decode("utf-8", "replace"), []
                try:
                    at = policy.json_member(text, capture["place"].payload, "H-25")
                except Refused:
                    at = None
                if at and text[at[0] : at[1]] != "null":
                    value = json.loads(text[at[0] : at[1]])
                    values = [value if isinstance(value, str) else text[at[0] : at[1]]]
                    content = (text[: at[0]] + "null" + text[at[1] :]).encode()
            for value in values[:1]:
                c.secrets[capture["secret"]] = [value]
                captured.append(capture["secret"])
        scrub = lambda text: c.scrub(text, rendered)
        clean = scrub(content.decode("latin-1")).encode("latin-1") if content else b""
        headers = [(name, scrub(value)) for name, value in answer]
        return record({"status": status, "headers": headers, "body": clean, "captured": captured})

    def http_report_limit(self, name, left, total, full_in_ms):
        if self.connection:
            self.connection.reported(name, min(left, total), total, full_in_ms / 1000)

    def _key(self, name, algorithm, role):
        c = self.connection
        uses = c.connector.manifest["key-uses"] if c else []
        if not any((k["secret"], k["algorithm"], k["role"]) == (name, algorithm, role) for k in uses):
            return "denied"
        if algorithm != "hmac-sha256":
            return "unsupported"
        return c.secrets.get(name) or "not-found"

    def secrets_sign(self, name, algorithm, message):
        keys = self._key(name, algorithm, "sign")
        if isinstance(keys, str):
            return keys
        pieces = []
        declared = {use["secret"] for use in self.connection.connector.manifest["secret-uses"]} | {name}
        for part in message:
            if part.tag == "secret" and part.payload not in declared:
                return "denied"
            if part.tag == "secret" and not self.connection.secrets.get(part.payload):
                return "not-found"
            pieces.append(part.payload if part.tag == "bytes" else self.connection.secrets[part.payload][0].encode())
        return hmac.new(keys[0].encode(), b"".join(pieces), hashlib.sha256).digest()

    def secrets_verify(self, name, algorithm, message, signature):
        keys = self._key(name, algorithm, "verify")
        if isinstance(keys, str):
            return keys
        made = [hmac.new(key.encode(), message, hashlib.sha256).digest() for key in keys]
        return any([hmac.compare_digest(one, signature) for one in made])

    def secrets_carried(self, use):
        return (self.carried_uses or {}).get(use, "denied")

    def settings_get(self, name):
        return self.connection.settings.get(name) if self.connection else None

    def clock_now_ms(self):
        return int(time.time() * 1000)

    def log_write(self, level, message):
        if self.connection and self.logged < LOG_BYTES:
            line = self.scrub(message[:4096]).encode("unicode_escape").decode()[:4096]
            self.logged += len(line)
            self.connection.log(level, line)
