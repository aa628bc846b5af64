with ordered as (
    select
        *,
        row_number() over (partition by patient_key order by contact_date, instance_no) as contact_no,
        row_number() over (partition by patient_key order by contact_date desc, instance_no desc) as recency,
        lag(contact_date) over (partition by patient_key order by contact_date, instance_no) as previous_date
    from {{ ref('int_followup__kept') }}
),

stale as (
    -- Check D17: alive, not withdrawn, and no news of any kind for too long.
    select distinct patient_key
    from {{ ref('int_check__finding') }}
    where check_id = 'D17'
)

select
    ordered.patient_key,
    ordered.site_id,
    cast(ordered.contact_no as integer) as contact_no,
    ordered.instance_no,
    ordered.contact_date,
    case
        when ordered.vital_cd = 'DEAD' then 'DEAD'
        when ordered.is_lost then 'LOST'
        when ordered.vital_cd = 'UNK' then 'UNKNOWN'
        when ordered.remission_cd in ('CR_MRD_NEG', 'CR_MRD_POS', 'CR_MRD_UNK') then 'ALIVE_CR'
        when ordered.remission_cd = 'RELAPSED_REFRACTORY' then 'ALIVE_RELAPSE'
        else 'ALIVE_UNK'
    end as status_cd,
    ordered.vital_cd,
    ordered.remission_cd,
    ordered.therapy_cd,
    ordered.source_cd,
    ordered.is_disease_evaluation,
    ordered.is_lost,
    ordered.has_second_cancer,
    ordered.second_cancer_date,
    cast(
        {{ days_between('diagnosis.resolved_date', 'ordered.contact_date') }}
        as integer
    ) as days_from_dx,
    {{ days_between('ordered.previous_date', 'ordered.contact_date') }}
    / {{ parameter('days_per_month') }} as months_since_prev,
    ordered.recency = 1 as is_latest,
    ordered.recency = 1 and ordered.vital_cd <> 'DEAD' and stale.patient_key is not null as is_overdue,
    'followup' as source_form,
    ordered.pull_id,
    {{ rule_version() }} as rule_version
from ordered
left join {{ ref('int_dates__resolved') }} as diagnosis
    on ordered.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join stale on ordered.patient_key = stale.patient_key
