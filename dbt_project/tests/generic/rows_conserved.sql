{#-
  Nothing is lost and nothing is counted twice: every landed key stands once in the kept rows or once in the rows set aside
  (`model`), never in both, and neither holds a key that did not land. Returns the keys for which this is not so.
-#}
{% test rows_conserved(model, keys, landed, kept, where='true') %}
with counted as (
    select {{ keys | join(', ') }}, 1 as n_landed, 0 as n_found
    from {{ landed }}
    union all
    select {{ keys | join(', ') }}, 0 as n_landed, 1 as n_found
    from {{ kept }}
    union all
    select {{ keys | join(', ') }}, 0 as n_landed, 1 as n_found
    from {{ model }}
    where {{ where }}
)

select
    {{ keys | join(', ') }},
    sum(n_landed) as n_landed,
    sum(n_found) as n_found
from counted
group by {{ keys | join(', ') }}
having sum(n_landed) <> 1 or sum(n_found) <> 1
{% endtest %}
