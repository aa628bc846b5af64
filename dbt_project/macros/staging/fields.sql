{#-
  One staging column from its text, with the reason beside it when there is no value:
  <field>_null_flavor_cd = a missing-data code of the project, INVALID (not of the type, not a declared code) or OUT_OF_RANGE.
  A blank has no value and no flavor. Nothing that was typed is dropped without a flavor.
-#}

{#- Never, in a project that declares no missing-data codes. -#}
{% macro is_missing_code(field) -%}
    {%- if missing_data_codes() -%}
        {{ field }} in ({% for code in missing_data_codes() %}'{{ code }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%} false
    {%- endif -%}
{%- endmacro %}

{% macro registry_field(form, name) -%}
    {%- set found = registry_fields()[form] | selectattr('name', 'equalto', name) | list -%}
    {%- if not found -%}{{ exceptions.raise_compiler_error(form ~ "." ~ name ~ " is not in the dictionary") }}{%- endif -%}
    {{ return(found[0]) }}
{%- endmacro %}

{% macro text_field(name) -%}
    case when not {{ is_missing_code(name) }} then {{ name }} end as {{ name }},
    case when {{ is_missing_code(name) }} then {{ name }} end as {{ name }}_null_flavor_cd
{%- endmacro %}

{% macro typed_field(name, typed) -%}
    {{ typed }} as {{ name }},
    case
        when {{ name }} is null then null
        when {{ is_missing_code(name) }} then {{ name }}
        when {{ typed }} is null then 'INVALID'
    end as {{ name }}_null_flavor_cd
{%- endmacro %}

{% macro date_field(name) -%} {{ typed_field(name, try_date(name)) }} {%- endmacro %}

{% macro datetime_field(name) -%} {{ typed_field(name, try_datetime(name)) }} {%- endmacro %}

{#- Numbers outside the dictionary's limits are no values: REDCap's limits are soft, ours are not. -#}
{% macro ranged_field(form, name, typed) -%}
    {%- set field = registry_field(form, name) -%}
    {%- set limits = [] -%}
    {%- if 'min' in field -%}{%- do limits.append(typed ~ " < " ~ field.min) -%}{%- endif -%}
    {%- if 'max' in field -%}{%- do limits.append(typed ~ " > " ~ field.max) -%}{%- endif -%}
    {%- set outside = limits | join(' or ') if limits else 'false' -%}
    case when not coalesce({{ outside }}, false) then {{ typed }} end as {{ name }},
    case
        when {{ name }} is null then null
        when {{ is_missing_code(name) }} then {{ name }}
        when {{ typed }} is null then 'INVALID'
        when {{ outside }} then 'OUT_OF_RANGE'
    end as {{ name }}_null_flavor_cd
{%- endmacro %}

{% macro number_field(form, name) -%} {{ ranged_field(form, name, try_number(name)) }} {%- endmacro %}

{% macro integer_field(form, name) -%} {{ ranged_field(form, name, try_integer(name)) }} {%- endmacro %}

{% macro calc_field(name) -%} {{ try_number(name) }} as {{ name }}_calc {%- endmacro %}

{% macro code_field(form, name) -%}
    {%- set codes = "'" ~ registry_field(form, name).codes | join("', '") ~ "'" -%}
    case when {{ name }} in ({{ codes }}) then {{ name }} end as {{ name }}_cd,
    case
        when {{ name }} is null or {{ name }} in ({{ codes }}) then null
        when {{ is_missing_code(name) }} then {{ name }}
        else 'INVALID'
    end as {{ name }}_null_flavor_cd
{%- endmacro %}

{#- One boolean per option; null while the form was never opened, and where the cell holds neither 0 nor 1 (a label, say). -#}
{% macro checkbox_field(form, name) -%}
    {%- set field = registry_field(form, name) -%}
    {%- for column in field['columns'] -%}
    case
        when form_opened and coalesce({{ column }}, '0') in ('0', '1') then coalesce({{ column }}, '0') = '1'
    end as {{ name }}__{{ field.codes[loop.index0] }},
    {% endfor -%}
    case
        when {% for column in field['columns'] %}{{ is_unread_tick(column) }}{{ ' or ' if not loop.last }}{% endfor %} then 'INVALID'
        {%- for code in missing_data_codes() %}
        when '{{ code }}' in ({{ field['columns'] | join(', ') }}) then '{{ code }}'
        {%- endfor %}
    end as {{ name }}_null_flavor_cd
{%- endmacro %}

{% macro is_unread_tick(column) -%}
    (coalesce({{ column }}, '0') not in ('0', '1') and not {{ is_missing_code(column) }})
{%- endmacro %}

{#- The rejected values of one form: field and reason, never the value. -#}
{% macro field_rejects(form) -%}
    {%- for field in registry_fields()[form] if field.kind not in ('text', 'calc') %}
    select
        '{{ form }}' as form,
        patient_key,
        site_id,
        instance_no,
        '{{ field.name }}' as field_name,
        {{ field.name }}_null_flavor_cd as reason_cd,
        pull_id
    from {{ ref('stg_redcap__' ~ form) }}
    where {{ field.name }}_null_flavor_cd in ('INVALID', 'OUT_OF_RANGE')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Whether a staged field is answered: a value, or a missing-data code that says why there is none. -#}
{% macro is_answered(field) -%}
    {%- if field.kind == 'checkbox' -%}
        ({% for code in field.codes %}coalesce({{ field.name }}__{{ code }}, false){{ ' or ' if not loop.last }}{% endfor %})
    {%- elif field.kind == 'code' -%}
        ({{ field.name }}_cd is not null or {{ is_missing_code(field.name ~ '_null_flavor_cd') }})
    {%- else -%}
        ({{ field.name }} is not null or {{ is_missing_code(field.name ~ '_null_flavor_cd') }})
    {%- endif -%}
{%- endmacro %}

{#- SQL condition under which an instrument asks for a required field; none where it always does. A cycle that was planned and
    never started has no start. -#}
{% macro asked_when(field_name) -%}
    {{ return({
        'ra_bm_lymphoblast': "coalesce(ra_marrow_cd, '') <> '0'",
        'sg_end_reason': 'sg_end is not null',
        'bc_start': "coalesce(bc_status_cd, '') <> '4'",
    }.get(field_name)) }}
{%- endmacro %}

{#- Instruments that have at least one required field, in project order. -#}
{% macro forms_with_required_fields() -%}
    {%- set forms = [] -%}
    {%- for form, fields in registry_fields().items() if fields | selectattr('required', 'defined') | list -%}
        {%- do forms.append(form) -%}
    {%- endfor -%}
    {{ return(forms) }}
{%- endmacro %}
