"""Why something is done, is missing or waits: a name with what it is about, and the sentence that people read, in each language.

`margelle status`, the API and the pages say the same sentence. What is kept of a reason is its English sentence, which is read back.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Final

from msgspec import Struct

LANGUAGES: Final = ("en", "fr")

# name: (English, French). `{at}` and `{until}` are instants, `{n}` is a number.
SENTENCES: Final[dict[str, tuple[str, str]]] = {
    # what is asked next
    "new": ("The account is new: what it has is not known yet.", "Le compte est nouveau : on ne sait pas encore ce qu’il contient."),
    "rediscover": ("The cloud no longer knows a site, or its answer was not whole: what is there now?", "Le service ne connaît plus un bassin, ou sa réponse n’était pas entière : qu’y a-t-il maintenant ?"),
    "discovery": ("Sites and devices are looked up once a day, last {at}.", "Les bassins et les appareils sont relus une fois par jour ; dernière fois : {at}."),
    "unknown": ("No reading of this probe is known yet.", "On ne connaît encore aucune mesure de cette sonde."),
    "timeless": ("This probe has told no reading that can be of now.", "Cette sonde n’a donné aucune mesure qui puisse être actuelle."),
    "quick": ("The probe was restarted and measures every 10 minutes for an hour.", "La sonde a été redémarrée et mesure toutes les 10 minutes pendant une heure."),
    "rhythm": ("The probe measures every {n} minutes; its newest reading is of {at}.", "La sonde mesure toutes les {n} minutes ; dernière mesure : {at}."),
    "late": ("Its newest reading is of {at}; asked {n} times without a newer one.", "Dernière mesure : {at} ; demandée {n} fois depuis, sans plus récente."),
    "asked": ("Somebody asked for it now.", "Quelqu’un l’a demandé maintenant."),
    "switch_new": ("How this switch stands is not known yet.", "On ne connaît pas encore l’état de cet interrupteur."),
    "switch": ("How a switch stands is looked up every {n} minutes.", "L’état d’un interrupteur est relu toutes les {n} minutes."),
    "advice": ("Recommendations are looked up every hour, together with the latest values.", "Les recommandations sont relues toutes les heures, avec les dernières valeurs."),
    "first": ("A first time, all that the cloud still remembers is fetched.", "Pour la première fois, tout ce dont le service se souvient encore est relevé."),
    "missing": ("Readings are missing from {at} to {until}.", "Des mesures manquent entre {at} et {until}."),
    "look": ("Once a day the past of one quantity is compared, for readings that nobody saw.", "Une fois par jour, le passé d’une grandeur est comparé, à la recherche de mesures que personne n’a vues."),
    "flicker": ("It goes on and off more often than it is asked for: once a day its past is compared.", "L’état change plus souvent qu’il n’est demandé : une fois par jour, son passé est comparé."),
    "sweep": ("Once a week the past month is compared, for late, corrected and hidden readings.", "Une fois par semaine, le mois passé est comparé, à la recherche de mesures tardives, corrigées ou cachées."),
    "suspect": ("The probe was off its rhythm, as after a restart: there may be readings in between.", "La sonde a quitté son rythme, comme après un redémarrage : il peut y avoir des mesures entre-temps."),
    "fallback": ("The cloud tells no latest values, so its past is asked.", "Le service ne donne pas de dernières valeurs : on interroge son historique."),
    # why that is not asked at once
    "room": ("The hour's requests are used up.", "Les demandes de cette heure sont épuisées."),
    "quota": ("The cloud said that its quota is used up.", "Le service a dit que son quota est épuisé."),
    "failed": ("It failed {n} times in a row.", "Échec, {n} fois de suite."),
    "behind": ("Looking up what there is comes first.", "La relecture du contenu du compte passe avant."),
    # why a whole account waits, by the kind of its incident
    "held.limited": ("The account waits: its request quota is used up.", "Le compte attend : son quota de demandes est épuisé."),
    "held.sign-in": ("The account waits: its owner has to sign in again.", "Le compte attend que son propriétaire se reconnecte."),
    "held.unreachable": ("The account waits: its cloud cannot be reached.", "Le compte attend : son service est injoignable."),
    "held.misled": ("The account waits: its cloud's name leads to a hub.", "Le compte attend : le nom de son service mène à un hub."),
    "held.unavailable": ("The account waits: its cloud has trouble.", "Le compte attend : son service est en panne."),
    # what became of a gap
    "gap.open": ("It is asked for as soon as the budget allows.", "Elles seront demandées dès que le budget le permet."),
    "gap.elsewhere": ("Only another account of the probe can still tell it.", "Seul un autre compte de la sonde peut encore les donner."),
    "gap.came": ("Its readings came.", "Ses mesures sont arrivées."),
    "gap.filled": ("Readings came from the cloud's past.", "Les mesures sont venues de l’historique du service."),
    "gap.silent": ("Asked, and the cloud has none.", "Demandées : le service n’en a pas."),
    "gap.unreadable": ("The cloud's answer could not be read there.", "La réponse du service était illisible à cet endroit."),
    "gap.untold": ("The cloud does not tell the past of this.", "Le service ne dit rien du passé de cette grandeur."),
    "gap.forgotten": ("The cloud remembers only {n} days.", "Le service ne se souvient que de {n} jours."),
}  # fmt: skip


class Reason(Struct, frozen=True, omit_defaults=True):
    """One of `SENTENCES` by its name, and what stands in it."""

    name: str
    n: int = 0
    at: datetime | None = None
    until: datetime | None = None

    def text(self, language: str = "en", when: Callable[[datetime], str] | None = None) -> str:
        """The sentence, in which `when` writes instants (by default in UTC)."""
        said = when or _utc
        sentence = SENTENCES[self.name][LANGUAGES.index(language)]
        at, until = (said(instant) if instant is not None else "" for instant in (self.at, self.until))
        return sentence.format(n=self.n, at=at, until=until)


def held(kind: str) -> Reason:
    """That an account waits because of an incident of this kind. Whatever is no trouble of its login or quota is its cloud's."""
    name = f"held.{kind}"
    return Reason(name if name in SENTENCES else "held.unavailable")


def sentence(reasons: tuple[Reason, ...], language: str = "en", when: Callable[[datetime], str] | None = None) -> str:
    """Several reasons, one after another."""
    return " ".join(reason.text(language, when) for reason in reasons)


def told(text: str) -> Reason | None:
    """The reason whose English sentence was kept, where it is about no instant; None of any other text."""
    for name, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return Reason(name, int(found["n"]) if "n" in pattern.groupindex else 0)
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    timeless = [(name, english) for name, (english, _) in SENTENCES.items() if "{at}" not in english]
    return tuple((name, re.compile(re.escape(english).replace(r"\{n\}", r"(?P<n>\d+)"))) for name, english in timeless)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
