-- Grain: one row per kept record: where the patient stands in the count of remissions (denominators of clinical
-- specification 4).
with joined as (
    select
        subject.patient_key,
        subject.data_cut_date,
        status.eligibility_status_cd = 'ELIGIBLE' as is_eligible,
        period.plan_date,
        period.progression_date,
        period.frontline_end_reason_cd,
        horizon.death_date,
        period.plan_date is not null as is_treated,
        coalesce(response.n_assessments, 0) as n_assessments,
        coalesce(response.is_evaluable, false) as is_evaluable,
        coalesce(response.is_cr_registry, false) as is_cr_registry,
        coalesce(response.is_cr_conventional, false) as is_cr_conventional,
        coalesce(response.is_cr_composite, false) as is_cr_composite,
        coalesce(response.is_marrow_done, false) as is_marrow_done,
        response.cr1_date
    from {{ ref('int_subject__recorded') }} as subject
    inner join {{ ref('int_eligibility__status') }} as status on subject.patient_key = status.patient_key
    inner join {{ ref('int_subject__horizon') }} as horizon on subject.patient_key = horizon.patient_key
    left join {{ ref('int_frontline__period') }} as period on subject.patient_key = period.patient_key
    left join {{ ref('int_response__frontline') }} as response on subject.patient_key = response.patient_key
),

stated as (
    select
        *,
        coalesce(progression_date <= data_cut_date, false) as is_progressed,
        case
            when not is_treated then 'NOT_TREATED'
            when is_cr_registry then 'RESPONDER'
            when is_evaluable then 'NO_CR'
            when
                n_assessments = 0
                and death_date is null
                and coalesce(progression_date > data_cut_date, true)
                and {{ add_days('plan_date', parameter('response_due_days')) }} > data_cut_date
                then 'NOT_YET_DUE'
            else 'NOT_ASSESSED'
        end as response_state_cd
    from joined
)

select
    patient_key,
    is_treated,
    response_state_cd,
    -- D1 eligible and treated, without those whose response is not yet due; D2 of these the assessed; D3 also the
    -- dead and progressed.
    is_eligible and response_state_cd in ('RESPONDER', 'NO_CR', 'NOT_ASSESSED') as is_response_d1,
    is_eligible and is_treated and is_evaluable as is_response_d2,
    is_eligible
    and (
        (is_treated and is_evaluable)
        or (response_state_cd = 'NOT_ASSESSED' and (death_date is not null or is_progressed))
    ) as is_response_d3,
    is_cr_registry,
    is_cr_conventional,
    is_cr_composite,
    case
        when response_state_cd <> 'NOT_ASSESSED' then null
        when frontline_end_reason_cd = 'DEATH' then 'DIED'
        when frontline_end_reason_cd in ('RELAPSE', 'REFRACTORY') then 'PROGRESSED'
        when frontline_end_reason_cd = 'WITHDRAWAL' then 'WITHDRAWN'
        when n_assessments = 0 then 'NO_ASSESSMENT'
        when not is_marrow_done then 'NO_MARROW'
        else 'NOT_EVALUABLE'
    end as not_assessed_reason_cd,
    cr1_date
from stated
