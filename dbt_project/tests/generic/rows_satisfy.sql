{#- Every row satisfies every expression; null counts as failure. Returns the rows that do not. -#}
{% test rows_satisfy(model, expressions) %}
select *
from {{ model }}
where
    {%- for expression in expressions %}
    not coalesce(({{ expression }}), false)
    {{ 'or' if not loop.last }}
    {%- endfor %}
{% endtest %}
