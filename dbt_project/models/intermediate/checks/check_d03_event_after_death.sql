-- D03, error: any clinical date after the date of death (a follow-up that says alive included). Looked at: the
-- dead only. With a partial date of death, after the last day it can mean.
select
    'D03' as check_id,
    recorded.patient_key,
    recorded.site_id,
    recorded.form,
    recorded.instance_no,
    recorded.field_name,
    recorded.earliest_date > death.latest_date as is_violated
from {{ ref('int_dates__recorded') }} as recorded
inner join {{ ref('int_subject__recorded') }} as subject
    on recorded.patient_key = subject.patient_key and subject.is_patient
inner join {{ ref('int_dates__bounded') }} as death
    on recorded.patient_key = death.patient_key and death.date_role = 'DEATH' and death.is_counted
where recorded.is_clinical
