"""A host for one process: it loads a component, and makes its calls, each in an instance of its own."""

import hmac
import http.server
import json
import threading
import time
import urllib.parse
import uuid
from collections import deque

from wasmtime import Config, Engine, Store, Trap, WasmtimeError
from wasmtime.component import Component, Linker, Variant

from . import fast_lists, policy  # noqa: F401
from .call import Call, plain, record
from .exchange import Unsent
from .policy import Refused, refuse

API, HOST = "connector:api/", "connector:host/"
TICK_S, LONGEST_WAIT_S = 0.01, 30
LOST_PAUSES_S = (2, 5, 15)


class CallError(Exception):
    """What a call failed with: act by `kind` alone."""

    def __init__(self, kind, message, payload=None):
        super().__init__(message)
        self.kind, self.payload = kind, payload


class Connector:
    """A component that was loaded and whose manifest was checked."""

    def __init__(self, path, memory_bytes=64 << 20, cpu_s=1.0):
        config = Config()
        config.epoch_interruption = True
        self.engine, self.memory_bytes, self.ticks = Engine(config), memory_bytes, int(cpu_s / TICK_S)
        self.component, self.here = Component.from_file(self.engine, str(path)), threading.local()
        offered = {f"{HOST}{it}@0.2.0" for it in ("http", "secrets", "settings", "clock", "log")}
        types = {f"{API}{it}@0.2.0" for it in ("types", "objects", "permissions", "setup")}
        if other := set(self.component.type.imports(self.engine)) - offered - types:
            refuse("H-1", f"it imports {', '.join(sorted(other))}")
        self.linker = Linker(self.engine)
        call = lambda name: lambda _, *arguments: getattr(self.here.call, name)(*arguments)
        functions = {"http": ["send", "report-limit"], "secrets": ["sign", "verify", "carried"], "settings": ["get"], "clock": ["now-ms"], "log": ["write"]}
        with self.linker.root() as root:
            for interface, names in functions.items():
                with root.add_instance(f"{HOST}{interface}@0.2.0") as instance:
                    for name in names:
                        instance.add_func(name, call(f"{interface}_{name.replace('-', '_')}"))
            for name in types:
                root.add_instance(name).close()
        threading.Thread(target=self._tick, daemon=True).start()
        self.manifest = self.run(Call(None, "the manifest"), "catalog", "get-manifest")
        policy.check_manifest(self.manifest)

    def _tick(self):
        while True:
            time.sleep(TICK_S)
            self.engine.increment_epoch()

    def run(self, call, interface, function, *arguments):
        """One call in a fresh instance (H-31)."""
        store = call.store = Store(self.engine)
        store.set_limits(memory_size=self.memory_bytes, memories=4, instances=32, tables=32)
        store.set_epoch_deadline(self.ticks)
        self.here.call, call.ticks = call, self.ticks
        try:
            instance = self.linker.instantiate(store, self.component)
            index = instance.get_export_index(store, f"{API}{interface}@0.2.0")
            function = index and instance.get_export_index(store, function, index)
            if not function:
                raise CallError("unsupported", f"the connector offers no {interface}")
            answer = plain(instance.get_func(store, function)(store, *arguments))
        except (Trap, WasmtimeError) as why:
            kind = "outcome-unknown" if call.wrote else "internal"
            raise CallError(kind, call.scrub(f"H-31: the call was stopped: {str(why)[:500]}")) from None
        finally:
            store.close()
        if isinstance(answer, Variant) and answer.tag in ("ok", "err"):
            answer = answer.payload
        if isinstance(answer, dict) and "kind" in answer and "http-status" in answer:
            raise CallError(answer["kind"].tag, answer["message"], answer["kind"].payload)
        return answer


