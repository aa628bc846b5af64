with assembled as (
    select
        measured.*,
        numbered.cycle_overall_no,
        numbered.cycle_start_date,
        numbered.cycle_end_date,
        numbered.cycle_start_utc,
        numbered.cycle_end_utc,
        numbered.granularity_cd,
        numbered.line_cd,
        plan.planned_days,
        plan.planned_mcg,
        plan.planned_rate_mcg_day,
        plan.step_dose_planned,
        plan.purpose_cd,
        plan.bc_line_cd,
        plan.bc_interrupted_cd,
        plan.stop_reason_cd,
        plan.hospital_days,
        plan.has_home,
        plan.pull_id,
        -- Started from one infused hour; without segments the site's word stands.
        measured.exposure_source_cd <> 'NOT_STARTED'
        and coalesce(round(measured.delivered_days * 24, 6) >= {{ parameter('started_h') }}, true) as is_started,
        case
            when plan.planned_days = {{ parameter('complete_days_plan') }} then {{ parameter('complete_days') }}
            else plan.planned_days - 1.0
        end as complete_from_days
    from {{ ref('int_blin_cycle__measured') }} as measured
    inner join {{ ref('int_blin_cycle__numbered') }} as numbered
        on measured.patient_key = numbered.patient_key and measured.cycle_instance_no = numbered.cycle_instance_no
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
),

judged as (
    -- What cannot be known stays null: an open end, no segments for an interrupted cycle, no plan.
    select
        *,
        case
            when exposure_source_cd = 'NOT_STARTED' then false
            when not is_stop_unknown then round(delivered_days, 6) >= complete_from_days
        end as is_complete,
        case
            when exposure_source_cd = 'NOT_STARTED' then false
            when not is_stop_unknown then round(delivered_days, 6) >= {{ parameter('completed_share') }} * planned_days
        end as is_complete_80,
        case
            when is_started and not is_stop_unknown and planned_mcg > 0 then delivered_mcg / planned_mcg
        end as completeness_frac,
        lag(cycle_start_date) over (partition by patient_key order by cycle_overall_no) as previous_start_date,
        lag(cycle_end_date) over (partition by patient_key order by cycle_overall_no) as previous_end_date
    from assembled
),

refused as (
    select
        patient_key,
        cycle_instance_no,
        count(*) as n_segments_quarantined
    from {{ ref('int_infusion__checked') }}
    where reason_cd is not null and cycle_instance_no is not null
    group by patient_key, cycle_instance_no
)

select
    judged.patient_key,
    judged.site_id,
    cast(judged.cycle_overall_no as integer) as cycle_overall_no,
    judged.cycle_no_reported,
    judged.cycle_instance_no,
    judged.line_cd,
    {{ recode(
        'judged.bc_line_cd', {'1': 'FRONTLINE', '2': 'MRD_DIRECTED', '3': 'RELAPSED_REFRACTORY'}
    ) }} as line_reported_cd,
    judged.purpose_cd,
    judged.granularity_cd,
    judged.exposure_source_cd,
    judged.cycle_start_date,
    judged.cycle_end_date,
    judged.cycle_start_utc,
    judged.cycle_end_utc,
    judged.is_started as started,
    judged.is_running as is_open,
    judged.planned_days,
    judged.planned_rate_mcg_day,
    judged.planned_mcg,
    judged.step_dose_planned,
    judged.delivered_days,
    judged.delivered_mcg,
    judged.delivered_days_upper,
    judged.delivered_mcg_upper,
    judged.completeness_frac as dose_completeness_frac,
    judged.start_rate_mcg_day,
    judged.max_rate_mcg_day,
    judged.off_h,
    cast(judged.n_short_breaks as integer) as n_short_breaks,
    cast(judged.n_interrupt_4h as integer) as n_interrupt_4h,
    cast(judged.n_interrupt_24h as integer) as n_interrupt_24h,
    cast(judged.n_interrupt_7d as integer) as n_interrupt_7d,
    cast(
        case
            when not judged.is_started then 0
            when judged.exposure_source_cd <> 'UPPER_BOUND' then 1 + judged.n_interrupt_7d
        end as integer
    ) as label_cycles,
    judged.longest_interrupt_h,
    judged.interrupt_reason_cd_first,
    cast(
        {{ days_between('judged.previous_end_date', 'judged.cycle_start_date') }}
        as integer
    ) as gap_prev_cycle_days,
    cast(
        {{ days_between('judged.previous_start_date', 'judged.cycle_start_date') }}
        as integer
    ) as start_to_start_days,
    judged.hospital_days,
    judged.has_home,
    case judged.bc_interrupted_cd when '1' then true when '0' then false end as is_interrupted_reported,
    judged.is_complete as completed,
    judged.is_complete_80 as completed_80,
    case
        when not judged.is_started then 'NOT_STARTED'
        when judged.is_running then 'ONGOING'
        when judged.is_complete and judged.completeness_frac < {{ parameter('completed_reduced_below') }}
            then 'COMPLETED_REDUCED'
        when judged.is_complete then 'COMPLETED'
        when not judged.is_complete then 'STOPPED_EARLY'
        else 'NOT_EVALUABLE'
    end as completion_status_cd,
    judged.stop_reason_cd,
    judged.overlap_h,
    judged.rate_conflict_h,
    cast(coalesce(judged.n_segments, 0) as integer) as n_segments,
    cast(coalesce(refused.n_segments_quarantined, 0) as integer) as n_segments_quarantined,
    'blin_cycle' as source_form,
    judged.pull_id,
    {{ rule_version() }} as rule_version
from judged
left join refused
    on judged.patient_key = refused.patient_key and judged.cycle_instance_no = refused.cycle_instance_no
