"""What the pages say, in English and in French."""

from __future__ import annotations

from functools import cache
from typing import Final, Literal

Language = Literal["en", "fr"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "fr")

# name: (English, French). A name that ends in .one and .many is chosen by its number; French counts 0 as one.
TEXTS: Final[dict[str, tuple[str, str]]] = {
    # the frame
    "other_language": ("Français", "English"),
    "skip": ("Skip to the water", "Aller aux mesures"),
    "sign_in": ("Sign in", "Se connecter"),
    "sign_out": ("Sign out", "Se déconnecter"),
    "refresh": ("Refresh", "Actualiser"),
    "as_of": ("As of {time}", "État à {time}"),
    "colophon": ("Every reading kept, on this machine.", "Chaque mesure gardée, sur cette machine."),
    # the headline
    "sites.one": ("One site", "Un bassin"),
    "sites.many": ("{n} sites", "{n} bassins"),
    "quiet": ("nothing to do", "rien à faire"),
    "outside.one": ("one value outside its limits", "une valeur hors de ses limites"),
    "outside.many": ("{n} values outside their limits", "{n} valeurs hors de leurs limites"),
    "doubtful.one": ("one doubtful value", "une valeur douteuse"),
    "doubtful.many": ("{n} doubtful values", "{n} valeurs douteuses"),
    "advised.one": ("one recommendation", "une recommandation"),
    "advised.many": ("{n} recommendations", "{n} recommandations"),
    "still.one": ("one site without fresh readings", "un bassin sans mesure récente"),
    "still.many": ("{n} sites without fresh readings", "{n} bassins sans mesure récente"),
    "troubled.one": ("one collection problem", "un incident de collecte"),
    "troubled.many": ("{n} collection problems", "{n} incidents de collecte"),
    # time
    "now": ("just now", "à l’instant"),
    "ago.minutes": ("{n} min ago", "il y a {n} min"),
    "ago.hours": ("{n} h ago", "il y a {n} h"),
    "ago.days.one": ("yesterday", "hier"),
    "ago.days.many": ("{n} days ago", "il y a {n} jours"),
    "ahead": ("ahead of the clock", "en avance sur l’horloge"),
    "fresh": ("Measured {ago}", "Mesuré {ago}"),
    "stale": ("Getting old: measured {ago}", "Commence à dater : mesuré {ago}"),
    "silent": ("Silent: last measured {ago}", "Silencieux : dernière mesure {ago}"),
    "never": ("Not measured yet", "Pas encore mesuré"),
    "own_age": ("measured {ago}", "mesuré {ago}"),
    # values
    "on": ("on", "marche"),
    "off": ("off", "arrêt"),
    "doubt": ("Doubtful:", "Douteux :"),
    "doubt.vendor": ("excluded by {vendor}: “{reason}”", "écarté par {vendor} : « {reason} »"),
    "doubt.unexplained": ("excluded by {vendor}, without a reason", "écarté par {vendor}, sans motif"),
    "doubt.unreadable": ("“{raw}” came, which is not a number", "« {raw} » reçu, qui n’est pas un nombre"),
    "doubt.uncalibrated": (
        "not calibrated: computed without this probe's own calibration",
        "non étalonné : calculé sans l’étalonnage de cette sonde",
    ),
    "doubt.range": ("not plausible: beyond {low} to {high}", "peu plausible : hors de {low} à {high}"),
    "doubt.exposed": (
        "the probe seems to have been out of the water",
        "la sonde semble avoir été hors de l’eau",
    ),
    "doubt.jump": (
        "a jump that water cannot make, and that no other reading bears out",
        "un saut que l’eau ne peut pas faire, et qu’aucun autre relevé ne confirme",
    ),
    "doubt.stuck": (
        "the same value for too long: the sensor may be stuck",
        "la même valeur depuis trop longtemps : le capteur est peut-être bloqué",
    ),
    "doubt.cross": (
        "it contradicts what was measured beside it",
        "elle contredit ce qui a été mesuré à côté",
    ),
    "doubt.future": ("its time is ahead of the clock", "son heure est en avance sur l’horloge"),
    "doubt.past": ("its time is too long ago to be true", "son heure est trop ancienne pour être vraie"),
    "last_sound": ("Last sound value: {value}, {ago}", "Dernière valeur sûre : {value}, {ago}"),
    "nothing": ("no value", "pas de valeur"),
    "within": ("Within its limits, {low} to {high}", "Dans ses limites, {low} à {high}"),
    "above": ("Above {limit}", "Au-dessus de {limit}"),
    "below": ("Below {limit}", "Au-dessous de {limit}"),
    "at_most": ("Within its limit, at most {limit}", "Dans sa limite, au plus {limit}"),
    "at_least": ("Within its limit, at least {limit}", "Dans sa limite, au moins {limit}"),
    "week": ("7 days", "7 jours"),
    "week_range": ("7 days: {low} to {high}", "7 jours : {low} à {high}"),
    "spark": ("{label} over the last {week}", "{label} sur les derniers {week}"),
    # the site
    "kind.pool": ("Pool", "Piscine"),
    "kind.spa": ("Spa", "Spa"),
    "kind.tank": ("Tank", "Réservoir"),
    "kind.plant": ("Plant", "Station"),
    "kind.other": ("Site", "Site"),
    "switch.pump.on": ("pump running", "pompe en marche"),
    "switch.pump.off": ("pump at rest", "pompe à l’arrêt"),
    "switch.light.on": ("light on", "éclairage allumé"),
    "switch.light.off": ("light off", "éclairage éteint"),
    "switch.heater.on": ("heater on", "chauffage allumé"),
    "switch.heater.off": ("heater off", "chauffage éteint"),
    "switch.other.on": ("switch on", "interrupteur fermé"),
    "switch.other.off": ("switch off", "interrupteur ouvert"),
    "mode.manual": ("by hand", "à la main"),
    "mode.auto": ("by itself", "automatique"),
    "mode.planning": ("by timetable", "par horaire"),
    "clean.chlorine": ("chlorine", "chlore"),
    "clean.bromine": ("bromine", "brome"),
    "clean.salt": ("salt electrolysis", "électrolyse au sel"),
    "clean.oxygen": ("active oxygen", "oxygène actif"),
    "clean.other": ("", ""),
    "clean.uv": ("UV", "UV"),
    "clean.ozone": ("ozone", "ozone"),
    "to_do": ("To do", "À faire"),
    "advised": ("Advised by {vendor} on {day}", "Conseillé par {vendor} le {day}"),
    "before": ("due before {day}", "à faire avant le {day}"),
    "overdue": ("overdue since {day}", "en retard depuis le {day}"),
    # collecting
    "collection": ("Collection", "Collecte"),
    "collected": ("Last answer {ago}", "Dernière réponse {ago}"),
    "not_collected": ("No answer yet", "Pas encore de réponse"),
    "all_well": ("No problem open.", "Aucun incident ouvert."),
    "times.one": ("once", "une fois"),
    "times.many": ("{n} times", "{n} fois"),
    # faces
    "faces": ("For your apps", "Pour vos applications"),
    "faces_why": (
        "Existing apps work unmodified: give them this address in place of the vendor’s, and sign in with your login here.",
        "Les applications existantes fonctionnent sans changement : donnez-leur cette adresse à la place de celle du fabricant, avec votre compte d’ici.",
    ),
    # nothing yet
    "empty": ("The water is not measured yet", "L’eau n’est pas encore mesurée"),
    "empty_why": (
        "Tell Margelle who you are and where your probe’s readings are. In a terminal on this machine:",
        "Dites à Margelle qui vous êtes et où sont les mesures de votre sonde. Dans un terminal de cette machine :",
    ),
    "empty_user": ("Add yourself", "Ajoutez-vous"),
    "empty_account": ("Add your account at the probe’s maker", "Ajoutez votre compte chez le fabricant de la sonde"),
    "empty_check": ("See how collecting goes", "Voyez où en est la collecte"),
    "first_round": (
        "The first readings are on their way; come back in a few minutes.",
        "Les premières mesures arrivent ; revenez dans quelques minutes.",
    ),
    # signing in, and what can go wrong
    "login": ("E-mail", "E-mail"),
    "password": ("Password", "Mot de passe"),
    "sign_in_why": ("Your water, on your own machine.", "Votre eau, sur votre propre machine."),
    "refused": ("This e-mail and password do not belong together.", "Cet e-mail et ce mot de passe ne vont pas ensemble."),
    "limited": (
        "Too many refused attempts. Try again in {n} min.",
        "Trop d’essais refusés. Réessayez dans {n} min.",
    ),
    "foreign": ("This form was sent from another site. Please sign in here.", "Ce formulaire vient d’un autre site. Connectez-vous ici."),
    "lost": ("There is nothing at this address", "Il n’y a rien à cette adresse"),
    "home": ("To the water", "Vers les bassins"),
    "forgotten": (
        "Forgotten? The operator sets a new one with",
        "Oublié ? L’exploitant en choisit un nouveau avec",
    ),
}  # fmt: skip

