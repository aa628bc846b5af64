{#-
  The canonical layer: one landed form under the registry's own names, text only, blanks null, keys joined.

  Args:
      form: Canonical instrument name.

  The field map (dbt var `field_map`, made by Python from registry/study/field_map.csv) holds only what differs from identity:
  {concept: {transform, source_field, codes, constant}}. Untranslated codes become 'UNMAPPED', which no code
  list holds, so that staging rejects and counts them.
-#}
{% macro base_redcap(form) -%}
    {%- set map = var('field_map', {}) -%}
    {%- set source_form = var('form_map', {}).get(form, form) -%}
    {%- set fields = registry_fields()[form] %}
with landed as (
    select * from {{ source('redcap', form) if source_form == form else api.Relation.create(schema='raw', identifier=source_form) }}
),

named as (
    select
        landed.record_id,
        {{ safe_cast("coalesce(nullif(trim(landed.redcap_repeat_instance), ''), '1')", 'integer') }} as instance_no,
        nullif(trim(landed.redcap_event_name), '') as event_name,
        {%- for field in fields %}
        {%- for column in field.get('columns', [field.name]) %}
        {{ mapped_value(map.get(column), column) }} as {{ column }},
        {%- endfor %}
        {%- endfor %}
        nullif(trim(landed.{{ source_form }}_complete), '') as form_status_cd,
        landed.pull_id
    from landed
)

select
    crosswalk.patient_key,
    crosswalk.site_id,
    named.event_name,
    named.instance_no,
    {%- for field in fields %}
    {%- for column in field.get('columns', [field.name]) %}
    named.{{ column }},
    {%- endfor %}
    {%- endfor %}
    named.form_status_cd,
    {#- A checkbox 0 or a status 0 never proves that a form was opened (REDCap exports them for untouched forms). #}
    (
        coalesce(named.form_status_cd, '0') in ('1', '2')
        {%- for field in fields %}
        {%- for column in field.get('columns', [field.name]) %}
        or {% if field.kind == 'checkbox' %}coalesce(named.{{ column }}, '0') <> '0'{% else %}named.{{ column }} is not null{% endif %}
        {%- endfor %}
        {%- endfor %}
    ) as form_opened,
    named.pull_id
from named
inner join {{ source('redcap', 'patient_crosswalk') }} as crosswalk on named.record_id = crosswalk.record_id
{%- endmacro %}

{#- One canonical column from its source column, by the map's transform. -#}
{% macro mapped_value(entry, column) -%}
    {%- if not entry -%}
        nullif(trim(landed.{{ column }}), '')
    {%- elif entry.transform == 'as_is' -%}
        nullif(trim(landed.{{ entry.source_field }}), '')
    {%- elif entry.transform == 'recode' -%}
        case nullif(trim(landed.{{ entry.source_field }}), '')
        {%- for raw, canonical in entry.codes.items() %} when '{{ raw }}' then '{{ canonical }}'{% endfor %}
        {%- for code in missing_data_codes() %} when '{{ code }}' then '{{ code }}'{% endfor %}
            else case when nullif(trim(landed.{{ entry.source_field }}), '') is not null then 'UNMAPPED' end
        end
    {%- elif entry.transform == 'constant' -%}
        '{{ entry.constant }}'
    {%- elif entry.transform == 'absent' -%}
        cast(null as varchar)
    {%- else -%}
        {{ exceptions.raise_compiler_error("field map: unknown transform for " ~ column) }}
    {%- endif -%}
{%- endmacro %}

{#- The project's missing-data codes; Python passes the pull's own as a var when they differ. -#}
{% macro missing_data_codes() -%}
    {{ return(var('missing_data_codes', registry_missing_data_codes())) }}
{%- endmacro %}
