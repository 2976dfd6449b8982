"""A page of HTML read once, for tests: it fails where elements do not close as they open."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Its elements, and the text of each kind of them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self._inside: list[tuple[int, list[str]]] = []
        self._by_class: dict[str, list[list[str]]] = {}
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in VOID:
            return
        self.open.append(tag)
        for name in (attributes.get("class") or "").split():
            text: list[str] = []
            self._by_class.setdefault(name, []).append(text)
            self._inside.append((len(self.open), text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._inside = [(depth, text) for depth, text in self._inside if depth <= len(self.open)]

    def handle_data(self, data: str) -> None:
        for _, text in self._inside:
            text.append(data)
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def of_class(self, name: str) -> list[str]:
        """The whole text of each element of a class, blanks made single."""
        return [" ".join("".join(text).split()) for text in self._by_class.get(name, [])]


def part(html: str, anchor: str) -> str:
    """What is inside a section of a report."""
    inside = html.split(f'<section id="{anchor}"')[1].split("</section>")[0]
    return inside.partition(">")[2]
