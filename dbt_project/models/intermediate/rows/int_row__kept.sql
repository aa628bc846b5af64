-- Grain: one row per landed row that the tables use, taken from the model that uses it.
{%- set users = {
    'treatment_course': ('int_course__kept', 'instance_no'),
    'response': ('int_response__classified', 'instance_no'),
    'mrd': ('int_mrd__classified', 'instance_no'),
    'relapse': ('int_relapse__kept', 'instance_no'),
    'hct': ('int_hct__kept', 'instance_no'),
    'followup': ('int_followup__kept', 'instance_no'),
    'adverse_event': ('int_adverse_event__kept', 'instance_no'),
    'blin_segment': ('int_infusion__segment', 'instance_no'),
    'blin_cycle': ('int_blin_cycle__measured', 'cycle_instance_no'),
} %}
with used as (
    {%- for form, (model, instance_no) in users.items() %}
    select
        patient_key,
        '{{ form }}' as form,
        {{ instance_no }} as row_no
    from {{ ref(model) }}
    union all
    {%- endfor %}
    select
        patient_key,
        form,
        instance_no as row_no
    from {{ ref('int_form_row__checked') }}
    where
        reason_cd is null
        and form not in ('{{ users | join("', '") }}')
)

select
    patient_key,
    form,
    row_no as instance_no
from used
