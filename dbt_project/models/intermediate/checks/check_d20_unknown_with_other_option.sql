-- D20, warn: "unknown" (or "none") ticked together with another option of the same question.
{%- set exclusive = {
    'demographics': {'race': ['99'], 'comorbid': ['0']},
    'diagnosis': {'genetics': ['99', '0'], 'dx_prior': ['0']},
    'treatment_plan': {'no_blin_reason': ['99']},
    'relapse': {'rl_next': ['99', '0']},
} %}
with ticked as (
    {%- for form, questions in exclusive.items() %}
    {%- set last_form = loop.last %}
    {%- for name, alone in questions.items() %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no,
        '{{ name }}' as field_name,
        {{ count_ticked(name, registry_field(form, name).codes) }} as n_ticked,
        {{ count_ticked(name, alone) }} as n_alone
    from {{ ref('stg_redcap__' ~ form) }}
    {{ 'union all' if not (last_form and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select
    'D20' as check_id,
    ticked.patient_key,
    subject.site_id,
    ticked.form,
    ticked.instance_no,
    ticked.field_name,
    ticked.n_alone > 0 and ticked.n_ticked > 1 as is_violated
from ticked
inner join {{ ref('int_subject__recorded') }} as subject
    on ticked.patient_key = subject.patient_key and subject.is_patient
where ticked.n_ticked > 0
