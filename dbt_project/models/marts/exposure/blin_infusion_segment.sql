with stopped as (
    select
        segment.*,
        case
            when segment.is_whole_days or subject.time_zone is null then segment.stop_clock
            else {{ to_local('segment.stop_clock', 'subject.time_zone') }}
        end as stop_local
    from {{ ref('int_infusion__segment') }} as segment
    inner join {{ ref('int_subject__horizon') }} as subject on segment.patient_key = subject.patient_key
)

select
    segment.patient_key,
    segment.site_id,
    cast(row_number() over (
        partition by segment.patient_key
        order by numbered.cycle_overall_no, segment.start_clock, segment.instance_no
    ) as integer) as segment_seq,
    cast(numbered.cycle_overall_no as integer) as cycle_overall_no,
    segment.cycle_no_reported,
    segment.instance_no,
    case when segment.is_whole_days then 'DATE_ONLY' else 'DATETIME' end as granularity_cd,
    -- No field asks for the route; an infusion under the skin would look the same.
    'NOT_COLLECTED' as route_cd,
    entered.site_tz,
    entered.start_local_raw,
    entered.end_local_raw,
    {{ date_of('segment.start_local') }} as start_date,
    -- What is followed to the end of a day stops at 24:00: that is still this day.
    case
        when {{ date_of('segment.stop_local') }} > subject.followed_through_date then subject.followed_through_date
        else {{ date_of('segment.stop_local') }}
    end as end_date,
    case when subject.time_zone is not null and not segment.is_whole_days then segment.start_clock end as start_utc,
    case when subject.time_zone is not null and not segment.is_whole_days then segment.stop_clock end as end_utc,
    case when not segment.is_whole_days then {{ clock_fault('segment.start_local', 'subject.time_zone') }} end
        as start_dst_flag_cd,
    case when not segment.is_whole_days then {{ clock_fault('segment.end_local', 'subject.time_zone') }} end
        as end_dst_flag_cd,
    segment.is_open,
    segment.end_basis_cd,
    segment.rate_mcg_day,
    segment.rate_basis_cd,
    {{ settled(in_hours(seconds_between('segment.start_clock', 'segment.stop_clock'))) }} as recorded_h,
    {%- for name, in_unit, added in [
        ('counted_h', in_hours, 'counted_s'), ('counted_mcg', in_mcg, 'counted_mcg_day_s'),
        ('overlap_h', in_hours, 'overlap_s'), ('rate_conflict_h', in_hours, 'rate_conflict_s'),
    ] %}
    case
        when segment.is_cycle_measured then {{ settled(in_unit('coalesce(added.' ~ added ~ ', 0)')) }}
    end as {{ name }},
    {%- endfor %}
    segment.end_reason_cd as stop_reason_cd,
    'blin_segment' as source_form,
    segment.pull_id,
    {{ rule_version() }} as rule_version
from stopped as segment
inner join {{ ref('int_subject__horizon') }} as subject on segment.patient_key = subject.patient_key
inner join {{ ref('int_blin_cycle__numbered') }} as numbered
    on segment.patient_key = numbered.patient_key and segment.cycle_instance_no = numbered.cycle_instance_no
inner join {{ ref('int_infusion__entered') }} as entered
    on segment.patient_key = entered.patient_key and segment.instance_no = entered.instance_no
left join {{ ref('int_infusion__segment_share') }} as added
    on segment.patient_key = added.patient_key and segment.instance_no = added.instance_no
