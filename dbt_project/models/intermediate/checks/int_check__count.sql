-- Grain: one row per check and site that it looked at anything of: how much, and how much of it is in conflict.
{%- for name in check_models() %}
select
    check_id,
    site_id,
    count(*) as n_evaluated,
    sum(case when is_violated then 1 else 0 end) as n_violating
from {{ ref(name) }}
group by check_id, site_id
union all
{%- endfor %}
select
    check_id,
    site_id,
    n_evaluated,
    n_violating
from {{ ref('int_check__layer') }}
union all
-- Records that withdrew everything, and how many of them still have a row (none may).
select
    'WITHDRAWN_SCOPE_2' as check_id,
    registration.site_id,
    count(registration.patient_key) as n_evaluated,
    count(subject.patient_key) as n_violating
from {{ ref('stg_redcap__registration') }} as registration
left join {{ ref('int_subject__recorded') }} as subject on registration.patient_key = subject.patient_key
where registration.consent_status_cd = '6' and registration.withdraw_scope_cd = '2'
group by registration.site_id
