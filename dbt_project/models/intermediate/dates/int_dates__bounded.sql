-- Grain: patient x role (DIAGNOSIS, RELAPSE, DEATH) x instance: a date with its precision as the interval it can
-- lie in.
with entered as (
    select
        patient_key,
        'DIAGNOSIS' as date_role,
        instance_no,
        dx_date as entered_date,
        dx_date_prec_cd as precision_cd
    from {{ ref('stg_redcap__registration') }}
    union all
    select
        patient_key,
        'RELAPSE' as date_role,
        instance_no,
        rl_date as entered_date,
        rl_date_prec_cd as precision_cd
    from {{ ref('stg_redcap__relapse') }}
    union all
    select
        patient_key,
        'DEATH' as date_role,
        instance_no,
        dth_date as entered_date,
        dth_date_prec_cd as precision_cd
    from {{ ref('stg_redcap__death') }}
    where dth_dead_cd = '1'
),

bounded as (
    select
        patient_key,
        date_role,
        instance_no,
        entered_date,
        {{ date_lower_bound('entered_date', 'precision_cd') }} as earliest_date,
        {{ date_upper_bound('entered_date', 'precision_cd') }} as latest_date,
        {{ date_imputation_flag('precision_cd') }} as imputation_flag
    from entered
    where entered_date is not null
)

select
    bounded.patient_key,
    subject.site_id,
    bounded.date_role,
    bounded.instance_no,
    bounded.entered_date,
    bounded.earliest_date,
    bounded.latest_date,
    bounded.imputation_flag,
    -- An interval that begins after the last day that counts is not imputed into it: it does not exist (finding
    -- D01).
    bounded.earliest_date <= subject.counted_through_date
    and bounded.latest_date >= date '1900-01-01'
    -- Who withdraws is alive: a death that can lie on either side of that day was after what may be used.
    and not coalesce(
        bounded.date_role = 'DEATH'
        and subject.withdraw_date <= subject.data_cut_date
        and subject.withdraw_date < bounded.latest_date,
        false
    ) as is_counted
from bounded
inner join {{ ref('int_subject__recorded') }} as subject on bounded.patient_key = subject.patient_key
