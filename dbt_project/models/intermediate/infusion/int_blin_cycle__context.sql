-- Grain: one row per blinatumomab cycle that counts: why it was given, derived from what was known when it started,
-- and what the site says. The first rule that holds; the particular (transplant, bridge, maintenance) before the
-- general (MRD), else it would never be reached.
with derived as (
    select
        numbered.patient_key,
        numbered.cycle_instance_no,
        disease.cr_date,
        case
            when disease.cycle_start_date is not null
                then disease.cr_date is not null and disease.progression_date is null
        end as is_in_cr1,
        case
            when disease.cycle_start_date is null then null
            when disease.progression_date is not null and disease.cr_date is null then 'RELAPSED_REFRACTORY'
            when disease.hsct_date is not null then 'POST_HSCT'
            -- The form's word, never a transplant that came later: that would name the past by the future.
            when disease.cr_date is not null and plan.purpose_cd = '6' then 'BRIDGING'
            when disease.cr_date is not null and disease.maintenance_date is not null then 'MAINTENANCE'
            -- The border is 10^-4, whatever the method: by the level where it tells, else by the result.
            when
                disease.cr_date is not null
                and coalesce(not mrd.is_last_mrd_under_1e_4, mrd.last_mrd_cd in ('POS', 'POS_BELOW_LOQ'))
                then 'MRD_POS'
            when disease.cr_date is not null and coalesce(mrd.is_last_mrd_under_1e_4, mrd.last_mrd_cd = 'NEG')
                then 'MRD_NEG_CONSOL'
            when disease.cr_date is not null then 'CR_MRD_UNKNOWN'
            when disease.is_assessed then 'INDUCTION'
            else 'UNKNOWN'
        end as derived_cd,
        {{ recode('plan.purpose_cd', {
            '1': 'INDUCTION', '2': 'MRD_NEG_CONSOL', '3': 'MRD_POS', '4': 'CR_MRD_UNKNOWN', '5': 'MAINTENANCE',
            '6': 'BRIDGING', '7': 'POST_HSCT', '8': 'RELAPSED_REFRACTORY',
        }) }} as reported_cd
    from {{ ref('int_blin_cycle__numbered') }} as numbered
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on numbered.patient_key = plan.patient_key and numbered.cycle_instance_no = plan.cycle_instance_no
    left join {{ ref('int_blin_cycle__disease') }} as disease
        on numbered.patient_key = disease.patient_key and numbered.cycle_instance_no = disease.cycle_instance_no
    left join {{ ref('int_blin_cycle__mrd') }} as mrd
        on numbered.patient_key = mrd.patient_key and numbered.cycle_instance_no = mrd.cycle_instance_no
)

select
    patient_key,
    cycle_instance_no,
    cr_date,
    is_in_cr1,
    case
        when derived_cd is null or derived_cd = 'UNKNOWN' then coalesce(reported_cd, derived_cd)
        else derived_cd
    end as context_cd,
    reported_cd as context_reported_cd,
    case
        when derived_cd is null or derived_cd = 'UNKNOWN' then case when reported_cd is not null then 'REPORTED' end
        when reported_cd is null then 'DERIVED'
        when reported_cd = derived_cd then 'BOTH_AGREE'
        else 'DISAGREE'
    end as context_source_cd
from derived
