with refused as (
    select
        patient_key,
        cycle_instance_no,
        count(*) as n_segments_quarantined
    from {{ ref('int_infusion__checked') }}
    where reason_cd is not null and cycle_instance_no is not null
    group by patient_key, cycle_instance_no
)

select
    measured.patient_key,
    measured.site_id,
    cast(numbered.cycle_overall_no as integer) as cycle_overall_no,
    measured.cycle_no_reported,
    measured.cycle_instance_no,
    cast(spacing.blin_course_no as integer) as blin_course_no,
    cast(spacing.cycle_in_course_no as integer) as cycle_in_course_no,
    spacing.cycle_number_source_cd,
    spacing.has_missing_prior_cycle,
    numbered.line_cd,
    {{ recode(
        'plan.bc_line_cd', {'1': 'FRONTLINE', '2': 'MRD_DIRECTED', '3': 'RELAPSED_REFRACTORY'}
    ) }} as line_reported_cd,
    plan.purpose_cd,
    purpose.context_cd,
    purpose.context_reported_cd,
    purpose.context_source_cd,
    purpose.is_in_cr1,
    numbered.granularity_cd,
    measured.exposure_source_cd,
    numbered.cycle_start_date,
    numbered.cycle_end_date,
    numbered.cycle_start_utc,
    numbered.cycle_end_utc,
    judged.is_started as started,
    judged.is_running as is_open,
    plan.planned_days,
    plan.planned_source_cd,
    plan.planned_rate_mcg_day,
    plan.planned_mcg,
    plan.is_dosed_by_surface,
    plan.step_dose_planned,
    dosing.step_dose_given,
    {{ settled('dosing.step_up_day') }} as step_up_day,
    {{ settled('measured.delivered_days') }} as delivered_days,
    {{ settled('measured.delivered_mcg') }} as delivered_mcg,
    {{ settled('measured.delivered_days_upper') }} as delivered_days_upper,
    {{ settled('measured.delivered_mcg_upper') }} as delivered_mcg_upper,
    {{ settled('judged.completeness_frac') }} as dose_completeness_frac,
    {{ settled('spacing.rdi_frac') }} as rdi_frac,
    measured.start_rate_mcg_day,
    measured.max_rate_mcg_day,
    {{ settled('dosing.reduced_dose_days') }} as reduced_dose_days,
    dosing.has_restep,
    {{ settled('measured.off_h') }} as off_h,
    {{ settled('dosing.infused_h_bridged') }} as infused_h_bridged,
    cast(measured.n_short_breaks as integer) as n_short_breaks,
    cast(measured.n_interrupt_4h as integer) as n_interrupt_4h,
    cast(measured.n_interrupt_24h as integer) as n_interrupt_24h,
    cast(measured.n_interrupt_7d as integer) as n_interrupt_7d,
    cast(dosing.n_interrupt_14d as integer) as n_interrupt_14d,
    -- The cycles are the site's own: every such gap lies inside a cycle that it kept one.
    cast(measured.n_interrupt_7d as integer) as n_same_cycle_restart_over_7d,
    cast(judged.label_cycles as integer) as label_cycles,
    {{ settled('measured.longest_interrupt_h') }} as longest_interrupt_h,
    measured.interrupt_reason_cd_first,
    cast(spacing.gap_prev_days as integer) as gap_prev_cycle_days,
    cast(spacing.start_to_start_days as integer) as start_to_start_days,
    cast(spacing.n_chemo_between as integer) as n_chemo_between_prev,
    spacing.predecessor_cd,
    cast(spacing.days_from_predecessor as integer) as days_from_predecessor,
    cast(spacing.delay_days as integer) as delay_days,
    spacing.is_delayed,
    spacing.is_late,
    plan.delay_reason_cd,
    cast(spacing.block_no as integer) as block_no,
    cast(
        {{ days_between('diagnosis.resolved_date', 'numbered.cycle_start_date') }}
        as integer
    ) as days_dx_to_cycle,
    cast(
        {{ days_between('purpose.cr_date', 'numbered.cycle_start_date') }}
        as integer
    ) as days_cr_to_cycle,
    mrd.mrd_before_cd,
    mrd.mrd_before_frac,
    mrd.mrd_before_method_cd,
    cast(mrd.mrd_before_days as integer) as mrd_before_days,
    mrd.mrd_after_cd,
    mrd.mrd_after_method_cd,
    cast(mrd.mrd_after_days as integer) as mrd_after_days,
    beside.has_tki as has_concurrent_tki,
    beside.has_inotuzumab as has_concurrent_inotuzumab,
    beside.has_it as has_concurrent_it,
    beside.has_maintenance as has_concurrent_maintenance,
    beside.has_course as has_concurrent_course,
    beside.agents as concurrent_agents,
    transplant.has_hsct_within_window as has_hsct_within_90d,
    plan.hospital_days,
    plan.outpatient_start,
    plan.has_home,
    beside.has_crs,
    cast(beside.crs_max_grade as integer) as crs_max_grade,
    beside.has_neurotoxicity,
    cast(beside.icans_max_grade as integer) as icans_max_grade,
    case plan.bc_interrupted_cd when '1' then true when '0' then false end as is_interrupted_reported,
    judged.is_complete as completed,
    judged.is_complete_80 as completed_80,
    judged.completion_status_cd,
    plan.stop_reason_cd,
    {{ settled('measured.overlap_h') }} as overlap_h,
    {{ settled('measured.rate_conflict_h') }} as rate_conflict_h,
    case when numbered.granularity_cd = 'DATE_ONLY' then cast(1 as double) else cast(0 as double) end
        as day_count_uncertainty_days,
    cast(coalesce(measured.n_segments, 0) as integer) as n_segments,
    cast(coalesce(refused.n_segments_quarantined, 0) as integer) as n_segments_quarantined,
    cast(queried.n_open_queries as integer) as n_open_queries,
    'blin_cycle' as source_form,
    plan.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_blin_cycle__measured') }} as measured
