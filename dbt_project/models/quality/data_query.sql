with finding as (
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
    {{ surrogate_key([
        'finding.check_id', 'finding.patient_key', 'finding.form', 'finding.instance_no', 'finding.field_name'
    ]) }} as query_key,
    finding.check_id,
    finding.patient_key,
    finding.site_id,
    definition.level as severity_class,
    finding.form,
    finding.instance_no,
    finding.field_name,
    definition.finding as finding_text,
    definition.action as expected_text,
    'OPEN' as status_cd,
    definition.blocks_analysis
from finding
inner join {{ ref('int_check__definition') }} as definition on finding.check_id = definition.check_id
