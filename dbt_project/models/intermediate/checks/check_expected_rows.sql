-- What should be there by now. Q01, warn: no response assessment from the start of a blinatumomab cycle to 60 days
-- after its end. Q02, warn: no MRD result within 28 days of the first remission. Looked at once the days are over
-- and the patient was followed through them.
with cycle_due as (
    select
        given.patient_key,
        given.site_id,
        given.cycle_instance_no,
        given.start_date,
        {{ add_days('given.end_date', parameter('response_after_cycle_days')) }} as due_date
    from {{ ref('int_blin_cycle__started') }} as given
    inner join {{ ref('int_subject__recorded') }} as subject
        on given.patient_key = subject.patient_key and subject.is_patient
    inner join {{ ref('int_subject__horizon') }} as horizon
        on
            given.patient_key = horizon.patient_key
            and {{ add_days('given.end_date', parameter('response_after_cycle_days')) }}
            <= horizon.followed_through_date
    where not given.is_ongoing
),

assessed as (
    select
        cycle_due.patient_key,
        cycle_due.cycle_instance_no,
        count(*) as n_assessments
    from cycle_due
    inner join {{ ref('int_response__classified') }} as response
        on
            cycle_due.patient_key = response.patient_key
            and cycle_due.start_date < response.assess_date
            and cycle_due.due_date >= response.assess_date
    group by cycle_due.patient_key, cycle_due.cycle_instance_no
),

remission_due as (
    select
        remission.patient_key,
        subject.site_id,
        {{ add_days('remission.cr1_date', '-' ~ parameter('mrd_at_remission_days')) }} as from_date,
        {{ add_days('remission.cr1_date', parameter('mrd_at_remission_days')) }} as due_date
    from {{ ref('int_response__frontline') }} as remission
    inner join {{ ref('int_subject__recorded') }} as subject
        on remission.patient_key = subject.patient_key and subject.is_patient
    inner join {{ ref('int_subject__horizon') }} as horizon
        on
            remission.patient_key = horizon.patient_key
            and {{ add_days('remission.cr1_date', parameter('mrd_at_remission_days')) }}
            <= horizon.followed_through_date
),

tested as (
    select
        remission_due.patient_key,
        count(*) as n_results
    from remission_due
    inner join {{ ref('int_mrd__classified') }} as specimen
        on
            remission_due.patient_key = specimen.patient_key
            and remission_due.from_date <= specimen.sample_date
            and remission_due.due_date >= specimen.sample_date
    group by remission_due.patient_key
)

select
    {{ check_columns('Q01', 'blin_cycle', 'bc_end', 'assessed.n_assessments is null', 'cycle_due',
        'cycle_due.cycle_instance_no') }}
from cycle_due
left join assessed
    on cycle_due.patient_key = assessed.patient_key and cycle_due.cycle_instance_no = assessed.cycle_instance_no
union all
select {{ check_columns('Q02', 'mrd', 'mr_date', 'tested.n_results is null', 'remission_due') }}
from remission_due
left join tested on remission_due.patient_key = tested.patient_key
