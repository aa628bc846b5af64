-- Grain: one row per violation (check x patient x form x instance x field), of all checks.
with violated as (
    {%- for name in check_models() %}
    select
        check_id,
        patient_key,
        site_id,
        form,
        instance_no,
        field_name
    from {{ ref(name) }}
    where is_violated
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    violated.check_id,
    violated.patient_key,
    violated.site_id,
    violated.form,
    violated.instance_no,
    violated.field_name,
    definition.level as severity_class,
    definition.finding as finding_text,
    definition.action as expected_text,
    definition.blocks_analysis
from violated
inner join {{ ref('int_check__definition') }} as definition on violated.check_id = definition.check_id
