{{ base_redcap('diagnosis') }}
