with assessed as (
    select
        response.patient_key,
        response.window_cd,
        response.window_no,
        response.line_no,
        assessment.assess_date,
        assessment.instance_no,
        assessment.is_marrow_evaluable,
        assessment.is_cr_registry,
        assessment.response_derived_cd,
        assessment.is_cr_composite,
        -- What is CRi or better without being known which comes after CRi and before what is less.
        case
            when assessment.response_derived_cd = 'NE' and assessment.is_cr_composite then '4'
            else
                {{ recode('assessment.response_derived_cd', {
                    'CR': 1, 'CRh': 2, 'CRi': 3, 'MLFS': 5, 'NR': 6, 'RELAPSE': 7,
                }, 8) }}
        end as response_rank,
        -- At the end of induction the one assessment nearest day 29 decides, an evaluable marrow before any other.
        row_number() over (
            partition by response.patient_key, response.window_cd, response.window_no, response.line_no
            order by
                case when assessment.is_marrow_evaluable then 0 else 1 end,
                abs(
                    {{ days_between('response.origin_date', 'assessment.assess_date') }}
                    - {{ parameter('end_induction_day') }}
                ),
                assessment.assess_date,
                assessment.instance_no
        ) as nearness
    from {{ ref('int_response__window') }} as response
    inner join {{ ref('int_response__classified') }} as assessment
        on
            response.patient_key = assessment.patient_key
            and response.from_date <= assessment.assess_date
            and response.to_date >= assessment.assess_date
),

ranked as (
    select
        *,
        row_number() over (
            partition by patient_key, window_cd, window_no, line_no
            order by response_rank, assess_date, instance_no
        ) as place
    from assessed
    where window_cd <> 'END_INDUCTION' or nearness = 1
),

judged as (
    select
        patient_key,
        window_cd,
        window_no,
        line_no,
        count(*) as n_assessments,
        max(case when place = 1 then response_derived_cd end) as best_response_cd,
        max(case when place = 1 then assess_date end) as best_date,
        {{ in_any_row('is_marrow_evaluable') }} as is_evaluable,
        {{ in_any_row('is_cr_registry') }} as is_cr_registry,
        min(case when is_cr_registry then assess_date end) as cr_registry_date,
        {{ in_any_row('is_cr_composite') }} as is_cr_composite
    from ranked
    group by patient_key, window_cd, window_no, line_no
)

select
    response.patient_key,
    response.site_id,
    response.line_no,
    response.window_cd,
    response.window_no,
    response.origin_date,
    cast(coalesce(judged.n_assessments, 0) as integer) as n_assessments,
    coalesce(judged.is_evaluable, false) as is_evaluable,
    coalesce(judged.best_response_cd, 'NE') as best_response_cd,
    judged.best_date,
    cast(
        {{ days_between('response.origin_date', 'judged.best_date') }}
        as integer
    ) as days_to_best,
    coalesce(judged.is_cr_registry, false) as is_cr_registry,
    judged.cr_registry_date,
    coalesce(judged.is_cr_composite, false) as is_cr_composite,
    'response' as source_form,
    response.pull_id,
    {{ rule_version() }} as rule_version
from {{ ref('int_response__window') }} as response
left join judged
    on
        response.patient_key = judged.patient_key
        and response.window_cd = judged.window_cd
        and response.window_no = judged.window_no
        and response.line_no = judged.line_no
