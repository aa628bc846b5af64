"""The guarded client: the only way to a REDCap server.

Here: the exports that a pull may ask for (``redcap_client``), built by PyCap behind a guard (``guard``), when they are sent
again (``retries``), how they travel (``transport``, ``connections``, ``bodies``), how often (``pace``), where to
(``address``), and how long all of it may take (``limits``). Not here: what an answer means; that is the room's.
"""

from __future__ import annotations

from blin_pipeline.redcap.client.limits import ClientLimits
from blin_pipeline.redcap.client.redcap_client import Answer, RecordFile, RedcapClient

__all__ = ["Answer", "ClientLimits", "RecordFile", "RedcapClient"]
