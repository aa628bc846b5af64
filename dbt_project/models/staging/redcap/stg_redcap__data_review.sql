select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ code_field('data_review', 'dr_verified') }},
    {{ date_field('dr_verified_date') }},
    {{ integer_field('data_review', 'dr_open_queries') }},
    {{ code_field('data_review', 'dr_lock') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__data_review') }}
