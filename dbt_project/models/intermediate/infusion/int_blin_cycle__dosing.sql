-- Grain: one row per cycle whose infusion is known: the rates that ran, held against the plan of the same infusion
-- day. The plan of a stepped cycle is the step rate during the first 7 infused days and the planned rate after
-- them. A rate is reduced when it is under 90 % of the plan. What needs a rate that is not known is null.
{%- set step_s = parameter('step_days') ~ ' * 86400' %}
with split as (
    select
        stretch.*,
        plan.planned_rate_mcg_day,
        case when plan.step_dose_planned then plan.step_rate_mcg_day else plan.planned_rate_mcg_day end
            as first_plan_rate,
        case
            when not plan.step_dose_planned then 0
            when stretch.infused_before_s + stretch.infused_s <= {{ step_s }} then stretch.infused_s
            when stretch.infused_before_s >= {{ step_s }} then 0
            else {{ step_s }} - stretch.infused_before_s
        end as stepped_s,
        plan.step_dose_planned and stretch.infused_before_s < {{ step_s }} as is_in_step,
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
            when stepped_s > 0 and is_below_step_plan is null then null
            when infused_s - stepped_s > 0 and is_below_plan is null then null
            else
                case when is_below_step_plan then stepped_s else 0 end
                + case when is_below_plan then infused_s - stepped_s else 0 end
        end as reduced_s,
        coalesce(gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE'), false)
        and case when is_in_step then is_below_step_plan else is_below_plan end as is_restep
    from held
)

select
    patient_key,
    cycle_instance_no,
    exposure_source_cd,
    -- Without segments the rates are the plan's own: nothing is known of what ran.
    case
        when exposure_source_cd = 'SEGMENTS' and count(reduced_s) = count(*) then {{ in_days('sum(reduced_s)') }}
    end as reduced_dose_days,
    case
        when exposure_source_cd = 'SEGMENTS'
            then max(case
                when interval_no > 1 then null when is_below_plan then 1 when not is_below_plan then 0
            end) = 1
    end as step_dose_given,
    case
        when exposure_source_cd = 'SEGMENTS'
            then {{ in_days('min(case when rate_mcg_day > previous_rate then infused_before_s end)') }}
    end as step_up_day,
    case
        when exposure_source_cd <> 'SEGMENTS' then null
        when max(case when is_restep then 1 else 0 end) = 1 then true
        when count(is_restep) = count(*) then false
    end as has_restep,
    {{ in_hours("sum(infused_s + case when gap_class_cd = 'BAG_CHANGE' then gap_before_min * 60 else 0 end)") }}
        as infused_h_bridged,
    sum(
        case when gap_before_min > {{ parameter('treatment_gap_d') }} * 24 * 60 then 1 else 0 end
    ) as n_interrupt_14d
from compared
group by patient_key, cycle_instance_no, exposure_source_cd
