with described as (
    select
        course.*,
        backbone.backbone_cd,
        period.progression_date,
        period.plan_date,
        diagnosis.resolved_date as dx_date,
        response.cr1_date,
        row_number() over (
            partition by course.patient_key order by course.start_date, course.instance_no
        ) as course_seq,
        lag(coalesce(course.end_date, course.start_date)) over (
            partition by course.patient_key order by course.start_date, course.instance_no
        ) as previous_end_date
    from {{ ref('int_course__kept') }} as course
    left join {{ ref('backbone') }} as backbone on course.regimen_reported_cd = backbone.plan_backbone_cd
    left join {{ ref('int_frontline__period') }} as period on course.patient_key = period.patient_key
    left join {{ ref('int_response__frontline') }} as response on course.patient_key = response.patient_key
    left join {{ ref('int_dates__resolved') }} as diagnosis
        on course.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
),

blin as (
    select
        patient_key,
        min(cycle_start_date) as first_date,
        max(cycle_start_date) as last_date
    from {{ ref('blin_cycle_exposure') }}
    where started
    group by patient_key
)

select
    described.patient_key,
    described.site_id,
    cast(described.course_seq as integer) as course_seq,
    described.instance_no,
    described.regimen_reported_cd,
    coalesce(described.backbone_cd, 'UNK') as regimen_cd,
    coalesce(described.backbone_cd, 'UNK') as backbone_family_cd,
    case
        when coalesce(described.backbone_cd, 'UNK') = 'UNK' then 'UNKNOWN' else 'REPORTED'
    end as classification_method_cd,
    {{ recode('described.tc_phase_cd', {
        '1': 'PREPHASE', '2': 'INDUCTION', '3': 'INDUCTION', '4': 'INTENSIFICATION', '5': 'CONSOLIDATION',
        '6': 'INTERIM_MAINTENANCE', '7': 'DELAYED_INTENSIFICATION', '8': 'MAINTENANCE', '9': 'BRIDGING', '10': 'SALVAGE',
    }, 'OTHER') }} as phase_cd,
    -- Derived from the course of the disease: 1 before, 2 from relapse or refractory disease on. The site's word
    -- stands beside it.
    cast(case when described.start_date >= described.progression_date then 2 else 1 end as integer) as line_no,
    described.line_reported_cd,
    {{ recode('described.tc_label_cd', {'1': 'A', '2': 'B'}) }} as course_part_cd,
    described.course_no_in_phase,
    described.start_date,
    described.end_date,
    described.end_date is null and coalesce(described.tc_status_cd, '3') = '3' as is_ongoing,
    {{ recode(
        'described.tc_status_cd', {'1': 'COMPLETED', '2': 'STOPPED_EARLY', '3': 'ONGOING'}, 'UNKNOWN'
    ) }} as status_cd,
    cast(
        {{ count_ticked('described.tc_drugs', registry_field('treatment_course', 'tc_drugs').codes) }}
        as integer
    ) as n_drugs,
    described.tc_drugs__21 or described.tc_drugs__22 as has_anti_cd20,
    described.tc_drugs__23 as has_inotuzumab,
    described.tc_drugs__24 or described.tc_drugs__25 or described.tc_drugs__26 or described.tc_drugs__27 as has_tki,
    described.tc_drugs__18 or described.tc_drugs__19 as has_asparaginase,
    coalesce(described.tc_it_doses > 0, false) as has_it_chemo,
    coalesce(described.tc_trial_cd = '1', false) as is_in_trial,
    cast(
        {{ days_between('described.dx_date', 'described.start_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('described.cr1_date', 'described.start_date') }}
        as integer
    ) as days_from_cr1,
    cast(
        {{ days_between('described.previous_end_date', 'described.start_date') }}
        as integer
    ) as gap_prev_days,
    coalesce(described.previous_end_date > described.start_date, false) as overlaps_prev,
    case
        when blin.first_date is null then 'NO_BLIN'
        when described.start_date < blin.first_date then 'BEFORE_BLIN'
        when described.start_date > blin.last_date then 'AFTER_BLIN'
        else 'BETWEEN_BLIN'
    end as position_cd,
    case when described.tc_status_cd = '2' then described.tc_stop_reason_cd end as stop_reason_cd,
    'treatment_course' as source_form,
    described.pull_id,
    {{ rule_version() }} as rule_version
from described
left join blin on described.patient_key = blin.patient_key
