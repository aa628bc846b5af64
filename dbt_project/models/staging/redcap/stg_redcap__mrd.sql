select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ date_field('mr_date') }},
    {{ code_field('mrd', 'mr_timepoint') }},
    {{ code_field('mrd', 'mr_source') }},
    {{ code_field('mrd', 'mr_method') }},
    {{ code_field('mrd', 'mr_lab') }},
    {{ code_field('mrd', 'mr_result') }},
    {{ number_field('mrd', 'mr_value') }},
    {{ code_field('mrd', 'mr_unit') }},
    {{ code_field('mrd', 'mr_sens') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__mrd') }}
