{#- The parts of each row of the model add up to its total (where it has one), and no part belongs to no row. -#}
{% test adds_up(model, parts, key, part, total, tolerance=0.000001) %}
with summed as (
    select
        {{ key | join(', ') }},
        sum({{ part }}) as part_sum
    from {{ parts }}
    group by {{ key | join(', ') }}
)

select
    'total' as side,
    {% for column in key %}whole.{{ column }}, {% endfor -%}
    summed.part_sum
from {{ model }} as whole
left join summed on {% for column in key %}whole.{{ column }} = summed.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where abs(coalesce(summed.part_sum, 0) - {{ total }}) > {{ tolerance }}
union all
select
    'part' as side,
    {% for column in key %}summed.{{ column }}, {% endfor -%}
    summed.part_sum
from summed
left join {{ model }} as whole
    on {% for column in key %}whole.{{ column }} = summed.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
where whole.{{ key[0] }} is null
{% endtest %}
