-- Grain: one row per counted course of therapy other than blinatumomab, dated and with what it held.
select
    course.patient_key,
    usable.site_id,
    course.instance_no,
    course.tc_line_cd as line_reported_cd,
    course.tc_regimen_cd as regimen_reported_cd,
    course.tc_phase_cd,
    course.tc_label_cd,
    course.tc_number as course_no_in_phase,
    course.tc_start as start_date,
    -- An end after the last day that counts is not known yet.
    case when course.tc_end <= subject.counted_through_date then course.tc_end end as end_date,
    -- Runs on: its end lies after the last day that counts, or there is none and it is not reported as finished.
    case
        when course.tc_end is not null then course.tc_end > subject.counted_through_date
        else coalesce(course.tc_status_cd = '3', true)
    end as is_running,
    course.tc_status_cd,
    course.tc_stop_reason_cd,
    course.tc_trial_cd,
    course.tc_it_doses,
    {%- for field in registry_fields()['treatment_course'] if field.name == 'tc_drugs' %}
    {%- for code in field.codes %}
    coalesce(course.tc_drugs__{{ code }}, false) as tc_drugs__{{ code }},
    {%- endfor %}
    {%- endfor %}
    course.pull_id
from {{ ref('stg_redcap__treatment_course') }} as course
inner join {{ ref('int_form_row__checked') }} as usable
    on
        course.patient_key = usable.patient_key
        and course.instance_no = usable.instance_no
        and usable.form = 'treatment_course'
        and usable.reason_cd is null
inner join {{ ref('int_subject__recorded') }} as subject on course.patient_key = subject.patient_key
