-- Grain: one row per patient whose diagnosis is not dated to the day and was followed, inside the interval that the
-- date allows, by therapy or death: the first day of these. The diagnosis was not after it (data model 3.1: ceiling
-- first treatment; a prephase is treatment).
with followed as (
    select
        patient_key,
        start_date as event_date
    from {{ ref('int_course__kept') }}
    union all
    select
        patient_key,
        recorded_date as event_date
    from {{ ref('int_dates__recorded') }}
    where field_name in ('plan_date', 'bc_start') and is_contact and is_counted
    union all
    select
        patient_key,
        entered_date as event_date
    from {{ ref('int_dates__bounded') }}
    where date_role = 'DEATH' and is_counted
)

select
    diagnosis.patient_key,
    min(followed.event_date) as ceiling_date
from {{ ref('int_dates__bounded') }} as diagnosis
inner join followed
    on
        diagnosis.patient_key = followed.patient_key
        and diagnosis.earliest_date <= followed.event_date
        and diagnosis.latest_date >= followed.event_date
where diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted and diagnosis.earliest_date < diagnosis.latest_date
group by diagnosis.patient_key
