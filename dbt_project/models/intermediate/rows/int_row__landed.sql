-- Grain: one row per landed row of the repeating instruments whose rows are kept or set aside one by one (kept
-- records only).
with landed as (
    {%- for form in dated_forms() | list + ['blin_cycle', 'blin_segment'] %}
    select
        patient_key,
        '{{ form }}' as form,
        instance_no
    from {{ ref('stg_redcap__' ~ form) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    landed.patient_key,
    subject.site_id,
    landed.form,
    landed.instance_no
from landed
inner join {{ ref('int_subject__recorded') }} as subject on landed.patient_key = subject.patient_key
