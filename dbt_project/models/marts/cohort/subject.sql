with started_cycle as (
    select
        *,
        row_number() over (partition by patient_key order by cycle_overall_no) as start_no
    from {{ ref('blin_cycle_exposure') }}
    where started
),

blin as (
    select
        patient_key,
        min(cycle_start_date) as first_blin_date,
        max(case when start_no = 1 then cycle_start_utc end) as first_blin_utc,
        max(case when start_no = 1 then context_cd end) as first_context_cd,
        count(*) as n_started,
        sum(case when completed then 1 else 0 end) as n_completed
    from started_cycle
    group by patient_key
),

remission as (
    -- The assessment that was the first remission: conventional response and MRD by flow with it.
    select
        patient_key,
        response_derived_cd,
        mrd_flow_cd,
        row_number() over (partition by patient_key order by assess_seq) as remission_no
    from {{ ref('response_assessment') }}
    where is_in_frontline and is_cr_registry
),

tested as (
    select distinct patient_key
    from {{ ref('mrd_result') }}
    where method_cd = 'FLOW' and mrd_cd <> 'NE' and is_in_frontline
),

critical as (
    select distinct patient_key
    from {{ ref('int_check__finding') }}
    where blocks_analysis
)

select
    subject.patient_key,
    subject.site_id,
    {{ parameter('study') }} as study_id,
    baseline.ascertainment_cd,
    subject.consent_status_cd,
    subject.screen_note_cd,
    evidence.reg_date,
    case
        when
            subject.consent_status_cd in ('1', '2', '6')
            and evidence.consent_date between date '1900-01-01' and subject.data_cut_date
            then evidence.consent_date
    end as consent_date,
    -- Day on which the patient comes under observation; none on the deceased path.
    case when subject.consent_status_cd in ('1', '2', '6') then evidence.reg_date end as entry_date,
    cast(extract(year from evidence.birth_date) as integer) as birth_year,
    baseline.age_dx_years,
    baseline.age_band_cd,
    baseline.sex_cd,
    baseline.race_cd,
    baseline.ethnicity_cd,
    baseline.height_cm,
    baseline.weight_kg,
    baseline.bsa_m2,
    baseline.ecog_cd,
    baseline.wbc_dx_10e9_l,
    baseline.bcr_abl1_cd,
    baseline.ph_like_cd,
    baseline.kmt2a_cd,
    baseline.tp53_cd,
    baseline.risk_cd,
    baseline.cd19_cd,
    baseline.cns_status_cd,
    baseline.emd_cd,
    baseline.dx_date,
    baseline.dx_lo,
    baseline.dx_hi,
    baseline.dx_dtf,
    period.plan_date,
    baseline.backbone_declared_cd,
    backbone.derived_cd as backbone_derived_cd,
    backbone.final_cd as backbone_final_cd,
    backbone.confidence_cd as backbone_confidence_cd,
    backbone.is_conflict as backbone_conflict,
    status.eligibility_status_cd = 'ELIGIBLE' and coalesce(e1910.is_e1910_like, false) as is_e1910_like,
    status.eligibility_status_cd,
    status.eligibility_status_cd = 'ELIGIBLE' as is_eligible,
    state.is_treated,
    period.frontline_end_date,
    period.frontline_end_reason_cd,
    state.response_state_cd,
    state.is_response_d1,
    state.is_response_d2,
    state.is_response_d3,
    state.is_cr_registry,
    state.is_cr_conventional,
    state.is_cr_composite,
    state.not_assessed_reason_cd,
    state.cr1_date,
    remission.response_derived_cd as cr1_type_cd,
    remission.mrd_flow_cd as mrd_at_cr1_cd,
    tested.patient_key is not null as is_mrd_evaluable,
    blin.first_blin_utc,
    blin.first_blin_date,
    blin.first_context_cd as blin_context_first_cd,
    cast(coalesce(blin.n_started, 0) as integer) as n_blin_cycles_started,
    cast(coalesce(blin.n_completed, 0) as integer) as n_blin_cycles_completed,
    coalesce(blin.n_started > 0, false) as is_blin_exposed,
    milestone.first_hsct_date,
    milestone.first_relapse_date,
    horizon.death_date,
    horizon.death_lo,
    horizon.death_hi,
    horizon.death_dtf,
    milestone.death_cause_cd,
    contact.last_alive_date,
    contact.source_form || '.' || contact.source_field as last_alive_source,
    cast(
        {{ days_between('baseline.dx_date', 'coalesce(horizon.death_date, contact.last_alive_date)') }}
        as integer
    ) as followup_days,
    milestone.eos_status_cd,
    subject.withdraw_date,
    critical.patient_key is not null as has_critical_query,
    subject.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_subject__recorded') }} as subject
inner join {{ ref('int_subject__baseline') }} as baseline on subject.patient_key = baseline.patient_key
inner join {{ ref('int_subject__response_state') }} as state on subject.patient_key = state.patient_key
inner join {{ ref('int_subject__horizon') }} as horizon on subject.patient_key = horizon.patient_key
inner join {{ ref('int_eligibility__evidence') }} as evidence on subject.patient_key = evidence.patient_key
inner join {{ ref('int_eligibility__status') }} as status on subject.patient_key = status.patient_key
inner join {{ ref('int_backbone__final') }} as backbone on subject.patient_key = backbone.patient_key
inner join {{ ref('int_subject__milestone') }} as milestone on subject.patient_key = milestone.patient_key
left join {{ ref('int_subject__e1910_like') }} as e1910 on subject.patient_key = e1910.patient_key
left join {{ ref('int_frontline__period') }} as period on subject.patient_key = period.patient_key
left join {{ ref('int_contact__last') }} as contact on subject.patient_key = contact.patient_key
left join blin on subject.patient_key = blin.patient_key
left join remission on subject.patient_key = remission.patient_key and remission.remission_no = 1
left join tested on subject.patient_key = tested.patient_key
left join critical on subject.patient_key = critical.patient_key