class Connection:
    """One customer's account. Its calls are made one after the other."""

    def __init__(self, connector, settings=None, operator=None, secrets=None, allow_private=False, limits=True, attempts=4, answer_bytes=8 << 20, log=lambda level, line: None):
        self.connector, self.private, self.attempts, self.answer_bytes, self.log = connector, allow_private, attempts, answer_bytes, log
        self.limits = connector.manifest["limits"] if limits or not allow_private else []  # Off for a simulator alone.
        self.secrets = {name: [it] if isinstance(it, str) else list(it) for name, it in (secrets or {}).items()}
        declared = {one["name"]: one for one in connector.manifest["settings"]}
        self.settings = {name: one["default"] for name, one in declared.items() if one["default"] is not None}
        given = [(settings or {}, "customer"), (operator or {}, "operator")]
        schemes = [scheme["name"] for scheme in connector.manifest["schemes"]]
        self.settings["scheme"] = next((them.pop("scheme") for them, _ in given if "scheme" in them), schemes[0] if schemes else None)
        for values, by in given:
            for name, value in values.items():
                policy.check_setting(declared.get(name) or refuse("H-6", f"no setting is called {name}"), value, by, allow_private)
                self.settings[name] = value
        self.counts, self.lock, self.open = {}, threading.RLock(), {}

    def secret(self, name):
        return (self.secrets.get(name) or [None])[0] or self._unsent("no-secret", f"H-15: the connection has no secret {name}")

    def _unsent(self, *case):
        raise Unsent(*case)

    def scrub(self, text, more=()):
        """H-14: without any secret, in whatever form it may come back."""
        every = {form for versions in self.secrets.values() for value in versions for form in policy.forms(value)} | set(more)
        for form in sorted(every, key=len, reverse=True):
            text = text.replace(form, "[redacted]") if len(form) > 3 else text
        return text

    def wait(self, endpoint, cost):
        """H-20: until every limit has room. No window of its length holds more than it allows."""
        now, longest = time.monotonic(), 0
        for limit in (one for one in self.limits if one["name"] in endpoint["limits"] and one["measure"].tag != "at-once"):
            rate, price = limit["measure"].payload, cost if limit["measure"].tag == "points" else 1
            window = rate["window-ms"] / 1000
            count = self.counts.setdefault(limit["name"], {"total": rate["amount"], "sent": deque()})
            sent, total = count["sent"], count["total"]
            price <= total or refuse("H-20", f"the cost {price} is above the limit {limit['name']}")
            while sent and sent[0][0] + window <= now:
                sent.popleft()
            used = sum(it for _, it in sent)
            for at, it in sent:
                if used + price <= total:
                    break
                used, longest = used - it, max(longest, at + window - now)
        if longest > LONGEST_WAIT_S:
            self._unsent("limited", int(longest * 1000))
        if longest > 0:
            time.sleep(longest)
        for limit in (one for one in self.limits if one["name"] in endpoint["limits"] and one["name"] in self.counts):
            self.counts[limit["name"]]["sent"].append((time.monotonic(), cost if limit["measure"].tag == "points" else 1))

    def reported(self, name, left, total, full_in_s):
        """H-21: what the provider reports replaces the count."""
        limit = next((one for one in self.connector.manifest["limits"] if one["name"] == name and one["measure"].tag != "at-once"), None)
        if limit:
            spent = (time.monotonic() + full_in_s - limit["measure"].payload["window-ms"] / 1000, total - left)
            self.counts[name] = {"total": total, "sent": deque([spent])}

    def call(self, interface, function, *arguments, silent=None, carried=None):
        with self.lock:
            return self.connector.run(Call(self, silent, carried), interface, function, *arguments)

    def repeated(self, call):
        """H-32, H-34: `call(again)` until it ends otherwise than for now."""
        again = False
        for attempt in range(self.attempts):
            try:
                return call(again)
            except CallError as why:
                if attempt + 1 == self.attempts or why.kind not in ("rate-limited", "unavailable", "outcome-unknown"):
                    raise
                again = again or why.kind == "outcome-unknown"
                asked = (why.payload or 4000) / 1000 if why.kind == "rate-limited" else 0.05 * 2**attempt
                time.sleep(LOST_PAUSES_S[min(attempt, 2)] if again else asked)

    def get(self, object, id):
        view = record({"fields": [], "options": None})
        return self.repeated(lambda _: self.call("records", "get", object, id, view))

    def page(self, object, start=Variant("beginning"), page_size=None, filter=None):
        request = record({"object": object, "start": start, "page-size": page_size, "filter": filter, "view": record({"fields": [], "options": None})})
        return self.repeated(lambda _: self.call("records", "list", request))

    def list(self, object, filter=None):
        """Every record. H-35: a cursor that comes again ends the scan."""
        start = Variant("beginning")
        while True:
            page = self.page(object, start, filter=filter)
            yield from page["records"]
            if page["next"] is None:
                return
            if start.payload == page["next"]:
                raise CallError("internal", "H-35: the cursor came again")
            start = Variant("at", page["next"])
            if page["not-before-ms"]:
                time.sleep(page["not-before-ms"] / 1000)

    def create(self, object, input):
        key, text = str(uuid.uuid4()), input if isinstance(input, str) else json.dumps(input)
        attempt = lambda again: record({"key": key, "again": again})
        return self.repeated(lambda again: self.call("records", "create", object, text, attempt(again)))["item"]

    def derive(self, objects, parents):
        lists = self.call("derived", "derive", objects, [record(it) for it in parents], silent="deriving")
        for parent, one in ((parent, one) for each in lists for parent, it in zip(parents, each) for one in it):
            if one["id"] != parent["id"] and not one["id"].startswith(parent["id"] + "/"):
                raise CallError("internal", f"H-38: {one['id']} is not named after its holder")
        return lists

    def complete(self, session, query):
        """Ends a connection that sent its customer to the provider. H-29: what was learned is kept whole or not at all."""
        before = dict(self.secrets)
        try:
            grant = self.repeated(lambda _: self.call("auth", "complete", session, query))
            declared = {one["name"]: one for one in self.connector.manifest["settings"]}
            learned = {name: value for name, value in grant["settings"] if name in declared}
            for name, value in learned.items():
                policy.check_setting(declared[name], value, "connector")
        except (CallError, Refused) as why:
            self.secrets = before
            raise why if isinstance(why, CallError) else CallError("internal", f"H-29: {why}")
        self.settings.update(learned)
        return learned

    def deliver(self, method, url, headers, body):
        """Status, headers and body to answer, and the events (H-41, H-42). Keep the events before you answer."""
        headers = [(name.lower(), value if isinstance(value, bytes) else value.encode("latin-1")) for name, value in headers]
        m, carried = self.connector.manifest, {}
        path, _, query = url.partition("?")
        pairs = [pair for pair in query.split("&") if pair]
        name_of = lambda pair: urllib.parse.unquote_plus(pair.partition("=")[0])
        for use in (one for one in m["secret-uses"] if one["name"] in m["delivery-secrets"]):
            place, found = use["place"], []
            if place.tag == "header":
                name, prefix = place.payload["name"].lower(), place.payload["prefix"].encode()
                found = [v[len(prefix) :] for n, v in headers if n == name and v.startswith(prefix)]
                headers = [(n, v) for n, v in headers if n != name]
            elif place.tag == "query":
                found = [urllib.parse.unquote_plus(p.partition("=")[2]).encode() for p in pairs if name_of(p) == place.payload]
                pairs = [p for p in pairs if name_of(p) != place.payload]
            live = self.secrets.get(use["secret"], [])
            carried[use["name"]] = "not-found" if not live else len(found) == 1 and any([hmac.compare_digest(it.encode(), found[0]) for it in live])
        headers = [(n, v) for n, v in headers if n not in ("authorization", "proxy-authorization", "cookie")]
        url, at = path + ("?" + "&".join(pairs) if pairs else ""), time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        delivery = record({"subscription": None, "method": method, "url": url, "headers": headers, "body": body, "received-at": at})
        taken = self.call("subscriptions", "receive", delivery, silent="receiving", carried=carried)
        if isinstance(taken, Variant):
            return {"unverified": 401, "unreadable": 200, "try-again": 503}[taken.tag], [], b"", []
        answer = taken["answer"] or {"status": 200, "headers": [], "body": b""}
        kept = [(n, v) for n, v in answer["headers"] if not policy.FRAMING.fullmatch(n.lower()) and n.lower() not in ("keep-alive", "trailer")]
        return answer["status"], kept, answer["body"], taken["events"]


def receiver(connection, keep, port=8090, path="/hooks"):
    """An HTTP server for deliveries: `keep(events)` stores them, and success is answered when it has."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            status, headers, answer, events = 404, [], b"", []
            length = int(self.headers.get("content-length") or 0)
            if self.path.partition("?")[0] == path and length <= 1 << 20:
                try:
                    url = f"https://{self.headers.get('host', 'host')}{self.path}"
                    status, headers, answer, events = connection.deliver("POST", url, self.headers.items(), self.rfile.read(length))
                    keep(events)
                except Exception:
                    status, headers, answer = 503, [], b""
            self.send_response(status)
            for name, value in [*headers, ("content-length", str(len(answer)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
