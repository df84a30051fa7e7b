from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margelle.config import OTHER_ENVIRONMENT, TABLE, Settings, env_name, load
from margelle.domain.unit import Unit
from margelle.errors import ConfigError
from margelle.redaction import redact

HOME = {"HOME": "/home/anna"}
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "margelle.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def refused(
    file: Path | None = None, environ: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file, environ or HOME, flags or {})
    return str(caught.value)


# --- precedence


def test_nothing_given_is_the_default_of_the_table() -> None:
    found = load(None, HOME, {})
    for setting in TABLE:
        if setting.name not in {"data_dir", "key_file"}:
            assert found[setting.name] == setting.default
        assert found.origin(setting.name) == "default"


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(write: Write) -> None:
    file = write("port = 1001\nhost = '10.0.0.1'\nlog_level = 'error'")
    found = load(file, HOME | {"MARGELLE_PORT": "1002", "MARGELLE_HOST": "10.0.0.2"}, {"port": 1003})
    assert (found["port"], found["host"], found["log_level"], found["log_format"]) == (
        1003,
        "10.0.0.2",
        "error",
        "text",
    )
    assert found.origin("port") == "flag port"
    assert found.origin("host") == "environment MARGELLE_HOST"
    assert found.origin("log_level") == f"{file}:3"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load(None, HOME | {"MARGELLE_PORT": "1002"}, {"port": None})["port"] == 1002


def test_the_file_lies_in_the_data_folder_unless_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "margelle.toml").write_text("port = 1001")
    assert load(None, HOME | {"MARGELLE_DATA_DIR": str(tmp_path)}, {})["port"] == 1001
    assert load(None, HOME, {"data_dir": str(tmp_path)})["port"] == 1001
    assert (
        load(None, {"XDG_DATA_HOME": str(tmp_path.parent)}, {"data_dir": str(tmp_path)}).file
        == tmp_path / "margelle.toml"
    )
    (tmp_path / "other.toml").write_text("port = 1004")
    named = HOME | {"MARGELLE_DATA_DIR": str(tmp_path), "MARGELLE_CONFIG": str(tmp_path / "other.toml")}
    assert load(None, named, {})["port"] == 1004
    assert load(tmp_path / "margelle.toml", named, {})["port"] == 1001


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "missing.toml")


# --- places


def test_data_and_key_lie_in_different_folders_of_the_user() -> None:
    found = load(None, HOME, {})
    assert found.data_dir == Path("/home/anna/.local/share/margelle")
    assert found.key_file == Path("/home/anna/.config/margelle/key")
    assert found.store_url == "sqlite:////home/anna/.local/share/margelle/margelle.sqlite"


def test_the_folders_of_xdg_are_followed() -> None:
    found = load(None, {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}, {})
    assert (found.data_dir, found.key_file) == (Path("/d/margelle"), Path("/c/margelle/key"))


def test_a_folder_in_the_file_is_relative_to_the_file(write: Write) -> None:
    file = write("data_dir = 'here'")
    assert load(file, HOME, {}).data_dir == file.parent / "here"


def test_a_folder_in_a_flag_is_relative_to_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, HOME, {"data_dir": "here"}).data_dir == tmp_path / "here"


# --- mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", ":1: there is no setting 'prot'. Did you mean 'port'?"),
        ("\n[ondilo]\ntypes_defalt = 'all'", ":3: there is no setting 'ondilo.types_defalt'. Did you mean 'ondilo.types_default'?"),
        ("\n[wetter]\nx = 1", ":3: there is no setting 'wetter.x'."),
        ("ondilo.types_default = 'al'", ":1: ondilo.types_default is 'al', but it must be one of all, empty. Did you mean 'all'?"),
        ("port = 'http'", ":1: port is 'http', but it must be a whole number."),
        ("port = '80'", ":1: port is '80', but it must be a whole number."),
        ("port = 65536", ":1: port is 65536, but it must be from 0 to 65535."),
        ("port = true", ":1: port is True, but it must be a whole number."),
        ("port = 1.5", ":1: port is 1.5, but it must be a whole number."),
        ("[port]\nx = 1", ":2: there is no setting 'port.x'."),
        ("port = {}", ":1: port is {}, but it must be a whole number."),
        ("receipts_days = 0", ":1: receipts_days is 0, but it must be from 1 to 3650."),
        ("collect.timeout_s = nan", ":1: collect.timeout_s is nan, but it must be from 1 to 600."),
        ("ondilo.access_token_life_s = inf", "ondilo.access_token_life_s is inf, but it must be"),
        ("faces.quotas = 'maybe'", ":1: faces.quotas is 'maybe', but it must be true or false."),
        ("public_url = 'pool.example.org'", ":1: public_url is 'pool.example.org', but it must be an address"),
        ('data_dir = "a\\u0000b"', ":1: data_dir is 'a\\x00b', but it must be text without control characters."),
        ("port = ", "not valid TOML: Invalid value"),
        ("port = 1\nport = 2", "not valid TOML: Cannot overwrite a value"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_named_with_its_line(write: Write, text: str, said: str) -> None:
    file = write(text)
    message = refused(file)
    assert message.startswith(str(file))
    assert said in message


def test_a_file_that_is_not_utf8_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"host = '\xff'")
    assert "not UTF-8 text (byte 8)" in refused(tmp_path / "m.toml")


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"\xef\xbb\xbfport = 7")
    assert load(tmp_path / "m.toml", HOME, {})["port"] == 7


