with conflict as (
    -- A contact recorded after the death, or anything that makes the order of events doubtful (D02, D03).
    select distinct patient_key
    from {{ ref('int_check__finding') }}
    where check_id in ('D02', 'D03')
),

ended as (
    select
        origin.*,
        evidence.consent_status_cd,
        evidence.reg_date,
        -- Without any contact after the diagnosis the time is 0 and the patient is listed.
        origin.end_date is null or origin.end_date <= origin.start_date as is_without_contact,
        case
            when origin.is_event or origin.end_date > origin.start_date then origin.end_date
            else origin.start_date
        end as adt,
        conflict.patient_key is not null as has_date_conflict
    from {{ ref('int_os__source') }} as origin
    inner join {{ ref('int_eligibility__status') }} as status
        on origin.patient_key = status.patient_key and status.eligibility_status_cd = 'ELIGIBLE'
    inner join {{ ref('int_eligibility__evidence') }} as evidence on origin.patient_key = evidence.patient_key
    left join conflict on origin.patient_key = conflict.patient_key
),

timed as (
    select
        *,
        {{ days_between('start_date', 'adt') }}
            as time_days,
        {{ days_between('start_hi', 'coalesce(end_lo, adt)') }}
            as shortest_days,
        {{ days_between('start_lo', 'coalesce(end_hi, adt)') }}
            as longest_days,
        {{ days_between('start_date', 'reg_date') }} as entry_days
    from ended
)

select
    patient_key,
    site_id,
    'OS' as param_cd,
    'Overall survival' as param_label,
    'DIAGNOSIS' as origin_role,
    start_date,
    adt,
    end_dtf as adt_dtf,
    cast(case when time_days < 0 then 0 else time_days end as integer) as aval_days,
    case when time_days < 0 then 0 else time_days end / {{ parameter('days_per_month') }} as aval_months,
    cast(case when is_event then 0 when is_without_contact then 3 else 1 end as integer) as cnsr,
    cast(case when is_event then 1 else 0 end as integer) as event_code,
    case when is_event then 'Death from any cause' end as evnt_desc,
    case
        when is_event then null
        when is_without_contact then 'No contact after diagnosis'
        when is_withdrawn then 'Last known alive before withdrawal of consent'
        else 'Last known alive'
    end as cnsr_desc,
    end_form as src_form,
    end_field as src_var,
    cast(end_instance_no as integer) as src_instance,
    cast(case when shortest_days < 0 then 0 else shortest_days end as integer) as aval_lo_days,
    cast(case when longest_days < 0 then 0 else longest_days end as integer) as aval_hi_days,
    -- A partial diagnosis date may fall after an exact death in the same month or year: time 0, flagged, bounds
    -- tell the rest.
    has_date_conflict or time_days < 0 as has_date_conflict,
    'ELIGIBLE' as population_cd,
    -- Delayed entry: those who signed (path A) come under observation on their day of registration; the deceased
    -- path never does.
    cast(
        case
            when consent_status_cd not in ('1', '2', '6') then null
            when entry_days < 0 then 0
            else entry_days
        end as integer
    ) as delayed_entry_day,
    {{ rule_version() }} as rule_version
from timed