inner join {{ ref('int_blin_cycle__numbered') }} as numbered
    on measured.patient_key = numbered.patient_key and measured.cycle_instance_no = numbered.cycle_instance_no
inner join {{ ref('int_blin_cycle__planned') }} as plan
    on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
inner join {{ ref('int_blin_cycle__judged') }} as judged
    on measured.patient_key = judged.patient_key and measured.cycle_instance_no = judged.cycle_instance_no
left join {{ ref('int_blin_cycle__dosing') }} as dosing
    on measured.patient_key = dosing.patient_key and measured.cycle_instance_no = dosing.cycle_instance_no
left join {{ ref('int_blin_cycle__timing') }} as spacing
    on measured.patient_key = spacing.patient_key and measured.cycle_instance_no = spacing.cycle_instance_no
left join {{ ref('int_blin_cycle__context') }} as purpose
    on measured.patient_key = purpose.patient_key and measured.cycle_instance_no = purpose.cycle_instance_no
left join {{ ref('int_blin_cycle__mrd') }} as mrd
    on measured.patient_key = mrd.patient_key and measured.cycle_instance_no = mrd.cycle_instance_no
left join {{ ref('int_blin_cycle__concurrent') }} as beside
    on measured.patient_key = beside.patient_key and measured.cycle_instance_no = beside.cycle_instance_no
left join {{ ref('int_dates__resolved') }} as diagnosis
    on measured.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_blin_cycle__transplant') }} as transplant
    on measured.patient_key = transplant.patient_key and measured.cycle_instance_no = transplant.cycle_instance_no
inner join {{ ref('int_blin_cycle__queried') }} as queried
    on measured.patient_key = queried.patient_key and measured.cycle_instance_no = queried.cycle_instance_no
left join refused
    on measured.patient_key = refused.patient_key and measured.cycle_instance_no = refused.cycle_instance_no
