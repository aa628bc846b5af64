"""A server on a state folder: two projects at its first start. As a program it serves until its input ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from longitudinal_sample import EVERYTHING, LONGITUDINAL
from pycap_sample import SUPER_TOKEN
from server_sample import OTHER_TOKEN, PROJECT, TOKEN

from blin_pipeline.sandbox.host import Host, open_accounts
from blin_pipeline.sandbox.rights import TokenRights
from blin_pipeline.sandbox.serve import RunningSandbox, serving_host
from blin_pipeline.sandbox.state import StateFolder


@contextmanager
def kept(folder: Path) -> Iterator[RunningSandbox]:
    """A server on a folder; two projects at the first start."""
    state = StateFolder(folder)
    try:
        accounts = state.load()
        if not accounts:
            rights = {TOKEN: EVERYTHING, OTHER_TOKEN: TokenRights(username="reader", data_access_group="site_a")}
            accounts = open_accounts({TOKEN: LONGITUDINAL, OTHER_TOKEN: PROJECT}, rights)
            for token, account in accounts.items():
                state.keep_account(token, account)
        with serving_host(Host(accounts, super_tokens=[SUPER_TOKEN], keeper=state)) as running:
            yield running
    finally:
        state.close()


if __name__ == "__main__":
    with kept(Path(sys.argv[1])) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
