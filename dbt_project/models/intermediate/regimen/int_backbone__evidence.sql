-- Grain: one row per kept record: what the rules of the backbone read, each as a flag, from the frontline courses and
-- cycles. IND: in any induction course, POST: in any later one; `in_one_...`: all of it in one course. A later cycle is
-- any that was not given as induction.
{%- set flags = {
    'has_ind_drug': "part_cd = 'IND' and has_any_drug",
    'has_ind_cytotoxic': "part_cd = 'IND' and has_cytotoxic",
    'has_ind_steroid': "part_cd = 'IND' and has_steroid",
    'has_ind_vincristine': "part_cd = 'IND' and has_vincristine",
    'has_ind_daunorubicin': "part_cd = 'IND' and has_daunorubicin",
    'has_ind_doxorubicin': "part_cd = 'IND' and has_doxorubicin",
    'has_ind_anthracycline': "part_cd = 'IND' and has_anthracycline",
    'has_ind_asparaginase': "part_cd = 'IND' and has_asparaginase",
    'has_ind_methotrexate_high': "part_cd = 'IND' and has_methotrexate_high",
    'has_ind_prednisone_or_dexamethasone': "part_cd = 'IND' and (has_prednisone or has_dexamethasone)",
    'has_ind_prednisone': "part_cd = 'IND' and has_prednisone",
    'has_ind_inotuzumab': "part_cd = 'IND' and has_inotuzumab",
    'has_ind_tki': "part_cd = 'IND' and has_tki",
    'has_part1_prednisone': "part_cd = 'IND' and tc_phase_cd = '2' and has_prednisone",
    'has_part1_dexamethasone': "part_cd = 'IND' and tc_phase_cd = '2' and has_dexamethasone",
    'has_part1_vincristine': "part_cd = 'IND' and tc_phase_cd = '2' and has_vincristine",
    'has_part1_daunorubicin': "part_cd = 'IND' and tc_phase_cd = '2' and has_daunorubicin",
    'has_post_drug': "part_cd = 'POST' and has_any_drug",
    'has_post_methotrexate_escalating': "part_cd = 'POST' and has_methotrexate_escalating",
    'has_post_thioguanine': "part_cd = 'POST' and has_thioguanine",
    'has_post_cytotoxic': "part_cd = 'POST' and has_cytotoxic",
    'has_post_inotuzumab': "part_cd = 'POST' and has_inotuzumab",
    'has_post_tki': "part_cd = 'POST' and has_tki",
    'has_phase4_methotrexate_high': "part_cd = 'POST' and tc_phase_cd = '4' and has_methotrexate_high",
    'has_tki': "part_cd <> 'OTHER' and has_tki",
    'has_anti_cd20': "part_cd <> 'OTHER' and has_anti_cd20",
    'has_inotuzumab': "part_cd <> 'OTHER' and has_inotuzumab",
    'has_cyclophosphamide': "part_cd <> 'OTHER' and has_cyclophosphamide",
    'has_intensive_drug': "part_cd <> 'OTHER'"
        ~ " and (has_anthracycline or has_cytarabine_high or has_methotrexate_high or has_alkylator)",
    'has_anthracycline': "has_anthracycline",
    'has_label_a': "tc_label_cd = '1'",
    'has_label_b': "tc_label_cd = '2'",
    'in_one_ind_cvd': "part_cd = 'IND' and has_cyclophosphamide and has_vincristine and has_dexamethasone",
    'in_one_ind_cvad': "part_cd = 'IND' and has_cyclophosphamide and has_vincristine and has_dexamethasone"
        ~ " and has_doxorubicin",
    'in_one_part1_graall': "part_cd = 'IND' and tc_phase_cd = '2'"
        ~ " and has_cyclophosphamide and has_asparaginase and has_daunorubicin",
    'in_one_course_b': "has_methotrexate_high and has_cytarabine_high",
    'in_one_post_etoposide_cytarabine': "part_cd = 'POST' and has_etoposide and has_cytarabine",
    'in_one_post_etoposide_cytarabine_high': "part_cd = 'POST' and has_etoposide and has_cytarabine_high",
    'in_one_post_mini': "part_cd = 'POST' and ((has_cyclophosphamide and has_vincristine and has_dexamethasone)"
        ~ " or (has_cytarabine and not has_asparaginase))",
    'in_one_post_graall': "part_cd = 'POST' and ((has_asparaginase and (has_cytarabine_high or has_methotrexate_high))"
        ~ " or (has_cyclophosphamide and has_etoposide and has_methotrexate))",
    'in_one_post_dfci': "part_cd = 'POST' and has_asparaginase and has_doxorubicin",
    'in_one_post_reinduction': "part_cd = 'POST' and tc_phase_cd = '7'"
        ~ " and has_anthracycline and has_vincristine and has_steroid",
    'in_one_post_low': "part_cd = 'POST' and (has_cytarabine_high or (has_methotrexate_high and has_asparaginase))",
} %}
with course as (
    select
        patient_key,
        sum(case when part_cd = 'IND' then 1 else 0 end) as n_induction_courses,
        sum(case when part_cd = 'POST' then 1 else 0 end) as n_post_courses,
        count(distinct case when part_cd = 'POST' and has_asparaginase then tc_phase_cd end)
            as n_post_asparaginase_phases,
        {%- for name, condition in flags.items() %}
        {{ in_any_row(condition) }} as {{ name }},
        {%- endfor %}
        count(*) as n_courses
    from {{ ref('int_frontline__course') }}
    group by patient_key
),

