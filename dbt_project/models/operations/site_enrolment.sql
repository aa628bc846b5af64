with recorded as (
    select
        subject.site_id,
        subject.patient_key,
        subject.reg_date,
        subject.is_eligible,
        subject.is_eligible and subject.entry_date is null as is_deceased_path,
        cast({{ dbt.date_trunc('week', 'subject.reg_date') }} as date) as week_start_date,
        {{ days_between('subject.dx_date', 'subject.reg_date') }}
            as days_dx_to_entry
    from {{ ref('subject') }} as subject
    where subject.reg_date is not null
),

placed as (
    select
        site_id,
        week_start_date,
        is_eligible,
        is_deceased_path,
        days_dx_to_entry
    from recorded
    union all
    select
        'ALL' as site_id,
        week_start_date,
        is_eligible,
        is_deceased_path,
        days_dx_to_entry
    from recorded
),

ranked as (
    select
        site_id,
        week_start_date,
        days_dx_to_entry,
        row_number() over (partition by site_id, week_start_date order by days_dx_to_entry) as place_no,
        count(*) over (partition by site_id, week_start_date) as n_known
    from placed
    where is_eligible and days_dx_to_entry is not null
),

middle as (
    -- The middle one, or the mean of the two in the middle.
    select
        site_id,
        week_start_date,
        avg(cast(days_dx_to_entry as double)) as median_days_dx_to_entry
    from ranked
    where place_no in (floor((n_known + 1) / 2.0), floor((n_known + 2) / 2.0))
    group by site_id, week_start_date
),

weekly as (
    select
        site_id,
        week_start_date,
        count(*) as n_registered,
        sum(case when is_eligible then 1 else 0 end) as n_eligible,
        sum(case when is_deceased_path then 1 else 0 end) as n_eligible_deceased
    from placed
    group by site_id, week_start_date
),

followed as (
    select
        *,
        sum(n_eligible) over (
            partition by site_id order by week_start_date
            rows between unbounded preceding and current row
        ) as n_eligible_cumulative,
        max(case when n_eligible > 0 then week_start_date end) over (
            partition by site_id order by week_start_date
            rows between unbounded preceding and 1 preceding
        ) as previous_week_start_date
    from weekly
)

select
    followed.site_id,
    followed.week_start_date,
    cast(followed.n_registered as integer) as n_registered,
    cast(followed.n_eligible as integer) as n_eligible,
    cast(followed.n_eligible_deceased as integer) as n_eligible_deceased,
    cast(followed.n_eligible_cumulative as integer) as n_eligible_cumulative,
    cast(followed.n_eligible_cumulative / (1.0 * {{ parameter('target_patients') }}) as double) as target_frac,
    middle.median_days_dx_to_entry,
    cast(
        {{ days_between('followed.previous_week_start_date', 'followed.week_start_date') }}
        as integer
    ) as days_since_previous_enrolment,
    {{ rule_version() }} as rule_version
from followed
left join middle
    on followed.site_id = middle.site_id and followed.week_start_date = middle.week_start_date
