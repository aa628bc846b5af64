{{ base_redcap('treatment_plan') }}
