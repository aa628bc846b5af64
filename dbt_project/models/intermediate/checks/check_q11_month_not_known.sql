-- Q11, info: of a date of diagnosis, relapse or death only the year is known (or nobody says how exact it is): it is
-- put on 1 July, or where the year allows by the other dates (data model 3.1).
select
    'Q11' as check_id,
    dated.patient_key,
    dated.site_id,
    {{ recode('dated.date_role', {'DIAGNOSIS': 'registration', 'RELAPSE': 'relapse', 'DEATH': 'death'}) }} as form,
    dated.instance_no,
    {{ recode('dated.date_role', {'DIAGNOSIS': 'dx_date', 'RELAPSE': 'rl_date', 'DEATH': 'dth_date'}) }} as field_name,
    coalesce(dated.imputation_flag = 'M', false) as is_violated
from {{ ref('int_dates__bounded') }} as dated
inner join {{ ref('int_subject__recorded') }} as subject
    on dated.patient_key = subject.patient_key and subject.is_patient
where dated.is_counted
