"""Settings: where state is kept, and that no fault shows what a variable holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.clouds import CLOUDS, AzureEnvironment
from shared.errors import Unusable
from shared.settings import Settings, SignIn, Storage

ROOT = Path("/app")
JOBS = "AzureWebJobsStorage"
NAMED = Storage(
    tables="https://kept.table.core.windows.net",
    queues="https://kept.queue.core.windows.net",
    blobs="https://kept.blob.core.windows.net",
)
HERE = "http://127.0.0.1:1000"
EMULATOR = (
    f"AccountName=local;AccountKey=c2VjcmV0;BlobEndpoint={HERE}0/local;"
    f"QueueEndpoint={HERE}1/local;TableEndpoint={HERE}2/local"
)
LOCAL = Storage(
    tables=f"{HERE}2/local",
    queues=f"{HERE}1/local",
    blobs=f"{HERE}0/local",
    account="local",
    key="c2VjcmV0",
)
ADDRESSES = {
    f"{JOBS}__tableServiceUri": "https://t.example",
    f"{JOBS}__queueServiceUri": "https://q.example",
    f"{JOBS}__blobServiceUri": "https://b.example",
}
ADDRESSED = Storage(
    tables="https://t.example", queues="https://q.example", blobs="https://b.example"
)


@pytest.mark.parametrize(
    ("environment", "storage"),
    [
        ({}, None),
        ({"PORTCULLIS_STORAGE": "kept"}, NAMED),
        ({"PORTCULLIS_STORAGE": "kept", JOBS: EMULATOR}, NAMED),
        ({f"{JOBS}__accountName": "kept"}, NAMED),
        (ADDRESSES, ADDRESSED),
        ({JOBS: EMULATOR}, LOCAL),
        ({JOBS: EMULATOR, "PORTCULLIS_STATE": "state.db"}, None),
        ({**ADDRESSES, "PORTCULLIS_STATE": "state.db"}, None),
    ],
)
def test_where_state_is_kept(environment: dict[str, str], storage: Storage | None) -> None:
    """In the account that is named, else in that of the host; a file that is named comes first."""
    assert Settings.of(environment, ROOT).storage == storage


def test_the_emulator_by_its_short_name() -> None:
    """`UseDevelopmentStorage=true` is the emulator on the ports that it has by default."""
    storage = Settings.of({JOBS: "UseDevelopmentStorage=true"}, ROOT).storage
    assert storage is not None
    assert storage.tables == "http://127.0.0.1:10002/devstoreaccount1"
    assert storage.queues == "http://127.0.0.1:10001/devstoreaccount1"
    assert storage.blobs == "http://127.0.0.1:10000/devstoreaccount1"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PORTCULLIS_STORAGE": "kept", "PORTCULLIS_STATE": "state.db"}, "both set"),
        ({"PORTCULLIS_STORAGE": "https://hidden.example"}, "PORTCULLIS_STORAGE"),
        ({f"{JOBS}__accountName": "Hidden"}, f"{JOBS}__accountName"),
        ({f"{JOBS}__tableServiceUri": "https://t.example"}, f"{JOBS}__queueServiceUri"),
        ({**ADDRESSES, f"{JOBS}__blobServiceUri": "https://b?sig=hidden"}, "blobServiceUri"),
        ({**ADDRESSES, f"{JOBS}__blobServiceUri": "http://hidden"}, "blobServiceUri"),
        ({JOBS: "AccountName=kept;AccountKey=hidden"}, "reached by identity"),
        ({JOBS: EMULATOR.replace("127.0.0.1:10001", "hidden.example")}, "reached by identity"),
        ({JOBS: "hidden"}, JOBS),
    ],
)
def test_an_account_that_cannot_be_used(environment: dict[str, str], named: str) -> None:
    """One line names the variable and what to do, and shows nothing of what it holds."""
    with pytest.raises(Unusable, match=named) as caught:
        Settings.of(environment, ROOT)
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_is_not_shown() -> None:
    """Settings that are printed keep the key to themselves."""
    assert "c2VjcmV0" not in repr(Settings.of({JOBS: EMULATOR}, ROOT))


def test_callers_are_asked_only_where_a_setting_says_so() -> None:
    """An address by https; no address at all is no question."""
    assert Settings.of({}, ROOT).callers is None
    assert Settings.of({"PORTCULLIS_CALLERS": ""}, ROOT).callers is None
    told = Settings.of({"PORTCULLIS_CALLERS": "https://api.loganalytics.azure.com/"}, ROOT)
    assert told.callers == "https://api.loganalytics.azure.com"
    with pytest.raises(Unusable, match="PORTCULLIS_CALLERS is 'http://logs'"):
        Settings.of({"PORTCULLIS_CALLERS": "http://logs"}, ROOT)


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
@pytest.mark.parametrize("cased", [str, str.upper, str.lower])
def test_one_setting_names_the_cloud(cloud: AzureEnvironment, cased: Callable[[str], str]) -> None:
    """ARM and the services of an account are that cloud's; the account is known as ours there."""
    told = {"PORTCULLIS_CLOUD": cased(cloud.name), "PORTCULLIS_STORAGE": "kept"}
    settings = Settings.of(told, ROOT)
    assert (settings.cloud, settings.arm_endpoint) == (cloud, cloud.arm)
    assert settings.storage == Storage(
        tables=f"https://kept.table.{cloud.storage_suffix}",
        queues=f"https://kept.queue.{cloud.storage_suffix}",
        blobs=f"https://kept.blob.{cloud.storage_suffix}",
    )
    assert settings.own.accounts == {"kept"}
    by_host = {f"{JOBS}__{one}ServiceUri": f"https://kept.{one}.{cloud.storage_suffix}/"
               for one in ("table", "queue", "blob")}  # fmt: skip
    assert Settings.of(by_host, ROOT).own.accounts == {"kept"}


