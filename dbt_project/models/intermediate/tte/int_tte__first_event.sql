-- Grain: patient x endpoint with any candidate event: the earliest event that ends it (on one day the endpoint's own
-- order decides), and whether an event was left out because it lies before time zero. Its bounds ask when the time can
-- have ended in the same way: not before the first day of any event of its code, not after the last day of any event.
with candidate as (
    select
        origin.patient_key,
        origin.param_cd,
        origin.start_date,
        outcome.event_code,
        outcome.same_day_order,
        outcome.outcome_desc,
        occurred.outcome_cd,
        occurred.event_date,
        occurred.earliest_date,
        occurred.latest_date,
        occurred.imputation_flag,
        occurred.source_form,
        occurred.source_field,
        occurred.source_instance_no,
        case
            when occurred.event_date < origin.start_date then origin.start_date else occurred.event_date
        end as acting_date,
        occurred.event_date < origin.start_date as is_before,
        -- Before time zero on the point, but the days that both dates can mean leave the order open.
        occurred.latest_date >= origin.start_lo as is_order_open,
        -- A transplant, blinatumomab or a negative test before time zero is history, not a contradiction.
        -- An MRD recurrence before it is one only when the order is open.
        outcome.outcome_cd in ('DEATH', 'RELAPSE', 'SECOND_CANCER')
        or (outcome.outcome_cd = 'MRD_RECURRENCE' and occurred.latest_date >= origin.start_lo) as is_contradiction
    from {{ ref('int_tte__origin') }} as origin
    inner join {{ ref('time_to_event_outcome') }} as outcome on origin.outcome_param_cd = outcome.outcome_param_cd
    inner join {{ ref('int_tte__event') }} as occurred
        on origin.patient_key = occurred.patient_key and outcome.outcome_cd = occurred.outcome_cd
),

weighed as (
    select
        *,
        case when is_before then is_contradiction and is_order_open else true end as is_in_play
    from candidate
),

judged as (
    select
        *,
        min(case when is_in_play then earliest_date end) over (
            partition by patient_key, param_cd, event_code
        ) as first_date,
        min(case when is_in_play then latest_date end) over (partition by patient_key, param_cd) as last_date,
        row_number() over (
            partition by patient_key, param_cd
            order by
                case when is_in_play then 0 else 1 end,
                acting_date,
                same_day_order,
                event_date,
                source_form,
                source_instance_no
        ) as event_order,
        max(case when is_before and is_contradiction then 1 else 0 end) over (
            partition by patient_key, param_cd
        ) as n_contradictions
    from weighed
)

select
    patient_key,
    param_cd,
    case when is_in_play then outcome_cd end as outcome_cd,
    case when is_in_play then event_code end as event_code,
    case when is_in_play then outcome_desc end as outcome_desc,
    case when is_in_play then acting_date end as event_date,
    case when is_in_play then first_date end as event_lo,
    case when is_in_play then last_date end as event_hi,
    case when is_in_play then imputation_flag end as event_dtf,
    case when is_in_play then source_form end as event_form,
    case when is_in_play then source_field end as event_field,
    case when is_in_play then source_instance_no end as event_instance_no,
    n_contradictions > 0 as has_event_before_origin
from judged
where event_order = 1
