"""Words for saying what tags measure."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "tags.title": ("What {site} measures", "Ce que mesure {site}"),
    "tags.lede": (
        "Its instruments report under names that somebody chose, without units. Say what each measures: it then stands among the others, with its limits and its past.",
        "Ses instruments envoient leurs valeurs sous des noms choisis par quelqu’un, sans unité. Dites ce que chacun mesure : il prend alors sa place parmi les autres, avec ses limites et son passé.",
    ),
    "tags.tag": ("Tag", "Repère"),
    "tags.value": ("Newest value, as it came", "Dernière valeur, telle quelle"),
    "tags.means": ("It measures", "Il mesure"),
    "tags.nothing": ("Not said", "Non précisé"),
    "tags.suggested": ("Suggested", "Suggéré"),
    "tags.would": ("would read {value}", "se lirait {value}"),
    "tags.guess": (
        "What is chosen below where nobody has said anything yet is a guess, by the tag’s name and its values of late. Check it before you save.",
        "Ce qui est choisi ci-dessous là où personne n’a encore rien dit est une supposition, d’après le nom du repère et ses dernières valeurs. Vérifiez avant d’enregistrer.",
    ),
    "tags.in_file": ("Said in the settings file under {setting}, which outranks this page.", "Dit dans le fichier de réglages sous {setting}, qui l’emporte sur cette page."),
    "tags.everywhere": ("For every site that has these tags", "Pour tous les bassins qui ont ces repères"),
    "tags.save": ("Save", "Enregistrer"),
    "tags.saved_why": (
        "It holds at once, and the last year of what is newly said is fetched. Earlier points stay under the tag’s own name.",
        "Cela vaut tout de suite, et la dernière année de ce qui vient d’être dit est relevée. Les points antérieurs restent sous le nom du repère.",
    ),
    "tags.none": ("No tag is known yet: they are looked up once a day.", "Aucun repère n’est encore connu : ils sont relus une fois par jour."),
    "tags.no_value": ("no value yet", "pas encore de valeur"),
    "said.tags.saved": ("Saved. The past of what is newly said is being fetched.", "Enregistré. Le passé de ce qui vient d’être dit est en cours de relevé."),
}  # fmt: skip
