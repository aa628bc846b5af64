"""The exact bytes of one reading, as they come: kept in its workspace, described for the archive, counted for the bar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blin_pipeline.redcap.answers import Json
from blin_pipeline.redcap.client import Answer
from blin_pipeline.redcap.disk import disk_faults
from blin_pipeline.redcap.exported import Payload, describe_payload
from blin_pipeline.redcap.faults import RedcapReadError, Refusal
from blin_pipeline.redcap.progress import Steps


class Received:
    """What one reading has received so far.

    Args:
        workspace: Private folder of the reading.
        steps: Told of every answer that was kept.

    Attributes:
        payloads: Name -> exact bytes, the latest under each name.
        notes: What a person should know about this reading; no value of a record.
    """

    def __init__(self, workspace: Path, steps: Steps) -> None:
        self.workspace = workspace
        self.steps = steps
        self.payloads: dict[str, Payload] = {}
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Write a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def keep(self, name: str, answer: Answer) -> Json:
        """Save the bytes of a small answer and hand on its value."""
        path = self.workspace / f"{name}.json"
        with disk_faults("saving an answer"):
            path.write_bytes(answer.body)
        payload = self.keep_file(name, path)
        self.steps.finish(name.replace("_", " "), n_bytes=payload.n_bytes)
        return answer.value

    def keep_file(self, name: str, path: Path) -> Payload:
        """Take a file of the workspace among the exact bytes."""
        self.payloads[name] = describe_payload(name, path)
        return self.payloads[name]

    def keep_optional(self, name: str, ask: Callable[[], Answer], absent: Refusal) -> tuple[bool, Json]:
        """Keep an answer that a project or token may lack; ``(False, None)`` when REDCap says that it does."""
        try:
            return True, self.keep(name, ask())
        except RedcapReadError as error:
            if error.refusal is not absent:
                raise
            self.steps.finish(error.endpoint)
            return False, None
