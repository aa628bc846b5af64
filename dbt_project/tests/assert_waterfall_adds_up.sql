-- The flow of eligibility accounts for every record: it begins with all records of a site, each step takes on what the
-- step before left, and what is left at the end is eligible or pending. Returns the sites and steps where it does not.
with record as (
    select
        site_id,
        eligibility_status_cd
    from {{ ref('int_eligibility__status') }}
    union all
    select
        'ALL' as site_id,
        eligibility_status_cd
    from {{ ref('int_eligibility__status') }}
),

counted as (
    select
        site_id,
        count(*) as n_records,
        sum(case when eligibility_status_cd in ('ELIGIBLE', 'PENDING') then 1 else 0 end) as n_left
    from record
    group by site_id
),

stepped as (
    select
        *,
        lag(n_remaining) over (partition by site_id order by order_no) as n_before,
        lead(n_entering) over (partition by site_id order by order_no) as n_after
    from {{ ref('eligibility_waterfall') }}
)

select
    stepped.site_id,
    stepped.order_no
from stepped
left join counted on stepped.site_id = counted.site_id
where
    stepped.n_entering <> coalesce(stepped.n_before, counted.n_records, 0)
    or (stepped.n_after is null and stepped.n_remaining <> coalesce(counted.n_left, 0))
    or stepped.n_remaining > stepped.n_entering
    or stepped.n_unknown_here > stepped.n_remaining
