-- Grain: one row per stretch of time during which a cycle's infusion is known to have run at one rate, whatever it
-- is known from: segments, or the form's own start and stop (HEADER), parted where a planned step ends. The seconds of
-- a cycle's rows are its delivered time. Cycles of which only an upper bound is known have no row.
with header as (
    select
        measured.patient_key,
        measured.cycle_instance_no,
        measured.start_clock,
        measured.stop_clock,
        plan.step_dose_planned,
        plan.step_rate_mcg_day,
        plan.planned_rate_mcg_day,
        {{ dbt.dateadd('hour', (parameter('step_days') | float * 24) | int, 'measured.start_clock') }} as step_end_clock
    from {{ ref('int_blin_cycle__measured') }} as measured
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
    where measured.exposure_source_cd = 'HEADER' and measured.stop_clock > measured.start_clock
),

parted as (
    select
        patient_key,
        cycle_instance_no,
        1 as interval_no,
        start_clock,
        case when step_dose_planned and stop_clock > step_end_clock then step_end_clock else stop_clock end
            as stop_clock,
        case when step_dose_planned then step_rate_mcg_day else planned_rate_mcg_day end as rate_mcg_day
    from header
    union all
    select
        patient_key,
        cycle_instance_no,
        2 as interval_no,
        step_end_clock as start_clock,
        stop_clock,
        planned_rate_mcg_day as rate_mcg_day
    from header
    where step_dose_planned and stop_clock > step_end_clock
),

stretch as (
    select
        patient_key,
        cycle_instance_no,
        interval_no,
        'SEGMENTS' as exposure_source_cd,
        start_clock,
        stop_clock,
        rate_mcg_day,
        infused_s,
        is_overlap,
        is_rate_conflict,
        gap_before_min,
        gap_reason_cd
    from {{ ref('int_infusion__interval') }}
    union all
    select
        patient_key,
        cycle_instance_no,
        interval_no,
        'HEADER' as exposure_source_cd,
        start_clock,
        stop_clock,
        rate_mcg_day,
        {{ seconds_between('start_clock', 'stop_clock') }}
            as infused_s,
        false as is_overlap,
        false as is_rate_conflict,
        case when interval_no = 2 then 0 end as gap_before_min,
        cast(null as varchar) as gap_reason_cd
    from parted
)

select
    *,
    {{ gap_class('gap_before_min') }} as gap_class_cd,
    -- Infused so far, when the stretch begins: day 1 to 7 of a step is counted in infused time.
    coalesce(cast(sum(infused_s) over (
        partition by patient_key, cycle_instance_no order by interval_no
        rows between unbounded preceding and 1 preceding
    ) as bigint), 0) as infused_before_s
from stretch
