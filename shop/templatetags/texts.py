"""The tags of Django's library `i18n`, whose fixed texts are looked up once for each language.

A page has dozens of them, and each look-up takes tens of microseconds (`docs/performance.md`).
"""

from typing import Any

from django.conf import settings
from django.template import Library, Node
from django.template.base import FilterExpression, Parser, Token, TokenType
from django.template.context import Context
from django.templatetags import i18n
from django.utils.translation import get_language

register = Library()
register.tags |= i18n.register.tags
register.filters |= i18n.register.filters


class OncePerLanguage(Node):
    """A tag whose text depends on the language alone."""

    child_nodelists = ()

    def __init__(self, node: Node) -> None:
        self._node = node
        self._texts: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        text = self._texts.get(language)
        if text is None:
            text = self._texts[language] = self._node.render(context)
        return text


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> Node:
    node = i18n.do_translate(parser, token)
    text: Any = node.filter_expression
    is_fixed = (
        text.var.literal is not None
        and not text.filters
        and not node.asvar
        and _is_fixed(node.message_context)
    )
    return _once(node) if is_fixed else node


@register.tag("blocktranslate")
@register.tag("blocktrans")
def blocktranslate(parser: Parser, token: Token) -> Node:
    node = i18n.do_block_translate(parser, token)
    is_fixed = (
        all(part.token_type == TokenType.TEXT for part in node.singular)
        and not node.plural
        and not node.asvar
        and not node.extra_context
        and _is_fixed(node.message_context)
    )
    return _once(node) if is_fixed else node


def _is_fixed(message_context: FilterExpression | None) -> bool:
    return message_context is None or isinstance(message_context.var, str)


def _once(node: Node) -> Node:
    return node if settings.DEBUG else OncePerLanguage(node)  # Django reads changed translations
