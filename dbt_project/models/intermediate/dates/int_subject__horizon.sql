-- Grain: one row per kept record: how far the record is followed, and what ends it (death, withdrawal or the cut).
with dated as (
    select
        subject.patient_key,
        subject.site_id,
        subject.time_zone,
        subject.data_cut_date,
        subject.data_cut_clock,
        subject.withdraw_date,
        subject.counted_through_date,
        death.resolved_date as death_date,
        death.earliest_date as death_lo,
        death.latest_date as death_hi,
        death.imputation_flag as death_dtf,
        coalesce(death.resolved_date, subject.counted_through_date) as followed_through_date
    from {{ ref('int_subject__recorded') }} as subject
    left join {{ ref('int_dates__resolved') }} as death
        on subject.patient_key = death.patient_key and death.date_role = 'DEATH' and death.is_counted
),

ended as (
    select
        *,
        case
            when death_date is not null then 'DEATH'
            when withdraw_date < data_cut_date then 'WITHDRAWAL'
            else 'CUT'
        end as followed_end_cd,
        {{ to_utc(start_of_day(add_days('followed_through_date', 1)), 'time_zone') }} as end_of_day_clock
    from dated
)

select
    patient_key,
    site_id,
    time_zone,
    data_cut_date,
    data_cut_clock,
    withdraw_date,
    counted_through_date,
    death_date,
    death_lo,
    death_hi,
    death_dtf,
    followed_through_date,
    followed_end_cd,
    -- First instant that no longer counts, on the clock of the infusion times: 24:00 of the day, or the moment of
    -- the cut.
    case
        when followed_end_cd = 'CUT' or end_of_day_clock > data_cut_clock then data_cut_clock
        else end_of_day_clock
    end as followed_through_clock
from ended
