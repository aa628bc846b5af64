-- Grain: one row per recorded date (patient x form x instance x field), every date field of the dictionary that
-- places a patient in time.
with entered as (
    {%- for entry in recorded_date_fields() %}
    select
        patient_key,
        '{{ entry.form }}' as form,
        instance_no,
        '{{ entry.field }}' as field_name,
        {{ date_of(entry.field) if entry.kind == 'datetime' else entry.field }} as recorded_date,
        {{ date_lower_bound(entry.field, entry.precision) if entry.precision
            else (date_of(entry.field) if entry.kind == 'datetime' else entry.field) }} as earliest_date,
        {{ entry.get('clinical', 'false') }} as is_clinical,
        coalesce({{ entry.get('contact', 'false') }}, false) as is_contact
    from {{ ref('stg_redcap__' ~ entry.form) }}
    where {{ entry.field }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    entered.patient_key,
    subject.site_id,
    entered.form,
    entered.instance_no,
    entered.field_name,
    entered.recorded_date,
    entered.earliest_date,
    entered.is_clinical,
    entered.is_contact,
    -- Rows after the cut or the withdrawal do not exist for any analysis, dates before 1900 are typing errors.
    entered.recorded_date <= subject.counted_through_date and entered.recorded_date >= date '1900-01-01' as is_counted
from entered
inner join {{ ref('int_subject__recorded') }} as subject on entered.patient_key = subject.patient_key
