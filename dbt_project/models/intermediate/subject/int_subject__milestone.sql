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

contact as (
    select
        patient_key,
        contact_date,
        max(case when is_lost then 1 else 0 end) as is_lost,
        max(case when not is_lost and vital_cd <> 'UNK' then 1 else 0 end) as is_known,
        row_number() over (partition by patient_key order by contact_date desc) as recency
    from {{ ref('int_followup__kept') }}
    group by patient_key, contact_date
),

lost as (
    -- Lost by the latest day of contact. Who is seen again was not lost: by another contact of that day, or by any form
    -- that shows the patient alive on a later one.
    select contact.patient_key
    from contact
    left join {{ ref('int_contact__last') }} as seen
        on contact.patient_key = seen.patient_key and contact.contact_date < seen.last_alive_date
    where contact.recency = 1 and contact.is_lost = 1 and contact.is_known = 0 and seen.patient_key is null
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
