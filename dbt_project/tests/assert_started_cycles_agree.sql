-- The exposure table and the models of regimen and disease mean the same by a started cycle. Returns the cycles
-- that one counts and the other does not.
with counted as (
    select
        patient_key,
        cycle_instance_no,
        1 as n_exposure,
        0 as n_regimen
    from {{ ref('blin_cycle_exposure') }}
    where started
    union all
    select
        patient_key,
        cycle_instance_no,
        0 as n_exposure,
        1 as n_regimen
    from {{ ref('int_blin_cycle__started') }}
)

select
    patient_key,
    cycle_instance_no
from counted
group by patient_key, cycle_instance_no
having sum(n_exposure) <> sum(n_regimen)
