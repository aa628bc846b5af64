-- D02, error: diagnosis <= plan date <= first course, cycle or segment. D02W, warn: plan date more than 60 days after
-- diagnosis. A prephase may come before the plan date; a partial diagnosis date offends only with its whole
-- interval. Whatever begins before the diagnosis puts the diagnosis in doubt (the patient is pending until it is
-- mended).
with first_therapy as (
    select
        patient_key,
        min(start_date) as start_date
    from (
        select
            patient_key,
            start_date
        from {{ ref('int_course__kept') }}
        where coalesce(tc_phase_cd, '') <> '1'
        union all
        select
            patient_key,
            recorded_date as start_date
        from {{ ref('int_dates__recorded') }}
        where field_name in ('bc_start', 'sg_start') and is_contact and is_counted
    ) as therapy
    group by patient_key
),

subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        diagnosis.earliest_date as dx_lo,
        diagnosis.latest_date as dx_hi,
        treatment.plan_date,
        first_therapy.start_date as first_start_date,
        {{ earliest_date(['treatment.plan_date', 'first_therapy.start_date']) }} as begin_date
    from {{ ref('int_subject__recorded') }} as recorded
    left join {{ ref('int_dates__bounded') }} as diagnosis
        on recorded.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on recorded.patient_key = treatment.patient_key
    left join first_therapy on recorded.patient_key = first_therapy.patient_key
    where recorded.is_patient
)

select {{ check_columns('D02', 'registration', 'dx_date', 'dx_lo > begin_date') }}
from subject
where dx_lo is not null and begin_date is not null
union all
select {{ check_columns('D02', 'treatment_plan', 'plan_date', 'plan_date > first_start_date') }}
from subject
where plan_date is not null and first_start_date is not null
union all
select
    {{ check_columns('D02W', 'treatment_plan', 'plan_date',
        days_between('dx_hi', 'plan_date') ~ ' > ' ~ parameter('plan_after_diagnosis_warn_days')) }}
from subject
where plan_date is not null and dx_hi is not null
union all
select
    {{ check_columns('D02', 'blin_segment', 'sg_start', 'subject.dx_lo > recorded.recorded_date', subject='subject',
        instance_no='recorded.instance_no') }}
from subject
inner join {{ ref('int_dates__recorded') }} as recorded
    on subject.patient_key = recorded.patient_key and recorded.field_name = 'sg_start' and recorded.is_counted
-- Where the plan date lies before the diagnosis too, the diagnosis is asked for and not every segment.
where subject.dx_lo <= coalesce(subject.plan_date, subject.dx_lo)
