-- Grain: one row per opened form of a patient with a finding: a SHA-256 over patient, instrument, instance and filled
-- fields (the status of the form aside), as three numbers of 12 hexadecimal digits. Sums of them tell sets of rows
-- apart, whatever the order of the rows.
with asked as (
    select distinct patient_key
    from {{ ref('int_check__finding') }}
),

hashed as (
    {%- for form in registry_fields() %}
    select
        '{{ form }}' as form,
        landed.patient_key,
        landed.instance_no,
        {{ sha256_of("'" ~ form ~ "|' || landed.patient_key || '|' || cast(landed.instance_no as varchar) || '|' || "
            ~ tagged_text(canonical_columns(form), 'landed')) }} as row_sha256
    from {{ ref('base_redcap__' ~ form) }} as landed
    inner join asked on landed.patient_key = asked.patient_key
    where landed.form_opened
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    form,
    patient_key,
    instance_no,
    {{ hexadecimal_number('row_sha256', 1) }} as digest_1,
    {{ hexadecimal_number('row_sha256', 13) }} as digest_2,
    {{ hexadecimal_number('row_sha256', 25) }} as digest_3
from hashed
