-- Grain: one row per counted MRD result, read strictly: below quantification is positive, a negative report
-- without a stated sensitivity of 10^-4 stays apart.
with sample as (
    select
        mrd.patient_key,
        usable.site_id,
        mrd.instance_no,
        mrd.mr_date as sample_date,
        mrd.mr_source_cd,
        mrd.mr_result_cd,
        mrd.mr_sens_cd,
        {{ recode(
            'mrd.mr_method_cd',
            {'1': 'FLOW', '2': 'NGS', '3': 'PCR_BCRABL1', '4': 'PCR_IGTCR', '5': 'PCR_FUSION'},
            'OTHER'
        ) }} as method_cd,
        -- Fraction of cells: percent, per million, or already a fraction. (Percent IS is another scale and is not
        -- converted.)
        case mrd.mr_unit_cd
            when '1' then mrd.mr_value / 100.0
            when '2' then mrd.mr_value / 1000000.0
            when '4' then mrd.mr_value
        end as level_frac
    from {{ ref('stg_redcap__mrd') }} as mrd
    inner join {{ ref('int_form_row__checked') }} as usable
        on
            mrd.patient_key = usable.patient_key
            and mrd.instance_no = usable.instance_no
            and usable.form = 'mrd'
            and usable.reason_cd is null
)

select
    patient_key,
    site_id,
    instance_no,
    sample_date,
    {{ recode('mr_source_cd', {'1': 'MARROW', '2': 'BLOOD'}) }} as sample_cd,
    method_cd,
    level_frac,
    case
        when mr_result_cd = '2' then 'POS_BELOW_LOQ'
        -- The registry's cut-off for flow; a level under it counts as negative when the assay could see it.
        when
            mr_result_cd = '1'
            and method_cd = 'FLOW'
            and level_frac < {{ parameter('mrd_neg_cutoff') }}
            and mr_sens_cd in ('1', '2', '3')
            then 'NEG'
        when mr_result_cd = '1' then 'POS'
        when
            mr_result_cd = '0'
            and method_cd = 'FLOW'
            and coalesce(mr_sens_cd, '9') not in ('1', '2', '3')
            then 'NEG_UNVERIFIED'
        when mr_result_cd = '0' then 'NEG'
        else 'NE'
    end as mrd_cd
from sample
