"""Words for collecting, and for the faces."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
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
