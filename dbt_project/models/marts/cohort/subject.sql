with blin as (
    select
        patient_key,
        min(case when started then cycle_start_date end) as first_blin_date,
        sum(case when started then 1 else 0 end) as n_started,
        sum(case when started and completed then 1 else 0 end) as n_completed
    from {{ ref('blin_cycle_exposure') }}
    group by patient_key
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
    -- Day on which the patient comes under observation; none on the deceased path.
    case when subject.consent_status_cd in ('1', '2', '6') then evidence.reg_date end as entry_date,
    baseline.age_dx_years,
    baseline.age_band_cd,
    baseline.sex_cd,
    baseline.ecog_cd,
    baseline.wbc_dx_10e9_l,
    baseline.bcr_abl1_cd,
    baseline.cns_status_cd,
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
    blin.first_blin_date,
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
left join critical on subject.patient_key = critical.patient_key
