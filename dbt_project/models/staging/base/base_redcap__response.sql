{{ base_redcap('response') }}
