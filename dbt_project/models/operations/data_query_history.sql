{#- Kept from build to build; a full refresh does not empty it.
    Rows of patients who may no longer be kept leave at once. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='query_key',
    full_refresh=false,
    on_schema_change='fail',
    pre_hook="{{ history_with_answers(this) }}",
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
        cast(null as varchar) as status_cd,
        cast(null as varchar) as previous_status_cd,
        cast(null as varchar) as resolution_note_cd
    from {{ ref('data_query') }}
    where 1 = 0
    {% endif %}
),

asked as (
    -- The query as this pull shows it, and how it stood before. Open after it was closed or answered: opened again.
    select
        found.query_key,
        found.check_id,
        found.patient_key,
        found.site_id,
        found.severity_class,
        found.form,
        found.instance_no,
        found.field_name,
        found.resolution_note_cd,
        known.status_cd as known_status_cd,
        known.previous_status_cd as known_previous_status_cd,
        known.first_seen_pull,
        known.first_seen_date,
        coalesce(known.n_openings, 0) as known_openings,
        case
            when found.status_cd in ('ANSWERED', 'ACCEPTED_AS_IS', 'REOPENED') then found.status_cd
            when known.query_key is null or known.status_cd = 'OPEN' then 'OPEN'
            else 'REOPENED'
        end as status_cd
    from {{ ref('data_query') }} as found
    left join known on found.query_key = known.query_key
),

violated as (
    select
        asked.query_key,
        asked.check_id,
        asked.patient_key,
        asked.site_id,
        asked.severity_class,
        asked.form,
        asked.instance_no,
        asked.field_name,
        coalesce(asked.first_seen_pull, pull.pull_id) as first_seen_pull,
        coalesce(asked.first_seen_date, pull.data_cut_date) as first_seen_date,
        pull.pull_id as last_seen_pull,
        pull.data_cut_date as last_seen_date,
        cast(null as varchar) as resolved_pull,
        cast(null as date) as resolved_date,
        cast(
            case
                -- Answered, and changed since, before the history began: opened twice at least.
                when asked.known_status_cd is null and asked.status_cd = 'REOPENED' then 2
                when asked.known_status_cd is null then 1
                when asked.known_status_cd = 'RESOLVED_BY_DATA' then asked.known_openings + 1
                when asked.status_cd = 'REOPENED' and asked.known_status_cd <> 'REOPENED' then asked.known_openings + 1
                else asked.known_openings
            end as integer
        ) as n_openings,
        asked.status_cd,
        case
            when asked.known_status_cd = asked.status_cd then asked.known_previous_status_cd
            else asked.known_status_cd
        end as previous_status_cd,
        asked.resolution_note_cd
    from asked
    cross join pull
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
        'RESOLVED_BY_DATA' as status_cd,
        case
            when known.status_cd = 'RESOLVED_BY_DATA' then known.previous_status_cd
            else known.status_cd
        end as previous_status_cd,
        known.resolution_note_cd
    from known
    cross join pull
    left join violated on known.query_key = violated.query_key
    where violated.query_key is null
)

select * from violated
union all
select * from closed
