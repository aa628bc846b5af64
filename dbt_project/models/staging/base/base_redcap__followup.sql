{{ base_redcap('followup') }}
