-- Grain: one row per patient declared refractory: the day on which the regimen was changed after the full number
-- of induction courses without a remission (registry definition) up to that day.
with induction as (
    select
        patient_key,
        start_date,
        regimen_reported_cd,
        row_number() over (partition by patient_key order by start_date, instance_no) as induction_no
    from {{ ref('int_course__kept') }}
    where tc_phase_cd in ('2', '3')
),

change as (
    -- Salvage, a later line, or a regimen that differs from that of the first induction (unknown differs from
    -- nothing).
    select
        course.patient_key,
        course.start_date as change_date
    from {{ ref('int_course__kept') }} as course
    inner join induction on course.patient_key = induction.patient_key and induction.induction_no = 1
    where
        course.tc_phase_cd = '10'
        or course.line_reported_cd in ('2', '3')
        or (
            course.regimen_reported_cd <> induction.regimen_reported_cd
            and course.regimen_reported_cd <> '99'
            and induction.regimen_reported_cd <> '99'
        )
    union all
    select
        blin_cycle.patient_key,
        {{ date_of('blin_cycle.bc_start') }} as change_date
    from {{ ref('stg_redcap__blin_cycle') }} as blin_cycle
    inner join {{ ref('int_subject__recorded') }} as subject on blin_cycle.patient_key = subject.patient_key
    where
        blin_cycle.bc_line_cd = '3'
        and coalesce(blin_cycle.bc_status_cd, '') <> '4'
        and {{ date_of('blin_cycle.bc_start') }} <= subject.counted_through_date
),

first_remission as (
    select
        response.patient_key,
        min(response.assess_date) as cr_date
    from {{ ref('int_response__classified') }} as response
    inner join {{ ref('stg_redcap__treatment_plan') }} as treatment on response.patient_key = treatment.patient_key
    where response.is_cr_registry and response.assess_date > treatment.plan_date
    group by response.patient_key
)

select
    change.patient_key,
    min(change.change_date) as refractory_date
from change
-- The last induction course that is allowed, started before the change.
inner join induction
    on
        change.patient_key = induction.patient_key
        and change.change_date > induction.start_date
        and induction.induction_no = {{ parameter('max_induction_courses') }}
left join first_remission on change.patient_key = first_remission.patient_key
where first_remission.cr_date is null or first_remission.cr_date > change.change_date
group by change.patient_key
