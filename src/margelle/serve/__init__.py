"""Answering: as each vendor's cloud (the faces), to people (the pages), and to whoever watches over the hub (`/healthz`)."""
