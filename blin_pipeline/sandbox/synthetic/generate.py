"""Put it together: candidates until enough are entered, their forms, what is planted, the project and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from blin_pipeline.registry.dictionary import load_dictionary
from blin_pipeline.sandbox.rows import FormRow, SourceProject
from blin_pipeline.sandbox.synthetic import contacts, therapy
from blin_pipeline.sandbox.synthetic.assessments import add_assessments, add_relapse
from blin_pipeline.sandbox.synthetic.baseline import add_baseline
from blin_pipeline.sandbox.synthetic.cases import CASES
from blin_pipeline.sandbox.synthetic.draws import Draws
from blin_pipeline.sandbox.synthetic.entries import MISSING_DATA_CODES, Draft
from blin_pipeline.sandbox.synthetic.finishing import add_calculated, make_untidy, order_instances
from blin_pipeline.sandbox.synthetic.hazard import HazardModel
from blin_pipeline.sandbox.synthetic.infusion import add_cycles
from blin_pipeline.sandbox.synthetic.journey import ENTERED, Journey, draw_journey
from blin_pipeline.sandbox.synthetic.person import draw_person
from blin_pipeline.sandbox.synthetic.plan import SiteFact, SyntheticPlan
from blin_pipeline.sandbox.synthetic.planting import note_ordinary, plant
from blin_pipeline.sandbox.synthetic.rendering import layouts, number_instances, record_truth, render
from blin_pipeline.sandbox.synthetic.sites import Site, build_sites
from blin_pipeline.sandbox.synthetic.truth import STATEMENT, Latent, RecordTruth, TrueSite, Truth, write_truth_file

REPEATING = (
    "treatment_course",
    "blin_cycle",
    "blin_segment",
    "response",
    "mrd",
    "hct",
    "relapse",
    "adverse_event",
    "followup",
    "patient_survey",
)
_LABELS = {
    "registration": "Registration and eligibility",
    "demographics": "Demographics and baseline fitness",
    "diagnosis": "Disease at diagnosis",
    "treatment_plan": "Frontline plan",
    "treatment_course": "Treatment course other than blinatumomab",
    "blin_cycle": "Blinatumomab cycle",
    "blin_segment": "Blinatumomab infusion segment",
    "response": "Response assessment",
    "mrd": "MRD result",
    "hct": "Transplant",
    "relapse": "Relapse",
    "adverse_event": "Adverse event of interest",
    "followup": "Follow-up contact",
    "death": "Death",
    "patient_survey": "Patient survey",
    "data_review": "Data review",
}
_TRUE_SURVIVAL_DAYS = (90.0, 182.625, 365.25, 730.5)
CONVENTIONS = [
    "Days count from the true day of diagnosis (day 0); intervals are (start, stop].",
    "A patient alive on first_infusion_day has hazard_ratio from just after that day; nobody starts earlier or later.",
    "Observation ends on a day drawn without regard to the outcome; a death after it is not known to the registry.",
    "A marrow shows remission from in_remission_from until the day before relapse_day.",
    "recorded holds typed values as a form reader could use them; a cell listed under unusable holds none.",
    "Clock times are local to time_zone of the record's centre; null means that the centre gave no zone.",
    "A partial date is typed as day 15 of the month or 1 July of the year, with its precision code.",
    "planted lists what was put in on purpose, with expected_status and expected_reasons stated by hand; kind 'ordinary' lists"
    " the checks that everyday entry violates beside that.",
]


@dataclass(frozen=True)
class SyntheticRegistry:
    """A generated registry.

    Attributes:
        project: The REDCap project, ready to be served or landed.
        truth: What the data should lead to.
        sites: The centres, as settings would describe them.
    """

    project: SourceProject
    truth: Truth
    sites: tuple[SiteFact, ...]


def generate(plan: SyntheticPlan) -> SyntheticRegistry:
    """Generate the registry of a plan: same plan, same bytes; time and memory grow linearly with the patients."""
    dictionary = load_dictionary()
    forms = layouts(dictionary, REPEATING)
    sites = build_sites(plan)
    model = HazardModel(hazard_ratio=plan.hazard_ratio)
    journeys = _candidates(plan, sites, model)
    drafts = [_draft(plan, journey) for journey in journeys if journey.outcome == ENTERED]
    _name_records(drafts)
    not_planted = plant(plan, drafts, CASES) if plan.planted else []
    groups = {site.fact.data_access_group: site.fact for site in sites}
    rows: list[FormRow] = []
    records: list[RecordTruth] = []
    for draft in drafts:
        note_ordinary(draft)
    for draft in sorted(drafts, key=lambda item: (item.record_id.rpartition("-")[0], item.record_id)):
        add_calculated(draft)
        order_instances(draft, Draws(plan.seed, f"order/{draft.journey.person.number}"))
        number_instances(draft, forms)
        rows.extend(render(draft, forms))
        records.append(record_truth(draft, forms, groups[draft.group]))
    project = SourceProject(
        title="SYNTHETIC registry, no real patients",
        project_id=7117136,
        dictionary=dictionary,
        instrument_labels={form: _LABELS[form] for form in dictionary.forms},
        repeating_instruments=REPEATING,
        surveys=("patient_survey",),
        data_access_groups=tuple((site.label, site.fact.data_access_group) for site in sites),
        record_groups={draft.record_id: draft.group for draft in sorted(drafts, key=lambda item: item.record_id)},
        missing_data_codes=dict(MISSING_DATA_CODES),
        rows=tuple(rows),
        created=datetime.combine(plan.data_cut - timedelta(days=900), datetime.min.time()).replace(hour=8),
    )
    truth = Truth(
        statement=STATEMENT,
        plan=plan,
        conventions=CONVENTIONS,
        sites=[_true_site(site) for site in sites],
        hazard_model=model,
        true_survival=_true_survival(model, journeys),
        population=_population(journeys, drafts),
        records=records,
        not_planted=not_planted,
    )
    return SyntheticRegistry(project, truth, tuple(site.fact for site in sites))


def write_truth(registry: SyntheticRegistry, path: Path) -> None:
    """Write the registry's truth as JSON (deterministic)."""
    write_truth_file(registry.truth, path)


