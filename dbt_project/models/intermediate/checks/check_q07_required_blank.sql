-- Q07, error: a field that the dictionary asks for is blank on a form that is called complete; the kind of a relapse
-- and the method of an MRD result on any form, since without them nobody knows what happened. A missing-data code is an
-- answer, except for these two. Not looked at: what the form did not ask, cycles planned and never started, the date
-- that a row stands on (R01, T01), fields that the source does not have.
{%- set own_date = dict(dated_forms(), blin_cycle='bc_start', blin_segment='sg_start') %}
{%- set deciding = ['rl_kind', 'mr_method'] %}
with asked as (
    {%- for form in forms_with_required_fields() %}
    {%- set last_form = loop.last %}
    {%- for field in registry_fields()[form]
        if field.required is defined and field.name != own_date.get(form) %}
    {%- set conditions = ['form_opened'] %}
    {%- do conditions.append("form_status_cd = '2'") if field.name not in deciding %}
    {%- do conditions.append(asked_when(field.name)) if asked_when(field.name) %}
    {%- do conditions.append("coalesce(bc_status_cd, '') <> '4'") if form == 'blin_cycle' %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no,
        '{{ field.name }}' as field_name,
        {%- if field.name in deciding %}
        {{ field.name }}_cd is null as is_blank
        {%- elif field.kind in ('text', 'checkbox') %}
        not coalesce({{ is_answered(field) }}, false) as is_blank
        {%- else %}
        -- A value that cannot be read is a finding of its own (T01).
        not coalesce({{ is_answered(field) }}, false) and {{ field.name }}_null_flavor_cd is null as is_blank
        {%- endif %}
    from {{ ref('stg_redcap__' ~ form) }}
    where {{ conditions | join(' and ') }}
    {{ 'union all' if not (last_form and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select
    'Q07' as check_id,
    asked.patient_key,
    subject.site_id,
    asked.form,
    asked.instance_no,
    asked.field_name,
    coalesce(asked.is_blank, false) as is_violated
from asked
inner join {{ ref('int_subject__recorded') }} as subject
    on asked.patient_key = subject.patient_key and subject.is_patient and not subject.is_held
left join {{ ref('stg_redcap__not_collected') }} as absent
    on asked.form = absent.form and asked.field_name = absent.field_name
where absent.field_name is null
