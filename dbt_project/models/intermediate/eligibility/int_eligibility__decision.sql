-- Grain: kept record x criterion: met, not met or undecided, with the reason and what
-- it stands on.
with long as (
    {%- for criterion in ['e0', 'e1', 'e2', 'e3', 'e4', 'e5', 'e6'] %}
    select
        reason.patient_key,
        reason.site_id,
        '{{ criterion | upper }}' as criterion_cd,
        reason.{{ criterion }} as decision,
        used.{{ criterion }} as value_used
    from {{ ref('int_eligibility__reason') }} as reason
    inner join {{ ref('int_eligibility__value') }} as used on reason.patient_key = used.patient_key
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    long.patient_key,
    long.site_id,
    long.criterion_cd,
    criterion.order_no,
    case
        when long.decision = 'MET' then 'Y'
        when substring(long.decision, 1, 2) = 'N:' then 'N'
        else 'UNKNOWN'
    end as met_cd,
    case when long.decision <> 'MET' then substring(long.decision, 3, 60) end as reason_cd,
    long.value_used,
    criterion.source_form
from long
inner join {{ ref('eligibility_criterion') }} as criterion on long.criterion_cd = criterion.criterion_cd
