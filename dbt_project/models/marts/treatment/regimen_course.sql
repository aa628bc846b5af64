with described as (
    select
        course.*,
        backbone.backbone_cd as reported_cd,
        therapy.line_no,
        -- The family that the site names; in frontline, where it names none, the backbone of the patient.
        case
            when coalesce(backbone.backbone_cd, 'UNK') <> 'UNK' then backbone.backbone_cd
            when therapy.line_no = 1 and course.start_date <= period.frontline_end_date then final.final_cd
            else 'UNK'
        end as family_cd,
        final.final_source_cd,
        period.frontline_end_date,
        diagnosis.resolved_date as dx_date,
        response.cr1_date,
        row_number() over (
            partition by course.patient_key order by course.start_date, course.instance_no
        ) as course_seq,
        course.is_running as is_ongoing,
        -- An end that nobody entered is not known: neither the gap after it nor whether it was over.
        lag(course.end_date) over (
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

placed as (
    select
        *,
        lag(is_ongoing) over (partition by patient_key order by course_seq) as is_previous_ongoing
    from described
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
    placed.patient_key,
    placed.site_id,
    cast(placed.course_seq as integer) as course_seq,
    placed.instance_no,
    placed.regimen_reported_cd,
    coalesce(placed.reported_cd, 'UNK') as regimen_cd,
    placed.family_cd as backbone_family_cd,
    case
        when placed.family_cd = 'UNK' then 'UNKNOWN'
        when coalesce(placed.reported_cd, 'UNK') <> 'UNK' then 'REPORTED'
        when placed.final_source_cd = 'DERIVED' then 'DICTIONARY_DRUGS'
        else 'DECLARED'
    end as classification_method_cd,
    {{ recode('placed.tc_phase_cd', {
        '1': 'PREPHASE', '2': 'INDUCTION', '3': 'INDUCTION', '4': 'INTENSIFICATION', '5': 'CONSOLIDATION',
        '6': 'INTERIM_MAINTENANCE', '7': 'DELAYED_INTENSIFICATION', '8': 'MAINTENANCE', '9': 'BRIDGING', '10': 'SALVAGE',
    }, 'OTHER') }} as phase_cd,
    -- Derived from the course of the disease; the site's word stands beside it (3 means third or later).
    placed.line_no,
    placed.line_reported_cd,
    case placed.line_reported_cd
        when '1' then placed.line_no = 1
        when '2' then placed.line_no = 2
        when '3' then placed.line_no >= 3
    end as is_line_agreed,
    cast(
        row_number() over (
            partition by placed.patient_key, placed.line_no, placed.family_cd
            order by placed.start_date, placed.instance_no
        ) as integer
    ) as course_no_in_family,
    {{ recode('placed.tc_label_cd', {'1': 'A', '2': 'B'}) }} as course_part_cd,
    placed.course_no_in_phase,
    placed.start_date,
    placed.end_date,
    placed.is_ongoing,
    {{ recode(
        'placed.tc_status_cd', {'1': 'COMPLETED', '2': 'STOPPED_EARLY', '3': 'ONGOING'}, 'UNKNOWN'
    ) }} as status_cd,
    cast(
        {{ count_ticked('placed.tc_drugs', registry_field('treatment_course', 'tc_drugs').codes) }}
        as integer
    ) as n_drugs,
    placed.tc_drugs__21 or placed.tc_drugs__22 as has_anti_cd20,
    placed.tc_drugs__23 as has_inotuzumab,
    placed.tc_drugs__24 or placed.tc_drugs__25 or placed.tc_drugs__26 or placed.tc_drugs__27 as has_tki,
    -- The one TKI, or MULTIPLE.
    case
        when {{ count_ticked('placed.tc_drugs', ['24', '25', '26', '27']) }} > 1 then 'MULTIPLE'
        when placed.tc_drugs__24 then 'IMATINIB'
        when placed.tc_drugs__25 then 'DASATINIB'
        when placed.tc_drugs__26 then 'PONATINIB'
        when placed.tc_drugs__27 then 'NILOTINIB_OTHER'
    end as tki_cd,
    placed.tc_drugs__18 or placed.tc_drugs__19 as has_asparaginase,
    coalesce(placed.tc_it_doses > 0, false) as has_it_chemo,
    case placed.tc_trial_cd when '1' then true when '0' then false end as is_in_trial,
    cast(
        {{ days_between('placed.dx_date', 'placed.start_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('placed.cr1_date', 'placed.start_date') }}
        as integer
    ) as days_from_cr1,
    cast(
        {{ days_between('placed.previous_end_date', 'placed.start_date') }}
        as integer
    ) as gap_prev_days,
    case
        when placed.course_seq = 1 then false
        when placed.previous_end_date is not null then placed.previous_end_date > placed.start_date
        when placed.is_previous_ongoing then true
    end as overlaps_prev,
    case
        when blin.first_date is null then 'NO_BLIN'
        -- On one day a course comes before a cycle.
        when placed.start_date <= blin.first_date then 'BEFORE_BLIN'
        when placed.start_date > blin.last_date then 'AFTER_BLIN'
        else 'BETWEEN_BLIN'
    end as position_cd,
    case when placed.tc_status_cd = '2' then placed.tc_stop_reason_cd end as stop_reason_cd,
    'treatment_course' as source_form,
    placed.pull_id,
    {{ rule_version() }} as rule_version
from placed
left join blin on placed.patient_key = blin.patient_key
