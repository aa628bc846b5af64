-- Grain: patient x endpoint: the event, competing event or censoring that ends it, and the time.
-- cnsr: 0 event, 1 censored where it was last known, 2 competing event, 3 nothing known after time zero,
-- 4 what a sensitivity analysis censors at (transplant, blinatumomab inside a trial).
with intervening as (
    select
        origin.patient_key,
        origin.param_cd,
        occurred.event_date,
        occurred.source_form,
        occurred.source_field,
        occurred.source_instance_no,
        row_number() over (
            partition by origin.patient_key, origin.param_cd order by occurred.event_date, occurred.source_instance_no
        ) as intervening_no
    from {{ ref('int_tte__origin') }} as origin
    inner join {{ ref('int_tte__event') }} as occurred
        on
            origin.patient_key = occurred.patient_key
            and origin.censor_outcome_cd = occurred.outcome_cd
            and origin.start_date <= occurred.event_date
),

known as (
    select
        origin.*,
        first_event.event_code,
        first_event.outcome_desc,
        first_event.event_date,
        first_event.event_lo,
        first_event.event_hi,
        first_event.event_dtf,
        first_event.event_form,
        first_event.event_field,
        first_event.event_instance_no,
        coalesce(first_event.has_event_before_origin, false) as has_event_before_origin,
        last_known.known_date,
        last_known.source_form as known_form,
        last_known.source_field as known_field,
        last_known.source_instance_no as known_instance_no,
        intervening.event_date as intervening_date,
        intervening.source_form as intervening_form,
        intervening.source_field as intervening_field,
        intervening.source_instance_no as intervening_instance_no,
        -- An event on the same day comes first; knowledge that ends before it censors there.
        coalesce(
            case
                when first_event.event_date is null then intervening.event_date <= last_known.known_date
                else intervening.event_date < first_event.event_date
            end,
            false
        ) as is_intervened_first
    from {{ ref('int_tte__origin') }} as origin
    left join {{ ref('int_tte__first_event') }} as first_event
        on origin.patient_key = first_event.patient_key and origin.param_cd = first_event.param_cd
    left join {{ ref('int_tte__last_known') }} as last_known
        on origin.patient_key = last_known.patient_key and origin.censor_cd = last_known.censor_cd
    left join intervening
        on
            origin.patient_key = intervening.patient_key
            and origin.param_cd = intervening.param_cd
            and intervening.intervening_no = 1
),

ended as (
    select
        *,
        case
            when is_intervened_first then 4
            when event_code = 1 then 0
            when event_code = 2 then 2
            when coalesce(known_date, start_date) <= start_date then 3
            else 1
        end as cnsr
    from known
),

dated as (
    select
        *,
        case
            when cnsr = 4 then intervening_date
            when cnsr in (0, 2) then event_date
            when cnsr = 1 then known_date
            else start_date
        end as adt,
        cnsr in (0, 2) as is_event,
        -- After the transplant it would have been censored there.
        {{ earliest_date(['event_hi', 'intervening_date']) }}
            as last_event_date
    from ended
)

select
    patient_key,
    site_id,
    param_cd,
    origin_cd,
    population_cd,
    censor_cd,
    has_intervals,
    start_date,
    adt,
    cnsr,
    case when is_event then event_code else 0 end as event_code,
    case when is_event then event_dtf end as adt_dtf,
    case when is_event then outcome_desc end as event_desc,
    case when cnsr = 4 then intervening_form when is_event then event_form else known_form end as source_form,
    case when cnsr = 4 then intervening_field when is_event then event_field else known_field end as source_field,
    case
        when cnsr = 4 then intervening_instance_no
        when is_event then event_instance_no
        else known_instance_no
    end as source_instance_no,
    {{ days_between('start_date', 'adt') }}
        as time_days,
    {{ days_between('start_hi', 'case when is_event then event_lo else adt end') }}
        as shortest_days,
    {{ days_between('start_lo', 'case when is_event then last_event_date else adt end') }}
        as longest_days,
    has_event_before_origin
from dated
