with described as (
    select
        course.*,
        backbone.backbone_cd as reported_cd,
        therapy.line_no,
        -- The family that the site names; in frontline, where it names none, the backbone of the patient.
        case
            when coalesce(backbone.backbone_cd, 'UNK') <> 'UNK' then backbone.backbone_cd
            when therapy.line_no = 1 then final.final_cd
            else 'UNK'
        end as family_cd,
        final.final_source_cd,
        period.frontline_end_date,
        diagnosis.resolved_date as dx_date,
        response.cr1_date,
        row_number() over (
            partition by course.patient_key order by course.start_date, course.instance_no
        ) as course_seq,
        lag(coalesce(course.end_date, course.start_date)) over (
            partition by course.patient_key order by course.start_date, course.instance_no
        ) as previous_end_date
    from {{ ref('int_course__kept') }} as course
    inner join {{ ref('int_therapy__line') }} as therapy
        on
            course.patient_key = therapy.patient_key
            and course.instance_no = therapy.instance_no
            and therapy.form = 'treatment_course'
    inner join {{ ref('int_backbone__final') }} as final on course.patient_key = final.patient_key
    left join {{ ref('backbone') }} as backbone on course.regimen_reported_cd = backbone.plan_backbone_cd
    left join {{ ref('int_frontline__period') }} as period on course.patient_key = period.patient_key
    left join {{ ref('int_response__frontline') }} as response on course.patient_key = response.patient_key
    left join {{ ref('int_dates__resolved') }} as diagnosis
        on course.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
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
    coalesce(described.reported_cd, 'UNK') as regimen_cd,
    described.family_cd as backbone_family_cd,
    case
        when described.family_cd = 'UNK' then 'UNKNOWN'
        when coalesce(described.reported_cd, 'UNK') <> 'UNK' then 'REPORTED'
        when described.final_source_cd = 'DERIVED' then 'DICTIONARY_DRUGS'
        else 'DECLARED'
    end as classification_method_cd,
    {{ recode('described.tc_phase_cd', {
        '1': 'PREPHASE', '2': 'INDUCTION', '3': 'INDUCTION', '4': 'INTENSIFICATION', '5': 'CONSOLIDATION',
        '6': 'INTERIM_MAINTENANCE', '7': 'DELAYED_INTENSIFICATION', '8': 'MAINTENANCE', '9': 'BRIDGING', '10': 'SALVAGE',
    }, 'OTHER') }} as phase_cd,
    -- Derived from the course of the disease; the site's word stands beside it (3 means third or later).
    described.line_no,
    described.line_reported_cd,
    case described.line_reported_cd
        when '1' then described.line_no = 1
        when '2' then described.line_no = 2
        when '3' then described.line_no >= 3
    end as is_line_agreed,
    cast(
        row_number() over (
            partition by described.patient_key, described.line_no, described.family_cd
            order by described.start_date, described.instance_no
        ) as integer
    ) as course_no_in_family,
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
    -- The one TKI, or MULTIPLE.
    case
        when {{ count_ticked('described.tc_drugs', ['24', '25', '26', '27']) }} > 1 then 'MULTIPLE'
        when described.tc_drugs__24 then 'IMATINIB'
        when described.tc_drugs__25 then 'DASATINIB'
        when described.tc_drugs__26 then 'PONATINIB'
        when described.tc_drugs__27 then 'NILOTINIB_OTHER'
    end as tki_cd,
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
