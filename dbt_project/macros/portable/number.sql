{#- Numbers that must not depend on the order in which an engine happens to meet the rows. -#}

{#- Sum of doubles to nine decimals: exact while it adds, so that the same rows give the same last digit in any order. -#}
{% macro exact_sum(number) -%}
    cast(sum(cast({{ number }} as decimal(28, 9))) as double)
{%- endmacro %}
