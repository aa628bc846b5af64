-- Grain: patient x form x instance of every opened form that has required fields: how many of them it asks for and how
-- many of these are answered. A declared missing-data code is an answer; a value that cannot be read is none.
with asked as (
    {%- for form in forms_with_required_fields() %}
    {%- set fields = registry_fields()[form] | selectattr('required', 'defined') | list %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no,
        {%- for field in fields %}
        {%- set asked = asked_when(field.name) %}
        {{ 'case when ' ~ asked ~ ' then 1 else 0 end' if asked else '1' }}{{ ' +' if not loop.last }}
        {%- endfor %} as n_required,
        {%- for field in fields %}
        {%- set asked = asked_when(field.name) %}
        case when {{ asked ~ ' and ' if asked }}{{ is_answered(field) }} then 1 else 0 end{{ ' +' if not loop.last }}
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
