-- D01, error: any date after the data cut or before 1900. A partial date counts from the first day it can mean.
select
    'D01' as check_id,
    recorded.patient_key,
    recorded.site_id,
    recorded.form,
    recorded.instance_no,
    recorded.field_name,
    recorded.earliest_date > subject.data_cut_date or recorded.recorded_date < date '1900-01-01' as is_violated
from {{ ref('int_dates__recorded') }} as recorded
inner join {{ ref('int_subject__recorded') }} as subject
    on recorded.patient_key = subject.patient_key and subject.is_patient
