"""A small made-up warehouse, a small policy over it, and what a caller of the release room knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from blin_pipeline.landing.database import Warehouse
from blin_pipeline.registry.deid import Policy, approvals, load_policy
from blin_pipeline.registry.dictionary import Dictionary
from blin_pipeline.release.build import build_candidate
from blin_pipeline.release.candidate import Candidate, ReleaseContext
from blin_pipeline.release.pseudonyms import PseudonymKey
from blin_pipeline.release.publish import Release, publish

KEY = PseudonymKey(b"a test key of thirty-two bytes..")
START = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)

POLICY = """
version: 1
default: deny
subjects:
  table: marts.subject
  key: patient_key
  origin: dx_date
  leave_out:
    - {reason: held, where: {eligibility_status_cd: [HELD]}}
    - {reason: consent_declined, where: {consent_status_cd: ["5"]}}
    - {reason: consent_pending, where: {consent_status_cd: ["4"]}}
  keep:
    - {consent_status_cd: ["1", "2", "6"]}
    - {consent_status_cd: ["3"], ascertainment_cd: [RETRO_DECEASED]}
    - {consent_status_cd: ["3"], is_eligible: ["true"]}
  otherwise: consent_not_documented
code_sets:
  yes_no: [Y, N]
tables:
  marts.subject:
    rows: subject
    description: One row per patient.
    columns:
      - {column: patient_key, transform: pseudonym, class: key, sources: [registration.record_id]}
      - {column: site_id, transform: pattern, pattern: "S[0-9]{2}|UNASSIGNED", class: site,
         sources: [registration.record_id]}
      - {column: dx_date, emit: dx_year, transform: year(11), class: date, sources: [registration.dx_date]}
      - {column: death_date, emit: death_day, transform: rel_day, class: date, sources: [death.dth_date]}
      - {column: frontline_end_date, emit: frontline_end_day, transform: rel_day, class: date,
         sources: [relapse.rl_date], null_when: {frontline_end_reason_cd: [CUT]}}
      - {column: age_dx_years, transform: age_topcode(90), class: quasi, sources: [registration.age_dx]}
      - {column: sex_cd, transform: coded, codes: [M, F, OTHER, UNK], class: quasi, sources: [demographics.sex]}
      - {column: weight_kg, transform: round_to(5), class: quasi, sources: [demographics.weight_kg]}
      - {column: travel_miles, emit: travel_band, transform: "bands(25, 50, 100)", class: quasi,
         sources: [demographics.travel_miles]}
      - {column: is_eligible, transform: boolean, class: clinical, sources: [registration.elig_ball]}
      - {column: followup_days, transform: duration, class: clinical, sources: [followup.fu_date]}
      - {column: consent_status_cd, transform: drop, class: clinical, sources: [registration.consent_status]}
      - {column: ascertainment_cd, transform: coded, codes: [PROSPECTIVE, RETRO_ALIVE, RETRO_DECEASED, UNKNOWN],
         class: clinical, sources: [registration.enroll_type]}
      - {column: frontline_end_reason_cd, transform: coded, codes: [RELAPSE, DEATH, CUT], class: clinical,
         sources: [relapse.rl_kind]}
  marts.time_to_event:
    rows: subject
    columns:
      - {column: patient_key, transform: pseudonym, class: key, sources: [registration.record_id]}
      - {column: param_cd, transform: coded, codes: [OS], class: technical}
      - {column: aval_days, transform: duration, class: clinical, sources: [death.dth_date, followup.fu_date]}
      - {column: cnsr, transform: count, class: clinical, sources: [death.dth_dead]}
  report.result:
    rows: aggregate
    description: One row per estimate.
    columns:
      - {column: result_id, transform: pattern, pattern: "[a-z][a-z0-9_.:|]{0,120}", class: technical}
      - {column: value, transform: identity, class: technical}
      - {column: n, transform: count, class: technical}
      - {column: cut_id, transform: pattern, pattern: "cut[a-z0-9_]{1,40}", class: technical}
free_text_ok:
  registration.record_id: {reason: The number that the registry assigns., approver: somebody, date: 2026-01-05}
