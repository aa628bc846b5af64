-- D05, error: deceased at entry without a date of death by then; consent "not required: deceased" for someone
-- entered alive.
with subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        registration.reg_date,
        registration.vital_entry_cd,
        registration.consent_status_cd,
        death.earliest_date as death_lo
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('stg_redcap__registration') }} as registration
        on recorded.patient_key = registration.patient_key
    left join {{ ref('int_dates__bounded') }} as death
        on recorded.patient_key = death.patient_key and death.date_role = 'DEATH'
    where recorded.is_patient
)

select {{ check_columns('D05', 'registration', 'vital_entry', 'death_lo is null or death_lo > reg_date') }}
from subject
where vital_entry_cd = '2'
union all
select {{ check_columns('D05', 'registration', 'consent_status', "vital_entry_cd = '1'") }}
from subject
where consent_status_cd = '3'
