"""A reporting checklist as data: numbered items, each made of topics."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One item.

    Attributes:
        number: As in the published list.
        asks: What it asks, in our words.
        topics: Keys of ``TOPICS`` that answer it together.
    """

    number: str
    asks: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Items under one heading."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Checklist:
    """One published list.

    Attributes:
        name: Short name, as people cite it.
        file: File stem of what is written.
        references: Where the authoritative text stands.
        sections: The items, in order.
    """

    name: str
    file: str
    references: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items."""
        return tuple(item for section in self.sections for item in section.items)
