-- Grain: one row per kept record: first dates and last words that the subject table shows beside its own.
with hsct as (
    select
        patient_key,
        min(hsct_date) as first_hsct_date
    from {{ ref('int_hct__kept') }}
    group by patient_key
),

relapse as (
    select
        patient_key,
        min(relapse_date) as first_relapse_date
    from {{ ref('int_relapse__kept') }}
    where is_relapse
    group by patient_key
),

lost as (
    select distinct patient_key
    from {{ ref('int_followup__kept') }}
    where is_lost
)

select
    horizon.patient_key,
    hsct.first_hsct_date,
    relapse.first_relapse_date,
    case when horizon.death_date is not null then death.dth_cause_cd end as death_cause_cd,
    case
        when horizon.death_date is not null then 'DIED'
        when subject.consent_status_cd = '6' then 'WITHDRAWN'
        when lost.patient_key is not null then 'LOST'
        else 'ONGOING'
    end as eos_status_cd
from {{ ref('int_subject__horizon') }} as horizon
inner join {{ ref('int_subject__recorded') }} as subject on horizon.patient_key = subject.patient_key
left join {{ ref('stg_redcap__death') }} as death on horizon.patient_key = death.patient_key
left join hsct on horizon.patient_key = hsct.patient_key
left join relapse on horizon.patient_key = relapse.patient_key
left join lost on horizon.patient_key = lost.patient_key
