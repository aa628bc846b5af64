-- Grain: one row per kept infusion segment: the time and dose that it adds to its cycle, and what it shares with
-- other segments, in whole seconds and mcg/day x seconds. The added time of a cycle's segments is the cycle's infused
-- time.
with piece as (
    select
        segment.patient_key,
        segment.instance_no,
        piece.infused_s,
        piece.rate_mcg_day,
        piece.is_overlap,
        piece.is_rate_conflict,
        piece.instance_no = segment.instance_no as is_setting_rate
    from {{ ref('int_infusion__segment') }} as segment
    inner join {{ ref('int_infusion__interval') }} as piece
        on
            segment.patient_key = piece.patient_key
            and segment.cycle_instance_no = piece.cycle_instance_no
            and segment.start_clock <= piece.start_clock
            and segment.stop_clock >= piece.stop_clock
)

select
    patient_key,
    instance_no,
    {{ sum_seconds('case when is_setting_rate then infused_s else 0 end') }} as counted_s,
    sum(case when is_setting_rate then {{ dose_of('rate_mcg_day', 'infused_s') }} else 0 end) as counted_mcg_day_s,
    {{ sum_seconds('case when is_overlap then infused_s else 0 end') }} as overlap_s,
    {{ sum_seconds('case when is_rate_conflict then infused_s else 0 end') }} as rate_conflict_s
from piece
group by patient_key, instance_no
