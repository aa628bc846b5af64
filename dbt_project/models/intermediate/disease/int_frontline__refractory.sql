-- Grain: one row per patient declared refractory: the day on which the regimen was changed after the full number of
-- induction courses, when an assessment had shown disease and none a remission (registry definition) up to that day.
select
    patient_key,
    min(change_date) as refractory_date
from {{ ref('int_frontline__regimen_change') }}
where is_disease_shown and not is_remission_shown
group by patient_key
