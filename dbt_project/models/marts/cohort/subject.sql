with blin as (
    select
        patient_key,
        min(case when started then cycle_start_date end) as first_blin_date,
        sum(case when started then 1 else 0 end) as n_started,
        sum(case when started and completed then 1 else 0 end) as n_completed
    from {{ ref('blin_cycle_exposure') }}
    group by patient_key
),

hsct as (
    select
        patient_key,
        min(row_date) as first_hsct_date
    from {{ ref('int_form_row__checked') }}
    where form = 'hct' and reason_cd is null
    group by patient_key
),

relapse as (
    select
        dated.patient_key,
        min(dated.resolved_date) as first_relapse_date
    from {{ ref('int_dates__resolved') }} as dated
    inner join {{ ref('stg_redcap__relapse') }} as form
        on dated.patient_key = form.patient_key and dated.instance_no = form.instance_no
    where dated.date_role = 'RELAPSE' and dated.is_counted and form.rl_kind_cd in ('1', '2', '3', '4')
    group by dated.patient_key
),

lost as (
    select distinct followup.patient_key
    from {{ ref('stg_redcap__followup') }} as followup
    inner join {{ ref('int_form_row__checked') }} as checked
        on
            followup.patient_key = checked.patient_key
            and followup.instance_no = checked.instance_no
            and checked.form = 'followup'
            and checked.reason_cd is null
    where followup.fu_ltfu_cd = '1'
),

critical as (
    select distinct patient_key
    from {{ ref('data_query') }}
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
    hsct.first_hsct_date,
    relapse.first_relapse_date,
    horizon.death_date,
    horizon.death_lo,
    horizon.death_hi,
    horizon.death_dtf,
    case when horizon.death_date is not null then death.dth_cause_cd end as death_cause_cd,
    contact.last_alive_date,
    contact.source_form || '.' || contact.source_field as last_alive_source,
    cast({{ days_between('baseline.dx_date', 'coalesce(horizon.death_date, contact.last_alive_date)') }} as integer)
        as followup_days,
    case
        when horizon.death_date is not null then 'DIED'
        when subject.consent_status_cd = '6' then 'WITHDRAWN'
        when lost.patient_key is not null then 'LOST'
        else 'ONGOING'
    end as eos_status_cd,
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
left join {{ ref('int_frontline__period') }} as period on subject.patient_key = period.patient_key
left join {{ ref('int_contact__last') }} as contact on subject.patient_key = contact.patient_key
left join {{ ref('stg_redcap__death') }} as death on subject.patient_key = death.patient_key
left join blin on subject.patient_key = blin.patient_key
left join hsct on subject.patient_key = hsct.patient_key
left join relapse on subject.patient_key = relapse.patient_key
left join lost on subject.patient_key = lost.patient_key
left join critical on subject.patient_key = critical.patient_key
