with record as (
    select
        site_id,
        patient_key,
        eligibility_status_cd,
        first_failed_no,
        first_unknown_no
    from {{ ref('int_eligibility__status') }}
    union all
    select
        'ALL' as site_id,
        patient_key,
        eligibility_status_cd,
        first_failed_no,
        first_unknown_no
    from {{ ref('int_eligibility__status') }}
),

site as (
    select distinct site_id
    from record
    union
    select 'ALL' as site_id
),

failing as (
    select
        result.patient_key,
        result.order_no
    from {{ ref('eligibility_result') }} as result
    where result.met_cd = 'N'
),

-- Held records leave before the first criterion; of the others the first criterion failed decides where they leave.
stepped as (
    select
        site.site_id,
        criterion.order_no,
        criterion.criterion_cd,
        record.patient_key,
        record.patient_key is not null
        and case
            when criterion.criterion_cd = 'E6' then true
            when record.eligibility_status_cd = 'HELD' then false
            else coalesce(record.first_failed_no >= criterion.order_no, true)
        end as is_entering,
        case
            when criterion.criterion_cd = 'E6' then coalesce(record.eligibility_status_cd = 'HELD', false)
            else coalesce(record.eligibility_status_cd <> 'HELD' and record.first_failed_no = criterion.order_no, false)
        end as is_excluded_here,
        coalesce(
            record.eligibility_status_cd <> 'HELD'
            and record.first_unknown_no = criterion.order_no
            and coalesce(record.first_failed_no > criterion.order_no, true),
            false
        ) as is_unknown_here,
        failing.patient_key is not null as is_failing
    from site
    cross join {{ ref('eligibility_criterion') }} as criterion
    left join record on site.site_id = record.site_id
    left join failing on record.patient_key = failing.patient_key and criterion.order_no = failing.order_no
),

counted as (
    select
        site_id,
        order_no,
        criterion_cd,
        sum(case when is_entering then 1 else 0 end) as n_entering,
        sum(case when is_excluded_here then 1 else 0 end) as n_excluded_here,
        sum(case when is_unknown_here then 1 else 0 end) as n_unknown_here,
        sum(case when is_failing then 1 else 0 end) as n_failing_any_order
    from stepped
    group by site_id, order_no, criterion_cd
)

select
    site_id,
    order_no,
    criterion_cd,
    cast(n_entering as integer) as n_entering,
    cast(n_excluded_here as integer) as n_excluded_here,
    cast(n_unknown_here as integer) as n_unknown_here,
    cast(n_failing_any_order as integer) as n_failing_any_order,
    cast(n_entering - n_excluded_here as integer) as n_remaining,
    {{ rule_version() }} as rule_version
from counted
