with ordered as (
    select
        stretch.*,
        measured.site_id,
        numbered.cycle_overall_no,
        subject.time_zone,
        {{ seconds_between('measured.start_clock', 'stretch.start_clock') }}
            as from_cycle_start_s,
        measured.is_running and measured.stop_clock = stretch.stop_clock as is_open,
        not measured.is_whole_days and subject.time_zone is not null as is_utc
    from {{ ref('int_blin_cycle__interval') }} as stretch
    inner join {{ ref('int_blin_cycle__measured') }} as measured
        on
            stretch.patient_key = measured.patient_key
            and stretch.cycle_instance_no = measured.cycle_instance_no
    inner join {{ ref('int_blin_cycle__numbered') }} as numbered
        on
            stretch.patient_key = numbered.patient_key
            and stretch.cycle_instance_no = numbered.cycle_instance_no
    inner join {{ ref('int_subject__recorded') }} as subject on stretch.patient_key = subject.patient_key
)

select
    patient_key,
    site_id,
    cast(cycle_overall_no as integer) as cycle_overall_no,
    cast(interval_no as integer) as interval_no,
    exposure_source_cd,
    case when is_utc then start_clock end as start_utc,
    case when is_utc then stop_clock end as end_utc,
    {{ settled(in_hours('from_cycle_start_s')) }} as from_cycle_start_h,
    {{ settled(in_hours('infused_s')) }} as infused_h,
    {{ settled(in_hours('infused_before_s')) }} as infused_before_h,
    rate_mcg_day,
    {{ settled(in_mcg(dose_of('rate_mcg_day', 'infused_s'))) }} as dose_mcg,
    {{ settled(in_hours('gap_before_min * 60')) }} as gap_prev_h,
    gap_class_cd,
    case
        when gap_class_cd in ('INTERRUPTION', 'LONG', 'NEW_CYCLE') then {{ interruption_cause('gap_reason_cd') }}
    end as gap_cause_cd,
    is_open,
    is_overlap,
    is_rate_conflict,
    {{ rule_version() }} as rule_version
from ordered
