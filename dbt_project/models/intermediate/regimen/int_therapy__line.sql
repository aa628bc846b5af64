-- Grain: one row per unit of therapy (course, or started blinatumomab cycle): its line. The line is 1 until a relapse
-- or refractory disease and rises with the first therapy after each; a progression that no therapy followed raises
-- nothing. A change of regimen for toxicity, a planned phase, blinatumomab and transplant do not raise it.
with therapy as (
    select
        patient_key,
        'treatment_course' as form,
        instance_no,
        start_date
    from {{ ref('int_course__kept') }}
    union all
    select
        patient_key,
        'blin_cycle' as form,
        cycle_instance_no as instance_no,
        start_date
    from {{ ref('int_blin_cycle__started') }}
    where start_date is not null
),

progression as (
    select
        relapse.patient_key,
        relapse.relapse_date as progression_date
    from {{ ref('int_relapse__kept') }} as relapse
    left join {{ ref('int_frontline__period') }} as period on relapse.patient_key = period.patient_key
    where relapse.is_relapse and relapse.relapse_date >= coalesce(period.plan_date, relapse.relapse_date)
    union
    select
        patient_key,
        refractory_date as progression_date
    from {{ ref('int_frontline__refractory') }}
),

counted as (
    select
        therapy.patient_key,
        therapy.form,
        therapy.instance_no,
        therapy.start_date,
        count(progression.progression_date) as n_progressions
    from therapy
    left join progression
        on therapy.patient_key = progression.patient_key and therapy.start_date >= progression.progression_date
    group by therapy.patient_key, therapy.form, therapy.instance_no, therapy.start_date
)

select
    patient_key,
    form,
    instance_no,
    start_date,
    cast(
        case
            when n_progressions = 0 then 1
            else 1 + dense_rank() over (
                partition by patient_key, case when n_progressions > 0 then 1 else 0 end order by n_progressions
            )
        end as integer
    ) as line_no
from counted