def test_without_the_setting_it_is_the_public_cloud() -> None:
    for told in ({}, {"PORTCULLIS_CLOUD": "", "PORTCULLIS_ARM_ENDPOINT": ""}):
        assert Settings.of(told, ROOT).arm_endpoint == "https://management.azure.com"


def test_an_address_of_arm_wins_over_the_cloud() -> None:
    """It may lead to a simulated tenant."""
    told = {"PORTCULLIS_CLOUD": "AzureChinaCloud", "PORTCULLIS_ARM_ENDPOINT": "https://127.0.0.1:1"}
    assert Settings.of(told, ROOT).arm_endpoint == "https://127.0.0.1:1"


def test_an_unknown_cloud_is_one_line_that_names_all() -> None:
    with pytest.raises(Unusable) as caught:
        Settings.of({"PORTCULLIS_CLOUD": "AzureGermanCloud"}, ROOT)
    assert str(caught.value) == (
        "PORTCULLIS_CLOUD is 'AzureGermanCloud': AzureCloud or AzureUSGovernment or AzureChinaCloud"
    )


@pytest.mark.parametrize("variable", ["PORTCULLIS_DIRECTORY", "PORTCULLIS_CALLERS"])
def test_another_clouds_address_is_refused(variable: str) -> None:
    """Tokens of this cloud are worth nothing there; any other host may be asked."""
    address = {"PORTCULLIS_DIRECTORY": "https://graph.microsoft.com",
               "PORTCULLIS_CALLERS": "https://api.loganalytics.azure.com"}[variable]  # fmt: skip
    told = {"PORTCULLIS_CLOUD": "AzureUSGovernment", "PORTCULLIS_IDENTITIES": "us"}
    with pytest.raises(Unusable, match=f"{variable} is '{address}', of AzureCloud: "):
        Settings.of({**told, variable: f"{address}/"}, ROOT)
    Settings.of({**told, variable: "https://dod-graph.microsoft.us"}, ROOT)


TENANT, CLIENT = "11111111-1111-4111-8111-111111111111", "C0000000-0000-4000-8000-00000000000C"


def test_who_may_come_to_the_console() -> None:
    """A tenant and an app by their ids, in the casing of tokens; neither lets nobody in."""
    told = {"PORTCULLIS_CONSOLE_TENANT": TENANT, "PORTCULLIS_CONSOLE_CLIENT": f" {CLIENT} "}
    assert Settings.of(told, ROOT).console == SignIn(tenant=TENANT, client=CLIENT.lower())
    assert Settings.of({}, ROOT).console is None
    assert Settings.of(dict.fromkeys(told, ""), ROOT).console is None


@pytest.mark.parametrize("name", ["PORTCULLIS_CONSOLE_TENANT", "PORTCULLIS_CONSOLE_CLIENT"])
@pytest.mark.parametrize("value", ["", "common", "contoso.example", f"{TENANT}/x"])
def test_half_of_who_may_come_stops_the_app(name: str, value: str) -> None:
    """Names and domains change hands, and `common` is everybody."""
    told = {"PORTCULLIS_CONSOLE_TENANT": TENANT, "PORTCULLIS_CONSOLE_CLIENT": CLIENT, name: value}
    with pytest.raises(Unusable, match=f"{name} is {value!r}: an id such as 00000000-"):
        Settings.of(told, ROOT)


SIGN_IN = {"PORTCULLIS_CONSOLE_TENANT": TENANT, "PORTCULLIS_CONSOLE_CLIENT": CLIENT}


@pytest.mark.parametrize(
    ("environment", "console"),
    [
        ({}, ""),
        ({"PORTCULLIS_CONSOLE_URL": "https://gate.example/"}, "https://gate.example"),
        ({"PORTCULLIS_CONSOLE_URL": "https://front.example/gate"}, "https://front.example/gate"),
        ({"WEBSITE_HOSTNAME": "gate.azurewebsites.net"}, ""),
        (
            {**SIGN_IN, "WEBSITE_HOSTNAME": "gate.azurewebsites.net"},
            "https://gate.azurewebsites.net",
        ),
        (
            {"WEBSITE_HOSTNAME": "a.b", "PORTCULLIS_CONSOLE_URL": "https://gate.example"},
            "https://gate.example",
        ),
        ({**SIGN_IN, "WEBSITE_HOSTNAME": "localhost:7071"}, ""),
        ({**SIGN_IN, "PORTCULLIS_CONSOLE_URL": "", "WEBSITE_HOSTNAME": "a.b"}, "https://a.b"),
    ],
)
def test_where_people_find_the_console(environment: dict[str, str], console: str) -> None:
    """Where a setting says; else where Azure runs the app, if people may sign in there."""
    assert Settings.of(environment, ROOT).console_url == console
