-- Grain: one row per dated blinatumomab cycle: what else was given on at least one of its days, and the worst CRS and
-- ICANS from its start to 14 days after its end (to the cut while it has not ended). An event belongs to the latest
-- cycle begun by its day. The steroid before the start of the cycle is premedication: it stands on the cycle's form and
-- is no agent of its own.
{%- set drugs = registry_field('treatment_course', 'tc_drugs').codes %}
{%- set own_code = ['1', '2', '3', '21', '22', '23', '24', '25', '26', '27', '31'] %}
{%- set agents = [
    'CD20_ANTIBODY', 'CHEMOTHERAPY', 'INOTUZUMAB', 'INTRATHECAL', 'MAINTENANCE', 'NOT_RECORDED', 'RUXOLITINIB',
    'STEROID', 'TKI',
] %}
with cycle as (
    select
        numbered.patient_key,
        numbered.cycle_instance_no,
        numbered.cycle_start_date,
        judged.is_ongoing,
        coalesce(numbered.cycle_end_date, numbered.cycle_start_date) as cycle_end_date,
        lead(numbered.cycle_start_date) over (
            partition by numbered.patient_key order by numbered.cycle_overall_no
        ) as next_start_date
    from {{ ref('int_blin_cycle__numbered') }} as numbered
    inner join {{ ref('int_blin_cycle__judged') }} as judged
        on numbered.patient_key = judged.patient_key and numbered.cycle_instance_no = judged.cycle_instance_no
    where numbered.cycle_start_date is not null
),

course as (
    -- Running: no end, and not reported as finished. Finished without an end: its first day is all that is known.
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        max(case when kept.tc_drugs__24 or kept.tc_drugs__25 or kept.tc_drugs__26 or kept.tc_drugs__27 then 1 end)
            as has_tki,
        max(case when kept.tc_drugs__23 then 1 end) as has_inotuzumab,
        max(case when kept.tc_it_doses > 0 then 1 end) as has_it,
        max(case when {{ any_ticked('kept.tc_drugs', ['1', '2', '3']) }} then 1 end) as has_steroid,
        max(case when {{ any_ticked('kept.tc_drugs', ['21', '22']) }} then 1 end) as has_cd20_antibody,
        max(case when kept.tc_drugs__31 then 1 end) as has_ruxolitinib,
        max(case when {{ count_ticked('kept.tc_drugs', drugs | reject('in', own_code) | list) }} > 0 then 1 end)
            as has_chemotherapy,
        -- A course without a drug: what was given is not known, unless it was intrathecal alone.
        max(case
            when {{ count_ticked('kept.tc_drugs', drugs) }} = 0 and coalesce(kept.tc_it_doses, 0) = 0 then 1
        end) as has_unknown_drug,
        max(case when kept.tc_phase_cd = '8' then 1 end) as has_maintenance,
        max(case when kept.tc_phase_cd in ('2', '3', '4', '5', '6', '7', '9', '10') then 1 end) as has_course
    from cycle
    inner join {{ ref('int_course__kept') }} as kept
        on
            cycle.patient_key = kept.patient_key
            and cycle.cycle_end_date >= kept.start_date
            and (kept.is_running or cycle.cycle_start_date <= coalesce(kept.end_date, kept.start_date))
    group by cycle.patient_key, cycle.cycle_instance_no
),

event as (
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        max(case when toxicity.ae_term_cd = '1' then 1 end) as has_crs,
        max(case when toxicity.ae_term_cd = '2' then 1 end) as has_neurotoxicity,
        -- Code 9, not graded, is no grade.
        max(case
            when toxicity.ae_term_cd = '1' and toxicity.ae_crs_astct_cd <> '9'
                then cast(toxicity.ae_crs_astct_cd as integer)
        end) as crs_max_grade,
        max(case
            when toxicity.ae_term_cd = '2' and toxicity.ae_icans_cd <> '9'
                then cast(toxicity.ae_icans_cd as integer)
        end) as icans_max_grade
    from cycle
    inner join {{ ref('stg_redcap__adverse_event') }} as toxicity
        on
            cycle.patient_key = toxicity.patient_key
            and cycle.cycle_start_date <= toxicity.ae_start
            and (
                cycle.is_ongoing
                or toxicity.ae_start <= {{ add_days('cycle.cycle_end_date', parameter('toxicity_window_days')) }}
            )
            and toxicity.ae_start < coalesce(cycle.next_start_date, date '9999-12-31')
    inner join {{ ref('int_form_row__checked') }} as usable
        on
            toxicity.patient_key = usable.patient_key
            and toxicity.instance_no = usable.instance_no
            and usable.form = 'adverse_event'
            and usable.reason_cd is null
    group by cycle.patient_key, cycle.cycle_instance_no
),

joined as (
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        coalesce(course.has_tki = 1, false) or coalesce(form.bc_tki_cd in ('1', '2', '3', '4'), false) as has_tki,
        coalesce(course.has_inotuzumab = 1, false) or coalesce(form.bc_ino_cd = '1', false) as has_inotuzumab,
        coalesce(course.has_it = 1, false) or coalesce(form.bc_it_doses > 0, false) as has_intrathecal,
        coalesce(course.has_maintenance = 1, false) as has_maintenance,
        coalesce(course.has_course = 1, false) as has_course,
        coalesce(course.has_steroid = 1, false) as has_steroid,
        coalesce(course.has_cd20_antibody = 1, false) as has_cd20_antibody,
        coalesce(course.has_ruxolitinib = 1, false) as has_ruxolitinib,
        coalesce(course.has_chemotherapy = 1, false) as has_chemotherapy,
        coalesce(course.has_unknown_drug = 1, false) as has_not_recorded,
        coalesce(event.has_crs = 1, false) as has_crs,
        coalesce(event.has_neurotoxicity = 1, false) as has_neurotoxicity,
        event.crs_max_grade,
        event.icans_max_grade
    from cycle
    inner join {{ ref('stg_redcap__blin_cycle') }} as form
        on cycle.patient_key = form.patient_key and cycle.cycle_instance_no = form.instance_no
    left join course
        on cycle.patient_key = course.patient_key and cycle.cycle_instance_no = course.cycle_instance_no
    left join event
        on cycle.patient_key = event.patient_key and cycle.cycle_instance_no = event.cycle_instance_no
),

listed as (
    select
        *,
        {%- for agent in agents %}
        case when has_{{ agent | lower }} then '+{{ agent }}' else '' end
        {%- if loop.last %} as agents{% else %} || {% endif %}
        {%- endfor %}
    from joined
)

select
    patient_key,
    cycle_instance_no,
    has_tki,
    has_inotuzumab,
    has_intrathecal as has_it,
    has_maintenance,
    has_course,
    case when agents = '' then 'NONE' else substring(agents, 2) end as agents,
    has_crs,
    has_neurotoxicity,
    crs_max_grade,
    icans_max_grade
from listed