approved: {APPROVED}
"""

CONTEXT = ReleaseContext(
    study="Made-up registry",
    synthetic=True,
    data_cut=date(2026, 6, 30),
    cut_id="cut_2026_06",
    code_version="0.1.0+test",
    profile="test",
    pull_id="0011223344556677",
    source_kind="synthetic",
    parameters_hash="p" * 64,
    field_map_hash="f" * 64,
    dictionary_hash="d" * 64,
    sites_hash="s" * 64,
    key_id=KEY.key_id,
    provenance={"project_id": "9001"},
)


@dataclass(frozen=True)
class Patient:
    """One row of the made-up subject table."""

    record_id: str
    consent: str | None = "1"
    status: str = "ELIGIBLE"
    ascertainment: str = "PROSPECTIVE"
    dx: date | None = date(2024, 3, 1)
    death: date | None = None
    frontline_end: date = date(2026, 6, 30)
    frontline_end_reason: str = "CUT"
    age: float = 50.5
    sex: str = "F"
    weight: float = 71.3
    miles: float = 12.0
    followup: int = 100

    @property
    def key(self) -> str:
        return KEY.patient_key("9001", self.record_id)


def some_patients(count: int = 30) -> list[Patient]:
    return [
        Patient(
            f"MCW-{number:04d}",
            dx=date(2024, 1, 1) + timedelta(days=number),
            death=date(2024, 6, 1) + timedelta(days=number) if number % 3 == 0 else None,
            age=20.0 + number,
            followup=100 + 7 * number,
        )
        for number in range(1, count + 1)
    ]


def fill_warehouse(path: Path, patients: list[Patient], *, version: int = 1) -> Warehouse:
    """Write a new warehouse that holds these patients and, in every table, a trace of its version."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    warehouse = Warehouse(path)
    with warehouse.connect(read_only=False) as connection:
        connection.execute("begin")
        for schema in ("raw", "marts", "quality", "report"):
            connection.execute(f"create schema {schema}")
        connection.execute("create table raw.record (record_id varchar, redcap_data_access_group varchar)")
        connection.execute(
            "create table marts.subject (patient_key varchar, site_id varchar, consent_status_cd varchar, "
            "eligibility_status_cd varchar, ascertainment_cd varchar, dx_date date, death_date date, "
            "frontline_end_date date, frontline_end_reason_cd varchar, age_dx_years double, sex_cd varchar, "
            "weight_kg double, travel_miles double, is_eligible boolean, followup_days integer)"
        )
        connection.execute("comment on column marts.subject.age_dx_years is 'Age at diagnosis, years.'")
        connection.execute(
            "create table marts.time_to_event (patient_key varchar, param_cd varchar, start_date date, "
            "aval_days integer, cnsr integer)"
        )
        connection.execute("create table report.result (result_id varchar, value double, n bigint, cut_id varchar)")
        for patient in patients:
            connection.execute("insert into raw.record values (?, 'site_a_group')", [patient.record_id])
            connection.execute(
                "insert into marts.subject values (?, 'S01', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    patient.key,
                    patient.consent,
                    patient.status,
                    patient.ascertainment,
                    patient.dx,
                    patient.death,
                    patient.frontline_end,
                    patient.frontline_end_reason,
                    patient.age,
                    patient.sex,
                    patient.weight,
                    patient.miles,
                    patient.status == "ELIGIBLE",
                    patient.followup + version,
                ],
            )
            connection.execute(
                "insert into marts.time_to_event values (?, 'OS', ?, ?, ?)",
                [patient.key, patient.dx, patient.followup + version, 0 if patient.death else 1],
            )
        connection.execute(
            "insert into report.result values ('version', ?, ?, 'cut_2026_06')", [version, len(patients)]
        )
        connection.execute("commit")
    return warehouse


def policy_from(text: str, folder: Path, dictionary: Dictionary) -> Policy:
    """Policy from a text, in which every field of the dictionary is approved as it stands."""
    every = [f"{field.form_name}.{field.field_name}" for field in dictionary.fields]
    pairs = ", ".join(f'{source}: "{value}"' for source, value in approvals(dictionary, every).items())
    path = folder / "deid.yml"
    path.write_text(text.replace("{APPROVED}", "{" + pairs + "}"), encoding="utf-8")
    return load_policy(path)


@dataclass
class Home:
    """A home folder with its warehouse, and short ways to build and publish from it."""

    path: Path
    policy: Policy
    dictionary: Dictionary
    clock: datetime = START

    @property
    def releases(self) -> Path:
        return self.path / "releases"

    @property
    def ledger(self) -> Path:
        return self.path / "restricted" / "ledger" / "releases.jsonl"

    def fill(self, patients: list[Patient] | None = None, *, version: int = 1) -> Warehouse:
        return fill_warehouse(
            self.path / "restricted" / "warehouse.duckdb",
            patients if patients is not None else some_patients(),
            version=version,
        )

    def build(self, patients: list[Patient] | None = None, *, version: int = 1) -> Candidate:
        warehouse = self.fill(patients, version=version)
        context = replace(CONTEXT, pull_id=f"{version:016x}")
        return build_candidate(warehouse, self.releases, self.policy, self.dictionary, context)

    def publish(self, candidate: Candidate, **options: object) -> Release:
        self.clock += timedelta(hours=1)
        settings = {"policy": self.policy, "ledger": self.ledger, "at": self.clock, **options}
        return publish(candidate, self.releases, **settings)  # type: ignore[arg-type]

    def release(self, version: int = 1) -> Release:
        return self.publish(self.build(version=version))
