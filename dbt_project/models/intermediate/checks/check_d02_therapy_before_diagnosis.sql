-- D02, error: diagnosis <= plan date <= first course or cycle. D02W, warn: plan date more than 60 days after
-- diagnosis. A prephase may come before the plan date; a partial diagnosis date offends only with its whole
-- interval.
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
        where field_name = 'bc_start' and is_contact and is_counted
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
        first_therapy.start_date as first_start_date
    from {{ ref('int_subject__recorded') }} as recorded
    left join {{ ref('int_dates__bounded') }} as diagnosis
        on recorded.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on recorded.patient_key = treatment.patient_key
    left join first_therapy on recorded.patient_key = first_therapy.patient_key
    where recorded.is_patient
)

select {{ check_columns('D02', 'registration', 'dx_date', 'dx_lo > coalesce(plan_date, first_start_date)') }}
from subject
where dx_lo is not null and coalesce(plan_date, first_start_date) is not null
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
