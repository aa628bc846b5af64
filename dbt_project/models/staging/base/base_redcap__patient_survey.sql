{{ base_redcap('patient_survey') }}
