select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ code_field('death', 'dth_dead') }},
    {{ date_field('dth_date') }},
    {{ code_field('death', 'dth_date_prec') }},
    {{ code_field('death', 'dth_cause') }},
    {{ code_field('death', 'dth_remission') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__death') }}
