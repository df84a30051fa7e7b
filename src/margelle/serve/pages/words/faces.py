"""Words for pointing clients at the hub."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "faces.title": ("For your apps", "Pour vos applications"),
    "faces.lede": (
        "This hub answers as each maker’s cloud does. A client keeps its own settings: it is told another address, and signs in with your login of this hub.",
        "Ce hub répond comme le service de chaque fabricant. Un client garde ses réglages : on lui donne une autre adresse, et il se connecte avec votre compte de ce hub.",
    ),
    "faces.tabs": ("Makers", "Fabricants"),
    "faces.address": ("The address", "L’adresse"),
    "faces.instead": ("in place of", "au lieu de"),
    "faces.login": ("Sign in as", "Se connecter comme"),
    "faces.login_why": ("{login}, with the password of this hub", "{login}, avec le mot de passe de ce hub"),
    "faces.login_demo": ("the login and password that the demo has printed in its terminal", "l’identifiant et le mot de passe que la démo a affichés dans son terminal"),
    "faces.login_any": ("any user of this hub, with their password", "tout utilisateur de ce hub, avec son mot de passe"),
    "faces.every": ("Every probe that you see here is there, whichever maker’s it is.", "Chaque sonde que vous voyez ici y est, quel que soit son fabricant."),
    "faces.local": (
        "You look at this page on the hub itself. From other machines the address is the hub’s name or number in your network: start it with",
        "Vous regardez cette page sur le hub lui-même. Depuis d’autres machines, l’adresse est le nom ou le numéro du hub dans votre réseau : démarrez-le avec",
    ),
    "faces.plain": (
        "Over this address passwords cross your network unencrypted. Put a proxy with TLS in front, and set public_url.",
        "Par cette adresse, les mots de passe traversent votre réseau en clair. Placez un proxy TLS devant, et réglez public_url.",
    ),
    "faces.by_prefix": ("Tell the client the address", "Donner l’adresse au client"),
    "faces.by_prefix_why": ("Where a client keeps its address, write this:", "Là où un client garde son adresse, écrivez ceci :"),
    "faces.in_file": ("in {file}", "dans {file}"),
    "faces.no_edit": ("Keeps its address in a form that nobody can edit: lead it here by the maker’s host, below.", "Garde son adresse sous une forme que personne ne peut modifier : amenez-le ici par l’hôte du fabricant, ci-dessous."),
    "faces.by_host": ("Or lead the maker’s host here", "Ou amener ici l’hôte du fabricant"),
    "faces.by_host_why": (
        "For clients that cannot be edited. Nothing in them changes; the machine they run on does.",
        "Pour les clients qui ne se modifient pas. Rien n’y change ; c’est leur machine qui change.",
    ),
    "faces.host_tls": ("On the hub, make a certificate and speak TLS:", "Sur le hub, créez un certificat et parlez TLS :"),
    "faces.host_tls_on": ("The hub speaks TLS on port {n} already.", "Le hub parle déjà TLS sur le port {n}."),
    "faces.host_443": (
        "Clients ask on port 443: let the hub listen there, or pass that port on to it.",
        "Les clients demandent sur le port 443 : laissez le hub y écouter, ou redirigez-y ce port.",
    ),
    "faces.host_name": ("Where the client runs, in its hosts file:", "Là où tourne le client, dans son fichier hosts :"),
    "faces.host_trust": ("Let the client trust the hub’s authority:", "Faites que le client se fie à l’autorité du hub :"),
    "faces.host_loop": (
        "If that name leads here on the hub’s own machine too, tell its collector another way with the setting collect.resolve.",
        "Si ce nom mène ici aussi sur la machine du hub, indiquez un autre chemin à son collecteur avec le réglage collect.resolve.",
    ),
    "family.home-assistant": ("Home Assistant", "Home Assistant"),
    "family.openhab": ("openHAB", "openHAB"),
    "family.homey": ("Homey", "Homey"),
    "family.node": ("ioBroker, homebridge (Node.js)", "ioBroker, homebridge (Node.js)"),
    "family.jeedom": ("Jeedom (PHP)", "Jeedom (PHP)"),
    "family.python": ("Python", "Python"),
    "family.curl": ("By hand", "À la main"),
    "trust.homey": ("Homey trusts nothing of your own: use its edited app, with a proxy.", "Homey ne se fie à rien qui soit à vous : utilisez son application modifiée, avec un proxy."),
    # live
    "calls.title": ("What arrives", "Ce qui arrive"),
    "calls.lede": ("The last requests, as they come; nothing of them is kept on disk.", "Les dernières demandes, au fil de l’eau ; rien n’en est gardé sur disque."),
    "calls.none": ("Nothing has arrived since this hub was started. A client that is told its address shows up here.", "Rien n’est arrivé depuis le démarrage de ce hub. Un client à qui l’on donne l’adresse apparaît ici."),
    "calls.trouble": ("The last one that failed", "La dernière qui a échoué"),
    "calls.all": ("All settings of this hub", "Tous les réglages de ce hub"),
}  # fmt: skip
