"""For the tests of whoever talks to a vendor's cloud: the clouds in this process, on a port of their own, with all their faults.

    from margelle import testing

    with testing.clouds() as sky:
        client = MyClient(sky.base_url("ondilo"), sky.login, sky.password)
        sky.faults.choose("html-502")
        ...

With pytest, `pytest_plugins = ["margelle.testing.plugin"]` has it as the fixture `margelle_clouds`.
"""

from margelle.testing.sky import Sky, clouds

__all__ = ["Sky", "clouds"]
