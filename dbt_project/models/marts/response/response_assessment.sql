with mrd as (
    -- MRD of the same assessment: the nearest sample within a week, what can be read before what cannot,
    -- marrow before blood, each method by itself.
    select
        response.patient_key,
        response.instance_no,
        specimen.method_cd,
        specimen.mrd_cd,
        row_number() over (
            partition by response.patient_key, response.instance_no, specimen.method_cd
            order by
                -- A failed or contradictory test says nothing and does not stand before one that does.
                case specimen.mrd_cd when 'NE' then 1 else 0 end,
                case specimen.sample_cd when 'MARROW' then 1 when 'BLOOD' then 2 else 3 end,
                abs({{ days_between('response.assess_date', 'specimen.sample_date') }}),
                specimen.sample_date,
                specimen.instance_no
        ) as choice_no
    from {{ ref('int_response__classified') }} as response
    inner join {{ ref('int_mrd__classified') }} as specimen
        on
            response.patient_key = specimen.patient_key
            and abs({{ days_between('response.assess_date', 'specimen.sample_date') }})
            <= {{ parameter('mrd_pairing_days') }}
),

mrd_wide as (
    select
        patient_key,
        instance_no,
        max(case when method_cd = 'FLOW' then mrd_cd end) as mrd_flow_cd,
        max(case when method_cd = 'NGS' then mrd_cd end) as mrd_ngs_cd,
        max(case when method_cd = 'PCR_BCRABL1' then mrd_cd end) as mrd_bcr_abl1_cd
    from mrd
    where choice_no = 1
    group by patient_key, instance_no
)

select
    response.patient_key,
    response.site_id,
    cast(
        row_number() over (
            partition by response.patient_key order by response.assess_date, response.instance_no
        ) as integer
    ) as assess_seq,
    response.instance_no,
    response.timepoint_cd,
    response.assess_date,
    cast(
        {{ days_between('diagnosis.resolved_date', 'response.assess_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('period.plan_date', 'response.assess_date') }}
        as integer
    ) as days_from_plan,
    cast(blin.days_since_cycle_end as integer) as days_since_cycle_end,
    cast(blin.n_days_off_blin as integer) as n_days_off_blin,
    response.marrow_blast_pct,
    response.anc_10e9_l,
    response.plt_10e9_l,
    response.has_extramedullary_disease,
    coalesce(
        response.assess_date > period.plan_date
        and response.assess_date < coalesce(period.progression_date, date '9999-12-31')
        and response.assess_date <= period.frontline_end_date,
        false
    ) as is_in_frontline,
    coalesce(
        response.assess_date > period.plan_date
        and response.assess_date < {{ add_days('period.plan_date', parameter('response_early_days')) }},
        false
    ) as is_early,
    response.is_marrow_evaluable,
    response.is_cr_registry,
    response.cr_registry_basis_cd,
    response.response_reported_cd,
    response.response_derived_cd,
    response.is_cr_composite,
    -- Does the site's call agree with the conventional response? Null when either says nothing.
    case
        when response.response_derived_cd <> 'NE' and response.response_reported_cd <> '9'
            then
                response.response_derived_cd
                = {{ recode(
                    'response.response_reported_cd',
                    {'1': 'CR', '2': 'CRh', '3': 'CRi', '4': 'MLFS', '5': 'NR', '6': 'NR', '7': 'RELAPSE'}
                ) }}
    end as is_response_agreed,
    mrd_wide.mrd_flow_cd,
    mrd_wide.mrd_ngs_cd,
    mrd_wide.mrd_bcr_abl1_cd,
    'response' as source_form,
    response.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_response__classified') }} as response
left join {{ ref('int_dates__resolved') }} as diagnosis
    on response.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
left join {{ ref('int_response__blinatumomab') }} as blin
    on response.patient_key = blin.patient_key and response.instance_no = blin.instance_no
left join mrd_wide on response.patient_key = mrd_wide.patient_key and response.instance_no = mrd_wide.instance_no
