"""Words for the hub itself."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "nav.hub": ("Hub", "Hub"),
    "hub.title": ("This hub", "Ce hub"),
    "hub.version": ("Version", "Version"),
    "hub.points": ("Measurements kept", "Mesures gardées"),
    "hub.earlier": ("Of an earlier version", "D’une version antérieure"),
    "hub.earlier_millions": (
        "{folded} of {points} million measurements folded; the rest follows by itself",
        "{folded} sur {points} millions de mesures rangées ; le reste suit de lui-même",
    ),
    "hub.earlier_some": (
        "{folded} of {points} measurements folded; the rest follows by itself",
        "{folded} sur {points} mesures rangées ; le reste suit de lui-même",
    ),
    "hub.store": ("Where they are", "Où elles sont"),
    "hub.size": ("Size on disk", "Taille sur disque"),
    "hub.collectors": ("Collectors at work", "Collecteurs au travail"),
    "hub.collector.one": ("one, with {n} account", "un, avec {n} compte"),
    "hub.collector.many": ("one, with {n} accounts", "un, avec {n} comptes"),
    "hub.no_collector": ("none: nothing is asked", "aucun : rien n’est demandé"),
    "hub.backup": ("Back up", "À sauvegarder"),
    "hub.backup_why": (
        "The data folder and the key file, apart from each other: without the key, no login in the data can be read.",
        "Le dossier de données et le fichier de la clé, séparément : sans la clé, aucune connexion gardée ne peut être lue.",
    ),
    "hub.data": ("Data folder", "Dossier de données"),
    "hub.key": ("Key file", "Fichier de la clé"),
    "hub.faces": ("For your apps", "Pour vos applications"),
    "hub.faces_why": ("How to point a client at this hub, and whether it arrives.", "Comment amener un client à ce hub, et savoir s’il arrive."),
    "hub.settings": ("Settings in force", "Réglages en vigueur"),
    "hub.settings_why": (
        "A setting is changed in the file {file}, and holds after the hub is started anew. A flag outranks the environment, that the file, that the default.",
        "Un réglage se change dans le fichier {file}, et vaut après un redémarrage du hub. Une option l’emporte sur l’environnement, celui-ci sur le fichier, celui-ci sur la valeur par défaut.",
    ),
    "hub.changed.one": ("{n} set", "{n} fixé"),
    "hub.changed.many": ("{n} set", "{n} fixés"),
    "hub.general": ("General", "Général"),
    "hub.flag": ("option", "option"),
    "hub.environment": ("environment", "environnement"),
    "hub.default": ("default", "par défaut"),
    "hub.empty": ("empty", "vide"),
    "hub.change_file": ("In {file}:", "Dans {file} :"),
    "hub.change_env": ("Or in the environment of the hub:", "Ou dans l’environnement du hub :"),
}  # fmt: skip
