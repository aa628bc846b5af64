select
    {{ surrogate_key(['check_id', 'patient_key', 'form', 'instance_no', 'field_name']) }} as query_key,
    check_id,
    patient_key,
    site_id,
    severity_class,
    form,
    instance_no,
    field_name,
    finding_text,
    expected_text,
    'OPEN' as status_cd,
    blocks_analysis
from {{ ref('int_check__finding') }}
