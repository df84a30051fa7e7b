"""Words for the first run, and for the demo."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "first.title": ("Welcome to your own hub", "Bienvenue sur votre hub"),
    "first.lede": (
        "It collects what your probes’ makers know of your water, and keeps it for good, on this machine. Nobody has claimed it yet.",
        "Il recueille ce que les fabricants de vos sondes savent de votre eau, et le garde pour de bon, sur cette machine. Personne ne se l’est encore attribué.",
    ),
    "first.steps": ("You, your probe, your water", "Vous, votre sonde, votre eau"),
    "first.step.you": ("You", "Vous"),
    "first.step.probe": ("Your probe", "Votre sonde"),
    "first.step.water": ("Your water", "Votre eau"),
    "first.code": ("The code that this hub printed", "Le code affiché par ce hub"),
    "first.code_hint": (
        "It stands in the terminal, or in the log, where the hub was started. So nobody else claims it before you.",
        "Il se trouve dans le terminal, ou le journal, où le hub a été démarré. Ainsi, personne d’autre ne se l’attribue avant vous.",
    ),
    "first.wrong_code": ("This is not the code that the hub printed last.", "Ce n’est pas le dernier code affiché par le hub."),
    "first.name": ("Your first name", "Votre prénom"),
    "first.login": ("Your e-mail", "Votre e-mail"),
    "first.login_hint": ("You sign in with it here. Nothing is sent to it.", "Il sert à vous connecter ici. Rien n’y est envoyé."),
    "first.password": ("A password for this hub", "Un mot de passe pour ce hub"),
    "first.password_hint": ("At least eight characters; a short sentence is a good one.", "Au moins huit caractères ; une courte phrase convient bien."),
    "first.join": ("This hub is mine", "Ce hub est à moi"),
    "first.command": ("Or by command, on this machine:", "Ou par une commande, sur cette machine :"),
    "first.next": (
        "Now your probe: sign in at its maker’s, and the first values are here within a minute.",
        "Maintenant, votre sonde : connectez-vous chez son fabricant, et les premières valeurs sont là en une minute.",
    ),
    "demo.offer": ("Or look around in a demo first", "Ou faites d’abord un tour dans une démo"),
    "demo.offer_why": (
        "Simulated pools, in this browser only, apart from everything real.",
        "Des bassins simulés, dans ce navigateur seulement, à part de tout ce qui est réel.",
    ),
    "demo.look": ("Look at the demo", "Voir la démo"),
    "demo.banner": ("This is a demo: no such water exists.", "Ceci est une démo : cette eau n’existe pas."),
    "demo.only_looked_at": ("Here it can only be looked at: the demo’s terminal says how to sign in.", "Ici, on ne fait que regarder : le terminal de la démo dit comment se connecter."),
    "demo.leave": ("Leave the demo", "Quitter la démo"),
}  # fmt: skip
