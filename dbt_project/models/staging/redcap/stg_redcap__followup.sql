select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ date_field('fu_date') }},
    {{ code_field('followup', 'fu_source') }},
    {{ code_field('followup', 'fu_vital') }},
    {{ code_field('followup', 'fu_remission') }},
    {{ code_field('followup', 'fu_therapy') }},
    {{ code_field('followup', 'fu_second_ca') }},
    {{ date_field('fu_second_ca_date') }},
    {{ code_field('followup', 'fu_ltfu') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__followup') }}
