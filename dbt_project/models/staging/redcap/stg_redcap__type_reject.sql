-- Grain: one row per stored value that is not of its field's type, code list or limits.
-- The value itself stays in the landing.
{% for form in registry_fields() %}
{{ field_rejects(form) }}
{{ 'union all' if not loop.last }}
{% endfor %}
