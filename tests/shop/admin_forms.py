"""Fills in the forms of the admin as a browser does."""

from html.parser import HTMLParser

from django.test import Client


class _Fields(HTMLParser):
    """The fields of the form with POST that has the most of them, with the values of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self._textarea = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        name = values.get("name", "")
        if tag == "form":
            self.forms.append({})
        elif not self.forms:
            return
        elif tag == "input" and name and values.get("type") not in ("submit", "button", "file"):
            is_choice = values.get("type") in ("checkbox", "radio")
            if not is_choice or "checked" in values:
                self.forms[-1][name] = values.get("value", "on" if is_choice else "")
        elif tag == "textarea":
            self._textarea = name
            self.forms[-1][name] = ""
        elif tag == "select":
            self._select = name
            self.forms[-1].setdefault(name, "")
        elif tag == "option" and self._select and "selected" in values:
            self.forms[-1][self._select] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            text = self.forms[-1][self._textarea] + data
            # Browsers skip the first line break of a text area.
            self.forms[-1][self._textarea] = text.removeprefix("\n").removeprefix("\r\n")


def fields_of(client: Client, page: str) -> dict[str, str]:
    """The fields of a page's form with their values, as a browser sends them."""
    response = client.get(page)
    assert response.status_code == 200, page
    return max(_Fields(response.content.decode()).forms, key=len)


def submit(client: Client, page: str, **typed: str) -> str:
    """Fill in and send the form of a page; returns the answer's page, empty if it was saved."""
    fields = fields_of(client, page)
    assert set(typed) <= set(fields), set(typed) - set(fields)
    response = client.post(page, fields | typed | {"_save": "Save"})
    return "" if response.status_code == 302 else response.content.decode()
