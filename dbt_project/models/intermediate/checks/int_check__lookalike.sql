-- Grain: one row per patient that D19 takes for a patient of another site, and each other patient of the same diagnosis
-- date, age, sex and ZIP3.
with person as (
    select
        finding.patient_key,
        registration.dx_date,
        registration.age_dx,
        demographics.sex_cd,
        demographics.zip3
    from {{ ref('int_check__finding') }} as finding
    inner join {{ ref('stg_redcap__registration') }} as registration on finding.patient_key = registration.patient_key
    inner join {{ ref('stg_redcap__demographics') }} as demographics on finding.patient_key = demographics.patient_key
    where finding.check_id = 'D19' and finding.form = 'registration'
)

select
    person.patient_key,
    other.patient_key as other_patient_key
from person
inner join person as other
    on
        person.dx_date = other.dx_date
        and person.age_dx = other.age_dx
        and person.sex_cd = other.sex_cd
        and person.zip3 = other.zip3
        and person.patient_key <> other.patient_key
