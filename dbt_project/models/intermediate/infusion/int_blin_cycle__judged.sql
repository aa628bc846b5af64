-- Grain: one row per blinatumomab cycle that counts: whether it started and was completed, and how much of the
-- planned dose was given. What cannot be known stays null: an open end, no segments for an interrupted cycle, no plan.
with assembled as (
    select
        measured.*,
        plan.planned_days,
        plan.planned_mcg,
        -- Started from one infused hour; where the hours are not known, or only days are, the site's word stands (a
        -- start on the day of death or of the cut is no whole day).
        measured.exposure_source_cd <> 'NOT_STARTED'
        and case
            when measured.is_whole_days then true
            else coalesce(measured.infused_s >= {{ parameter('started_h') }} * 3600, true)
        end as is_started,
        case
            when plan.planned_days = {{ parameter('complete_days_plan') }} then {{ parameter('complete_days') }}
            else plan.planned_days - 1.0
        end * 86400 as complete_from_s
    from {{ ref('int_blin_cycle__measured') }} as measured
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
),

judged as (
    select
        *,
        case
            when exposure_source_cd = 'NOT_STARTED' then false
            when not is_stop_unknown then infused_s >= complete_from_s
        end as is_complete,
        case
            when exposure_source_cd = 'NOT_STARTED' then false
            when not is_stop_unknown then infused_s >= {{ parameter('completed_share') }} * planned_days * 86400
        end as is_complete_80,
        case
            when is_started and not is_stop_unknown and planned_mcg > 0 then delivered_mcg / planned_mcg
        end as completeness_frac
    from assembled
)

select
    patient_key,
    cycle_instance_no,
    is_started,
    is_running,
    -- Not ended at the cut: infusing, or paused.
    is_running or is_paused as is_ongoing,
    is_complete,
    is_complete_80,
    completeness_frac,
    case
        when not is_started then 'NOT_STARTED'
        when is_running or is_paused then 'ONGOING'
        when is_complete and round(completeness_frac, 9) < {{ parameter('completed_reduced_below') }}
            then 'COMPLETED_REDUCED'
        when is_complete then 'COMPLETED'
        when not is_complete then 'STOPPED_EARLY'
        else 'NOT_EVALUABLE'
    end as completion_status_cd,
    case
        when not is_started then 0
        when exposure_source_cd <> 'UPPER_BOUND' then 1 + n_interrupt_7d
    end as label_cycles
from judged
