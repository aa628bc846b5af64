-- Q12, warn: a marrow without lymphoblasts whose blood is reported neither on its form nor on another up to 7 days from
-- it: whether it was a remission is not known. Looked at: assessments whose marrow can be judged.
select
    {{ check_columns('Q12', 'response', 'ra_pb_lymphoblast', 'response.is_cr_registry is null', 'subject',
        'response.instance_no') }}
from {{ ref('int_response__classified') }} as response
inner join {{ ref('int_subject__recorded') }} as subject
    on response.patient_key = subject.patient_key and subject.is_patient
where response.is_marrow_evaluable
