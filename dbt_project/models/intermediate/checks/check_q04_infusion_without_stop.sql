-- Q04, warn: an infusion that ran, or is still open, for more than 35 days without a stop: a segment; a cycle without
-- segments whose form says that it was not interrupted, or gives no stop; or a cycle that is paused and called ongoing,
-- from its start. Open is counted as far as the patient is followed.
with cycle as (
    select
        plan.patient_key,
        plan.site_id,
        plan.cycle_instance_no,
        case when measured.is_paused then measured.start_clock else plan.start_clock end as start_clock,
        case
            when plan.end_clock is null or plan.end_clock > plan.horizon_clock then plan.horizon_clock
            else plan.end_clock
        end as stop_clock
    from {{ ref('int_blin_cycle__planned') }} as plan
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on plan.patient_key = measured.patient_key and plan.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_subject__recorded') }} as subject
        on plan.patient_key = subject.patient_key and subject.is_patient
    where
        measured.exposure_source_cd = 'HEADER'
        or (measured.exposure_source_cd = 'UPPER_BOUND' and plan.end_clock is null)
        or measured.is_paused
),

segment as (
    select
        kept.patient_key,
        kept.site_id,
        kept.instance_no,
        kept.start_clock,
        kept.stop_clock
    from {{ ref('int_infusion__segment') }} as kept
    inner join {{ ref('int_subject__recorded') }} as subject
        on kept.patient_key = subject.patient_key and subject.is_patient
)

{%- set too_long = seconds_between('start_clock', 'stop_clock')
    ~ ' > ' ~ parameter('infusion_without_stop_days') ~ ' * 86400' %}

select {{ check_columns('Q04', 'blin_segment', 'sg_end', too_long, instance_no='instance_no') }}
from segment
union all
select {{ check_columns('Q04', 'blin_cycle', 'bc_end', too_long, instance_no='cycle_instance_no') }}
from cycle
