-- Grain: one row per started blinatumomab cycle with a start date: the days from which, and up to which, blinatumomab
-- counts as given, and its line: 1 until relapse or refractory disease.
with started as (
    select
        given.patient_key,
        given.cycle_overall_no,
        given.cycle_instance_no,
        given.start_date as cycle_start_date,
        given.end_date as cycle_end_date,
        given.line_cd,
        therapy.line_no,
        case when not measured.is_stop_unknown then measured.delivered_days end as delivered_days
    from {{ ref('int_blin_cycle__started') }} as given
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on given.patient_key = measured.patient_key and given.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_therapy__line') }} as therapy
        on
            given.patient_key = therapy.patient_key
            and therapy.form = 'blin_cycle'
            and given.cycle_instance_no = therapy.instance_no
    where given.start_date is not null
)

select
    patient_key,
    cycle_instance_no,
    cycle_start_date,
    line_cd,
    line_no,
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
