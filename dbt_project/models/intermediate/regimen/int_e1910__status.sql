-- Grain: one row per patient in first remission: whether the sequence of units still goes on, was ended by transplant,
-- relapse, death or withdrawal (CENSORED), or had finished before: by maintenance, by a contact that says off therapy
-- or maintenance (clinical specification 3). Where none of these is known, time decides: finished when more than 90
-- days passed to the data cut or the withdrawal.
with last_unit as (
    select
        patient_key,
        start_date,
        end_date
    from {{ ref('int_e1910__unit') }}
    where recency = 1
),

anchored as (
    select
        response.patient_key,
        response.cr1_date,
        period.progression_date,
        coalesce(last_unit.start_date, response.cr1_date) as last_start_date,
        coalesce(last_unit.end_date, response.cr1_date) as last_end_date
    from {{ ref('int_response__frontline') }} as response
    inner join {{ ref('int_frontline__period') }} as period on response.patient_key = period.patient_key
    left join last_unit on response.patient_key = last_unit.patient_key
    where response.cr1_date is not null
),

transplant as (
    select
        anchored.patient_key,
        min(hct.hsct_date) as hsct_date
    from anchored
    inner join {{ ref('int_hct__kept') }} as hct
        on anchored.patient_key = hct.patient_key and anchored.cr1_date <= hct.hsct_date
    group by anchored.patient_key
),

maintenance as (
    select
        anchored.patient_key,
        min(unit.start_date) as maintenance_date
    from anchored
    inner join {{ ref('int_frontline__unit') }} as unit
        on
            anchored.patient_key = unit.patient_key
            and unit.kind_cd = 'MAINTENANCE'
            and anchored.last_start_date < unit.start_date
    group by anchored.patient_key
),

contact as (
    select
        anchored.patient_key,
        min(followup.contact_date) as off_therapy_date
    from anchored
    inner join {{ ref('int_followup__kept') }} as followup
        on
            anchored.patient_key = followup.patient_key
            and anchored.last_end_date < followup.contact_date
            and followup.therapy_cd in ('OFF', 'MAINTENANCE')
    group by anchored.patient_key
),

dated as (
    select
        anchored.patient_key,
        horizon.data_cut_date,
        {{ earliest_date(['transplant.hsct_date', 'anchored.progression_date', 'horizon.death_date']) }} as ended_date,
        case when horizon.followed_end_cd = 'WITHDRAWAL' then horizon.followed_through_date end as left_date,
        {{ earliest_date(['maintenance.maintenance_date', 'contact.off_therapy_date']) }} as told_date,
        {{ add_days('anchored.last_end_date', parameter('unit_gap_days') ~ ' + 1') }} as lapsed_date
    from anchored
    inner join {{ ref('int_subject__horizon') }} as horizon on anchored.patient_key = horizon.patient_key
    left join transplant on anchored.patient_key = transplant.patient_key
    left join maintenance on anchored.patient_key = maintenance.patient_key
    left join contact on anchored.patient_key = contact.patient_key
)

select
    patient_key,
    case
        when ended_date <= coalesce(told_date, date '9999-12-31') then 'CENSORED'
        when left_date <= {{ earliest_date(['told_date', 'lapsed_date']) }} then 'CENSORED'
        when {{ earliest_date(['told_date', 'lapsed_date']) }} <= data_cut_date then 'FINISHED'
        else 'ONGOING'
    end as status_cd
from dated
