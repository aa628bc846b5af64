-- Grain: one row per stretch of time during which a cycle's infusion ran at one rate; the stretches of a cycle
-- never overlap. Sweep line: cut time at every start and stop, keep the pieces that a segment covers, and where
-- several cover one piece count it once, at the rate of the segment started last. Cycles with a segment whose stop is
-- not known have no row.
with measured as (
    select *
    from {{ ref('int_infusion__segment') }}
    where is_cycle_measured
),

point as (
    select
        patient_key,
        cycle_instance_no,
        start_clock as clock
    from measured
    union
    select
        patient_key,
        cycle_instance_no,
        stop_clock as clock
    from measured
),

piece as (
    select
        patient_key,
        cycle_instance_no,
        clock as start_clock,
        lead(clock) over (partition by patient_key, cycle_instance_no order by clock) as stop_clock
    from point
),

covered as (
    select
        piece.patient_key,
        piece.cycle_instance_no,
        piece.start_clock,
        piece.stop_clock,
        segment.instance_no,
        segment.rate_mcg_day,
        segment.end_reason_cd,
        row_number() over (
            partition by piece.patient_key, piece.cycle_instance_no, piece.start_clock
            order by segment.start_clock desc, segment.instance_no desc
        ) as choice_no,
        count(*) over (partition by piece.patient_key, piece.cycle_instance_no, piece.start_clock) as n_segments,
        min(segment.rate_mcg_day) over (
            partition by piece.patient_key, piece.cycle_instance_no, piece.start_clock
        ) as lowest_rate,
        max(segment.rate_mcg_day) over (
            partition by piece.patient_key, piece.cycle_instance_no, piece.start_clock
        ) as highest_rate
    from piece
    inner join measured as segment
        on
            piece.patient_key = segment.patient_key
            and piece.cycle_instance_no = segment.cycle_instance_no
            and piece.start_clock >= segment.start_clock
            and piece.stop_clock <= segment.stop_clock
    where piece.stop_clock is not null
),

chosen as (
    select
        *,
        lag(stop_clock) over (partition by patient_key, cycle_instance_no order by start_clock) as previous_stop_clock,
        lag(end_reason_cd) over (
            partition by patient_key, cycle_instance_no order by start_clock
        ) as previous_end_reason_cd
    from covered
    where choice_no = 1
)

select
    patient_key,
    cycle_instance_no,
    row_number() over (partition by patient_key, cycle_instance_no order by start_clock) as interval_no,
    start_clock,
    stop_clock,
    -- The segment that sets the rate.
    instance_no,
    rate_mcg_day,
    {{ seconds_between('start_clock', 'stop_clock') }} as infused_s,
    n_segments > 1 as is_overlap,
    lowest_rate <> highest_rate as is_rate_conflict,
    -- Time off since the stretch before, 0 where the rate changed without a stop; null at the first.
    {{ gap_minutes('previous_stop_clock', 'start_clock') }} as gap_before_min,
    previous_end_reason_cd as gap_reason_cd
from chosen
