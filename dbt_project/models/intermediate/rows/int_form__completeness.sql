-- Grain: site x form: rows due, started and complete. Due is what was entered and, where the course of a patient
-- asks for a form that has no row yet, one more: a first response and a first contact once the patient was followed
-- long enough, a response for each blinatumomab cycle that has none (finding Q01).
{%- set always = ['registration', 'demographics', 'diagnosis', 'treatment_plan', 'death', 'data_review'] %}
with subject as (
    select
        recorded.patient_key,
        recorded.site_id,
        case when period.plan_date is not null then 1 else 0 end as is_treated,
        case
            when {{ add_days('period.plan_date', parameter('response_due_days')) }} <= horizon.followed_through_date
                then 1
            else 0
        end as is_response_due,
        case
            when {{ add_days('period.plan_date', parameter('stale_on_therapy_days')) }} <= horizon.followed_through_date
                then 1
            else 0
        end as is_followup_due,
        case when coalesce(recorded.screen_note_cd, '0') = '0' then 1 else 0 end as is_entered_fully
    from {{ ref('int_subject__recorded') }} as recorded
    inner join {{ ref('int_subject__horizon') }} as horizon on recorded.patient_key = horizon.patient_key
    left join {{ ref('int_frontline__period') }} as period on recorded.patient_key = period.patient_key
    where recorded.is_patient and not recorded.is_held
),

expected as (
    {%- for form in registry_fields() %}
    select
        patient_key,
        site_id,
        '{{ form }}' as form,
        {% if form == 'registration' -%} 1
        {%- elif form in always -%} is_entered_fully
        {%- elif form == 'treatment_course' -%} is_treated
        {%- elif form == 'response' -%} is_response_due
        {%- elif form == 'followup' -%} is_followup_due
        {%- else -%} 0
        {%- endif %} as n_expected
    from subject
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unanswered as (
    select
        patient_key,
        'response' as form,
        count(*) as n_missing
    from {{ ref('check_expected_rows') }}
    where check_id = 'Q01' and is_violated
    group by patient_key
),

entered as (
    select
        patient_key,
        form,
        count(*) as n_started,
        sum(case when complete_cd = '2' then 1 else 0 end) as n_complete
    from {{ ref('stg_redcap__form_status') }}
    where complete_cd is not null
    group by patient_key, form
)

select
    expected.site_id,
    expected.form,
    cast(
        sum(
            case
                when coalesce(entered.n_started, 0) + coalesce(unanswered.n_missing, 0) > expected.n_expected
                    then coalesce(entered.n_started, 0) + coalesce(unanswered.n_missing, 0)
                else expected.n_expected
            end
        ) as integer
    ) as n_due,
    cast(sum(coalesce(entered.n_started, 0)) as integer) as n_started,
    cast(sum(coalesce(entered.n_complete, 0)) as integer) as n_complete
from expected
left join entered on expected.patient_key = entered.patient_key and expected.form = entered.form
left join unanswered on expected.patient_key = unanswered.patient_key and expected.form = unanswered.form
group by expected.site_id, expected.form
