select
    reject.patient_key,
    subject.site_id,
    reject.form,
    reject.instance_no,
    reject.field_name,
    reject.reason_cd
from {{ ref('stg_redcap__type_reject') }} as reject
inner join {{ ref('int_subject__recorded') }} as subject on reject.patient_key = subject.patient_key
