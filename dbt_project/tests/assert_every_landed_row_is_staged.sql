-- Landed rows reach staging, each once, for every instrument: none is lost between the landing and the typed
-- tables. (From there on: rows_conserved, kept or set aside.) Rows of an event count unless the field map names
-- the events of the instrument: then the others are left out on purpose. Returns the instruments for which the
-- numbers differ.
{%- set plans = var('source_plan', {}) %}
with counted as (
    {%- for form in registry_fields() %}
    {%- set plan = plans.get(form) %}
    {%- if not plan %}
    select
        '{{ form }}' as form,
        count(*) as n_landed,
        0 as n_staged
    from {{ source('redcap', form) }}
    union all
    {%- elif plan.sources %}
    select
        '{{ form }}' as form,
        count({{ '*' if plan.sources | length == 1 else 'distinct record_id' }}) as n_landed,
        0 as n_staged
    from (
        {%- for place in plan.sources %}
        select record_id
        from {{ api.Relation.create(schema='raw', identifier=place.form) }}
        {%- if place.events_chosen %}
        where redcap_event_name in ({% for event in place.events %}{{ sql_text(event) }}{{ ', ' if not loop.last }}{% endfor %})
        {%- endif %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as landed
    union all
    {%- endif %}
    select
        '{{ form }}' as form,
        0 as n_landed,
        count(*) as n_staged
    from {{ ref('stg_redcap__' ~ form) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    form,
    sum(n_landed) as n_landed,
    sum(n_staged) as n_staged
from counted
group by form
having sum(n_landed) <> sum(n_staged)
