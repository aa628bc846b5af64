-- Grain: patient x role x instance: the one date used for point estimates beside the bounds for sensitivity.
-- Point: the date as entered (convention: 15th, 1 July). A diagnosis is not after the first therapy, a relapse not
-- before the remission that it ended, a death not before the last contact or a relapse, nothing after the last day that
-- counts, a relapse not after the death, and no rule ever leaves the interval.
with contact as (
    select
        patient_key,
        max(contact_date) as last_alive_date
    from {{ ref('int_contact__entered') }}
    group by patient_key
),

placed as (
    select
        bounded.patient_key,
        bounded.site_id,
        bounded.date_role,
        bounded.instance_no,
        bounded.imputation_flag,
        bounded.is_counted,
        bounded.entered_date,
        bounded.latest_date,
        case bounded.date_role
            when 'DEATH' then contact.last_alive_date
            when 'RELAPSE' then relapse.floor_date
        end as floor_date,
        case when bounded.date_role = 'DIAGNOSIS' then diagnosis.ceiling_date end as ceiling_date,
        subject.counted_through_date,
        bounded.earliest_date
    from {{ ref('int_dates__bounded') }} as bounded
    inner join {{ ref('int_subject__recorded') }} as subject on bounded.patient_key = subject.patient_key
    left join contact on bounded.patient_key = contact.patient_key
    left join {{ ref('int_dates__diagnosis_ceiling') }} as diagnosis on bounded.patient_key = diagnosis.patient_key
    left join {{ ref('int_dates__relapse_floor') }} as relapse
        on bounded.patient_key = relapse.patient_key and bounded.instance_no = relapse.instance_no
),

limited as (
    select
        patient_key,
        site_id,
        date_role,
        instance_no,
        imputation_flag,
        is_counted,
        entered_date,
        case
            when floor_date > earliest_date and floor_date <= latest_date then floor_date
            else earliest_date
        end as earliest_date,
        {{ earliest_date(['latest_date', 'ceiling_date', 'case when is_counted then counted_through_date end']) }}
            as latest_date
    from placed
),

resolved as (
    select
        patient_key,
        site_id,
        date_role,
        instance_no,
        case
            when entered_date < earliest_date then earliest_date
            when entered_date > latest_date then latest_date
            else entered_date
        end as resolved_date,
        earliest_date,
        latest_date,
        imputation_flag,
        is_counted
    from limited
),

relapsed as (
    -- Whoever relapses is alive: a death is not before the first day that a relapse can mean, and not before its point
    -- when the relapse cannot have been earlier.
    select
        death.patient_key,
        max(relapse.earliest_date) as earliest_date,
        max(case
            when relapse.earliest_date > death.resolved_date
                then {{ earliest_date(['relapse.resolved_date', 'death.latest_date']) }}
        end) as resolved_date
    from resolved as death
    inner join resolved as relapse
        on
            death.patient_key = relapse.patient_key
            and relapse.date_role = 'RELAPSE'
            and relapse.is_counted
            and death.latest_date >= relapse.earliest_date
    where death.date_role = 'DEATH' and death.is_counted
    group by death.patient_key
),

death as (
    select
        resolved.patient_key,
        coalesce(relapsed.resolved_date, resolved.resolved_date) as resolved_date,
        case
            when relapsed.earliest_date > resolved.earliest_date then relapsed.earliest_date
            else resolved.earliest_date
        end as earliest_date,
        resolved.latest_date
    from resolved
    left join relapsed on resolved.patient_key = relapsed.patient_key
    where resolved.date_role = 'DEATH' and resolved.is_counted
)

select
    resolved.patient_key,
    resolved.site_id,
    resolved.date_role,
    resolved.instance_no,
    case
        when
            resolved.date_role = 'RELAPSE'
            and resolved.resolved_date > death.resolved_date
            and resolved.earliest_date <= death.resolved_date
            then death.resolved_date
        when resolved.date_role = 'DEATH' and resolved.is_counted then death.resolved_date
        else resolved.resolved_date
    end as resolved_date,
    case
        when resolved.date_role = 'DEATH' and resolved.is_counted then death.earliest_date
        else resolved.earliest_date
    end as earliest_date,
    case
        when
            resolved.date_role = 'RELAPSE'
            and resolved.latest_date > death.latest_date
            and resolved.earliest_date <= death.latest_date
            then death.latest_date
        else resolved.latest_date
    end as latest_date,
    resolved.imputation_flag,
    resolved.is_counted
from resolved
left join death on resolved.patient_key = death.patient_key
