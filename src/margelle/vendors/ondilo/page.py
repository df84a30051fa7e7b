"""How the sign-in page looks, in the languages of Ondilo's own."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from starlette.responses import Response

from margelle.vendors.ondilo.redirect import fit_for_uri

if TYPE_CHECKING:
    from jinja2 import Template

HERE: Final = Path(__file__).parent
WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "name": "English",
        "title": "Sign in",
        "wants": "wants to see your pools and what is measured in them, and to tick off recommendations.",
        "app": "An app on this device",
        "login": "E-mail",
        "password": "Password",
        "note": "Use your login for this hub, not the one for your Ondilo account.",
        "submit": "Sign in and allow",
        "cancel": "Cancel",
        "after": "You will then be sent to",
        "refused": "This e-mail and password do not belong together.",
        "limited": "Too many refused attempts. Please wait a while.",
        "trouble": "This sign-in link does not work",
        "advice": "Start again from the app that sent you here. If that does not help, show this message to whoever looks after it.",
        "languages": "Language",
    },
    "fr": {
        "name": "Français",
        "title": "Connexion",
        "wants": "souhaite voir vos piscines et leurs mesures, et valider des recommandations.",
        "app": "Une application de cet appareil",
        "login": "E-mail",
        "password": "Mot de passe",
        "note": "Utilisez votre compte de ce serveur, pas celui d’Ondilo.",
        "submit": "Se connecter et autoriser",
        "cancel": "Annuler",
        "after": "Vous serez ensuite redirigé vers",
        "refused": "Cet e-mail et ce mot de passe ne vont pas ensemble.",
        "limited": "Trop de tentatives refusées. Veuillez patienter un moment.",
        "trouble": "Ce lien de connexion ne fonctionne pas",
        "advice": "Recommencez depuis l’application qui vous a envoyé ici. Si cela n’aide pas, montrez ce message à la personne qui s’en occupe.",
        "languages": "Langue",
    },
    "de": {
        "name": "Deutsch",
        "title": "Anmelden",
        "wants": "möchte Ihre Pools und deren Messwerte sehen und Empfehlungen abhaken.",
        "app": "Eine App auf diesem Gerät",
        "login": "E-Mail",
        "password": "Passwort",
        "note": "Melden Sie sich mit Ihrem Konto auf diesem Server an, nicht mit dem bei Ondilo.",
        "submit": "Anmelden und erlauben",
        "cancel": "Abbrechen",
        "after": "Danach geht es weiter zu",
        "refused": "Diese E-Mail und dieses Passwort gehören nicht zusammen.",
        "limited": "Zu viele abgelehnte Versuche. Bitte warten Sie eine Weile.",
        "trouble": "Dieser Anmeldelink funktioniert nicht",
        "advice": "Beginnen Sie noch einmal in der App, die Sie hierher geschickt hat. Hilft das nicht, zeigen Sie diese Meldung dem, der sie betreut.",
        "languages": "Sprache",
    },
}


class Page(Struct, frozen=True):
    """The page in one language; `query` is that of its address, still encoded, in Latin-1."""

    language: str
    query: str

    def form(self, host: str, cancel: str, login: str, status: int, trouble: str) -> Response:
        """The form. `host` is where the person is sent back to, or the scheme of an app, with its colon."""
        return self._rendered(status, host=host, cancel=cancel, login=login, trouble=trouble)

    def trouble(self, description: str, status: int) -> Response:
        """Why there is no form."""
        return self._rendered(status, description=description)

    def _rendered(self, status: int, **values: str) -> Response:
        html = _template().render(
            language=self.language,
            words=WORDS[self.language],
            languages=[(code, words["name"], self._in(code)) for code, words in WORDS.items()],
            style=_style(),
            **values,
        )
        return Response(html, status, _headers(), "text/html")

    def _in(self, code: str) -> str:
        kept = [pair for pair in self.query.split("&") if pair and not pair.startswith("locale=")]
        return "?" + fit_for_uri("&".join([*kept, f"locale={code}"]))


def language(locale: str, accept_language: str) -> str:
    """The language of the page: the one chosen, else the first of the browser's that we have, else English."""
    ranges = [part.partition(";") for part in accept_language.lower().split(",")[:20]]
    wanted = sorted(ranges, key=lambda part: -_weight(part[2]))
    return next((code for code in (locale, *(part[0].strip()[:2] for part in wanted)) if code in WORDS), "en")


def _weight(parameter: str) -> float:
    try:
        return float(parameter.partition("=")[2] or 1)
    except ValueError:
        return 0


@cache
def _headers() -> dict[str, str]:
    # No form-action: browsers hold the redirect after the form against it as well, and that goes wherever the client wants.
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return {
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "vary": "Accept-Language, Accept",
    }


@cache
def _style() -> str:
    return (HERE / "page.css").read_text()


@cache
def _template() -> Template:
    from jinja2 import Environment  # noqa: PLC0415 - only people need it

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (HERE / "page.html").read_text()
    )
