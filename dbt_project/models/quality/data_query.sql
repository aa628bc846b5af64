select
    query_key,
    check_id,
    patient_key,
    site_id,
    severity_class,
    form,
    instance_no,
    field_name,
    finding_text,
    expected_text,
    evidence_sha256,
    status_cd,
    resolution_note_cd,
    blocks_analysis
from {{ ref('int_check__query') }}
