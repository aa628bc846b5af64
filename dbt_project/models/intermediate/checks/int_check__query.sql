-- Grain: one row per violation with its stable key and what was answered. An answer holds only for the evidence that
-- it was given on: with other evidence the query is open again. An error that blocks an analysis is never accepted.
with asked as (
    select
        {{ surrogate_key(['finding.check_id', 'finding.patient_key', 'finding.form', 'finding.instance_no',
            'finding.field_name']) }} as query_key,
        finding.*,
        evidence.evidence_sha256
    from {{ ref('int_check__finding') }} as finding
    inner join {{ ref('int_check__evidence') }} as evidence
        on
            finding.check_id = evidence.check_id
            and finding.patient_key = evidence.patient_key
            and finding.form = evidence.form
            and finding.instance_no = evidence.instance_no
            and finding.field_name = evidence.field_name
),

answered as (
    select
        asked.*,
        case
            when answer.query_key is null then 'OPEN'
            when answer.evidence_sha256 <> asked.evidence_sha256 then 'REOPENED'
            when answer.answer_cd = 'ANSWERED' then 'ANSWERED'
            when asked.severity_class = 'error' and asked.blocks_analysis then 'REOPENED'
            else 'ACCEPTED_AS_IS'
        end as status_cd,
        answer.note_cd
    from asked
    left join {{ ref('stg_redcap__query_answer') }} as answer on asked.query_key = answer.query_key
)

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
    case when status_cd in ('ANSWERED', 'ACCEPTED_AS_IS') then note_cd end as resolution_note_cd,
    blocks_analysis
from answered
