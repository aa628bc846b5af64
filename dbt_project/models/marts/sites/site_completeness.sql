with filled as (
    select
        site_id,
        form,
        sum(n_required) as n_required,
        sum(n_answered) as n_answered
    from {{ ref('int_form__required') }}
    group by site_id, form
)

select
    completeness.site_id,
    completeness.form,
    completeness.n_due,
    completeness.n_started,
    completeness.n_complete,
    cast(completeness.n_due - completeness.n_started as integer) as n_overdue,
    cast(coalesce(filled.n_required, 0) as integer) as n_required,
    cast(coalesce(filled.n_answered, 0) as integer) as n_answered,
    cast(
        case when filled.n_required > 0 then filled.n_answered / (1.0 * filled.n_required) end as double
    ) as required_answered_frac,
    {{ rule_version() }} as rule_version
from {{ ref('int_form__completeness') }} as completeness
left join filled on completeness.site_id = filled.site_id and completeness.form = filled.form
