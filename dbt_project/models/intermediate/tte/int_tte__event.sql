-- Grain: one row per dated event that can end a time (patient x outcome x source row), with the days it can mean.
-- Events after the last day that counts do not exist.
{% set window_end = add_days('period.plan_date', parameter('end_induction_to_days')) -%}
with followed as (
    select
        horizon.*,
        coalesce(horizon.death_date, contact.last_alive_date) as known_through_date
    from {{ ref('int_subject__horizon') }} as horizon
    left join {{ ref('int_contact__last') }} as contact on horizon.patient_key = contact.patient_key
),

unremitted as (
    -- Induction failure: no remission in frontline although an assessment showed disease or it was refractory;
    -- the end of the induction window must lie within what is known of the patient.
    select
        period.patient_key,
        period.plan_date,
        {{ window_end }} as window_end_date
    from {{ ref('int_frontline__period') }} as period
    inner join {{ ref('int_response__frontline') }} as response on period.patient_key = response.patient_key
    inner join followed on period.patient_key = followed.patient_key
    where
        response.cr1_date is null
        and (response.is_disease_shown or period.refractory_date is not null)
        and {{ window_end }} <= followed.counted_through_date
        and (period.refractory_date is not null or {{ window_end }} <= followed.known_through_date)
),

exact as (
    {%- for outcome_cd, failed_on in [('NO_REMISSION', 'window_end_date'), ('NO_REMISSION_DAY1', 'plan_date')] %}
    select
        patient_key,
        '{{ outcome_cd }}' as outcome_cd,
        {{ failed_on }} as event_date,
        'treatment_plan' as source_form,
        'plan_date' as source_field,
        1 as source_instance_no
    from unremitted
    union all
    {%- endfor %}
    select
        patient_key,
        'HSCT' as outcome_cd,
        row_date as event_date,
        form as source_form,
        'hc_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_form_row__checked') }}
    where form = 'hct' and reason_cd is null
    union all
    select
        evidence.patient_key,
        'TRIAL_BLIN' as outcome_cd,
        evidence.blin_trial_start as event_date,
        'registration' as source_form,
        'blin_trial_start' as source_field,
        1 as source_instance_no
    from {{ ref('int_eligibility__evidence') }} as evidence
    inner join followed on evidence.patient_key = followed.patient_key
    where evidence.blin_in_trial_cd = '1' and evidence.blin_trial_start <= followed.counted_through_date
    union all
    select
        patient_key,
        'BLIN_START' as outcome_cd,
        cycle_start_date as event_date,
        'blin_cycle' as source_form,
        'bc_start' as source_field,
        cycle_instance_no as source_instance_no
    from {{ ref('int_tte__cycle') }}
    -- A later cycle starts blinatumomab no second time.
    where start_no = 1
    union all
    -- The registry's definition of MRD negative is by flow; methods are never merged. On one day marrow before blood.
    select
        patient_key,
        'MRD_NEGATIVE' as outcome_cd,
        sample_date as event_date,
        'mrd' as source_form,
        'mr_date' as source_field,
        instance_no as source_instance_no
    from {{ ref('int_mrd__daily') }}
    where method_cd = 'FLOW' and mrd_cd = 'NEG'
    union all
    -- Positive again, strictly read (below quantification is positive), after the first negative one in remission.
    select
        mrd.patient_key,
        'MRD_RECURRENCE' as outcome_cd,
        mrd.sample_date as event_date,
        'mrd' as source_form,
        'mr_date' as source_field,
        mrd.instance_no as source_instance_no
    from {{ ref('int_mrd__classified') }} as mrd
    inner join {{ ref('int_mrd__first_negative') }} as negative
        on mrd.patient_key = negative.patient_key and mrd.sample_date > negative.negative_date
    where mrd.method_cd = 'FLOW' and mrd.mrd_cd in ('POS', 'POS_BELOW_LOQ')
    union all
    select
        patient_key,
        'SECOND_CANCER' as outcome_cd,
        second_cancer_known_date as event_date,
        'followup' as source_form,
        case when second_cancer_date is null then 'fu_date' else 'fu_second_ca_date' end as source_field,
        instance_no as source_instance_no
    from {{ ref('int_followup__kept') }}
    where second_cancer_known_date is not null
)

select
    patient_key,
    outcome_cd,
    event_date,
    event_date as earliest_date,
    event_date as latest_date,
    cast(null as varchar) as imputation_flag,
    source_form,
    source_field,
    source_instance_no
from exact
union all
select
    patient_key,
    'DEATH' as outcome_cd,
    death_date as event_date,
    death_lo as earliest_date,
    death_hi as latest_date,
    death_dtf as imputation_flag,
    'death' as source_form,
    'dth_date' as source_field,
    1 as source_instance_no
from followed
where death_date is not null
union all
-- MRD recurrence alone is no relapse; a form without a kind counts as one.
select
    patient_key,
    case when is_relapse then 'RELAPSE' else 'MRD_RECURRENCE' end as outcome_cd,
    relapse_date as event_date,
    relapse_lo as earliest_date,
    relapse_hi as latest_date,
    relapse_dtf as imputation_flag,
    'relapse' as source_form,
    'rl_date' as source_field,
    instance_no as source_instance_no
from {{ ref('int_relapse__kept') }}
where is_relapse or type_cd = 'MRD'
