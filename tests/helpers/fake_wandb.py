"""A W&B server of our own on localhost: as much of its protocol as wandb 0.31 needs to go online, and what arrives.

Four answers: `normal`; `refuse` (401 to everything); `silent` (takes the connection and never answers); `dies` (normal,
until the first lines of a run's history have come: then it is gone, its open connections too).
"""

import json
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Mode = Literal["normal", "refuse", "silent", "dies"]


@dataclass
class Run:
    """One run as it arrived; what is `None` was never sent."""

    id: str
    name: str | None = None
    group: str | None = None
    job_type: str | None = None
    project: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    state: str = "running"
    """running until the client says how it ended: then finished or failed."""

    def update(self, sent: dict[str, Any]) -> None:
        """Take the variables of an `UpsertBucket`."""
        for ours, theirs in (("name", "displayName"), ("group", "groupName"), ("job_type", "jobType")):
            if sent.get(theirs) is not None:
                setattr(self, ours, sent[theirs])
        self.project = sent["project"]
        config = json.loads(sent.get("config") or "{}")
        self.config |= {key: entry["value"] for key, entry in config.items() if key != "_wandb"}

    def stream(self, sent: dict[str, Any]) -> None:
        """Take a `file_stream` post: lines of some files, each list from its `offset` on, and the end."""
        for name, part in sent.get("files", {}).items():
            lines = [json.loads(line) for line in part["content"] if line.startswith("{")]
            if name == "wandb-history.jsonl":
                self.history[part["offset"] :] = lines
            elif name == "wandb-summary.json":
                self.summary = lines[-1]
        if sent.get("complete"):
            self.state = "finished" if sent["exitcode"] == 0 else "failed"

    def values(self, key: str) -> list[float]:
        return [line[key] for line in self.history if key in line]

    def bucket(self) -> dict[str, Any]:
        """The run as GraphQL describes it; the client continues its history behind the lines counted here."""
        tail = json.dumps([json.dumps(line) for line in self.history[-1:]])
        return {
            "id": self.id, "name": self.id, "displayName": self.name, "description": None, "notes": None, "tags": [],
            "config": json.dumps({key: {"value": value} for key, value in self.config.items()}), "sweepName": None,
            "summaryMetrics": json.dumps(self.summary), "wandbConfig": '{"t": 1}',
            "historyLineCount": len(self.history), "eventsLineCount": 0, "logLineCount": 0,
            "historyTail": tail, "eventsTail": "[]",
            "project": {"id": "project", "name": self.project, "entity": {"id": "entity", "name": "tester"}},
        }  # fmt: skip


class FakeWandb(ThreadingHTTPServer):
    """`with FakeWandb() as server:` then train with `server.environment`; look at `server.runs` (by id) and `calls`."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, mode: Mode = "normal"):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode = mode
        self.runs: dict[str, Run] = {}
        self.calls: list[str] = []
        """Every request, in order: the GraphQL operation, or method and path."""
        self._connections: list[socket.socket] = []
        self.dead = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        """What a client process needs to come here."""
        return {"WANDB_BASE_URL": f"http://127.0.0.1:{self.server_port}", "WANDB_API_KEY": "0123456789" * 4}

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()

    def die(self) -> None:
        """As a server that loses its power: no new connections, the open ones are cut."""
        if self.dead.is_set():
            return
        self.dead.set()
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it was closed long ago
                continue

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client may leave before the answer
            super().handle_error(request, client_address)

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path != "/graphql":
            if path.endswith("/file_stream"):
                run, sent = self.runs[path.split("/")[-2]], json.loads(body)
                if self.mode == "dies" and "wandb-history.jsonl" in sent.get("files", {}):
                    self.die()
                    raise ConnectionAbortedError
                run.stream(sent)
            elif path.startswith("/upload/"):
                _, _, run_id, name = path.split("/", 3)
                self.runs[run_id].files.add(name)
            return {}  # the rest is telemetry
        query = json.loads(body)
        return {"data": self.graphql(query["operationName"], query.get("variables") or {})}

    def graphql(self, operation: str, sent: dict[str, Any]) -> dict[str, Any]:
        if operation == "Viewer":
            account = {"id": "tester", "entity": "tester", "username": "tester", "email": "", "flags": "{}"}
            return {"viewer": account | {"teams": {"edges": []}}}
        if operation == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if operation == "RunResumeStatus":
            run = self.runs.get(sent["name"])
            return {"model": run and {"entity": {"name": "tester"}, "bucket": run.bucket()}}
        if operation == "UpsertBucket":
            inserted = sent["name"] not in self.runs
            run = self.runs.setdefault(sent["name"], Run(sent["name"]))
            run.update(sent)
            return {"upsertBucket": {"bucket": run.bucket(), "inserted": inserted}}
        if operation == "CreateRunFiles":
            upload = f"{self.environment['WANDB_BASE_URL']}/upload/{sent['run']}"
            files = [{"name": name, "uploadUrl": f"{upload}/{name}"} for name in sent["files"]]
            return {"createRunFiles": {"runID": sent["run"], "uploadHeaders": [], "files": files}}
        return {}  # what it can do without


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeWandb

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.calls.append(
            json.loads(body)["operationName"] if self.path == "/graphql" else f"{self.command} {self.path}"
        )
        if self.server.mode == "silent":
            self.server.dead.wait()
            return
        refused = self.server.mode == "refuse"
        content = {"errors": [{"message": "no"}]} if refused else self.server.answer(self.path, body)
        answer = json.dumps(content).encode()
        self.send_response(401 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """The screen belongs to the tests."""
