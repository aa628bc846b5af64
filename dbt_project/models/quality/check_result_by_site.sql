-- sqlfluff:rules:references.keywords:ignore_words:name
with site as (
    select distinct site_id
    from {{ ref('int_subject__recorded') }}
),

counted as (
    select
        definition.check_id,
        site.site_id,
        definition.check_name as name,
        definition.level,
        definition.kahn_category || '.' || definition.kahn_subcategory as kahn_cd,
        definition.threshold_frac,
        coalesce(looked_at.n_evaluated, 0) as n_evaluated,
        coalesce(looked_at.n_violating, 0) as n_violating
    from {{ ref('int_check__definition') }} as definition
    cross join site
    left join {{ ref('int_check__count') }} as looked_at
        on definition.check_id = looked_at.check_id and site.site_id = looked_at.site_id
),

judged as (
    select
        *,
        case when n_evaluated > 0 then n_violating / (1.0 * n_evaluated) end as frac
    from counted
)

select
    judged.check_id,
    judged.site_id,
    judged.name,
    judged.level,
    judged.kahn_cd,
    cast(judged.n_evaluated as integer) as n_evaluated,
    cast(judged.n_violating as integer) as n_violating,
    cast(judged.frac as double) as frac,
    judged.threshold_frac,
    {{ check_status('judged.n_evaluated', 'judged.frac', 'judged.threshold_frac') }} as status_cd,
    pull.pull_id,
    {{ rule_version() }} as rule_version
from judged
cross join {{ ref('int_pull__current') }} as pull
