"""What the demo says when it is ready."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from margelle.cli.terminal import say

if TYPE_CHECKING:
    from margelle.config import Settings


def announce(settings: Settings, email: str, password: str, hub: str, cloud: str) -> None:
    """Print where everything is and what to try. `password` is empty where the user has chosen it."""
    from margelle.config import FILE_NAME
    from margelle.vendors import VENDORS

    say("The demo is ready. Only this machine reaches it.")
    say()
    say(f"  Page      {hub}/  (no sign-in in the demo)")
    for name, vendor in VENDORS.items():
        say(f"  Face      {hub}/{name}  (as {vendor.title}: where a client has {vendor.base_url})")
    say(f"  Login     {email}")
    say(f"  Password  {password or 'as in MARGELLE_DEMO_PASSWORD'}")
    say(f"  Data      {settings.data_dir}  (used again next time; remove the folder to begin anew)")
    say(
        f"  Clouds    {cloud}  (imitated, for this demo alone; a hub of your own tries `margelle clouds`, with quotas and faults)"
    )
    say()
    say("Ask the face as a client of Ondilo's API does:")
    say()
    say(example(f"{hub}/ondilo", email, password))
    say()
    say("Or Flipr's, and BAXO Connect's:")
    say()
    say(others(hub, email, password))
    say()
    config = shlex.quote(str(settings.data_dir / FILE_NAME))
    say("The pages of the demo only show. To give tags a meaning, act on the water and invite people, open the same")
    say("hub beside it, in another terminal, and sign in at the address after `Pages:` with that login:")
    say()
    say(f"  {_program()} serve --config {config} --port 0")
    say()
    say("See how collecting goes:")
    say()
    say(f"  {_program()} status --config {config}")
    say()
    say("Ctrl-C ends it.")


def example(base_url: str, email: str, password: str) -> str:
    """Shell commands that sign in at Ondilo's face and list the pools."""
    back = "http://localhost/back"
    query = urlencode(
        {"response_type": "code", "client_id": "customer_api", "redirect_uri": back, "scope": "api", "state": "s"}
    )
    secret = _secret(password)
    demand = '  : "${MARGELLE_DEMO_PASSWORD:?set it here as well}"\n' if not password else ""
    return f"""\
{demand}  code=$(curl -s -o /dev/null -w '%{{redirect_url}}' {shlex.quote(f"{base_url}/oauth2/authorize?{query}")} \\
    --data-urlencode {shlex.quote(f"login={email}")} --data-urlencode {secret} -d proceed=Authorize | sed 's/.*code=//; s/&.*//')
  token=$(curl -s {base_url}/oauth2/token -d grant_type=authorization_code -d client_id=customer_api \\
    -d redirect_uri={back} -d "code=$code" | sed 's/.*"access_token": *"//; s/".*//')
  curl -s -H "Authorization: Bearer $token" {base_url}/api/customer/v1/pools; echo"""


def others(hub: str, email: str, password: str) -> str:
    """Shell commands that sign in at Flipr's face and list the modules, and list the contracts at BAXO's."""
    login = f"--data-urlencode {shlex.quote(f'username={email}')} --data-urlencode {_secret(password)}"
    return f"""\
  token=$(curl -s {hub}/flipr/OAuth2/token -d grant_type=password \\
    {login} | sed 's/.*"access_token": *"//; s/".*//')
  curl -s -H "Authorization: Bearer $token" {hub}/flipr/modules; echo
  curl -s '{hub}/baxo/k1?get=contracts' \\
    {login}; echo"""


def _secret(password: str) -> str:
    """The password as a field of a form; where the user has chosen it, from where they did."""
    return '"password=$MARGELLE_DEMO_PASSWORD"' if not password else shlex.quote(f"password={password}")


def _program() -> str:
    """How this program was called: `make demo` calls one that is on no path."""
    return shlex.quote(sys.argv[0]) if Path(sys.argv[0]).name == "margelle" else "margelle"
