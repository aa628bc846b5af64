with blin as (
    select
        relapse.patient_key,
        relapse.instance_no,
        blin_cycle.end_date,
        row_number() over (
            partition by relapse.patient_key, relapse.instance_no
            order by blin_cycle.start_date desc, blin_cycle.cycle_overall_no desc
        ) as recency
    from {{ ref('int_relapse__kept') }} as relapse
    inner join {{ ref('int_blin_cycle__started') }} as blin_cycle
        on relapse.patient_key = blin_cycle.patient_key and relapse.cart_date > blin_cycle.start_date
),

named as (
    select
        *,
        row_number() over (
            partition by patient_key, cart_date order by relapse_date, instance_no
        ) as naming_no
    from {{ ref('int_relapse__kept') }}
    where has_next_cart or cart_date is not null
)

select
    relapse.patient_key,
    relapse.site_id,
    cast(
        row_number() over (
            partition by relapse.patient_key
            order by
                case when relapse.cart_date is null then 1 else 0 end, relapse.cart_date, relapse.instance_no
        ) as integer
    ) as therapy_no,
    relapse.instance_no,
    'CART' as therapy_cd,
    relapse.cart_date as infusion_date,
    relapse.cart_date is not null as is_infused,
    cast(
        {{ days_between('diagnosis.resolved_date', 'relapse.cart_date') }}
        as integer
    ) as days_from_dx,
    cast(
        {{ days_between('response.cr1_date', 'relapse.cart_date') }}
        as integer
    ) as days_from_cr1,
    cast(
        {{ days_between('relapse.relapse_date', 'relapse.cart_date') }}
        as integer
    ) as days_from_relapse,
    cast(
        case
            when blin.end_date > relapse.cart_date then 0
            else {{ days_between('blin.end_date', 'relapse.cart_date') }}
        end as integer
    ) as days_last_blin_to_infusion,
    'relapse' as source_form,
    relapse.pull_id,
    {{ rule_version() }} as rule_version
from named as relapse
left join {{ ref('int_dates__resolved') }} as diagnosis
    on relapse.patient_key = diagnosis.patient_key and diagnosis.date_role = 'DIAGNOSIS' and diagnosis.is_counted
left join {{ ref('int_response__frontline') }} as response on relapse.patient_key = response.patient_key
left join blin
    on relapse.patient_key = blin.patient_key and relapse.instance_no = blin.instance_no and blin.recency = 1
-- One date is one infusion: the form of the first relapse stands for the others that name it.
where relapse.cart_date is null or relapse.naming_no = 1
