select
    patient_key,
    site_id,
    event_name,
    instance_no,
    {{ date_field('plan_date') }},
    {{ code_field('treatment_plan', 'plan_backbone') }},
    {{ text_field('plan_backbone_oth') }},
    {{ code_field('treatment_plan', 'plan_blin') }},
    {{ integer_field('treatment_plan', 'plan_blin_cycles') }},
    {{ checkbox_field('treatment_plan', 'no_blin_reason') }},
    {{ code_field('treatment_plan', 'plan_hct') }},
    form_status_cd,
    form_opened,
    pull_id
from {{ ref('base_redcap__treatment_plan') }}
