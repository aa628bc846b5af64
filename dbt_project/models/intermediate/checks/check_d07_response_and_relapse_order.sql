-- D07, warn: a relapse without a remission before it; a remission after a relapse without therapy
-- in between.
with remission as (
    select
        patient_key,
        site_id,
        instance_no,
        assess_date
    from {{ ref('int_response__classified') }}
    where is_cr_registry or response_reported_cd = '1'
),

relapse as (
    select
        kept.patient_key,
        kept.site_id,
        kept.instance_no,
        kept.relapse_lo as earliest_date,
        kept.relapse_hi as latest_date
    from {{ ref('int_relapse__kept') }} as kept
    inner join {{ ref('int_subject__recorded') }} as subject
        on kept.patient_key = subject.patient_key and subject.is_patient
    where kept.is_relapse
),

first_remission as (
    select
        patient_key,
        min(assess_date) as cr_date
    from remission
    group by patient_key
),

last_relapse as (
    -- The latest relapse before each remission.
    select
        remission.patient_key,
        remission.site_id,
        remission.instance_no,
        remission.assess_date,
        max(relapse.earliest_date) as relapse_date
    from remission
    inner join relapse
        on remission.patient_key = relapse.patient_key and remission.assess_date > relapse.latest_date
    group by remission.patient_key, remission.site_id, remission.instance_no, remission.assess_date
),

therapy as (
    select
        patient_key,
        recorded_date as start_date
    from {{ ref('int_dates__recorded') }}
    -- A cycle that was planned and never started shows nobody treated.
    where field_name in ('tc_start', 'bc_start', 'hc_date', 'rl_cart_date') and is_counted and is_contact
)

select
    {{ check_columns('D07', 'relapse', 'rl_date',
        'first_remission.cr_date is null or first_remission.cr_date > relapse.latest_date',
        subject='relapse', instance_no='relapse.instance_no') }}
from relapse
left join first_remission on relapse.patient_key = first_remission.patient_key
union all
select
    'D07' as check_id,
    last_relapse.patient_key,
    last_relapse.site_id,
    'response' as form,
    last_relapse.instance_no,
    'ra_date' as field_name,
    count(therapy.start_date) = 0 as is_violated
from last_relapse
left join therapy
    on
        last_relapse.patient_key = therapy.patient_key
        and last_relapse.relapse_date <= therapy.start_date
        and last_relapse.assess_date >= therapy.start_date
group by last_relapse.patient_key, last_relapse.site_id, last_relapse.instance_no
