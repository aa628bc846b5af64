-- Grain: one row per counted relapse form that is not dated to the day (patient x instance): the first day on which the
-- relapse can have been by what else is known, where that says something (data model 3.1: floor remission). A relapse
-- is after the last remission that its interval holds, not before the start of therapy, and never pushed out of the
-- interval. Remissions after the therapy for this very relapse do not count, and one of MRD alone needs a remission but
-- does not end it.
with relapse as (
    select
        bounded.patient_key,
        bounded.instance_no,
        coalesce(form.rl_kind_cd = '5', false) as is_mrd_alone,
        bounded.earliest_date,
        bounded.latest_date,
        {{ earliest_date([
            'bounded.latest_date',
            'subject.counted_through_date',
            'case when death.latest_date >= bounded.earliest_date then death.latest_date end',
        ]) }} as last_date
    from {{ ref('int_dates__bounded') }} as bounded
    inner join {{ ref('int_subject__recorded') }} as subject on bounded.patient_key = subject.patient_key
    inner join {{ ref('stg_redcap__relapse') }} as form
        on bounded.patient_key = form.patient_key and bounded.instance_no = form.instance_no
    left join {{ ref('int_dates__bounded') }} as death
        on bounded.patient_key = death.patient_key and death.date_role = 'DEATH' and death.is_counted
    where bounded.date_role = 'RELAPSE' and bounded.is_counted
),

remission as (
    select
        patient_key,
        assess_date as remission_date
    from {{ ref('int_response__classified') }}
    where is_cr_registry
    union
    select
        patient_key,
        hsct_date as remission_date
    from {{ ref('int_hct__kept') }}
    where remission_status_cd in ('CR1', 'CR2', 'CR3_PLUS')
    union
    select
        patient_key,
        contact_date as remission_date
    from {{ ref('int_followup__kept') }}
    where remission_cd in ('CR_MRD_NEG', 'CR_MRD_POS', 'CR_MRD_UNK')
),

salvage as (
    -- Therapy that the site gave for a relapse, with the last remission before it.
    select
        therapy.patient_key,
        therapy.start_date,
        max(remission.remission_date) as remission_date
    from {{ ref('int_dates__salvage') }} as therapy
    inner join remission
        on therapy.patient_key = remission.patient_key and therapy.start_date > remission.remission_date
    group by therapy.patient_key, therapy.start_date
),

treated as (
    -- First therapy inside the interval that follows a remission with no other relapse in between: it was for this one.
    select
        relapse.patient_key,
        relapse.instance_no,
        min(salvage.start_date) as treated_date
    from relapse
    inner join salvage
        on
            relapse.patient_key = salvage.patient_key
            and relapse.earliest_date <= salvage.start_date
            and relapse.last_date >= salvage.start_date
    left join relapse as other
        on
            relapse.patient_key = other.patient_key
            and relapse.instance_no <> other.instance_no
            and not other.is_mrd_alone
            and salvage.remission_date <= other.latest_date
            and salvage.start_date >= other.latest_date
    where other.patient_key is null
    group by relapse.patient_key, relapse.instance_no
),

remitted as (
    select
        relapse.patient_key,
        relapse.instance_no,
        min(remission.remission_date) as first_date,
        max(case
            when
                remission.remission_date between relapse.earliest_date and relapse.last_date
                and remission.remission_date < coalesce(treated.treated_date, date '9999-12-31')
                then remission.remission_date
        end) as last_date
    from relapse
    inner join remission on relapse.patient_key = remission.patient_key
    left join treated
        on relapse.patient_key = treated.patient_key and relapse.instance_no = treated.instance_no
    group by relapse.patient_key, relapse.instance_no
),

known as (
    select
        relapse.patient_key,
        relapse.instance_no,
        relapse.last_date,
        {{ add_days('case when relapse.is_mrd_alone then remitted.first_date else remitted.last_date end', 1) }}
            as remission_floor,
        relapse.earliest_date,
        case when therapy.plan_date between relapse.earliest_date and relapse.last_date then therapy.plan_date end
            as therapy_floor
    from relapse
    left join remitted
        on relapse.patient_key = remitted.patient_key and relapse.instance_no = remitted.instance_no
    left join {{ ref('stg_redcap__treatment_plan') }} as therapy on relapse.patient_key = therapy.patient_key
    where relapse.earliest_date < relapse.latest_date
),

floored as (
    select
        patient_key,
        instance_no,
        last_date,
        {{ latest_date([
            'case when remission_floor > earliest_date and remission_floor <= ' ~ add_days('last_date', 1)
            ~ ' then remission_floor end',
            'therapy_floor',
        ]) }} as floor_date
    from known
)

select
    patient_key,
    instance_no,
    -- A remission on the last possible day leaves that day.
    case when floor_date > last_date then last_date else floor_date end as floor_date
from floored
where floor_date is not null
