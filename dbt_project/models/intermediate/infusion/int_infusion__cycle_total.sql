-- Grain: one row per cycle with kept segments: infused time, dose and breaks, summed over disjoint intervals, in
-- whole seconds, mcg/day x seconds and whole minutes. All of it is null where the stop of a segment is not known.
with classed as (
    select
        *,
        {{ gap_class('gap_before_min') }} as gap_class_cd
    from {{ ref('int_infusion__interval') }}
),

summed as (
    select
        patient_key,
        cycle_instance_no,
        min(start_clock) as start_clock,
        max(stop_clock) as stop_clock,
        {{ sum_seconds('infused_s') }} as infused_s,
        sum({{ dose_of('rate_mcg_day', 'infused_s') }}) as delivered_mcg_day_s,
        {{ sum_seconds('case when is_overlap then infused_s else 0 end') }} as overlap_s,
        {{ sum_seconds('case when is_rate_conflict then infused_s else 0 end') }} as rate_conflict_s,
        cast(sum(coalesce(gap_before_min, 0)) as bigint) as off_min,
        max(rate_mcg_day) as max_rate_mcg_day,
        max(case when interval_no = 1 then rate_mcg_day end) as start_rate_mcg_day,
        sum(case when gap_class_cd in ('BAG_CHANGE', 'SHORT') then 1 else 0 end) as n_short_breaks,
        sum(case when gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE') then 1 else 0 end) as n_interrupt_4h,
        sum(case when gap_class_cd in ('LONG', 'NEW_CYCLE') then 1 else 0 end) as n_interrupt_24h,
        sum(case when gap_class_cd = 'NEW_CYCLE' then 1 else 0 end) as n_interrupt_7d,
        max(case when gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE') then gap_before_min end)
            as longest_interrupt_min,
        min(case when gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE') then interval_no end) as first_interrupt_no
    from classed
    group by patient_key, cycle_instance_no
),

kept as (
    select
        *,
        row_number() over (
            partition by patient_key, cycle_instance_no order by start_clock desc, instance_no desc
        ) as from_last
    from {{ ref('int_infusion__segment') }}
),

segment as (
    select
        patient_key,
        cycle_instance_no,
        min(start_local) as start_local,
        min(start_clock) as start_clock,
        count(*) as n_segments,
        max(case when is_open then 1 else 0 end) = 1 as is_open,
        max(case when is_cycle_measured then 1 else 0 end) = 1 as is_measured,
        max(case when from_last = 1 then end_reason_cd end) as last_end_reason_cd
    from kept
    group by patient_key, cycle_instance_no
)

select
    segment.patient_key,
    segment.cycle_instance_no,
    coalesce(summed.start_clock, segment.start_clock) as start_clock,
    segment.start_local,
    segment.n_segments,
    segment.is_open,
    segment.is_measured,
    segment.last_end_reason_cd,
    summed.stop_clock,
    summed.infused_s,
    summed.delivered_mcg_day_s,
    summed.overlap_s,
    summed.rate_conflict_s,
    summed.off_min,
    summed.max_rate_mcg_day,
    summed.start_rate_mcg_day,
    summed.n_short_breaks,
    summed.n_interrupt_4h,
    summed.n_interrupt_24h,
    summed.n_interrupt_7d,
    summed.longest_interrupt_min,
    case
        when summed.first_interrupt_no is not null then {{ interruption_cause('first_break.gap_reason_cd') }}
    end as interrupt_reason_cd_first
from segment
left join summed
    on segment.patient_key = summed.patient_key and segment.cycle_instance_no = summed.cycle_instance_no
left join {{ ref('int_infusion__interval') }} as first_break
    on
        summed.patient_key = first_break.patient_key
        and summed.cycle_instance_no = first_break.cycle_instance_no
        and summed.first_interrupt_no = first_break.interval_no
-- Segments of no length (a start at the very end of what is followed) measure nothing: the form speaks then.
where summed.patient_key is not null or not segment.is_measured
