{#-
  Rows of a canonical instrument whose source differs from it: other names or codes, events, or several instruments.

  A repeating instrument has one source; its instances of several events are told apart by the place of the event. A once-only
  instrument may be fed from several: one row per record that any of them has. Ends with the common table expression `named`.
-#}
{% macro planned_rows(form, plan, columns) -%}
    {%- for place in plan.sources %}
source_{{ loop.index0 }} as (
    select * from {{ api.Relation.create(schema='raw', identifier=place.form) }}
    {%- if place.events %}
    where redcap_event_name in ({% for event in place.events %}{{ sql_text(event) }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif %}
),
    {%- endfor %}
    {%- if plan.sources | length > 1 %}
spine as (
    {%- for place in plan.sources %}
    select
        record_id,
        pull_id
    from source_{{ loop.index0 }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
),
    {%- endif %}
named as (
    select
        {{ 'spine' if plan.sources | length > 1 else 'source_0' }}.record_id,
        {{ planned_instance(plan) }} as instance_no,
        {{ "nullif(trim(source_0.redcap_event_name), '')" if plan.sources | length == 1 else 'cast(null as varchar)' }} as event_name,
        {%- for column in columns %}
        {%- set column_plan = plan.columns.get(column) %}
        {{ mapped_value(column_plan, column, 'source_' ~ column_plan.source) if column_plan else 'cast(null as varchar)' }} as {{ column }},
        {%- endfor %}
        {{ planned_status(plan) }} as form_status_cd,
        {{ 'spine' if plan.sources | length > 1 else 'source_0' }}.pull_id
    {%- if plan.sources | length > 1 %}
    from spine
    {%- for place in plan.sources %}
    left join source_{{ loop.index0 }} on spine.record_id = source_{{ loop.index0 }}.record_id
    {%- endfor %}
    {%- elif plan.sources %}
    from source_0
    {%- else %}
    from {{ source('redcap', form) }} as source_0
    where 1 = 0
    {%- endif %}
)
{%- endmacro %}

{% macro planned_instance(plan) -%}
    {%- if not plan.repeats or not plan.sources -%} 1
    {%- else -%}
        {{ instance_of('source_0') }}
        {%- set places = plan.sources[0].events %}
        {%- if places.values() | sum > 0 %} + case source_0.redcap_event_name
            {%- for event, offset in places.items() %} when {{ sql_text(event) }} then {{ offset }}{% endfor %}
        end
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Complete where every source is, incomplete where any is not; null where none was ever saved. -#}
{% macro planned_status(plan) -%}
    {%- set found = [] -%}
    {%- for place in plan.sources if place.has_status -%}
        {%- do found.append("nullif(trim(source_" ~ loop.index0 ~ "." ~ place.form ~ "_complete), '')") -%}
    {%- endfor -%}
    {%- if not found -%} cast(null as varchar)
    {%- elif found | length == 1 -%} {{ found[0] }}
    {%- else -%}
        case
            when coalesce({{ found | join(', ') }}) is null then null
            {%- for status in ('0', '1') %}
            when {% for one in found %}coalesce({{ one }}, '0') = '{{ status }}'{{ ' or ' if not loop.last }}{% endfor %} then '{{ status }}'
            {%- endfor %}
            else '2'
        end
    {%- endif -%}
{%- endmacro %}

{#- A date written in another order of day, month and year as YYYY-MM-DD; whatever is no such date stays as it is and is
    rejected by its type. -#}
{% macro reordered_date(text, order) -%}
    {%- set dotted = "replace(replace(" ~ text ~ ", '/', '.'), '-', '.')" -%}
    {%- set day, month, year = order.index('d') + 1, order.index('m') + 1, order.index('y') + 1 -%}
    case
        when {{ dotted }} like '%.%.%' and {{ dotted }} not like '%.%.%.%'
            and length(split_part({{ dotted }}, '.', {{ year }})) = 4
            and length(split_part({{ dotted }}, '.', {{ month }})) between 1 and 2
            and length(split_part({{ dotted }}, '.', {{ day }})) between 1 and 2
            then split_part({{ dotted }}, '.', {{ year }})
                || '-' || lpad(split_part({{ dotted }}, '.', {{ month }}), 2, '0')
                || '-' || lpad(split_part({{ dotted }}, '.', {{ day }}), 2, '0')
        else {{ text }}
    end
{%- endmacro %}
