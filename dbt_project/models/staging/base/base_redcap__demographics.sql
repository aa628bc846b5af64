{{ base_redcap('demographics') }}
