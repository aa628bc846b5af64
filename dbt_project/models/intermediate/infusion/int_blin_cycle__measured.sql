-- Grain: one row per blinatumomab cycle that counts: how its exposure is known (exposure_source_cd) and what was
-- infused. SEGMENTS when any segment is kept; HEADER (the cycle form's own start and stop at the planned rate)
-- when the site says that it was not interrupted; else UPPER_BOUND: the same arithmetic, but only as an upper
-- bound, the measures stay null. infused_s (whole seconds) and delivered_mcg_day_s (mcg/day x seconds) add up exactly
-- over cycles; days, hours and mcg are their quotients.
{%- set step_s = parameter('step_days') ~ ' * 86400' %}
with sourced as (
    select
        plan.*,
        total.n_segments,
        total.infused_s,
        total.delivered_mcg_day_s,
        total.start_clock as first_clock,
        total.stop_clock as last_clock,
        total.start_local as first_local,
        total.is_open as has_open_segment,
        total.is_measured as is_stop_of_segments_known,
        total.start_rate_mcg_day,
        total.max_rate_mcg_day,
        total.off_min,
        total.overlap_s,
        total.rate_conflict_s,
        total.longest_interrupt_min,
        total.interrupt_reason_cd_first,
        total.n_short_breaks,
        total.n_interrupt_4h,
        total.n_interrupt_24h,
        total.n_interrupt_7d,
        case
            when plan.bc_status_cd = '4' then 'NOT_STARTED'
            when total.n_segments is not null then 'SEGMENTS'
            when plan.bc_interrupted_cd = '0' then 'HEADER'
            else 'UPPER_BOUND'
        end as exposure_source_cd,
        -- The stop of a cycle that is over but was given none is not known; it does not run to the cut.
        plan.end_clock is null and (ended.is_reported_over or ended.is_followed_by_cycle) as is_stop_missing,
        -- Paused: the segments stopped, but the form says ongoing and nothing says that the cycle is over (a stop on
        -- the form, a later cycle, the death, a last segment that was the planned end or a permanent stop).
        coalesce(plan.bc_status_cd = '1' and not total.is_open, false)
        and coalesce(total.last_end_reason_cd, '') not in ('1', '12')
        and plan.end_clock is null
        and not ended.is_followed_by_cycle
        and plan.followed_end_cd <> 'DEATH' as is_paused,
        case
            when plan.end_clock < plan.horizon_clock then plan.end_clock else plan.horizon_clock
        end as header_stop_clock,
        plan.end_clock is null
        or (plan.end_clock > plan.horizon_clock and plan.followed_end_cd <> 'DEATH') as is_header_open
    from {{ ref('int_blin_cycle__planned') }} as plan
    inner join {{ ref('int_blin_cycle__ended') }} as ended
        on plan.patient_key = ended.patient_key and plan.cycle_instance_no = ended.cycle_instance_no
    left join {{ ref('int_infusion__cycle_total') }} as total
        on plan.patient_key = total.patient_key and plan.cycle_instance_no = total.cycle_instance_no
    -- A form whose own dates cannot be used still counts when it has segments.
    where plan.header_reason_cd is null or (total.n_segments is not null and not plan.is_repeat)
),

headed as (
    select
        *,
        case
            when exposure_source_cd in ('HEADER', 'UPPER_BOUND') and not is_stop_missing
                then {{ seconds_between('start_clock', 'header_stop_clock') }}
        end as header_s
    from sourced
),

dosed as (
    select
        *,
        case
            when not step_dose_planned then {{ dose_of('planned_rate_mcg_day', 'header_s') }}
            when header_s <= {{ step_s }} then {{ dose_of('step_rate_mcg_day', 'header_s') }}
            else
                {{ dose_of('step_rate_mcg_day', step_s) }}
                + {{ dose_of('planned_rate_mcg_day', 'header_s - ' ~ step_s) }}
        end as header_mcg_day_s
    from headed
),

known as (
    select
        *,
        case exposure_source_cd
            when 'NOT_STARTED' then 0
            when 'SEGMENTS' then infused_s
            when 'HEADER' then header_s
        end as known_s,
        case exposure_source_cd
            when 'NOT_STARTED' then 0
            when 'SEGMENTS' then delivered_mcg_day_s
            when 'HEADER' then header_mcg_day_s
        end as known_mcg_day_s
    from dosed
)

select
    patient_key,
    site_id,
    cycle_instance_no,
    cycle_no_reported,
    exposure_source_cd,
    is_whole_days,
    {%- set is_start_disputed = 'header_reason_cd is null and ' ~ date_of('first_local') ~ ' < '
        ~ date_of('start_local') %}
    -- Where a cycle stands in time: its first segment, unless that begins on a day before the form's own first start.
    -- The two contradict each other then (finding D08), and the later one is the one that brings no time forward.
    case when {{ is_start_disputed }} then start_local else coalesce(first_local, start_local) end as start_local,
    case when {{ is_start_disputed }} then start_clock else coalesce(first_clock, start_clock) end as placed_clock,
    coalesce(first_clock, start_clock) as start_clock,
    case
        when exposure_source_cd = 'SEGMENTS' then last_clock
        when exposure_source_cd <> 'NOT_STARTED' and not is_stop_missing then header_stop_clock
    end as stop_clock,
    case
        when exposure_source_cd = 'NOT_STARTED' then false
        when exposure_source_cd = 'SEGMENTS' then has_open_segment or is_paused
        else is_header_open
    end as is_stop_unknown,
    -- Infusing at the cut. (Unknown also: open at death or withdrawal, over without a stop, or paused.)
    followed_end_cd = 'CUT'
    and case exposure_source_cd
        when 'NOT_STARTED' then false
        when 'SEGMENTS' then has_open_segment and is_stop_of_segments_known
        else is_header_open and not is_stop_missing
    end as is_running,
    -- At the cut: not infusing, but the cycle has not ended.
    is_paused and followed_end_cd = 'CUT' as is_paused,
    known_s as infused_s,
    known_mcg_day_s as delivered_mcg_day_s,
    {{ in_days('known_s') }} as delivered_days,
    {{ in_mcg('known_mcg_day_s') }} as delivered_mcg,
    case when exposure_source_cd = 'UPPER_BOUND' then {{ in_days('header_s') }} end as delivered_days_upper,
    case when exposure_source_cd = 'UPPER_BOUND' then {{ in_mcg('header_mcg_day_s') }} end as delivered_mcg_upper,
    n_segments,
    start_rate_mcg_day,
    max_rate_mcg_day,
    {{ in_hours('off_min * 60') }} as off_h,
    {{ in_hours('overlap_s') }} as overlap_h,
    {{ in_hours('rate_conflict_s') }} as rate_conflict_h,
    {{ in_hours('longest_interrupt_min * 60') }} as longest_interrupt_h,
    interrupt_reason_cd_first,
    -- A form that says "not interrupted" counts as no break; else breaks are known from segments only.
    case when exposure_source_cd = 'HEADER' then 0 else n_short_breaks end as n_short_breaks,
    case when exposure_source_cd = 'HEADER' then 0 else n_interrupt_4h end as n_interrupt_4h,
    case when exposure_source_cd = 'HEADER' then 0 else n_interrupt_24h end as n_interrupt_24h,
    case when exposure_source_cd = 'HEADER' then 0 else n_interrupt_7d end as n_interrupt_7d
from known
