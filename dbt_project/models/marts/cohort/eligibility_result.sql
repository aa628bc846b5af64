select
    patient_key,
    site_id,
    criterion_cd,
    order_no,
    met_cd,
    reason_cd,
    value_used,
    source_form,
    {{ rule_version() }} as rule_version
from {{ ref('int_eligibility__decision') }}