def test_an_unknown_variable_of_ours_is_an_error_that_names_the_nearest() -> None:
    assert "'MARGELLE_PROT'. Did you mean 'MARGELLE_PORT'?" in refused(environ=HOME | {"MARGELLE_PROT": "1"})
    assert "Did you mean 'MARGELLE_DEMO_EMAIL'?" in refused(environ=HOME | {"MARGELLE_DEMO_MAIL": "1"})


def test_variables_of_others_and_of_the_demo_are_left_alone() -> None:
    load(
        None,
        HOME | dict.fromkeys(set(OTHER_ENVIRONMENT) - {"MARGELLE_CONFIG"}, "x") | {"PORT": "x", "MARGELLES": "x"},
        {},
    )


def test_an_unknown_flag_is_an_error_that_names_the_nearest() -> None:
    assert "'ondilo.token_life'. Did you mean 'ondilo.access_token_life_s'?" in refused(
        flags={"ondilo.token_life": "1"}
    )


def test_a_wrong_value_in_the_environment_names_the_variable() -> None:
    assert "port is '', but it must be a whole number (environment MARGELLE_PORT)." in refused(
        environ=HOME | {"MARGELLE_PORT": ""}
    )


@pytest.mark.parametrize("given", ["flags", "environ"])
def test_what_a_setting_must_be_is_read_although_its_name_sounds_secret(given: str) -> None:
    flags: dict[str, object] = {"baxo.password_grace_s": "-1"}
    environ = HOME | {"MARGELLE_BAXO_PASSWORD_GRACE_S": "-1"}
    told = redact(refused(flags=flags) if given == "flags" else refused(environ=environ))
    assert "baxo.password_grace_s is" in told
    assert "but it must be from 0 to" in told


def test_a_table_in_one_text_has_each_name_once() -> None:
    assert "a table that has each name once" in refused(flags={"baxo.tags": "PH=ph, PH=orp"})


# --- values


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("ON", True), ("1", True), ("no", False), ("0", False), (" off ", False)]
)
def test_yes_and_no_are_understood_in_the_environment(text: str, value: bool) -> None:
    assert load(None, HOME | {"MARGELLE_FACES_QUOTAS": text}, {})["faces.quotas"] is value


def test_a_list_in_the_environment_is_parted_by_commas() -> None:
    found = load(None, HOME | {"MARGELLE_TRUSTED_PROXIES": "10.0.0.1, ::1,"}, {})
    assert found["trusted_proxies"] == ["10.0.0.1", "::1"]


def test_a_vendors_settings_are_a_section_of_their_own(write: Write) -> None:
    section = load(write("[ondilo]\ntypes_default = 'empty'"), HOME, {}).section("ondilo")
    assert section["types_default"] == "empty"
    assert section["access_token_life_s"] == 3600


def test_a_choice_among_numbers_can_be_chosen(write: Write) -> None:
    assert load(write("ondilo.limit_status = 400"), HOME, {})["ondilo.limit_status"] == 400
    assert "one of 429, 400" in refused(write("ondilo.limit_status = 418"))


def test_a_password_in_the_stores_address_is_never_shown(write: Write) -> None:
    found = load(write("store = 'postgresql://margelle:hunter22@db/pool'"), HOME, {})
    assert "hunter22" not in repr(found) + found.shown("store")
    assert "hunter22" not in refused(write("[store]\nx = 'postgresql://margelle:hunter22@db/pool'"))
    assert "hunter22" not in refused(write("port = 'postgresql://margelle:hunter22@db/pool'"))


def test_no_two_settings_share_a_variable() -> None:
    names = [env_name(setting.name) for setting in TABLE] + list(OTHER_ENVIRONMENT)
    assert len(names) == len(set(names))


@given(
    port=st.integers(0, 65535),
    quotas=st.booleans(),
    host=st.text(st.characters(blacklist_categories=["C"]), min_size=1),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_given_as_text_is_what_is_read(port: int, quotas: bool, host: str) -> None:
    given_text = {"MARGELLE_PORT": str(port), "MARGELLE_FACES_QUOTAS": str(quotas), "MARGELLE_HOST": host}
    found = load(None, HOME | given_text, {})
    again = load(
        None, HOME, {"port": found.shown("port"), "faces.quotas": found.shown("faces.quotas"), "host": found["host"]}
    )
    assert [again[name] for name in ("port", "faces.quotas", "host")] == [port, quotas, host]


_LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.lists(st.text(), max_size=2)
)


