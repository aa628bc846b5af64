-- Q03, error: a relapse, second cancer or remission that is over before the start of therapy, or a transplant before
-- the diagnosis. Partial dates offend only with their whole interval.
with therapy as (
    select
        period.patient_key,
        subject.site_id,
        period.plan_date
    from {{ ref('int_frontline__period') }} as period
    inner join {{ ref('int_subject__recorded') }} as subject
        on period.patient_key = subject.patient_key and subject.is_patient
),

diagnosed as (
    select
        dated.patient_key,
        subject.site_id,
        dated.earliest_date
    from {{ ref('int_dates__resolved') }} as dated
    inner join {{ ref('int_subject__recorded') }} as subject
        on dated.patient_key = subject.patient_key and subject.is_patient
    where dated.date_role = 'DIAGNOSIS'
)

select
    {{ check_columns('Q03', 'relapse', 'rl_date', 'occurred.latest_date < therapy.plan_date', 'therapy',
        'occurred.source_instance_no') }}
from therapy
inner join {{ ref('int_tte__event') }} as occurred
    on therapy.patient_key = occurred.patient_key and occurred.outcome_cd = 'RELAPSE'
union all
select
    {{ check_columns('Q03', 'followup', 'fu_second_ca_date', 'occurred.latest_date < therapy.plan_date', 'therapy',
        'occurred.source_instance_no') }}
from therapy
inner join {{ ref('int_tte__event') }} as occurred
    on therapy.patient_key = occurred.patient_key and occurred.outcome_cd = 'SECOND_CANCER'
union all
select
    {{ check_columns('Q03', 'response', 'ra_date', 'response.assess_date < therapy.plan_date', 'therapy',
        'response.instance_no') }}
from therapy
inner join {{ ref('int_response__classified') }} as response
    on therapy.patient_key = response.patient_key and response.is_cr_registry
union all
select
    {{ check_columns('Q03', 'hct', 'hc_date', 'occurred.event_date < diagnosed.earliest_date', 'diagnosed',
        'occurred.source_instance_no') }}
from diagnosed
inner join {{ ref('int_tte__event') }} as occurred
    on diagnosed.patient_key = occurred.patient_key and occurred.outcome_cd = 'HSCT'
