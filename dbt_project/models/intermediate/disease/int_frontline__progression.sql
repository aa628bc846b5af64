-- Grain: one row per patient whose disease progressed, with or without a plan date: first relapse (morphologic or
-- extramedullary, not before the start of therapy where that is known) and first day of refractory disease. Frontline
-- therapy ends at the earlier of the two.
with relapse as (
    select
        relapse.patient_key,
        min(relapse.relapse_date) as relapse_date
    from {{ ref('int_relapse__kept') }} as relapse
    inner join {{ ref('int_subject__recorded') }} as subject on relapse.patient_key = subject.patient_key
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment
        on
            relapse.patient_key = treatment.patient_key
            and treatment.plan_date between date '1900-01-01' and subject.counted_through_date
    where relapse.is_relapse and relapse.relapse_date >= coalesce(treatment.plan_date, relapse.relapse_date)
    group by relapse.patient_key
),

progressed as (
    select patient_key
    from relapse
    union
    select patient_key
    from {{ ref('int_frontline__refractory') }}
)

select
    progressed.patient_key,
    relapse.relapse_date,
    refractory.refractory_date,
    {{ earliest_date(['relapse.relapse_date', 'refractory.refractory_date']) }} as progression_date
from progressed
left join relapse on progressed.patient_key = relapse.patient_key
left join {{ ref('int_frontline__refractory') }} as refractory on progressed.patient_key = refractory.patient_key
