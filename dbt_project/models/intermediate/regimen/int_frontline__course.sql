-- Grain: one row per frontline course of therapy other than blinatumomab, with its part and what it held by class of
-- drug. IND: induction (phases 2 and 3) started up to 60 days after the plan date; POST: all others but prephase and
-- maintenance (clinical specification 2).
with frontline as (
    select
        course.*,
        period.plan_date,
        {{ days_between('period.plan_date', 'course.start_date') }}
            as days_from_plan
    from {{ ref('int_course__kept') }} as course
    inner join {{ ref('int_therapy__line') }} as therapy
        on
            course.patient_key = therapy.patient_key
            and course.instance_no = therapy.instance_no
            and therapy.form = 'treatment_course'
            and therapy.line_no = 1
    inner join {{ ref('int_frontline__period') }} as period
        on course.patient_key = period.patient_key and course.start_date <= period.frontline_end_date
)

select
    patient_key,
    instance_no,
    start_date,
    end_date,
    is_running,
    tc_phase_cd,
    tc_label_cd,
    regimen_reported_cd,
    case
        when tc_phase_cd in ('2', '3') and days_from_plan <= {{ parameter('induction_window_days') }} then 'IND'
        when tc_phase_cd in ('1', '8') then 'OTHER'
        else 'POST'
    end as part_cd,
    {{ any_ticked('tc_drugs', [1, 2, 3]) }} as has_steroid,
    tc_drugs__1 as has_prednisone,
    tc_drugs__2 as has_dexamethasone,
    tc_drugs__4 as has_vincristine,
    tc_drugs__6 as has_daunorubicin,
    tc_drugs__7 as has_doxorubicin,
    {{ any_ticked('tc_drugs', [6, 7, 8]) }} as has_anthracycline,
    tc_drugs__9 as has_cyclophosphamide,
    {{ any_ticked('tc_drugs', [9, 10]) }} as has_alkylator,
    tc_drugs__11 as has_cytarabine,
    tc_drugs__12 as has_cytarabine_high,
    tc_drugs__13 as has_methotrexate_high,
    tc_drugs__14 as has_methotrexate_escalating,
    tc_drugs__15 as has_methotrexate_oral,
    {{ any_ticked('tc_drugs', [13, 14, 15]) }} as has_methotrexate,
    tc_drugs__16 as has_mercaptopurine,
    tc_drugs__17 as has_thioguanine,
    {{ any_ticked('tc_drugs', [18, 19]) }} as has_asparaginase,
    tc_drugs__20 as has_etoposide,
    {{ any_ticked('tc_drugs', [21, 22]) }} as has_anti_cd20,
    tc_drugs__23 as has_inotuzumab,
    {{ any_ticked('tc_drugs', [24, 25, 26, 27]) }} as has_tki,
    -- Everything but steroids, antibodies and TKI.
    {{ any_ticked(
        'tc_drugs', [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 28, 29, 30, 31, 90]
    ) }} as has_cytotoxic,
    {{ any_ticked('tc_drugs', registry_field('treatment_course', 'tc_drugs').codes) }} as has_any_drug,
    coalesce(tc_it_doses > 0, false) as has_intrathecal
from frontline
