-- Grain: one row per therapy that changed the regimen after the full number of induction courses (course or
-- blinatumomab cycle): the day, and what assessments showed up to it. A change after a course that was stopped for
-- toxicity is none; the site's own line is no change either: the line is derived and stands beside it.
with blin_cycle as (
    select
        recorded.patient_key,
        recorded.form,
        recorded.instance_no,
        recorded.recorded_date as start_date,
        form.bc_purpose_cd
    from {{ ref('int_dates__recorded') }} as recorded
    inner join {{ ref('stg_redcap__blin_cycle') }} as form
        on recorded.patient_key = form.patient_key and recorded.instance_no = form.instance_no
    where recorded.field_name = 'bc_start' and recorded.is_contact and recorded.is_counted
),

induction_course as (
    select
        patient_key,
        start_date,
        regimen_reported_cd,
        row_number() over (partition by patient_key order by start_date, instance_no) as course_no
    from {{ ref('int_course__kept') }}
    where tc_phase_cd in ('2', '3')
),

induction as (
    -- Courses of induction, and cycles of blinatumomab whose purpose it is.
    select
        patient_key,
        start_date,
        row_number() over (partition by patient_key order by start_date) as induction_no
    from (
        select
            patient_key,
            start_date
        from induction_course
        union all
        select
            patient_key,
            start_date
        from blin_cycle
        where bc_purpose_cd = '1'
    ) as given
),

course as (
    select
        patient_key,
        instance_no,
        start_date,
        tc_phase_cd,
        regimen_reported_cd,
        lag(tc_stop_reason_cd) over (partition by patient_key order by start_date, instance_no) as previous_stop_cd
    from {{ ref('int_course__kept') }}
),

change as (
    -- Salvage, or a regimen that differs from that of the first induction course (unknown differs from nothing).
    select
        course.patient_key,
        'treatment_course' as form,
        course.instance_no,
        course.start_date as change_date
    from course
    left join induction_course
        on course.patient_key = induction_course.patient_key and induction_course.course_no = 1
    where
        course.tc_phase_cd = '10'
        or (
            course.regimen_reported_cd <> induction_course.regimen_reported_cd
            and course.regimen_reported_cd <> '99'
            and induction_course.regimen_reported_cd <> '99'
            and coalesce(course.previous_stop_cd, '') <> '1'
        )
    union all
    -- Blinatumomab whose purpose is relapsed or refractory disease.
    select
        patient_key,
        form,
        instance_no,
        start_date as change_date
    from blin_cycle
    where bc_purpose_cd = '8'
),

assessed as (
    select
        response.patient_key,
        response.assess_date,
        response.is_cr_registry
    from {{ ref('int_response__classified') }} as response
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on response.patient_key = treatment.patient_key
    where
        response.is_cr_registry is not null
        and response.assess_date > coalesce(treatment.plan_date, date '1900-01-01')
)

select
    change.patient_key,
    change.form,
    change.instance_no,
    change.change_date,
    -- Disease counts from the start of the first induction on.
    max(
        case when not assessed.is_cr_registry and assessed.assess_date > first_induction.start_date then 1 else 0 end
    ) = 1 as is_disease_shown,
    max(case when assessed.is_cr_registry then 1 else 0 end) = 1 as is_remission_shown
from change
-- The last induction that is allowed, started before the change.
inner join induction
    on
        change.patient_key = induction.patient_key
        and change.change_date > induction.start_date
        and induction.induction_no = {{ parameter('max_induction_courses') }}
inner join induction as first_induction
    on change.patient_key = first_induction.patient_key and first_induction.induction_no = 1
left join assessed
    on change.patient_key = assessed.patient_key and change.change_date >= assessed.assess_date
group by change.patient_key, change.form, change.instance_no, change.change_date
