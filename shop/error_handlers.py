"""Django's error pages without its check of forms.

That check reads the body again. A body that cannot be read would turn each of these pages into
status 500.
"""

from inspect import unwrap

from django.views import defaults

bad_request = unwrap(defaults.bad_request)
permission_denied = unwrap(defaults.permission_denied)
page_not_found = unwrap(defaults.page_not_found)
server_error = unwrap(defaults.server_error)
