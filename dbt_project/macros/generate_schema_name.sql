{#- Schemas carry the layer's name as it is (staging, intermediate, marts, quality): one warehouse, one registry. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