blin as (
    select
        blin_cycle.patient_key,
        {{ in_any_row("blin_cycle.tki_cd in ('1', '2', '3', '4')") }} as has_blin_tki,
        {{ in_any_row(
            "blin_cycle.purpose_cd = '1' and " ~ days_between('period.plan_date', 'blin_cycle.start_date')
            ~ " <= " ~ parameter('induction_window_days')
        ) }} as has_blin_induction,
        {{ in_any_row("coalesce(blin_cycle.purpose_cd, '9') <> '1'") }} as has_blin_later,
        {{ in_any_row("coalesce(blin_cycle.purpose_cd, '9') <> '1' and blin_cycle.tki_cd in ('1', '2', '3', '4')") }}
            as has_blin_later_tki
    from {{ ref('int_blin_cycle__started') }} as blin_cycle
    inner join {{ ref('int_frontline__period') }} as period
        on blin_cycle.patient_key = period.patient_key and blin_cycle.start_date <= period.frontline_end_date
    where blin_cycle.line_cd = 'FRONTLINE'
    group by blin_cycle.patient_key
)

select
    subject.patient_key,
    subject.site_id,
    baseline.backbone_declared_cd as declared_cd,
    baseline.age_dx_years,
    coalesce(diagnosis.ph_status_cd = '1' or diagnosis.genetics__10, false) as is_ph_or_abl_class,
    coalesce(blin.has_blin_tki, false) as has_blin_tki,
    coalesce(blin.has_blin_induction, false) as has_blin_induction,
    coalesce(blin.has_blin_later, false) as has_blin_later,
    coalesce(blin.has_blin_later_tki, false) as has_blin_later_tki,
    cast(coalesce(course.n_induction_courses, 0) as integer) as n_induction_courses,
    cast(coalesce(course.n_post_courses, 0) as integer) as n_post_courses,
    coalesce(course.n_post_asparaginase_phases, 0) as n_post_asparaginase_phases,
    {%- for name in flags %}
    coalesce(course.{{ name }}, false) as {{ name }},
    {%- endfor %}
    subject.pull_id
from {{ ref('int_subject__recorded') }} as subject
inner join {{ ref('int_subject__baseline') }} as baseline on subject.patient_key = baseline.patient_key
left join {{ ref('stg_redcap__diagnosis') }} as diagnosis on subject.patient_key = diagnosis.patient_key
left join course on subject.patient_key = course.patient_key
left join blin on subject.patient_key = blin.patient_key
