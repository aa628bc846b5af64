-- D12, error: the site calls complete remission while lymphoblasts are present or marrow blasts are 5 % or more.
select
    {{ check_columns('D12', 'response', 'ra_site_call',
        "coalesce(response.ra_bm_lymphoblast_cd = '1', false) or coalesce(response.ra_pb_lymphoblast_cd = '1', false)"
        ~ ' or response.ra_bm_blast >= ' ~ parameter('cr_blast_pct'),
        subject='subject', instance_no='response.instance_no') }}
from {{ ref('stg_redcap__response') }} as response
inner join {{ ref('int_subject__recorded') }} as subject
    on response.patient_key = subject.patient_key and subject.is_patient
where response.ra_site_call_cd = '1'
