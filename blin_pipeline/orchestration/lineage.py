"""The tables' own documentation for engineers: models, columns, tests and lineage as one static page, made without a server.

Made from the dbt project alone; nothing of the warehouse is read, so that the page holds no data.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from blin_pipeline.errors import ConfigurationError
from blin_pipeline.orchestration.dbt_process import DBT
from blin_pipeline.orchestration.tables import dbt_environment, prepare_dbt
from blin_pipeline.settings import DBT_PROJECT_DIR, Settings

PAGE = "lineage.html"


def write_lineage(settings: Settings) -> Path:
    """Write ``restricted/engineering/lineage.html`` anew and return its path.

    Raises:
        ConfigurationError: Code ``E_DBT_PARSE`` when dbt cannot read the project.
    """
    parsed = prepare_dbt(settings).manifest_path.parent
    work = settings.dbt_dir / "docs"
    shutil.rmtree(work, ignore_errors=True)
    # From the manifest at hand, without compiling and with an empty catalogue: dbt opens no database.
    shutil.copytree(parsed, work)
    done = subprocess.run(
        [DBT, "--quiet", "docs", "generate", "--static", "--no-compile", "--empty-catalog"],
        env=dbt_environment(settings) | {"DBT_TARGET_PATH": str(work), "DBT_PROJECT_DIR": str(DBT_PROJECT_DIR)},
        cwd=DBT_PROJECT_DIR,
        capture_output=True,
        check=False,
    )
    made = work / "static_index.html"
    if done.returncode != 0 or not made.is_file():
        raise ConfigurationError(
            "E_DBT_PARSE",
            "dbt cannot document the project",
            fix=f"Read {settings.dbt_dir / 'logs' / 'dbt.log'} and correct the model.",
        )
    folder = settings.restricted / "engineering"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / PAGE
    fresh = folder / f".{PAGE}"
    shutil.copyfile(made, fresh)
    fresh.chmod(0o600)
    fresh.replace(target)
    return target
