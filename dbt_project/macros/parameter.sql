{#- A parameter of blin_pipeline/registry/study/parameters.toml as a literal; a dbt var of the same name overrides it. -#}
{% macro parameter(name) -%}
    {%- set value = var(name, registry_parameters()[name]) -%}
    {%- if value is string -%} '{{ value }}' {%- else -%} {{ value }} {%- endif -%}
{%- endmacro %}

{#- A parameter that is a date. -#}
{% macro date_parameter(name) -%}
    cast({{ parameter(name) }} as date)
{%- endmacro %}

{#- Version of the rules: hash over all parameters, stored with results. -#}
{% macro rule_version() -%}
    '{{ local_md5(tojson(registry_parameters(), sort_keys=True))[:12] }}'
{%- endmacro %}
