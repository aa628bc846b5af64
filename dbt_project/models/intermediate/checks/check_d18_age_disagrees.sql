-- D18, warn: age at diagnosis differs by more than one year from the age that birth date and diagnosis date give.
with subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        registration.age_dx,
        {{ days_between('demographics.birth_date', 'diagnosis.earliest_date') }}
        / {{ parameter('days_per_year') }} as youngest,
        {{ days_between('demographics.birth_date', 'diagnosis.latest_date') }}
        / {{ parameter('days_per_year') }} as oldest
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('stg_redcap__registration') }} as registration
        on recorded.patient_key = registration.patient_key
    inner join {{ ref('stg_redcap__demographics') }} as demographics
        on recorded.patient_key = demographics.patient_key
    inner join {{ ref('int_dates__bounded') }} as diagnosis
        on recorded.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS'
    where recorded.is_patient and registration.age_dx is not null and demographics.birth_date is not null
)

select
    {{ check_columns('D18', 'demographics', 'birth_date',
        'age_dx < youngest - ' ~ parameter('age_difference_warn_years')
        ~ ' or age_dx > oldest + ' ~ parameter('age_difference_warn_years')) }}
from subject
