-- Grain: one row per treated patient (a plan date that counts): frontline therapy from the plan date to its end
-- and why it ended.
with dated as (
    select
        subject.patient_key,
        subject.site_id,
        treatment.plan_date,
        progression.relapse_date,
        progression.refractory_date,
        subject.followed_through_date,
        subject.followed_end_cd,
        progression.progression_date
    from {{ ref('int_subject__horizon') }} as subject
    inner join {{ ref('stg_redcap__treatment_plan') }} as treatment
        on
            subject.patient_key = treatment.patient_key
            and subject.counted_through_date >= treatment.plan_date
            and treatment.plan_date >= date '1900-01-01'
    left join {{ ref('int_frontline__progression') }} as progression on subject.patient_key = progression.patient_key
)

select
    patient_key,
    site_id,
    plan_date,
    relapse_date,
    refractory_date,
    progression_date,
    case
        when progression_date <= followed_through_date then progression_date else followed_through_date
    end as frontline_end_date,
    -- On one and the same day relapse comes before refractory, both before death.
    case
        when relapse_date = progression_date and relapse_date <= followed_through_date then 'RELAPSE'
        when refractory_date = progression_date and refractory_date <= followed_through_date then 'REFRACTORY'
        else followed_end_cd
    end as frontline_end_reason_cd
from dated
