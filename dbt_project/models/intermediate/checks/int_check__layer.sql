-- Grain: check of a layer x site: what was looked at and what is in conflict. These are for the maintainers and the
-- coordinating centre: no single site can answer them, so that they make no queries.
with placed as (
    select
        form,
        patient_key,
        instance_no
    from {{ ref('int_row__kept') }}
    union all
    select
        form,
        patient_key,
        instance_no
    from {{ ref('int_row__set_aside') }}
),

located as (
    select
        landed.site_id,
        landed.form,
        landed.patient_key,
        landed.instance_no,
        count(placed.patient_key) as n_places
    from {{ ref('int_row__landed') }} as landed
    left join placed
        on
            landed.form = placed.form
            and landed.patient_key = placed.patient_key
            and landed.instance_no = placed.instance_no
    group by landed.site_id, landed.form, landed.patient_key, landed.instance_no
),

looked_at as (
    select
        'L01' as check_id,
        site_id,
        n_places <> 1 as is_violated
    from located
    union all
    select
        'L02' as check_id,
        site_id,
        coalesce(reason_cd not in ('INF_EXACT_DUPLICATE', 'INF_EMPTY_ROW'), false) as is_violated
    from {{ ref('int_infusion__checked') }}
    union all
    select
        'L03' as check_id,
        backbone.site_id,
        backbone.final_cd = 'UNK' as is_violated
    from {{ ref('int_backbone__final') }} as backbone
    inner join {{ ref('int_frontline__period') }} as period on backbone.patient_key = period.patient_key
    union all
    select
        'L04' as check_id,
        status.site_id,
        coalesce(contact.last_alive_date, date '0001-01-01')
        < {{ add_days('horizon.data_cut_date', '-' ~ parameter('follow_up_missing_days')) }} as is_violated
    from {{ ref('int_eligibility__status') }} as status
    inner join {{ ref('int_subject__horizon') }} as horizon
        on status.patient_key = horizon.patient_key and horizon.followed_end_cd = 'CUT'
    left join {{ ref('int_contact__last') }} as contact on status.patient_key = contact.patient_key
    where status.eligibility_status_cd = 'ELIGIBLE'
    union all
    select
        'L05' as check_id,
        measured.site_id,
        measured.exposure_source_cd in ('HEADER', 'UPPER_BOUND') as is_violated
    from {{ ref('int_blin_cycle__measured') }} as measured
    where measured.exposure_source_cd <> 'NOT_STARTED'
    union all
    select
        'L06' as check_id,
        measured.site_id,
        coalesce(
            measured.delivered_mcg > plan.planned_mcg * {{ parameter('dose_implausible_above') }}
            or measured.delivered_mcg < plan.planned_mcg * {{ parameter('dose_implausible_below') }}
            or measured.delivered_days > plan.planned_days + {{ parameter('days_over_plan_implausible') }},
            false
        ) as is_violated
    from {{ ref('int_blin_cycle__measured') }} as measured
    inner join {{ ref('int_blin_cycle__planned') }} as plan
        on measured.patient_key = plan.patient_key and measured.cycle_instance_no = plan.cycle_instance_no
    where measured.exposure_source_cd <> 'NOT_STARTED' and not measured.is_stop_unknown
    union all
    select
        'L07' as check_id,
        origin.site_id,
        max(case when first_event.has_event_before_origin then 1 else 0 end) = 1 as is_violated
    from {{ ref('int_tte__origin') }} as origin
    left join {{ ref('int_tte__first_event') }} as first_event
        on origin.patient_key = first_event.patient_key and origin.param_cd = first_event.param_cd
    group by origin.site_id, origin.patient_key
)

select
    check_id,
    site_id,
    count(*) as n_evaluated,
    sum(case when is_violated then 1 else 0 end) as n_violating
from looked_at
group by check_id, site_id