# What an incident's `todo` says in English, by kind.
TODO_FR: Final[dict[str, str]] = {
    "limited": "Rien à faire : la collecte reprend dès que le quota le permet. D’autres programmes sur le même compte l’entament aussi.",
    "sign-in": "Au propriétaire du compte : se reconnecter avec « margelle account add ». Tout le reste continue.",
    "not-found": "Rien à faire pour l’instant : le contenu du compte est bientôt relu.",
    "forbidden": "Au propriétaire du compte, si cela dure : demander au fabricant pourquoi son service lui refuse cela. Tout le reste continue.",
    "unreachable": "Rien à faire pour l’instant : la demande est répétée. Si cela dure, à l’exploitant : vérifier le réseau de cette machine.",
    "misled": "À l’exploitant : le nom du cloud mène à un hub Margelle. Indiquer un autre chemin avec le réglage collect.resolve. Rien n’est perdu.",
    "unavailable": "Au fabricant : son service est en panne. La demande est répétée, rien de ce qu’il garde n’est perdu.",
    "malformed": "Au fabricant : son service répond n’importe quoi. La demande est répétée ; si cela dure, signalez-le avec le reçu.",
    "vanished": "Au propriétaire du compte : rien, si le bassin a été cédé ; sinon, regarder dans l’application du fabricant.",
    "unreadable": "Rien à faire : ce qui est lisible est gardé. Si cela dure, signalez-le avec le reçu.",
    "doubtful": "Rien à faire : les valeurs sont gardées avec leurs doutes, et aucune page ne les tient pour vraies.",
    "latest-empty": "Au fabricant : son service ne donne pas de dernières valeurs. Elles viennent de son historique, un peu plus tard.",
    "store": "À l’exploitant : vérifier la base de données. Ce qui n’a pu être gardé est redemandé.",
    "failed": "À l’exploitant : lire la phrase ci-contre, et la signaler si elle est incompréhensible.",
    "bug": "À l’exploitant : signaler ceci, avec le journal de cette minute. Les autres comptes ne sont pas touchés.",
}  # fmt: skip

