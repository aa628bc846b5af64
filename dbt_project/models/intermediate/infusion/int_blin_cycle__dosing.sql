-- Grain: one row per cycle whose infusion is known: the rates that ran, held against the plan of the same infusion
-- day. The plan of a stepped cycle is the step rate during the first 7 infused days and the planned rate after
-- them. A rate is reduced when it is under 90 % of the plan. What needs a rate that is not known is null.
with split as (
    select
        stretch.*,
        plan.planned_rate_mcg_day,
        case when plan.step_dose_planned then plan.step_rate_mcg_day else plan.planned_rate_mcg_day end
            as first_plan_rate,
        case
            when not plan.step_dose_planned then 0
            when stretch.infused_before_h + stretch.infused_h <= {{ parameter('step_days') }} * 24
                then stretch.infused_h
            when stretch.infused_before_h >= {{ parameter('step_days') }} * 24 then 0
            else {{ parameter('step_days') }} * 24 - stretch.infused_before_h
        end as step_h,
        plan.step_dose_planned and stretch.infused_before_h < {{ parameter('step_days') }} * 24 as is_in_step,
        lag(stretch.rate_mcg_day) over (
            partition by stretch.patient_key, stretch.cycle_instance_no order by stretch.interval_no
        ) as previous_rate
    from {{ ref('int_blin_cycle__interval') }} as stretch
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on stretch.patient_key = plan.patient_key and stretch.cycle_instance_no = plan.cycle_instance_no
),

held as (
    -- Rounded as the rates are entered, so that 0.9 x 28 = 25.2 is not under 25.2.
    select
        *,
        round(rate_mcg_day, 6)
        < round({{ parameter('rate_reduced_below') }} * first_plan_rate, 6) as is_below_step_plan,
        round(rate_mcg_day, 6)
        < round({{ parameter('rate_reduced_below') }} * planned_rate_mcg_day, 6) as is_below_plan
    from split
),

compared as (
    select
        *,
        case
            when step_h > 0 and is_below_step_plan is null then null
            when infused_h - step_h > 0 and is_below_plan is null then null
            else
                case when is_below_step_plan then step_h else 0 end
                + case when is_below_plan then infused_h - step_h else 0 end
        end as reduced_h,
        coalesce(gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE'), false)
        and case when is_in_step then is_below_step_plan else is_below_plan end as is_restep
    from held
)

select
    patient_key,
    cycle_instance_no,
    exposure_source_cd,
    -- Without segments the rates are the plan's own: nothing is known of what ran.
    case when exposure_source_cd = 'SEGMENTS' and count(reduced_h) = count(*) then sum(reduced_h) / 24.0 end
        as reduced_dose_days,
    case
        when exposure_source_cd = 'SEGMENTS'
            then max(case
                when interval_no > 1 then null when is_below_plan then 1 when not is_below_plan then 0
            end) = 1
    end as step_dose_given,
    case
        when exposure_source_cd = 'SEGMENTS'
            then min(case when rate_mcg_day > previous_rate then infused_before_h end) / 24.0
    end as step_up_day,
    case
        when exposure_source_cd <> 'SEGMENTS' then null
        when max(case when is_restep then 1 else 0 end) = 1 then true
        when count(is_restep) = count(*) then false
    end as has_restep,
    sum(infused_h) + sum(case when gap_class_cd = 'BAG_CHANGE' then gap_before_min else 0 end) / 60.0
        as infused_h_bridged,
    sum(
        case when gap_before_min > {{ parameter('treatment_gap_d') }} * 24 * 60 then 1 else 0 end
    ) as n_interrupt_14d
from compared
group by patient_key, cycle_instance_no, exposure_source_cd
