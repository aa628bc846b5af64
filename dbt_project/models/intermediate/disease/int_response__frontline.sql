-- Grain: one row per treated patient: the best response of frontline therapy. An assessment counts when it is
-- after the plan date, before any relapse or refractory date, and not after death, withdrawal or the cut.
with counted as (
    select
        period.patient_key,
        response.assess_date,
        response.instance_no as response_instance_no,
        response.is_marrow_done,
        response.is_marrow_evaluable,
        response.is_cr_registry,
        response.response_derived_cd,
        response.is_cr_composite
    from {{ ref('int_frontline__period') }} as period
    left join {{ ref('int_response__classified') }} as response
        on
            period.patient_key = response.patient_key
            and period.plan_date < response.assess_date
            and coalesce(period.progression_date, date '9999-12-31') > response.assess_date
            and period.frontline_end_date >= response.assess_date
)

select
    patient_key,
    count(response_instance_no) as n_assessments,
    coalesce(max(case when is_marrow_done then 1 else 0 end), 0) = 1 as is_marrow_done,
    coalesce(max(case when is_marrow_evaluable then 1 else 0 end), 0) = 1 as is_evaluable,
    coalesce(max(case when is_cr_registry then 1 else 0 end), 0) = 1 as is_cr_registry,
    -- Somebody saw disease: what a failure of induction asks for.
    coalesce(max(case when not is_cr_registry then 1 else 0 end), 0) = 1 as is_disease_shown,
    coalesce(max(case when response_derived_cd = 'CR' then 1 else 0 end), 0) = 1 as is_cr_conventional,
    coalesce(max(case when is_cr_composite then 1 else 0 end), 0) = 1 as is_cr_composite,
    min(case when is_cr_registry then assess_date end) as cr1_date
from counted
group by patient_key
