from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import Settings


def test_the_environment_is_optional() -> None:
    """Without any variable there are defaults, and no token."""
    settings = Settings.from_environment({})

    assert settings.slack_bot_token is None
    assert settings.database_url == "sqlite:///registrar.sqlite3"


def test_secrets_come_as_secrets() -> None:
    """A token never shows in the settings' repr."""
    settings = Settings.from_environment({"SLACK_BOT_TOKEN": "xoxb-1-2"})

    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.reveal() == "xoxb-1-2"
    assert "xoxb-1-2" not in repr(settings)


def test_a_file_may_hold_the_value(tmp_path: Path) -> None:
    """NAME_FILE names a file whose content is the value."""
    file = tmp_path / "keys"
    file.write_text("a:b\n")

    settings = Settings.from_environment({"ENCRYPTION_KEYS_FILE": str(file)})
    assert settings.encryption_keys is not None
    assert settings.encryption_keys.reveal() == "a:b"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PORT": "many"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"SLACK_COMMAND": "registry"}, "SLACK_COMMAND"),
        ({"SLACK_API_URL": "http://evil.example/api"}, "SLACK_API_URL"),
        ({"PUBLIC_URL": "http://registrar.example"}, "PUBLIC_URL"),
        ({"ENCRYPTION_KEYS_FILE": "/nowhere/keys"}, "ENCRYPTION_KEYS_FILE"),
        ({"PORT": "1", "PORT_FILE": "/tmp/port"}, "PORT_FILE"),
    ],
)
def test_a_wrong_value_names_its_setting(environment: dict[str, str], said: str) -> None:
    """The sentence names the setting to mend, and never the value."""
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment(environment)


def test_a_sentence_of_ours_stands_alone() -> None:
    """No word of the library that checks the settings stands before it."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"PUBLIC_URL": "http://registrar.example"})
    assert f"{refused.value}" == "PUBLIC_URL: this must be an https:// address."
