"""What a job has to say to MLflow, kept in its run's folder before it is sent.

A line of JSON for each message, in their order, and never changed: what a store has not taken is
sent later, and a store that has lost the run is told all of it again. That the same message comes
twice changes nothing in the store, for each has its time.

The messages, `time` in milliseconds since 1970:
{"metrics": {name: value}, "step", "time"}, {"params": {}}, {"tags": {}},
{"text": "...", "file": "recipe.yaml"}, {"artifact": PATH, "folder": "evaluation" or null},
{"dataset": {"name", "digest", "source"}}, {"status": "RUNNING" or how it ended, "time"}.
A PATH is relative to the run's folder, so that it may be moved.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

JOURNAL, SENT = "tracking.jsonl", "tracking.sent.json"

Message = dict[str, Any]


class Journal:
    def __init__(self, run_dir: Path) -> None:
        self.path, self.sent = run_dir / JOURNAL, run_dir / SENT

    def add(self, message: Message) -> None:
        line = json.dumps(message, ensure_ascii=False).encode() + b"\n"
        # One write, so that the lines of two processes do not mix.
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line  # after a line that a killed process left unfinished
            os.write(file, line)
        finally:
            os.close(file)

    def messages(self, start: int = 0) -> Iterator[tuple[Message, int]]:
        """Each whole message from a place on, with the place after it, in bytes."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            file.seek(start)
            place = start
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written
                place += len(line)
                try:
                    yield json.loads(line), place
                except ValueError:
                    continue  # the process that wrote it was killed

    def sent_to(self, run_id: str) -> int:
        """Up to which place an MLflow run has it."""
        try:
            facts = json.loads(self.sent.read_text(encoding="utf-8"))
            return facts["bytes"] if facts["run_id"] == run_id else 0
        except (OSError, ValueError, LookupError, TypeError):
            return 0  # then all is sent again

    def mark_sent(self, run_id: str, place: int) -> None:
        self.sent.write_text(json.dumps({"run_id": run_id, "bytes": place}), encoding="utf-8")

    def waiting(self, run_id: str) -> int:
        """How many messages an MLflow run does not have."""
        return sum(1 for _ in self.messages(self.sent_to(run_id)))

    def last_steps(self) -> dict[str, int]:
        """Of each metric the largest step so far."""
        found: dict[str, int] = {}
        for message, _ in self.messages():
            for name in message.get("metrics", ()):
                found[name] = max(message["step"], found.get(name, message["step"]))
        return found

    def status(self) -> str | None:
        """What the job said last about itself."""
        said = [message["status"] for message, _ in self.messages() if "status" in message]
        return said[-1] if said else None

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)
        self.sent.unlink(missing_ok=True)
