-- Grain: one row per violation: SHA-256 over what the finding says, the site, and the rows that it speaks about (macro
-- evidence_forms). It changes when any of them does, when one comes or goes, and when the finding gets other words.
with spoken_of as (
    select
        finding.check_id,
        finding.patient_key,
        finding.form,
        finding.instance_no,
        finding.field_name,
        landed.digest_1,
        landed.digest_2,
        landed.digest_3
    from {{ ref('int_check__finding') }} as finding
    inner join {{ ref('int_row__digest') }} as landed
        on finding.patient_key = landed.patient_key and {{ is_evidence('finding', 'landed') }}
    union all
    select
        finding.check_id,
        finding.patient_key,
        finding.form,
        finding.instance_no,
        finding.field_name,
        landed.digest_1,
        landed.digest_2,
        landed.digest_3
    from {{ ref('int_check__finding') }} as finding
    inner join {{ ref('int_check__lookalike') }} as lookalike on finding.patient_key = lookalike.patient_key
    inner join {{ ref('int_row__digest') }} as landed
        on lookalike.other_patient_key = landed.patient_key and landed.form in ('registration', 'demographics')
    where finding.check_id = 'D19' and finding.form = 'registration'
),

summed as (
    select
        check_id,
        patient_key,
        form,
        instance_no,
        field_name,
        count(*) as n_rows,
        sum(digest_1) as sum_1,
        sum(digest_2) as sum_2,
        sum(digest_3) as sum_3
    from spoken_of
    group by check_id, patient_key, form, instance_no, field_name
)

select
    finding.check_id,
    finding.patient_key,
    finding.form,
    finding.instance_no,
    finding.field_name,
    {{ sha256_of(joined_text([
        'finding.check_id', 'finding.patient_key', 'finding.form', 'finding.instance_no', 'finding.field_name',
        'finding.site_id', 'finding.finding_text', 'finding.expected_text',
        'summed.n_rows', 'summed.sum_1', 'summed.sum_2', 'summed.sum_3',
    ])) }} as evidence_sha256
from {{ ref('int_check__finding') }} as finding
left join summed
    on
        finding.check_id = summed.check_id
        and finding.patient_key = summed.patient_key
        and finding.form = summed.form
        and finding.instance_no = summed.instance_no
        and finding.field_name = summed.field_name
