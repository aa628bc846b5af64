{{ base_redcap('relapse') }}
