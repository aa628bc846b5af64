-- Grain: one row per started blinatumomab cycle with a start date: the days from which, and up to which, blinatumomab
-- counts as given.
with started as (
    select
        numbered.patient_key,
        numbered.cycle_overall_no,
        numbered.cycle_instance_no,
        numbered.cycle_start_date,
        numbered.cycle_end_date,
        numbered.line_cd,
        case when not measured.is_stop_unknown then measured.delivered_days end as delivered_days
    from {{ ref('int_blin_cycle__numbered') }} as numbered
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            numbered.patient_key = measured.patient_key
            and numbered.cycle_instance_no = measured.cycle_instance_no
    where
        numbered.cycle_start_date is not null
        and {{ is_cycle_started('measured.exposure_source_cd', 'measured.delivered_days') }}
)

select
    patient_key,
    cycle_instance_no,
    cycle_start_date,
    line_cd,
    delivered_days,
    row_number() over (
        partition by patient_key order by cycle_start_date, cycle_overall_no
    ) as start_no,
    -- A stop that is not known is at the latest the next start.
    coalesce(
        cycle_end_date,
        lead(cycle_start_date) over (partition by patient_key order by cycle_start_date, cycle_overall_no)
    ) as stop_date
from started
