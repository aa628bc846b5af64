select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ date_field('rl_date') }},
    {{ code_field('relapse', 'rl_date_prec') }},
    {{ code_field('relapse', 'rl_kind') }},
    {{ checkbox_field('relapse', 'rl_site') }},
    {{ number_field('relapse', 'rl_bm_blast') }},
    {{ code_field('relapse', 'rl_cd19') }},
    {{ code_field('relapse', 'rl_lineage') }},
    {{ checkbox_field('relapse', 'rl_next') }},
    {{ date_field('rl_cart_date') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__relapse') }}
