"""Words around every page: the frame, time, signing in, and what can go wrong."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # the frame
    "other_language": ("Français", "English"),
    "skip": ("Skip to the water", "Aller aux mesures"),
    "sign_in": ("Sign in", "Se connecter"),
    "sign_out": ("Sign out", "Se déconnecter"),
    "refresh": ("Refresh", "Actualiser"),
    "as_of": ("As of {time}", "État à {time}"),
    "colophon": ("Every reading kept, on this machine.", "Chaque mesure gardée, sur cette machine."),
    "old": (
        "The hub does not answer. This is the last known state, of {time} (hub’s time).",
        "Le hub ne répond pas. Ceci est le dernier état connu : {time} (heure du hub).",
    ),
    "old.not_asked": (
        "What you asked for is not kept here: below is this page as it opens, with its own period or list.",
        "Ce que vous demandez n’est pas gardé ici : voici cette page telle qu’elle s’ouvre, avec sa propre période ou liste.",
    ),
    "menu": ("menu", "menu"),
    "look": ("Display", "Affichage"),
    "theme": ("Theme", "Thème"),
    "theme.auto": ("System", "Système"),
    "theme.light": ("Light", "Clair"),
    "theme.dark": ("Dark", "Sombre"),
    "nav": ("Pages", "Pages"),
    "nav.water": ("Water", "Eau"),
    "nav.me": ("My account", "Mon compte"),
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
    "error.bad": ("That cannot be taken as it is", "Cela ne peut pas être accepté tel quel"),
    "error.refused": ("This sign-in is not good any more", "Cette connexion n’est plus valable"),
    "error.forbidden": ("That is not yours to do", "Cela ne vous est pas permis"),
    "error.conflict": ("That does not go together with what is there", "Cela ne va pas avec ce qui existe déjà"),
    "error.limited": ("Too much at once: try again a little later", "Trop à la fois : réessayez un peu plus tard"),
    "error.store": ("What is kept cannot be read or written right now", "Les données ne peuvent être lues ni écrites pour l’instant"),
    "error.cloud": ("The cloud does not answer as it should", "Le service du fabricant ne répond pas comme il faut"),
    "error.broken": ("Something went wrong here", "Quelque chose n’a pas marché ici"),
    "error.broken_why": (
        "Nothing is lost. The operator finds what it was in the log, under {incident}.",
        "Rien n’est perdu. L’exploitant trouve ce que c’était dans le journal, sous {incident}.",
    ),
    "error.store_why": (
        "Nothing is lost. Try again in a minute; if it lasts, the operator finds the reason in the log.",
        "Rien n’est perdu. Réessayez dans une minute ; si cela dure, l’exploitant trouve la raison dans le journal.",
    ),
    "home": ("To the water", "Vers les bassins"),
    "forgotten": (
        "Forgotten? The operator sets a new one with",
        "Oublié ? L’exploitant en choisit un nouveau avec",
    ),
}  # fmt: skip
