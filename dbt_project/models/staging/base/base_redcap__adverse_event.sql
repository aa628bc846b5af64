{{ base_redcap('adverse_event') }}
