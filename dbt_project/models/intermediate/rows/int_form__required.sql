-- Grain: patient x form x instance of every opened form that has required fields: how many it asks for and how many are
-- answered. A declared missing-data code is an answer; a value that cannot be read is none.
with asked as (
    {%- for form in forms_with_required_fields() %}
    {%- set fields = registry_fields()[form] | selectattr('required', 'defined') | list %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no,
        {{ fields | length }} as n_required,
        {%- for field in fields %}
        case when {{ is_answered(field) }} then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as n_answered
    from {{ ref('stg_redcap__' ~ form) }}
    where form_opened
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    asked.patient_key,
    subject.site_id,
    asked.form,
    asked.instance_no,
    asked.n_required,
    asked.n_answered
from asked
inner join {{ ref('int_subject__recorded') }} as subject on asked.patient_key = subject.patient_key
where subject.is_patient and not subject.is_held
