{#-
  The canonical layer: one landed form under the registry's own names, text only, blanks null, keys joined.

  Args:
      form: Canonical instrument name.

  The plan of the source (dbt var `source_plan`, made by Python from the field map and the pull) holds only the instruments
  that differ from identity: {form: {repeats, sources: [{form, has_status, events}], columns: {concept: {source, fields,
  transform, codes, unit, constant}}}}. Untranslated codes become 'UNMAPPED', which no code list holds, so that staging
  rejects and counts them.
-#}
{% macro base_redcap(form) -%}
    {%- set plan = var('source_plan', {}).get(form) -%}
    {%- set columns = canonical_columns(form) %}
with {% if plan %}{{ planned_rows(form, plan, columns) }}{% else %}named as (
    select
        landed.record_id,
        {{ instance_of('landed') }} as instance_no,
        nullif(trim(landed.redcap_event_name), '') as event_name,
        {%- for column in columns %}
        {{ mapped_value(none, column, 'landed') }} as {{ column }},
        {%- endfor %}
        nullif(trim(landed.{{ form }}_complete), '') as form_status_cd,
        landed.pull_id
    from {{ source('redcap', form) }} as landed
){% endif %}

select
    crosswalk.patient_key,
    crosswalk.site_id,
    named.event_name,
    named.instance_no,
    {%- for column in columns %}
    named.{{ column }},
    {%- endfor %}
    named.form_status_cd,
    {#- A checkbox 0 or a status 0 never proves that a form was opened (REDCap exports them for untouched forms), and
        neither does a constant of the field map. #}
    (
        coalesce(named.form_status_cd, '0') in ('1', '2')
        {%- for field in registry_fields()[form] %}
        {%- for column in field.get('columns', [field.name]) if not plan or plan.columns.get(column, {}).transform not in ('constant', none) %}
        or {% if field.kind == 'checkbox' %}coalesce(named.{{ column }}, '0') <> '0'{% else %}named.{{ column }} is not null{% endif %}
        {%- endfor %}
        {%- endfor %}
    ) as form_opened,
    named.pull_id
from named
inner join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on named.record_id = crosswalk.record_id
{%- endmacro %}

{#- Columns of a canonical instrument in order, one per option of a checkbox. -#}
{% macro canonical_columns(form) -%}
    {%- set found = [] -%}
    {%- for field in registry_fields()[form] -%}
        {%- do found.extend(field.get('columns', [field.name])) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro instance_of(relation) -%}
    {{ safe_cast("coalesce(nullif(trim(" ~ relation ~ ".redcap_repeat_instance), ''), '1')", 'integer') }}
{%- endmacro %}

{#- One canonical column from its source column, by the plan's transform (none: identity). -#}
{% macro mapped_value(column_plan, column, relation) -%}
    {%- if column_plan is none -%}
        {{ source_value(relation, column) }}
    {%- elif column_plan.transform == 'as_is' -%}
        {{ source_value(relation, column_plan.fields[0]) }}
    {%- elif column_plan.transform == 'recode' -%}
        case {{ source_value(relation, column_plan.fields[0]) }}
        {%- for raw, canonical in column_plan.codes.items() %} when {{ sql_text(raw) }} then {{ sql_text(canonical) }}{% endfor %}
        {%- for code in missing_data_codes() if code not in column_plan.codes %} when '{{ code }}' then '{{ code }}'{% endfor %}
            else case when {{ source_value(relation, column_plan.fields[0]) }} is not null then 'UNMAPPED' end
        end
    {%- elif column_plan.transform == 'unit' -%}
        {%- set text = source_value(relation, column_plan.fields[0]) -%}
        coalesce(cast({{ try_number(text) }} * {{ column_plan.unit }} as varchar), {{ text }})
    {%- elif column_plan.transform == 'date' -%}
        {{ reordered_date(source_value(relation, column_plan.fields[0]), column_plan.unit) }}
    {%- elif column_plan.transform == 'partial_date' -%}
        {{ partial_date(column_plan, relation) }}
    {%- elif column_plan.transform == 'date_precision' -%}
        {{ partial_date_precision(column_plan, relation) }}
    {%- elif column_plan.transform == 'derive' -%}
        coalesce({% for name in column_plan.fields %}{{ source_value(relation, name) }}{{ ', ' if not loop.last }}{% endfor %})
    {%- elif column_plan.transform == 'any' -%}
        case
            when {% for name in column_plan.fields %}{{ source_value(relation, name) }} = '1'{{ ' or ' if not loop.last }}{% endfor %} then '1'
            else coalesce({% for name in column_plan.fields %}{{ source_value(relation, name) }}, {% endfor %}null)
        end
    {%- elif column_plan.transform == 'constant' -%}
        {{ sql_text(column_plan.constant) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("field map: unknown transform for " ~ column) }}
    {%- endif -%}
{%- endmacro %}

{% macro source_value(relation, column) -%} nullif(trim({{ relation }}.{{ column }}), '') {%- endmacro %}

{% macro sql_text(text) -%} '{{ text | replace("'", "''") }}' {%- endmacro %}

{#- The project's missing-data codes; Python passes the pull's own as a var when they differ. -#}
{% macro missing_data_codes() -%}
    {{ return(var('missing_data_codes', registry_missing_data_codes())) }}
{%- endmacro %}
