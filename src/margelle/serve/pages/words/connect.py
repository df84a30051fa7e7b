"""Words for connecting accounts and sites."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "connect.title": ("Connect", "Connecter"),
    "connect.lede": (
        "Whose probe measures your water? Its readings then come here by themselves, and stay.",
        "Qui a fabriqué la sonde qui mesure votre eau ? Ses mesures arrivent alors ici d’elles-mêmes, et y restent.",
    ),
    "connect.by.browser": ("You sign in on its maker’s own page.", "Vous vous connectez sur la page de son fabricant."),
    "connect.by.password": ("You sign in with the login of its app.", "Vous vous connectez avec le compte de son application."),
    "connect.choose": ("Connect {title}", "Connecter {title}"),
    "connect.own": ("A site of your own", "Un bassin à vous"),
    "connect.own_why": ("Measured by hand, or by what sends to this hub.", "Mesuré à la main, ou par ce qui envoie à ce hub."),
    "connect.nearby": (
        "A probe of {titles} within reach can be read over Bluetooth, by a command on this machine:",
        "Une sonde {titles} à portée peut être lue en Bluetooth, par une commande sur cette machine :",
    ),
    "connect.vendor": ("Connect {title}", "Connecter {title}"),
    "connect.again": ("Sign in again: {title}", "Se reconnecter : {title}"),
    "connect.browser_why": (
        "You are led to {host} and sign in there: your password is never seen here. Then you come back, and the collection begins.",
        "Vous êtes conduit vers {host} et vous vous y connectez : votre mot de passe n’est jamais vu ici. Puis vous revenez, et la collecte commence.",
    ),
    "connect.go": ("Go on to {host}", "Continuer vers {host}"),
    "connect.password_why": (
        "With the e-mail and password that you use in its app. The password goes to {host} only; what is kept of it is encrypted.",
        "Avec l’e-mail et le mot de passe de son application. Le mot de passe ne va qu’à {host} ; ce qui en est gardé est chiffré.",
    ),
    "connect.login": ("E-mail at {title}", "E-mail chez {title}"),
    "connect.password": ("Password at {title}", "Mot de passe chez {title}"),
    "connect.sign_in": ("Sign in at {title}", "Se connecter chez {title}"),
    "connect.empty": ("An e-mail and a password are needed.", "Il faut un e-mail et un mot de passe."),
    "connect.details": ("What exactly was said", "Ce qui a été dit exactement"),
    "connect.refused": ("The maker’s page did not let you in.", "La page du fabricant ne vous a pas laissé entrer."),
    "connect.lost": (
        "This answer belongs to another question, or came too late. Please begin again.",
        "Cette réponse appartient à une autre question, ou arrive trop tard. Recommencez, s’il vous plaît.",
    ),
    "connect.failed.refused": ("This e-mail and password do not belong together there.", "Cet e-mail et ce mot de passe n’y vont pas ensemble."),
    "connect.failed.limited": ("Too many requests: try again in a while.", "Trop de demandes : réessayez dans un moment."),
    "connect.failed.unreachable": ("The maker’s cloud cannot be reached from here.", "Le service du fabricant est injoignable d’ici."),
    "connect.failed.nowhere": ("There is no such cloud at that address.", "Il n’y a pas de tel service à cette adresse."),
    "connect.failed.bad": ("That cannot be taken as it is.", "Cela ne peut pas être accepté tel quel."),
    "connect.failed.cloud": ("The maker’s cloud does not answer as it should. Try again later.", "Le service du fabricant ne répond pas comme il faut. Réessayez plus tard."),
    "connect.leave_title": ("On to {host}", "Vers {host}"),
    "connect.open": ("Open {host}", "Ouvrir {host}"),
    "connect.leave_why": (
        "Sign in there. Your browser then comes back here by itself.",
        "Connectez-vous là-bas. Votre navigateur revient ensuite ici de lui-même.",
    ),
    "connect.paste_title": ("It did not come back?", "Il n’est pas revenu ?"),
    "connect.paste_why": (
        "If your browser ends at an address that it cannot show, beginning with {back}, paste that whole address here.",
        "Si votre navigateur s’arrête à une adresse qu’il ne peut pas afficher, qui commence par {back}, collez ici cette adresse entière.",
    ),
    "connect.address": ("The whole address", "L’adresse entière"),
    "connect.paste": ("Go on with it", "Continuer avec elle"),
    "connect.returning": ("One moment", "Un instant"),
    "connect.returning_why": ("You are coming back from the maker’s page.", "Vous revenez de la page du fabricant."),
    "connect.continue": ("Go on", "Continuer"),
    "connect.gone": (
        "You are not signed in at this hub any more. Sign in, and connect the account anew.",
        "Vous n’êtes plus connecté à ce hub. Connectez-vous, puis connectez le compte à nouveau.",
    ),
    # a site of one's own
    "own.add": ("A site of your own", "Un bassin à vous"),
    "own.edit": ("Describe the site", "Décrire le bassin"),
    "own.name": ("Name", "Nom"),
    "own.kind": ("What it is", "Ce que c’est"),
    "own.volume": ("Volume, in m³", "Volume, en m³"),
    "own.volume_hint": ("Leave it empty if you do not know.", "Laissez vide si vous ne savez pas."),
    "own.bad_volume": ("A volume is a number of cubic metres.", "Un volume est un nombre de mètres cubes."),
    "own.zone": ("Time zone", "Fuseau horaire"),
    "own.save": ("Save", "Enregistrer"),
    "own.create": ("Add the site", "Ajouter le bassin"),
    "own.remove": ("Remove the site", "Supprimer le bassin"),
    "own.remove_why": (
        "It no longer shows. Everything measured stays.",
        "Il n’apparaît plus. Tout ce qui a été mesuré reste.",
    ),
}  # fmt: skip
