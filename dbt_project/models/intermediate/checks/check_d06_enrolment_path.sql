-- D06, error: the enrolment path and the vital status at entry disagree; the path of the deceased with a vital status
-- that is not known, too.
select
    {{ check_columns('D06', 'registration', 'enroll_type',
        "(registration.enroll_type_cd = '3') <> (registration.vital_entry_cd = '2')", subject='subject') }}
from {{ ref('int_subject__recorded') }} as subject
inner join {{ ref('stg_redcap__registration') }} as registration on subject.patient_key = registration.patient_key
where
    subject.is_patient
    and registration.enroll_type_cd is not null
    and (
        registration.vital_entry_cd in ('1', '2')
        or (registration.enroll_type_cd = '3' and registration.vital_entry_cd = '9')
    )
