"""What a field map means for the source of the settings, before anything is refreshed."""

from __future__ import annotations

from dataclasses import dataclass

from blin_pipeline.landing.inspection import workspace as reading_folder
from blin_pipeline.landing.reading import accepted_pull, live_dictionary, source_shape
from blin_pipeline.landing.write import land
from blin_pipeline.orchestration.inputs import export_source, open_client
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.redcap.progress import Steps
from blin_pipeline.redcap.received import Received
from blin_pipeline.redcap.setup_reading import read_setup
from blin_pipeline.redcap.shape import shape_of
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.registry.drift import BLOCKING, Drift, dictionary_changes, find_drift
from blin_pipeline.registry.requirements import Requirement, load_requirements, unmet_requirements
from blin_pipeline.registry.source_plan import SourcePlan, SourceShape, plan_source


@dataclass(frozen=True)
class MapCheck:
    """Everything that a person needs to judge a field map.

    Attributes:
        plan: What feeds the registry's instruments.
        unmet: Required concepts without a source.
        drift: Differences between the registry's dictionary and the source's, read through the map.
        changes: Differences of the source's dictionary from the one of the last accepted pull; empty without a pull.
    """

    plan: SourcePlan
    unmet: tuple[Requirement, ...]
    drift: tuple[Drift, ...]
    changes: tuple[Drift, ...]

    @property
    def stops_a_refresh(self) -> bool:
        """Whether a refresh would be refused."""
        return bool(self.plan.problems or self.unmet or any(item.kind in BLOCKING for item in self.drift))


def check_map(workspace: Workspace) -> MapCheck:
    """Read the source's set-up (of a server: no record) and resolve the field map against it.

    Raises:
        ConfigurationError: Settings, token or field map cannot be used.
        SourceError: The source cannot be read or trusted.
    """
    dictionary, shape = read_live(workspace)
    plan = plan_source(workspace.field_map, workspace.dictionary, workspace.repeating, shape)
    return MapCheck(
        plan=plan,
        unmet=tuple(unmet_requirements(plan.collected, load_requirements())),
        drift=tuple(find_drift(workspace.dictionary, dictionary, workspace.field_map)),
        changes=tuple(dictionary_changes(before, dictionary) if (before := _accepted_dictionary(workspace)) else ()),
    )


def read_live(workspace: Workspace) -> tuple[Dictionary, SourceShape]:
    """The source's dictionary and shape; files are read whole, of one server the set-up only.

    Raises:
        ConfigurationError: Settings or token cannot be used.
        SourceError: The source cannot be read or trusted.
    """
    settings = workspace.settings
    settings.prepare_home()
    with reading_folder(settings.restricted) as folder:
        if settings.source.kind == "api" and not settings.projects:
            client = open_client(settings)
            try:
                setup, _ = read_setup(client, Received(folder, Steps(0, None)))
            finally:
                client.close()
            return setup.dictionary, shape_of(setup)
        (folder / "source").mkdir(mode=0o700)
        pull = land(export_source(settings, folder / "source", None, only_look=True), folder / "pulls")
        return live_dictionary(pull), source_shape(pull)


def _accepted_dictionary(workspace: Workspace) -> Dictionary | None:
    pulls_dir = workspace.settings.pulls_dir
    return live_dictionary(accepted_pull(pulls_dir)) if (pulls_dir / "accepted").is_file() else None
