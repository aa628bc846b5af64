-- Grain: one row per counted relapse form: dated within its bounds, with its kind in words. Kinds 1 to 4 are relapses
-- (events of relapse-free survival); kind 5, MRD recurrence alone, is not. A relapse form without a kind counts as a
-- relapse until the site says otherwise (finding Q07): a blank must not hide an event.
select
    relapse.patient_key,
    subject.site_id,
    relapse.instance_no,
    dated.resolved_date as relapse_date,
    dated.earliest_date as relapse_lo,
    dated.latest_date as relapse_hi,
    dated.imputation_flag as relapse_dtf,
    case
        when relapse.rl_kind_cd in ('1', '2', '3', '4') then 'MORPHOLOGIC'
        when relapse.rl_kind_cd = '5' then 'MRD'
        else 'UNKNOWN'
    end as type_cd,
    coalesce(relapse.rl_kind_cd, '') <> '5' as is_relapse,
    {{ recode('relapse.rl_kind_cd', {'1': 'BM', '2': 'CNS', '3': 'EMD', '4': 'COMBINED'}) }} as site_cd,
    {%- for code, word in [('1', 'marrow'), ('2', 'blood'), ('3', 'cns'), ('4', 'testis')] %}
    coalesce(relapse.rl_site__{{ code }}, false) as has_{{ word }},
    {%- endfor %}
    coalesce(relapse.rl_site__5 or relapse.rl_site__6 or relapse.rl_site__90, false) as has_other_site,
    relapse.rl_bm_blast as marrow_blast_pct,
    {{ recode('relapse.rl_cd19_cd', {'1': 'POS', '2': 'DIM', '0': 'NEG'}, 'UNK') }} as cd19_status_cd,
    case relapse.rl_lineage_cd when '1' then true when '0' then false end as has_lineage_switch,
    coalesce(relapse.rl_next__1, false) as has_next_inotuzumab,
    coalesce(relapse.rl_next__2, false) as has_next_blinatumomab,
    coalesce(relapse.rl_next__3, false) as has_next_cart,
    coalesce(relapse.rl_next__6, false) as has_next_hsct,
    -- An infusion after the last day that counts, or before 1900, is not known to have happened (finding D01).
    case
        when relapse.rl_cart_date between date '1900-01-01' and subject.counted_through_date then relapse.rl_cart_date
    end as cart_date,
    relapse.pull_id
from {{ ref('stg_redcap__relapse') }} as relapse
inner join {{ ref('int_form_row__checked') }} as usable
    on
        relapse.patient_key = usable.patient_key
        and relapse.instance_no = usable.instance_no
        and usable.form = 'relapse'
        and usable.reason_cd is null
inner join {{ ref('int_dates__resolved') }} as dated
    on
        relapse.patient_key = dated.patient_key
        and relapse.instance_no = dated.instance_no
        and dated.date_role = 'RELAPSE'
inner join {{ ref('int_subject__recorded') }} as subject on relapse.patient_key = subject.patient_key