@given(flags=st.dictionaries(st.sampled_from([setting.name for setting in TABLE]), _LEAF, max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_given_gives_settings_or_a_clear_error(flags: dict[str, object]) -> None:
    try:
        found = load(None, {"HOME": "/nonexistent"}, flags)
    except ConfigError as error:
        assert any(name in error.what for name in flags) or str(flags.get("data_dir")) in error.what
    else:
        assert isinstance(found, Settings)


# --- free quantities


def test_an_installation_defines_quantities_of_its_own(write: Write) -> None:
    file = write(
        '[quantities."plant.ozone"]\nunit = "mg/L"\nlow = 0\nhigh = 5\nsentence = "Ozone."\n[quantities.turn]\nunit="1"\nlow=0\nhigh=2\nsentence=""'
    )
    catalogue = load(file, HOME, {}).catalogue
    assert (catalogue["plant.ozone"].unit, catalogue["plant.ozone"].high) == (Unit.MG_PER_L, 5)
    assert "turn" in catalogue
    assert "ph" in catalogue


def test_a_nested_table_is_a_dotted_quantity(write: Write) -> None:
    file = write('[quantities.plant.ozone]\nunit = "mg/L"\nlow = 0\nhigh = 5\nsentence = "Ozone."')
    assert "plant.ozone" in load(file, HOME, {}).catalogue


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[quantities.x]\nunit='mg'\nlow=0\nhigh=1\nsentence=''", "quantities.x: Invalid enum value 'mg'"),
        ("[quantities.x]\nlow=0\nhigh=1\nsentence=''", "quantities.x: Object missing required field `unit`"),
        (
            "[quantities.x]\nunit='1'\nlow=2\nhigh=1\nsentence=''",
            "its lowest plausible value must be below its highest",
        ),
        ("[quantities.ph]\nunit='1'\nlow=0\nhigh=1\nsentence=''", "quantity 'ph' is defined already"),
        ("[quantities.X]\nunit='1'\nlow=0\nhigh=1\nsentence=''", "a name is lower-case letters"),
        ("[quantities.x]\nunit='1'\nlow=0\nhigh=1\nsentence=''\ncolour='red'", "unknown field `colour`"),
        ("quantities = 3", "quantities is a table of tables"),
        ("[quantities]\nx = 3", "quantities.x: Expected `object`, got `int`"),
    ],
)
def test_a_mistake_in_a_quantity_is_named(write: Write, text: str, said: str) -> None:
    assert said in refused(write(text))


@pytest.mark.parametrize("name", ["data_dir", "key_file"])
def test_an_empty_path_is_a_mistake_and_not_the_folder_one_is_in(name: str) -> None:
    with pytest.raises(ConfigError, match="must be a path"):
        load(None, {f"MARGELLE_{name.upper()}": " "}, {})


# --- tables


TAGS = {"PH": "ph", "14587/NIVEAU": "level cm"}


def test_a_table_is_given_in_the_file_the_environment_or_a_flag(write: Write) -> None:
    file = write('[baxo.tags]\nPH = "ph"\n"14587/NIVEAU" = "level cm"\n')
    assert load(file, HOME, {})["baxo.tags"] == TAGS
    assert load(None, HOME | {"MARGELLE_BAXO_TAGS": "PH=ph, 14587/NIVEAU = level cm"}, {})["baxo.tags"] == TAGS
    assert load(None, HOME, {"baxo.tags": TAGS})["baxo.tags"] == TAGS
    found = load(file, HOME, {})
    assert found.shown("baxo.tags") == "PH=ph,14587/NIVEAU=level cm"
    assert found.section("baxo")["tags"] == TAGS


@pytest.mark.parametrize("text", ["PH", "=ph", "PH=ph,nonsense"])
def test_a_table_without_names_is_refused(text: str) -> None:
    assert "a table of texts" in refused(environ=HOME | {"MARGELLE_BAXO_TAGS": text})


@pytest.mark.parametrize("text", ["[baxo.tags]\nPH = 7\n", "baxo.tags = 7\n", '[baxo.tags.PH]\nquantity = "ph"\n'])
def test_a_table_of_anything_but_texts_is_refused(write: Write, text: str) -> None:
    assert "a table of texts" in refused(write(text))


# --- names and certificates


@pytest.mark.parametrize("entry", ["9.9.9.9.9", "interop.ondilo.com=", "https://interop.ondilo.com=192.0.2.7"])
def test_a_way_to_the_clouds_that_is_none_is_refused(entry: str) -> None:
    assert "host=address" in refused(flags={"collect.resolve": entry})


def test_ways_to_the_clouds_are_given_in_the_file_or_parted_by_commas(write: Write) -> None:
    file = write("[collect]\nresolve = ['9.9.9.9', 'interop.ondilo.com=192.0.2.7']")
    from_environment = load(None, HOME | {"MARGELLE_COLLECT_RESOLVE": "9.9.9.9, interop.ondilo.com=192.0.2.7"}, {})
    assert load(file, HOME, {})["collect.resolve"] == from_environment["collect.resolve"]


def test_certificates_are_in_the_data_folder_or_beside_the_file_that_says_where(write: Write) -> None:
    assert load(None, HOME, {"data_dir": "/d"}).tls_dir == Path("/d/tls")
    file = write("[tls]\ndir = 'certificates'")
    assert load(file, HOME, {}).tls_dir == file.parent / "certificates"
