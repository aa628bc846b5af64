-- Grain: one row per landed blinatumomab cycle form (site-numbered cycle): what was planned, and its own first
-- start and last stop on the infusion clock. header_reason_cd says why the form's own dates cannot give exposure
-- (segments may still do so).
with landed as (
    select
        blin_cycle.*,
        subject.time_zone,
        subject.data_cut_date,
        subject.withdraw_date,
        subject.counted_through_date,
        subject.death_hi,
        subject.followed_end_cd,
        -- Neither clock time known, or the start only: whole days.
        coalesce(blin_cycle.bc_time_known_cd in ('2', '3'), false) as is_whole_days,
        coalesce(blin_cycle.bc_step_cd = '1', false) as step_dose_planned,
        coalesce(blin_cycle.bc_weight < {{ parameter('weight_band_kg') }}, false) as is_dosed_by_surface,
        subject.followed_through_date,
        subject.followed_through_clock
    from {{ ref('stg_redcap__blin_cycle') }} as blin_cycle
    inner join {{ ref('int_subject__horizon') }} as subject on blin_cycle.patient_key = subject.patient_key
),

clocked as (
    select
        *,
        {{ infusion_clock('bc_start', 'is_whole_days', 'time_zone') }} as start_clock,
        {{ infusion_clock('bc_end', 'is_whole_days', 'time_zone') }} as end_clock,
        case when is_whole_days then {{ start_of_day('followed_through_date') }} else followed_through_clock end
            as horizon_clock,
        -- Under 45 kg the plan follows body surface and its caps; the step needs the surface itself.
        case
            when is_dosed_by_surface then {{ capped('bc_plan_rate', parameter('rate_cap_mcg_day')) }}
            else bc_plan_rate
        end as planned_rate_mcg_day,
        case
            when is_dosed_by_surface
                then {{ capped('bc_bsa * ' ~ parameter('step_rate_mcg_m2_day'), parameter('step_rate_cap_mcg_day')) }}
            else {{ parameter('step_rate_mcg_day') }}
        end as step_rate_mcg_day,
        row_number() over (
            partition by patient_key, bc_number, bc_start, bc_end, bc_status_cd order by instance_no
        ) as repeat_no
    from landed
)

select
    patient_key,
    site_id,
    instance_no as cycle_instance_no,
    bc_number as cycle_no_reported,
    time_zone,
    is_whole_days,
    bc_start as start_local,
    bc_end as end_local,
    start_clock,
    end_clock,
    horizon_clock,
    followed_end_cd,
    bc_status_cd,
    bc_interrupted_cd,
    bc_bsa,
    is_dosed_by_surface,
    step_dose_planned,
    step_rate_mcg_day,
    planned_rate_mcg_day,
    bc_plan_days as planned_days,
    -- Where the plan comes from: the form. No schedule of the label stands in for a plan that was not recorded.
    case
        when bc_plan_days is not null and bc_plan_rate is not null then 'FORM'
        when bc_plan_days is not null or bc_plan_rate is not null then 'FORM_INCOMPLETE'
        else 'NOT_RECORDED'
    end as planned_source_cd,
    case
        when step_dose_planned and bc_plan_days > {{ parameter('step_days') }}
            then
                {{ parameter('step_days') }} * step_rate_mcg_day
                + (bc_plan_days - {{ parameter('step_days') }}) * planned_rate_mcg_day
        when step_dose_planned then bc_plan_days * step_rate_mcg_day
        else bc_plan_days * planned_rate_mcg_day
    end as planned_mcg,
    bc_purpose_cd as purpose_cd,
    bc_line_cd,
    bc_stop_reason_cd as stop_reason_cd,
    bc_delay_reason_cd as delay_reason_cd,
    bc_inpt_days as hospital_days,
    case bc_setting_cd when '1' then false when '2' then true when '3' then true end as outpatient_start,
    case bc_home_cd when '1' then true when '0' then false end as has_home,
    repeat_no > 1 as is_repeat,
    case
        when not form_opened then 'CYC_EMPTY_ROW'
        when repeat_no > 1 then 'CYC_EXACT_DUPLICATE'
        when coalesce(bc_status_cd, '') = '4' then null
        when bc_start is null then 'CYC_START_MISSING'
        when end_clock <= start_clock then 'CYC_NEGATIVE_OR_ZERO'
        when {{ date_of('bc_start') }} > data_cut_date then 'CYC_START_AFTER_CUT'
        when {{ date_of('bc_start') }} > withdraw_date then 'CYC_AFTER_WITHDRAWAL'
        when {{ date_of('bc_start') }} > death_hi then 'CYC_AFTER_DEATH'
        when start_clock >= horizon_clock and not is_whole_days then 'CYC_START_AFTER_CUT'
    end as header_reason_cd,
    pull_id
from clocked
