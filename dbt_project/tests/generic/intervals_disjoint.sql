{#- Intervals of a partition are proper (end after start) and do not overlap; contiguous: each begins where the one before ends. -#}
{% test intervals_disjoint(model, partition_by, start_column, end_column, contiguous=false) %}
with followed as (
    select
        {{ start_column }} as interval_start,
        {{ end_column }} as interval_end,
        lead({{ start_column }}) over (
            partition by {{ partition_by | join(', ') }} order by {{ start_column }}, {{ end_column }}
        ) as next_start
    from {{ model }}
)

select *
from followed
where
    interval_start is null
    or interval_end is null
    or interval_end <= interval_start
    or next_start < interval_end
    {% if contiguous %}or next_start <> interval_end{% endif %}
{% endtest %}
