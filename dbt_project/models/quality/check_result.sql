-- sqlfluff:rules:references.keywords:ignore_words:name
with looked_at as (
    {%- for name in check_models() %}
    select
        check_id,
        count(*) as n_evaluated,
        sum(case when is_violated then 1 else 0 end) as n_violating
    from {{ ref(name) }}
    group by check_id
    union all
    {%- endfor %}
    -- Records that withdrew everything, and how many of them still have a row (none may).
    select
        'WITHDRAWN_SCOPE_2' as check_id,
        count(registration.patient_key) as n_evaluated,
        count(subject.patient_key) as n_violating
    from {{ ref('stg_redcap__registration') }} as registration
    left join {{ ref('int_subject__recorded') }} as subject on registration.patient_key = subject.patient_key
    where registration.consent_status_cd = '6' and registration.withdraw_scope_cd = '2'
),

counted as (
    select
        definition.check_id,
        definition.check_name as name,
        definition.level,
        definition.kahn_category || '.' || definition.kahn_subcategory as kahn_cd,
        coalesce(looked_at.n_evaluated, 0) as n_evaluated,
        coalesce(looked_at.n_violating, 0) as n_violating
    from {{ ref('int_check__definition') }} as definition
    left join looked_at on definition.check_id = looked_at.check_id
)

select
    check_id,
    name,
    level,
    kahn_cd,
    cast(n_evaluated as integer) as n_evaluated,
    cast(n_violating as integer) as n_violating,
    case
        when n_evaluated = 0 then 'NOT_APPLICABLE'
        when n_violating > 0 then 'FAILED'
        else 'PASSED'
    end as status_cd,
    {{ rule_version() }} as rule_version
from counted
