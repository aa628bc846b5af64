-- Grain: one row per counted MRD result, read strictly: below quantification is positive, a negative report counts as
-- negative only when the assay is stated to have seen far enough (flow 10^-4, NGS 10^-6), and stays apart otherwise.
with specimen as (
    select
        mrd.patient_key,
        usable.site_id,
        mrd.instance_no,
        mrd.mr_date as sample_date,
        mrd.mr_timepoint_cd as timepoint_cd,
        mrd.mr_source_cd,
        mrd.mr_lab_cd,
        mrd.mr_result_cd,
        mrd.mr_value,
        mrd.mr_unit_cd,
        coalesce(mrd.mr_sens_cd, '9') as sensitivity_cd,
        {{ recode(
            'mrd.mr_method_cd',
            {'1': 'FLOW', '2': 'NGS', '3': 'PCR_BCRABL1', '4': 'PCR_IGTCR', '5': 'PCR_FUSION', '90': 'OTHER'},
            'UNK'
        ) }} as method_cd,
        -- Fraction of cells: percent, per million, or already a fraction. (Percent IS is another scale and is not
        -- converted.)
        case mrd.mr_unit_cd
            when '1' then mrd.mr_value / 100.0
            when '2' then mrd.mr_value / 1000000.0
            when '4' then mrd.mr_value
        end as level_frac,
        case when mrd.mr_unit_cd = '3' then mrd.mr_value end as level_is_pct,
        mrd.pull_id
    from {{ ref('stg_redcap__mrd') }} as mrd
    inner join {{ ref('int_form_row__checked') }} as usable
        on
            mrd.patient_key = usable.patient_key
            and mrd.instance_no = usable.instance_no
            and usable.form = 'mrd'
            and usable.reason_cd is null
),

read as (
    select
        *,
        -- Reported negative with a level at or above the cut-off, of cells or of percent IS: the two contradict each
        -- other, no reading.
        coalesce(mr_result_cd, '3') = '3'
        or coalesce(mr_result_cd = '0' and level_frac >= {{ parameter('mrd_neg_cutoff') }}, false)
        or coalesce(mr_result_cd = '0' and level_is_pct >= {{ parameter('bcr_abl1_low_pct') }}, false)
            as is_unreadable,
        case method_cd
            when 'FLOW' then sensitivity_cd in ('1', '2', '3')
            when 'NGS' then sensitivity_cd = '3'
            -- How far an unknown method saw cannot be known (finding Q07).
            when 'UNK' then false
            else true
        end as is_deep_enough
    from specimen
)

select
    patient_key,
    site_id,
    instance_no,
    sample_date,
    timepoint_cd,
    {{ recode('mr_source_cd', {'1': 'MARROW', '2': 'BLOOD'}) }} as sample_cd,
    method_cd,
    {{ recode('mr_lab_cd', {'1': 'LOCAL', '2': 'REFERENCE'}, 'UNK') }} as laboratory_cd,
    {{ recode('mr_result_cd', {'0': 'NOT_DETECTED', '1': 'DETECTED', '2': 'BELOW_QUANTIFICATION', '3': 'FAILED'}) }}
        as result_reported_cd,
    {{ recode('sensitivity_cd', {'1': '1E-4', '2': '1E-5', '3': '1E-6', '4': 'LESS_THAN_1E-4'}, 'NOT_STATED') }}
        as sensitivity_cd,
    level_frac,
    level_is_pct,
    case
        when is_unreadable then 'NE'
        when mr_result_cd = '2' then 'POS_BELOW_LOQ'
        when mr_result_cd = '0' and is_deep_enough then 'NEG'
        when mr_result_cd = '0' then 'NEG_UNVERIFIED'
        -- The registry's cut-off for flow; a level under it counts as negative when the assay could see it.
        when method_cd = 'FLOW' and level_frac < {{ parameter('mrd_neg_cutoff') }} and is_deep_enough then 'NEG'
        else 'POS'
    end as mrd_cd,
    -- Tiers by themselves, whatever the method's own limit: true below it, false at or above it, null when neither the
    -- level nor a stated sensitivity tells.
    {%- for tier, codes in [('1e-4', "'1', '2', '3'"), ('1e-5', "'2', '3'"), ('1e-6', "'3'")] %}
    case
        when is_unreadable then null
        when mr_result_cd = '0' and sensitivity_cd in ({{ codes }}) then true
        when mr_result_cd = '0' then null
        when
            method_cd = 'FLOW' and level_frac < {{ parameter('mrd_neg_cutoff') }} and not is_deep_enough
            then null
        else level_frac < {{ tier }}
    end as is_under_{{ tier | replace('-', '_') }},
    {%- endfor %}
    -- BCR::ABL1 transcripts detected at 0.01 % IS or less: neither undetectable nor plainly positive, kept apart.
    coalesce(
        method_cd = 'PCR_BCRABL1'
        and mr_result_cd in ('1', '2')
        and level_is_pct <= {{ parameter('bcr_abl1_low_pct') }},
        false
    ) as is_low_bcr_abl1,
    pull_id
from read
