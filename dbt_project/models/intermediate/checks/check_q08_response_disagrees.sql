-- Q08, warn: what is said of one assessment does not fit together: registry remission against the site's call or the
-- conventional response (a call of CR despite blasts is D12); or results of a marrow that was not examined. All of it
-- is kept, the registry's definition counts.
with assessed as (
    select
        response.patient_key,
        subject.site_id,
        response.instance_no,
        response.is_cr_registry,
        response.response_reported_cd as call_cd,
        response.response_derived_cd as derived_cd
    from {{ ref('int_response__classified') }} as response
    inner join {{ ref('int_subject__recorded') }} as subject
        on response.patient_key = subject.patient_key and subject.is_patient
),

not_examined as (
    select
        response.patient_key,
        subject.site_id,
        response.instance_no,
        response.ra_bm_lymphoblast_cd in ('0', '1')
        or response.ra_bm_blast is not null
        or response.ra_bm_cell_cd is not null as has_result
    from {{ ref('stg_redcap__response') }} as response
    inner join {{ ref('int_subject__recorded') }} as subject
        on response.patient_key = subject.patient_key and subject.is_patient
    where response.ra_marrow_cd = '0'
)

select
    {{ check_columns('Q08', 'response', 'ra_site_call',
        "(is_cr_registry and (coalesce(call_cd in ('5', '6', '7'), false) or derived_cd in ('NR', 'RELAPSE')))"
        ~ " or (not is_cr_registry and (coalesce(call_cd in ('2', '3', '4'), false)"
        ~ " or derived_cd in ('CR', 'CRh', 'CRi', 'MLFS')))", instance_no='instance_no') }}
from assessed
where is_cr_registry is not null
union all
select {{ check_columns('Q08', 'response', 'ra_marrow', 'has_result', instance_no='instance_no') }}
from not_examined
