-- Grain: patient x form x instance, from the census of the pull; status null where the form was never saved.
{%- set plan = var('source_plan', {}) %}
with named as (
    select
        status.record_id,
        status.form,
        {{ instance_of('status') }} as instance_no,
        nullif(status.complete_cd, '') as complete_cd
    from {{ source('redcap', 'form_status') }} as status
    {%- if plan %}
    where status.form in ({% for form in registry_fields() if form not in plan %}'{{ form }}', {% endfor %}'')
    {%- for form, places in plan.items() if places.sources %}
    union all
    select
        source_0.record_id,
        '{{ form }}' as form,
        {{ planned_instance(places) }} as instance_no,
        nullif(source_0.complete_cd, '') as complete_cd
    from {{ source('redcap', 'form_status') }} as source_0
    where
        source_0.form = {{ sql_text(places.sources[0].form) }}
        {%- if places.sources[0].events %}
        and source_0.redcap_event_name in ({% for event in places.sources[0].events %}{{ sql_text(event) }}{{ ', ' if not loop.last }}{% endfor %})
        {%- endif %}
    {%- endfor %}
    {%- endif %}
)

select
    crosswalk.patient_key,
    crosswalk.site_id,
    named.form,
    named.instance_no,
    named.complete_cd
from named
inner join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on named.record_id = crosswalk.record_id
