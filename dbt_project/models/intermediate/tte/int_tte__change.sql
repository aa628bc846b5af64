-- Grain: patient x dated change of what a patient has had (kind and day), counted where several fall on one day: what
-- divides follow-up into intervals. States (MRD, line, backbone) are in
-- int_tte__state.
with changed as (
    select
        patient_key,
        'BLIN_START' as change_cd,
        cycle_start_date as change_date,
        line_no,
        0.0 as delivered_days
    from {{ ref('int_tte__cycle') }}
    union all
    select
        patient_key,
        'BLIN_STOP' as change_cd,
        stop_date as change_date,
        line_no,
        delivered_days
    from {{ ref('int_tte__cycle') }}
    where stop_date is not null
    union all
    select
        patient_key,
        'HSCT' as change_cd,
        event_date as change_date,
        null as line_no,
        0.0 as delivered_days
    from {{ ref('int_tte__event') }}
    where outcome_cd = 'HSCT'
    union all
    select
        patient_key,
        'RELAPSE' as change_cd,
        event_date as change_date,
        null as line_no,
        0.0 as delivered_days
    from {{ ref('int_tte__event') }}
    where outcome_cd = 'RELAPSE'
)

select
    patient_key,
    change_cd,
    change_date,
    count(*) as n_changes,
    -- Of these, before relapse and refractory disease: the first starts an exposure, what follows a relapse does not.
    sum(case when line_no = 1 then 1 else 0 end) as n_first_line,
    -- Infused days of the cycles that ended on the day; null when one of them is not known.
    case when count(*) = count(delivered_days) then {{ exact_sum('delivered_days') }} end as delivered_days
from changed
group by patient_key, change_cd, change_date
