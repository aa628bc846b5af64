-- Grain: one row per counted response assessment, each criterion by itself: true, false, or null when not judged.
with assessed as (
    select
        response.patient_key,
        usable.site_id,
        response.instance_no,
        usable.row_date as assess_date,
        response.ra_timepoint_cd as timepoint_cd,
        response.ra_site_call_cd,
        response.ra_marrow_cd,
        response.ra_pb_lymphoblast_cd,
        -- What stands on the form of a marrow that was not examined is left over from before (finding Q08).
        {%- for column in ['ra_bm_lymphoblast_cd', 'ra_bm_blast', 'ra_bm_cell_cd'] %}
        case when coalesce(response.ra_marrow_cd, '') <> '0' then response.{{ column }} end as {{ column }},
        {%- endfor %}
        response.ra_anc,
        response.ra_plt,
        response.ra_plt_free7_cd,
        response.ra_emd_cd,
        response.pull_id
    from {{ ref('stg_redcap__response') }} as response
    inner join {{ ref('int_form_row__checked') }} as usable
        on
            response.patient_key = usable.patient_key
            and response.instance_no = usable.instance_no
            and usable.form = 'response'
            and usable.reason_cd is null
),

based as (
    select
        *,
        -- The registry's own item first; the percentage only when the item is empty.
        case
            when ra_bm_lymphoblast_cd is not null then 'ITEMS'
            when ra_bm_blast is not null then 'DERIVED_FROM_PERCENT'
        end as marrow_basis_cd
    from assessed
),

paired as (
    -- Blood that this form does not report may stand on another form up to 7 days from the marrow.
    select
        based.patient_key,
        based.instance_no,
        max(case other.ra_pb_lymphoblast_cd when '1' then 1 else 0 end) as has_blasts
    from based
    inner join based as other
        on
            based.patient_key = other.patient_key
            and other.ra_pb_lymphoblast_cd in ('0', '1')
            and other.assess_date >= {{ add_days('based.assess_date', '-' ~ parameter('mrd_pairing_days')) }}
            and other.assess_date <= {{ add_days('based.assess_date', parameter('mrd_pairing_days')) }}
    where
        coalesce(based.ra_pb_lymphoblast_cd, '9') = '9'
        and (based.ra_bm_lymphoblast_cd in ('0', '1') or based.marrow_basis_cd = 'DERIVED_FROM_PERCENT')
    group by based.patient_key, based.instance_no
),

judged as (
    select
        based.*,
        case
            when ra_bm_lymphoblast_cd = '0' then true
            when ra_bm_lymphoblast_cd = '1' then false
            when marrow_basis_cd = 'DERIVED_FROM_PERCENT' then ra_bm_blast < {{ parameter('cr_blast_pct') }}
        end as is_marrow_clear,
        case ra_pb_lymphoblast_cd when '0' then true when '1' then false end as is_blood_clear,
        case ra_pb_lymphoblast_cd when '0' then true when '1' then false else has_blasts = 0 end as is_near_blood_clear,
        -- Conventional response asks for the percentage; "none" by the item means under 5 % by its own wording.
        case
            when ra_bm_blast is not null then ra_bm_blast < {{ parameter('cr_blast_pct') }}
            when ra_bm_lymphoblast_cd = '0' then true
            when ra_bm_lymphoblast_cd = '1' then false
        end as is_marrow_under_limit,
        case ra_emd_cd when '0' then true when '1' then false end as is_extramedullary_clear,
        ra_anc >= {{ parameter('cr_anc') }} and ra_plt >= {{ parameter('cr_platelets') }} as is_count_full,
        ra_anc > {{ parameter('crh_anc') }} and ra_plt > {{ parameter('crh_platelets') }} as is_count_partial,
        case ra_plt_free7_cd when '1' then true when '0' then false end as is_transfusion_free,
        coalesce(ra_bm_cell_cd = '2', false) as is_hypocellular
    from based
    left join paired on based.patient_key = paired.patient_key and based.instance_no = paired.instance_no
),

registry as (
    select
        *,
        case
            when is_marrow_clear and is_near_blood_clear then true
            when not is_marrow_clear or not is_near_blood_clear then false
        end as is_cr_registry,
        case
            when is_marrow_under_limit and is_blood_clear and is_extramedullary_clear then true
            when not is_marrow_under_limit or not is_blood_clear or not is_extramedullary_clear then false
        end as is_blast_criteria_met
    from judged
),

ordered as (
    select
        *,
        coalesce(max(case when is_cr_registry then 1 else 0 end) over (
            partition by patient_key order by assess_date, instance_no
            rows between unbounded preceding and 1 preceding
        ), 0) = 1 as has_earlier_cr
    from registry
)

select
    patient_key,
    site_id,
    instance_no,
    assess_date,
    timepoint_cd,
    ra_site_call_cd as response_reported_cd,
    coalesce(ra_marrow_cd, '0') <> '0' as is_marrow_done,
    is_marrow_clear is not null as is_marrow_evaluable,
    is_cr_registry,
    case when is_cr_registry then marrow_basis_cd end as cr_registry_basis_cd,
    case
        when is_blast_criteria_met is null then 'NE'
        when not is_blast_criteria_met and has_earlier_cr then 'RELAPSE'
        when not is_blast_criteria_met then 'NR'
        when ra_anc is null or ra_plt is null then 'NE'
        -- CR and CRh ask for no platelet transfusion: when that is not known they cannot be told from CRi.
        when is_count_partial and is_transfusion_free is null then 'NE'
        when is_count_full and is_transfusion_free then 'CR'
        when is_count_partial and is_transfusion_free then 'CRh'
        when is_hypocellular then 'MLFS'
        else 'CRi'
    end as response_derived_cd,
    -- CR, CRh or CRi: also known when the three cannot be told apart, unless the marrow could be that of MLFS. Without
    -- counts only a marrow that is stated to be adequate excludes that.
    case
        when not is_blast_criteria_met then false
        when is_blast_criteria_met is null then null
        when ra_anc is null or ra_plt is null then case when ra_bm_cell_cd = '1' then true end
        when is_count_partial and is_transfusion_free then true
        when not is_hypocellular then true
        when is_count_partial and is_transfusion_free is null then null
        else false
    end as is_cr_composite,
    ra_bm_blast as marrow_blast_pct,
    ra_anc as anc_10e9_l,
    ra_plt as plt_10e9_l,
    not is_extramedullary_clear as has_extramedullary_disease,
    pull_id
from ordered
