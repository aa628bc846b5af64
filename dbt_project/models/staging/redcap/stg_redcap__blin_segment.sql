select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ integer_field('blin_segment', 'sg_cycle') }},
    {{ datetime_field('sg_start') }},
    {{ datetime_field('sg_end') }},
    {{ number_field('blin_segment', 'sg_rate') }},
    {{ code_field('blin_segment', 'sg_rate_unit') }},
    {{ code_field('blin_segment', 'sg_end_reason') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__blin_segment') }}
