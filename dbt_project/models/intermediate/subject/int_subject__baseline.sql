-- Grain: one row per kept record: who the patient is and the disease at diagnosis, in the words of the marts.
-- A date of diagnosis after the last day that counts (finding D01) does not exist here either.
with entered as (
    select
        subject.patient_key,
        registration.enroll_type_cd,
        registration.age_dx,
        registration.dx_date_prec_cd,
        demographics.birth_date,
        demographics.sex_cd,
        demographics.ecog_cd,
        demographics.ethnicity_cd,
        demographics.height_cm,
        demographics.weight_kg,
        {{ count_ticked('demographics.race', [1, 2, 3, 4, 5, 6, 90]) }} as n_races,
        case
            {%- for code, word in [
                (1, 'NATIVE_AMERICAN'), (2, 'ASIAN'), (3, 'BLACK'), (4, 'PACIFIC_ISLANDER'), (5, 'WHITE'),
                (6, 'MIDDLE_EASTERN'), (90, 'OTHER'),
            ] %}
            when demographics.race__{{ code }} then '{{ word }}'
            {%- endfor %}
        end as first_race_cd,
        diagnosis.dx_cd19_cd,
        diagnosis.ph_like_cd,
        diagnosis.dx_emd_cd,
        diagnosis.cyto_risk_site_cd,
        {{ any_ticked('diagnosis.genetics', registry_field('diagnosis', 'genetics').codes) }} as is_genetics_entered,
        diagnosis.genetics__99,
        diagnosis.genetics__1,
        diagnosis.genetics__6,
        diagnosis.dx_wbc,
        diagnosis.ph_status_cd,
        diagnosis.dx_cns_cd,
        treatment.plan_backbone_cd,
        dated.resolved_date as dx_date,
        dated.earliest_date as dx_lo,
        dated.latest_date as dx_hi,
        dated.imputation_flag as dx_dtf
    from {{ ref('int_subject__recorded') }} as subject
    left join {{ ref('stg_redcap__registration') }} as registration on subject.patient_key = registration.patient_key
    left join {{ ref('stg_redcap__demographics') }} as demographics on subject.patient_key = demographics.patient_key
    left join {{ ref('stg_redcap__diagnosis') }} as diagnosis on subject.patient_key = diagnosis.patient_key
    left join {{ ref('stg_redcap__treatment_plan') }} as treatment on subject.patient_key = treatment.patient_key
    left join {{ ref('int_dates__resolved') }} as dated
        on subject.patient_key = dated.patient_key and dated.date_role = 'DIAGNOSIS' and dated.is_counted
),

aged as (
    select
        *,
        coalesce(age_dx, cast({{ completed_years('birth_date', 'dx_date') }} as double)) as age_dx_years
    from entered
)

select
    aged.patient_key,
    {{ recode('aged.enroll_type_cd', {'1': 'PROSPECTIVE', '2': 'RETRO_ALIVE', '3': 'RETRO_DECEASED'}, 'UNKNOWN') }}
        as ascertainment_cd,
    aged.age_dx_years,
    case
        when aged.age_dx_years is null then 'UNK'
        when aged.age_dx_years < 18 then '<18'
        when aged.age_dx_years < 40 then '18-39'
        when aged.age_dx_years < 60 then '40-59'
        when aged.age_dx_years < 75 then '60-74'
        else '75+'
    end as age_band_cd,
    {{ recode('aged.sex_cd', {'1': 'M', '2': 'F', '3': 'OTHER'}, 'UNK') }} as sex_cd,
    case when coalesce(aged.ecog_cd, '9') = '9' then 'UNK' else aged.ecog_cd end as ecog_cd,
    case when aged.n_races > 1 then 'MULTIPLE' else coalesce(aged.first_race_cd, 'UNK') end as race_cd,
    {{ recode('aged.ethnicity_cd', {'1': 'HISPANIC', '0': 'NOT_HISPANIC'}, 'UNK') }} as ethnicity_cd,
    aged.height_cm,
    aged.weight_kg,
    -- Mosteller (N Engl J Med 1987;317:1098): square root of height in cm times weight in kg over 3600.
    sqrt(aged.height_cm * aged.weight_kg / 3600.0) as bsa_m2,
    aged.dx_wbc as wbc_dx_10e9_l,
    {{ recode('aged.dx_cd19_cd', {'1': 'POS', '2': 'DIM', '0': 'NEG'}, 'UNK') }} as cd19_cd,
    {{ recode('aged.ph_like_cd', {'1': 'POS', '0': 'NEG'}, 'UNK') }} as ph_like_cd,
    {{ recode('aged.dx_emd_cd', {'1': 'POS', '0': 'NEG'}, 'UNK') }} as emd_cd,
    {{ recode('aged.cyto_risk_site_cd', {'1': 'STANDARD', '2': 'POOR'}, 'UNK') }} as risk_cd,
    -- A finding is absent only where the findings were entered and the tests had not failed.
    {%- for code, name in [('1', 'kmt2a'), ('6', 'tp53')] %}
    case
        when aged.genetics__{{ code }} then 'POS'
        when aged.is_genetics_entered and not aged.genetics__{{ code }} and not aged.genetics__99 then 'NEG'
        else 'UNK'
    end as {{ name }}_cd,
    {%- endfor %}
    {{ recode('aged.ph_status_cd', {'1': 'POS', '0': 'NEG'}, 'UNK') }} as bcr_abl1_cd,
    {{ recode('aged.dx_cns_cd', {'1': 'CNS1', '2': 'CNS2', '3': 'CNS3'}, 'UNK') }} as cns_status_cd,
    aged.dx_date,
    aged.dx_lo,
    aged.dx_hi,
    aged.dx_dtf,
    coalesce(backbone.backbone_cd, 'UNK') as backbone_declared_cd
from aged
left join {{ ref('backbone') }} as backbone on aged.plan_backbone_cd = backbone.plan_backbone_cd