def _candidates(plan: SyntheticPlan, sites: tuple[Site, ...], model: HazardModel) -> list[Journey]:
    """Candidates in order until as many are entered as the plan asks for."""
    journeys: list[Journey] = []
    entered = 0
    while entered < plan.patients:
        journey = draw_journey(plan, sites, model, draw_person(plan, sites, len(journeys)))
        journeys.append(journey)
        entered += journey.outcome == ENTERED
    return journeys


def _draft(plan: SyntheticPlan, journey: Journey) -> Draft:
    number = journey.person.number
    draft = Draft(journey, group=journey.site.fact.data_access_group)
    add_baseline(draft, Draws(plan.seed, f"baseline/{number}"))
    if draft.entries("treatment_plan"):
        draws = Draws(plan.seed, f"therapy/{number}")
        second = therapy.draw_second_line(journey, draws)
        therapy.add_courses(draft, draws, second)
        therapy.add_transplants(draft, draws, second)
        infusions = add_cycles(draft, Draws(plan.seed, f"infusion/{number}"), second, plan.data_cut)
        draws = Draws(plan.seed, f"assessments/{number}")
        add_assessments(draft, draws, infusions, second)
        add_relapse(draft, draws, second)
        contacts.add_adverse_events(draft, Draws(plan.seed, f"events/{number}"), infusions)
    else:
        infusions = []
    contacts.add_followup(draft, Draws(plan.seed, f"followup/{number}"))
    contacts.add_death(draft, Draws(plan.seed, f"death/{number}"), plan.data_cut)
    contacts.add_surveys(draft, Draws(plan.seed, f"survey/{number}"), infusions)
    contacts.add_review(draft, Draws(plan.seed, f"review/{number}"), plan.data_cut)
    if plan.planted:
        make_untidy(draft, Draws(plan.seed, f"untidy/{number}"))
    return draft


def _name_records(drafts: list[Draft]) -> None:
    """Running numbers within a centre, in order of registration."""
    counts: dict[str, int] = {}

    def registered(draft: Draft) -> tuple[date, int]:
        return draft.journey.date(draft.journey.entry_day), draft.journey.person.number

    for draft in sorted(drafts, key=registered):
        prefix = draft.journey.site.fact.record_prefix
        counts[prefix] = counts.get(prefix, 0) + 1
        draft.record_id = f"{prefix}-{counts[prefix]:04d}"


def _true_site(site: Site) -> TrueSite:
    return TrueSite(**site.fact._asdict(), deceased_path_share=site.deceased_path_share)


def _true_survival(model: HazardModel, journeys: list[Journey]) -> dict[str, float]:
    def mean(day: float) -> float:
        return sum(model.survival(day, item.linear_predictor, item.switch_day) for item in journeys) / len(journeys)

    return {f"{day:g}": mean(day) for day in _TRUE_SURVIVAL_DAYS}


def _population(journeys: list[Journey], drafts: list[Draft]) -> list[Latent]:
    record_ids = {draft.journey.person.number: draft.record_id for draft in drafts}
    return [
        Latent(
            number=journey.person.number,
            site_id=journey.site.fact.site_id,
            record_id=record_ids.get(journey.person.number),
            dx_date=journey.person.dx_date,
            covariates=[name for name, holds in journey.covariates.items() if holds],
            linear_predictor=journey.linear_predictor,
            first_infusion_day=journey.switch_day,
            death_day=journey.death_day,
            entry_day=journey.entry_day if journey.outcome == ENTERED else None,
            outcome=journey.outcome,
            relapse_day=journey.relapse_day,
            seen_until=journey.seen_until if journey.outcome == ENTERED else None,
            death_known=journey.outcome == ENTERED and journey.died,
            in_remission_from=journey.schedule.remission_day if journey.reached_remission else None,
        )
        for journey in journeys
    ]
