-- Q13, warn: the regimen was changed after the full number of induction courses, and no assessment up to then shows
-- disease or a remission: whether the disease was refractory is not known. Looked at: such changes.
select
    {{ check_columns('Q13', 'treatment_course', 'tc_regimen',
        'not changed.is_disease_shown and not changed.is_remission_shown', 'subject', 'changed.instance_no') }}
from {{ ref('int_frontline__regimen_change') }} as changed
inner join {{ ref('int_subject__recorded') }} as subject
    on changed.patient_key = subject.patient_key and subject.is_patient
where changed.form = 'treatment_course'
union all
select
    {{ check_columns('Q13', 'blin_cycle', 'bc_purpose',
        'not changed.is_disease_shown and not changed.is_remission_shown', 'subject', 'changed.instance_no') }}
from {{ ref('int_frontline__regimen_change') }} as changed
inner join {{ ref('int_subject__recorded') }} as subject
    on changed.patient_key = subject.patient_key and subject.is_patient
where changed.form = 'blin_cycle'
