-- D16, error: the prefix of the record id does not fit the record's data access group (compared in staging, where
-- the id still is).
select {{ check_columns('D16', 'registration', 'record_id', 'record.has_prefix_mismatch', subject='subject') }}
from {{ ref('stg_redcap__record') }} as record
inner join {{ ref('int_subject__recorded') }} as subject
    on record.patient_key = subject.patient_key and subject.is_patient
