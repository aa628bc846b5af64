{#- Kept from build to build; a full refresh does not empty it.
    Rows of patients who may no longer be kept leave at once. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='query_key',
    full_refresh=false,
    on_schema_change='fail',
    post_hook="delete from {{ this }} where patient_key not in (select patient_key from {{ ref('int_subject__recorded') }})",
) }}

with pull as (
    select
        pull_id,
        data_cut_date
    from {{ ref('int_pull__current') }}
),

known as (
    {% if is_incremental() %}
    select * from {{ this }}
    {% else %}
    select
        query_key,
        check_id,
        patient_key,
        site_id,
        severity_class,
        form,
        instance_no,
        field_name,
        cast(null as varchar) as first_seen_pull,
        cast(null as date) as first_seen_date,
        cast(null as varchar) as last_seen_pull,
        cast(null as date) as last_seen_date,
        cast(null as varchar) as resolved_pull,
        cast(null as date) as resolved_date,
        cast(null as integer) as n_openings,
        cast(null as varchar) as status_cd
    from {{ ref('data_query') }}
    where 1 = 0
    {% endif %}
),

violated as (
    select
        open_query.query_key,
        open_query.check_id,
        open_query.patient_key,
        open_query.site_id,
        open_query.severity_class,
        open_query.form,
        open_query.instance_no,
        open_query.field_name,
        coalesce(known.first_seen_pull, pull.pull_id) as first_seen_pull,
        coalesce(known.first_seen_date, pull.data_cut_date) as first_seen_date,
        pull.pull_id as last_seen_pull,
        pull.data_cut_date as last_seen_date,
        cast(null as varchar) as resolved_pull,
        cast(null as date) as resolved_date,
        cast(
            case
                when known.query_key is null then 1
                when known.status_cd = 'RESOLVED_BY_DATA' then known.n_openings + 1
                else known.n_openings
            end as integer
        ) as n_openings,
        case
            when known.query_key is null then 'OPEN'
            when known.status_cd = 'RESOLVED_BY_DATA' then 'REOPENED'
            else known.status_cd
        end as status_cd
    from {{ ref('data_query') }} as open_query
    cross join pull
    left join known on open_query.query_key = known.query_key
),

closed as (
    -- No longer violated: the query closes itself. One that is closed already stays as it was.
    select
        known.query_key,
        known.check_id,
        known.patient_key,
        known.site_id,
        known.severity_class,
        known.form,
        known.instance_no,
        known.field_name,
        known.first_seen_pull,
        known.first_seen_date,
        known.last_seen_pull,
        known.last_seen_date,
        coalesce(known.resolved_pull, pull.pull_id) as resolved_pull,
        coalesce(known.resolved_date, pull.data_cut_date) as resolved_date,
        known.n_openings,
        'RESOLVED_BY_DATA' as status_cd
    from known
    cross join pull
    left join violated on known.query_key = violated.query_key
    where violated.query_key is null
)

select * from violated
union all
select * from closed
