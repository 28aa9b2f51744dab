"""This host under the host kit: a job a line in, a reply a line out (tests/host-kit/README.md)."""

import json
import sys

from wasmtime import WasmtimeError

from connector_host import CallError, Connection, Connector, Refused

loaded = {}


def outcome(connection, asked):
    match asked["call"]:
        case "get":
            return connection.get(asked["object"], asked["id"])
        case "list":
            return {"records": connection.page(asked["object"])["records"]}
        case "scan":
            return {"records": list(connection.list(asked["object"]))}
        case "create":
            item = connection.create(asked["object"], asked["input"])
            return {"id": item if isinstance(item, str) else item["id"]}
        case "objects":
            try:
                return connection.call("discovery", "objects")
            except CallError as why:
                return [] if why.kind == "unsupported" else throw(why)
        case "describe":
            return {"events": connection.call("catalog", "describe", asked["object"], silent="describing")["events"]}
        case "derive":
            parent = {"id": asked["id"], "updated-at": None, "created-at": None, "version": None, "data": asked["data"]}
            return {"records": [one for each in connection.derive([asked["object"]], [parent]) for them in each for one in them]}
        case "complete":
            before = set(connection.secrets)
            learned = connection.complete(asked["session"], asked["query"])
            return {"settings": learned, "secrets": sorted(set(connection.secrets) - before)}
        case "deliver":
            status, headers, _, events = connection.deliver("POST", asked["url"], asked["headers"].items(), asked["body"].encode())
            return {"status": status, "headers": dict(headers), "records": [e["effect"].payload for e in events]}


def throw(why):
    raise why


def reply(job):
    logs, bounds, settings = [], job["bounds"], job["settings"]
    try:
        key = (job["component"], bounds["cpu-ms"], bounds["memory-bytes"])
        if key not in loaded:
            loaded[key] = Connector(key[0], memory_bytes=key[2], cpu_s=key[1] / 1000)
        connection = Connection(
            loaded[key], settings=settings["customer"], operator=settings["operator"], secrets=job["secrets"],
            allow_private=job["allow-private"], attempts=job["attempts"], answer_bytes=bounds["answer-bytes"],
            log=lambda level, line: logs.append(line),
        )
    except (Refused, WasmtimeError, CallError) as why:
        return {"refused": str(why), "outcomes": [], "logs": []}
    outcomes = []
    for asked in job["calls"]:
        try:
            outcomes.append({"ok": outcome(connection, asked)})
        except CallError as why:
            outcomes.append({"error": {"kind": why.kind, "message": str(why)}})
    return {"outcomes": outcomes, "logs": logs}


for line in sys.stdin:
    print(json.dumps(reply(json.loads(line)), default=vars), flush=True)