LABELS: Final[dict[str, tuple[str, str]]] = {
    "temperature": ("Water temperature", "Température de l’eau"),
    "ph": ("pH", "pH"),
    "orp": ("Redox (ORP)", "Redox (ORP)"),
    "conductivity": ("Conductivity", "Conductivité"),
    "salt": ("Salt", "Sel"),
    "tds": ("Dissolved solids (TDS)", "Solides dissous (TDS)"),
    "free_chlorine_estimate": ("Free chlorine, estimated", "Chlore libre, estimé"),
    "bromine_estimate": ("Bromine, estimated", "Brome, estimé"),
    "battery": ("Battery", "Batterie"),
    "rssi": ("Signal", "Signal"),
    "uv_index": ("UV index", "Indice UV"),
    "cloud_cover": ("Cloud cover", "Nébulosité"),
    "air_temperature": ("Air temperature", "Température de l’air"),
    "turbidity": ("Turbidity", "Turbidité"),
    "level": ("Water level", "Niveau d’eau"),
    "flow": ("Flow", "Débit"),
    "pressure": ("Pressure", "Pression"),
    "free_chlorine": ("Free chlorine", "Chlore libre"),
    "total_chlorine": ("Total chlorine", "Chlore total"),
    "combined_chlorine": ("Combined chlorine", "Chlore combiné"),
    "bromine": ("Bromine", "Brome"),
    "active_oxygen": ("Active oxygen", "Oxygène actif"),
    "total_alkalinity": ("Alkalinity (TA)", "Alcalinité (TAC)"),
    "total_hardness": ("Hardness (TH)", "Dureté (TH)"),
    "calcium_hardness": ("Calcium hardness", "Dureté calcique"),
    "cyanuric_acid": ("Stabiliser (CYA)", "Stabilisant (CYA)"),
    "phosphate": ("Phosphate", "Phosphates"),
    "copper": ("Copper", "Cuivre"),
    "iron": ("Iron", "Fer"),
}


def chosen(asked: str | None, accepted: str) -> Language:
    """The language asked for by name, else the best that `accepted` (an Accept-Language header) admits, else English."""
    if asked in LANGUAGES:
        return asked
    best: tuple[float, Language] = (0.0, "en")
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and _weight(weight) > best[0]:
            best = _weight(weight), language
    return best[1]


@cache
def _typeset(text: str) -> str:
    """`text` with the spaces that no line may break at: within French punctuation, and between a number and what it counts."""
    for breaking, kept in (
        (" :", "\u00a0:"),
        ("« ", "«\u00a0"),
        (" »", "\u00a0»"),
        (" ;", "\u202f;"),
        ("{n} ", "{n}\u00a0"),
        ("il y a", "il\u00a0y\u00a0a"),
        ("7 ", "7\u00a0"),
        ("{low} to ", "{low}\u00a0to\u00a0"),
        ("{low} à ", "{low}\u00a0à\u00a0"),
    ):
        text = text.replace(breaking, kept)
    return text


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


class Words:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, name: str, **values: object) -> str:
        """The text called `name` with `values` put in; KeyError where there is none."""
        return _typeset(TEXTS[name][self._column]).format(**values)

    def count(self, name: str, n: int) -> str:
        """The text called `name` for `n` things."""
        one = n == 1 or (n == 0 and self.language == "fr")
        return self(f"{name}.{'one' if one else 'many'}", n=n)

    def todo(self, kind: str, english: str) -> str:
        """What to do about an incident of this kind."""
        return english if self.language == "en" else _typeset(TODO_FR.get(kind, english))

    def label(self, quantity: str) -> str:
        """What a quantity is called; an installation's own by its name."""
        known = LABELS.get(quantity)
        if known:
            return known[self._column]
        words = quantity.replace("_", " ") if quantity.islower() else quantity  # capitals are a vendor's own name of it
        return words.replace(".", " · ")
