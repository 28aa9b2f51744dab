"""Connects with a key, creates a tracking, and waits for the change that tells of it. Python 3, no packages.

    AFTERSHIP_API_KEY=asat_... python3 main.py 1Z12345E0205271688 ups

API_URL, API_TOKEN, CONNECTION, BASE_URL: see README.md.
"""

import json
import os
import sys
import time
import uuid
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

API = os.environ.get("API_URL", "http://127.0.0.1:8081")
TOKEN = os.environ.get("API_TOKEN")
CONNECTION = os.environ.get("CONNECTION", "example")
TRIES = 5
# A proxy of the environment is not for a program beside this one.
OPENER = build_opener(ProxyHandler({}))


class Problem(Exception):
    """A problem (RFC 9457). `kind` says what to do; `next` says it to people."""

    def __init__(self, problem):
        text = f"{problem['kind']} ({problem['source']}): {problem['detail']}"
        if problem.get("next"):
            text += f"\nnext: {problem['next']}"
        super().__init__(text)
        self.problem = problem
        self.kind = problem["kind"]


def send(method, path, headers, body=None, timeout=120):
    """The open answer; `Problem` where it is one, with the seconds after which it is worth another try."""
    if TOKEN:
        headers = {**headers, "Authorization": f"Bearer {TOKEN}"}
    request = Request(API + path, method=method, headers=headers, data=body)
    try:
        return OPENER.open(request, timeout=timeout)
    except HTTPError as answer:
        with answer:
            problem = Problem(json.load(answer))
            problem.after = answer.headers.get("Retry-After")
        raise problem from None


def call(method, path, body=None):
    """The answer's document.

    A write has one key for all its tries, so it is done once however often it is sent; what may come again
    later is tried again after the time that the API names.
    """
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body).encode()
    for tried in range(1, TRIES + 1):
        wait = tried
        try:
            with send(method, path, headers, body) as answer:
                return json.load(answer) if answer.status != 204 else None
        except Problem as problem:
            if problem.kind not in ("unavailable", "rate-limited") or tried == TRIES:
                raise
            wait = int(problem.after or tried)
        except (OSError, HTTPException):
            # No answer: with its key it may be sent again.
            if tried == TRIES:
                raise
        time.sleep(wait)


def changes(of):
    """Changes of the connection, without end. After a cut, the last event's id goes on where it was."""
    last, failed = None, 0
    while True:
        headers = {"Accept": "text/event-stream"}
        if last:
            headers["Last-Event-ID"] = last
        try:
            path = f"/v1/changes?connection={quote(CONNECTION, safe='')}&object={of}"
            # The stream says something every 15 seconds.
            with send("GET", path, headers, timeout=60) as answer:
                event = {}
                for line in answer:
                    line = line.decode().rstrip("\r\n")
                    if line:
                        name, _, value = line.partition(":")
                        event[name] = value.removeprefix(" ")
                        continue
                    last, failed = event.get("id", last), 0
                    if "data" in event:
                        yield json.loads(event["data"])
                    event = {}
        except Problem as problem:
            failed += 1
            if problem.kind != "unavailable" or failed == TRIES:
                raise
        except (OSError, HTTPException):
            failed += 1
            if failed == TRIES:
                raise
        time.sleep(1)


def main(number="1Z12345E0205271688", courier="ups"):
    base = os.environ.get("BASE_URL")
    secrets = {"api-key": os.environ["AFTERSHIP_API_KEY"]}
    settings = {"base-url": base} if base else {}
    try:
        call("POST", "/v1/connections", {"name": CONNECTION, "secrets": secrets, "settings": settings})
    except Problem as problem:
        if problem.kind != "conflict":  # it is there already
            raise
    print(f"connected {CONNECTION}", flush=True)

    path = f"/v1/connections/{quote(CONNECTION, safe='')}"
    try:
        new = {"tracking_number": number, "slug": courier}
        record = call("POST", f"{path}/objects/trackings/records", new)["id"]
    except Problem as problem:
        if problem.kind != "conflict" or not problem.problem.get("existing"):
            raise
        record = problem.problem["existing"]  # AfterShip has it already
    print(f"created {record}", flush=True)

    # The change comes with the next delivery or scan; this asks for a scan now.
    call("POST", f"{path}/sync", {"objects": ["trackings"]})
    for change in changes("trackings"):
        if change["id"] == record:
            print(f"changed {record}: {change['kind']}", flush=True)
            return


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Problem as problem:
        print(problem, file=sys.stderr)
        for violation in problem.problem["violations"]:
            print(" ", json.dumps(violation), file=sys.stderr)
        sys.exit(1)
