-- Grain: one row per dated blinatumomab cycle: the course of the disease as known on the day it started. Nothing that
-- happened later is looked at.
with cycle as (
    select
        patient_key,
        cycle_instance_no,
        cycle_start_date
    from {{ ref('int_blin_cycle__numbered') }}
    where cycle_start_date is not null
),

progression as (
    select
        patient_key,
        relapse_date as progression_date
    from {{ ref('int_relapse__kept') }}
    where is_relapse
    union all
    select
        patient_key,
        refractory_date as progression_date
    from {{ ref('int_frontline__refractory') }}
),

progressed as (
    select
        cycle.patient_key,
        cycle.cycle_instance_no,
        cycle.cycle_start_date,
        max(progression.progression_date) as progression_date
    from cycle
    left join progression
        on cycle.patient_key = progression.patient_key and cycle.cycle_start_date >= progression.progression_date
    group by cycle.patient_key, cycle.cycle_instance_no, cycle.cycle_start_date
),

answered as (
    -- Remission in force: the first one after the last progression.
    select
        progressed.patient_key,
        progressed.cycle_instance_no,
        progressed.cycle_start_date,
        progressed.progression_date,
        min(case when response.is_cr_registry then response.assess_date end) as cr_date,
        count(response.is_cr_registry) as n_assessments
    from progressed
    left join {{ ref('int_response__classified') }} as response
        on
            progressed.patient_key = response.patient_key
            and progressed.cycle_start_date >= response.assess_date
            and coalesce(progressed.progression_date, date '0001-01-01') < response.assess_date
    group by
        progressed.patient_key, progressed.cycle_instance_no, progressed.cycle_start_date, progressed.progression_date
),

transplanted as (
    select
        answered.patient_key,
        answered.cycle_instance_no,
        max(hct.row_date) as hsct_date
    from answered
    inner join {{ ref('int_form_row__checked') }} as hct
        on
            answered.patient_key = hct.patient_key
            and hct.form = 'hct'
            and hct.reason_cd is null
            and answered.cycle_start_date >= hct.row_date
            and coalesce(answered.progression_date, date '0001-01-01') < hct.row_date
    group by answered.patient_key, answered.cycle_instance_no
),

maintained as (
    select
        answered.patient_key,
        answered.cycle_instance_no,
        min(course.start_date) as maintenance_date
    from answered
    inner join {{ ref('int_course__kept') }} as course
        on
            answered.patient_key = course.patient_key
            and course.tc_phase_cd = '8'
            and answered.cycle_start_date >= course.start_date
            and coalesce(answered.progression_date, date '0001-01-01') < course.start_date
    group by answered.patient_key, answered.cycle_instance_no
)

select
    answered.patient_key,
    answered.cycle_instance_no,
    answered.cycle_start_date,
    answered.progression_date,
    answered.cr_date,
    answered.n_assessments > 0 as is_assessed,
    transplanted.hsct_date,
    maintained.maintenance_date
from answered
left join transplanted
    on
        answered.patient_key = transplanted.patient_key
        and answered.cycle_instance_no = transplanted.cycle_instance_no
left join maintained
    on answered.patient_key = maintained.patient_key and answered.cycle_instance_no = maintained.cycle_instance_no
