{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        full_refresh=false,
        post_hook="delete from {{ this }} where patient_key not in (select patient_key from {{ ref('int_subject__recorded') }})",
    )
}}
-- One row more each time the status or a reason of a record changes from one pull or rule set to the next. Rows are
-- only added, but for records that may no longer be kept: those lose their history too.
with reason as (
    select
        patient_key,
        {%- for criterion in ['E6', 'E0', 'E5', 'E1', 'E2', 'E3', 'E4'] %}
        {{ '|| ' if not loop.first }}coalesce(
            max(case when criterion_cd = '{{ criterion }}' then reason_cd || ' ' end), ''
        )
        {%- endfor %} as reasons
    from {{ ref('int_eligibility__decision') }}
    where met_cd <> 'Y'
    group by patient_key
),

present as (
    select
        status.patient_key,
        status.site_id,
        status.eligibility_status_cd,
        trim(coalesce(reason.reasons, '')) as reasons
    from {{ ref('int_eligibility__status') }} as status
    left join reason on status.patient_key = reason.patient_key
),

earlier as (
    {% if is_incremental() %}
    select
        patient_key,
        change_no,
        eligibility_status_cd,
        reasons,
        row_number() over (partition by patient_key order by change_no desc) as recency
    from {{ this }}
    {% else %}
    select
        patient_key,
        0 as change_no,
        eligibility_status_cd,
        reasons,
        1 as recency
    from present
    where false
    {% endif %}
),

changed as (
    select
        present.*,
        earlier.eligibility_status_cd as previous_status_cd,
        coalesce(earlier.change_no, 0) + 1 as change_no
    from present
    left join earlier on present.patient_key = earlier.patient_key and earlier.recency = 1
    where
        earlier.patient_key is null
        or earlier.eligibility_status_cd <> present.eligibility_status_cd
        or earlier.reasons <> present.reasons
)

select
    changed.patient_key,
    changed.site_id,
    cast(changed.change_no as integer) as change_no,
    changed.eligibility_status_cd,
    changed.previous_status_cd,
    changed.reasons,
    pull.data_cut_date,
    pull.pull_id,
    {{ rule_version() }} as rule_version
from changed
cross join {{ ref('stg_redcap__pull') }} as pull
