"""Sources as the settings name them: several projects with a token each, a project XML, and the check of a field map."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from homes import CUT, TOKEN, write_settings
from proof import proof_count

from blin_pipeline.errors import BlinError
from blin_pipeline.landing.reading import records
from blin_pipeline.orchestration.map_check import check_map
from blin_pipeline.orchestration.projects import patient_rows, presented_sites
from blin_pipeline.orchestration.pull_run import run_pull
from blin_pipeline.orchestration.workspace import Workspace
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.release.pseudonyms import ensure_key
from blin_pipeline.sandbox.serve import RunningSandbox, serving
from blin_pipeline.sandbox.synthetic import SyntheticPlan, SyntheticRegistry, generate
from blin_pipeline.settings import Settings, load_settings

OTHER_TOKEN = TOKEN[::-1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def registry() -> SyntheticRegistry:
    return generate(SyntheticPlan(seed=11, patients=proof_count(20, 60), sites=2, data_cut=CUT))


@pytest.fixture(scope="module")
def server(registry: SyntheticRegistry):
    other = dataclasses.replace(registry.project, project_id=registry.project.project_id + 1, title="The other country")
    with serving({TOKEN: registry.project, OTHER_TOKEN: other}) as running:
        yield running


def _home(folder: Path, server: RunningSandbox, *tokens: str) -> Settings:
    secrets = folder / "restricted" / "secrets"
    secrets.mkdir(parents=True)
    names = ("us", "de")[: len(tokens)]
    for name, token in zip(names, tokens, strict=True):
        (secrets / f"{name}_token").write_text(token, encoding="ascii")
    projects = {name: {"url": server.url, "attempts": 1} for name in ("us", "de")}
    return load_settings(folder, synthetic=True, projects=projects)


def test_two_projects_become_one_pull_without_a_key_in_common(tmp_path: Path, server: RunningSandbox) -> None:
    settings = _home(tmp_path, server, TOKEN, OTHER_TOKEN)
    settings.prepare_home()
    pull = run_pull(Workspace(settings))
    alone = _home(tmp_path / "alone", server, TOKEN)
    alone.prepare_home()
    one = run_pull(Workspace(alone.model_copy(update={"projects": {"us": alone.projects["us"]}})))

    key = ensure_key(settings.secrets_dir / "pseudonym.key", None)
    groups = sorted({group for _, group in records(pull)} - {""})
    sites = tuple(
        {"site_id": f"S{n:02d}", "data_access_group": group, "record_prefix": "X"} for n, group in enumerate(groups)
    )
    settings = load_settings(tmp_path, synthetic=True, projects={"us": {}, "de": {}}, sites=sites)
    both = patient_rows(pull, key, settings.sites)
    assert len({patient for _, patient, _ in both}) == len(both) == 2 * len(records(one))
    alone_keys = {record: patient for record, patient, _ in patient_rows(one, key, settings.sites)}
    assert alone_keys.items() <= {record: patient for record, patient, _ in both}.items(), "a project more changes none"
    assert {site.record_prefix for site in presented_sites(settings)} == {"us:X", "de:X"}


def test_an_error_names_the_project(tmp_path: Path, server: RunningSandbox) -> None:
    settings = _home(tmp_path, server, TOKEN)
    settings.prepare_home()
    with pytest.raises(BlinError) as caught:
        run_pull(Workspace(settings))
    assert caught.value.code == "E_TOKEN_MISSING"
    assert caught.value.what.startswith("Project de: ")
    (settings.secrets_dir / "de_token").write_text("F" * 32, encoding="ascii")
    with pytest.raises(BlinError) as caught:
        run_pull(Workspace(settings))
    assert caught.value.code == "E_AUTH"
    assert caught.value.what.startswith("Project de: ")


def test_projects_and_a_source_at_once_are_refused(tmp_path: Path, server: RunningSandbox) -> None:
    settings = _home(tmp_path, server, TOKEN, OTHER_TOKEN)
    both = settings.model_copy(update={"source": settings.source.model_copy(update={"url": server.url})})
    both.prepare_home()
    with pytest.raises(BlinError) as caught:
        run_pull(Workspace(both))
    assert caught.value.code == "E_SOURCE_SETTINGS"


def test_the_map_of_an_equal_project_has_nothing_to_say(
    tmp_path: Path, server: RunningSandbox, registry: SyntheticRegistry
) -> None:
    home = write_settings(tmp_path, server.url, registry)
    before = len(server.requests)
    found = check_map(Workspace(load_settings(home.path)))
    assert not found.stops_a_refresh
    assert (found.unmet, found.drift, found.plan.not_collected, found.plan.problems) == ((), (), (), ())
    assert "record" not in {content for content, _ in server.requests[before:]}, "no record is read"


def test_the_map_check_says_what_a_refresh_would_refuse(tmp_path: Path, registry: SyntheticRegistry) -> None:
    own = registry.project.dictionary
    changed = []
    for field in own.fields:
        if field.field_name == "dth_date":
            continue
        cells = {"elig_ball": {"select_choices_or_calculations": "1, No | 0, Yes | 9, Unknown"}}.get(
            field.field_name, {}
        )
        changed.append(field.model_copy(update=cells))
    rows = tuple(
        row._replace(values={name: value for name, value in row.values.items() if name != "dth_date"})
        for row in registry.project.rows
    )
    project = dataclasses.replace(registry.project, dictionary=Dictionary(fields=tuple(changed)), rows=rows)
    with serving({TOKEN: project}) as server:
        home = write_settings(tmp_path, server.url, registry)
        settings = load_settings(home.path)
        found = check_map(Workspace(settings))
        refused = _refusal(settings)
    assert found.stops_a_refresh
    assert [item.requirement for item in found.unmet] == ["death_date"]
    assert ("death", "dth_date") in found.plan.not_collected
    assert [str(item) for item in found.drift] == [
        "elig_ball: codes relabelled (1: 'Yes' became 'No', 0: 'No' became 'Yes')",
        "dth_date: missing",
    ]
    assert refused == "E_REQUIRED_CONCEPTS"


def _refusal(settings: Settings) -> str:
    from blin_pipeline.orchestration.inputs import check_source

    settings.prepare_home()
    workspace = Workspace(settings)
    with pytest.raises(BlinError) as caught:
        check_source(run_pull(workspace), workspace)
    return caught.value.code


def test_a_dictionary_that_changed_since_the_last_pull_is_told_in_words(
    tmp_path: Path, registry: SyntheticRegistry
) -> None:
    with serving({TOKEN: registry.project}) as server:
        home = write_settings(tmp_path, server.url, registry)
        workspace = Workspace(load_settings(home.path))
        workspace.settings.prepare_home()
        run_pull(workspace)
        assert check_map(workspace).changes == ()
        fields = registry.project.dictionary.fields
        relabelled = [
            field.model_copy(update={"identifier": "y"}) if field.field_name == "sex" else field for field in fields
        ]
        server.project(TOKEN).replace_dictionary(Dictionary(fields=tuple(relabelled)))
        assert [str(item) for item in check_map(workspace).changes] == [
            "sex: identifier flag changed (now an identifier)"
        ]
