"""The templates are Bicep, fit what Azure takes, and fit each other and the code.

No compiler of Bicep is to be had here: what it would say is told by its grammar, and by the models
of Azure's own packages.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.app import LEFT_OUT
from shared.azure.dead_letters import CONTAINER
from shared.clouds import CLOUD, CLOUDS
from shared.hints import ACT, HINTS, SWEEPS
from shared.settings import Settings
from tests.infra.bicep import Either, File, Unknown, inside, named, text_of
from tests.infra.conftest import generated
from tests.infra.fitting import OURS, faults, misfits
from tests.infra.shapes import Kind
from tests.recorded import RECORDED

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
BUILT_IN = RECORDED.parent / "catalog" / "builtin-roles.json"
ACCOUNTS = "Microsoft.Storage/storageAccounts"
AUTHORIZATION = "authorization.v2022_04_01.models"
POLICIES, POLICY = "Microsoft.Authorization", "resource.policy.models"
INSIGHTS, GRID, LOGS = "Microsoft.Insights", "Microsoft.EventGrid", "Microsoft.OperationalInsights"
MODELS = {
    f"{ACCOUNTS}": ("storage.models", "StorageAccountCreateParameters", "2026-09-01"),
    f"{ACCOUNTS}/blobServices": ("storage.models", "BlobServiceProperties", "2026-09-01"),
    f"{ACCOUNTS}/blobServices/containers": ("storage.models", "BlobContainer", "2026-09-01"),
    f"{ACCOUNTS}/queueServices": ("storage.models", "QueueServiceProperties", "2026-09-01"),
    f"{ACCOUNTS}/queueServices/queues": ("storage.models", "StorageQueue", "2026-09-01"),
    f"{ACCOUNTS}/tableServices": ("storage.models", "TableServiceProperties", "2026-09-01"),
    f"{ACCOUNTS}/tableServices/tables": ("storage.models", "Table", "2026-09-01"),
    "Microsoft.Web/serverfarms": ("web.models", "AppServicePlan", "2025-05-01"),
    "Microsoft.Web/sites": ("web.models", "Site", "2025-05-01"),
    "Microsoft.Web/sites/config appsettings": ("web.models", "StringDictionary", "2025-05-01"),
    "Microsoft.Web/sites/config authsettingsV2": ("web.models", "SiteAuthSettingsV2", "2025-05-01"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "web.models",
        "CsmPublishingCredentialsPoliciesEntity",
        "2025-05-01",
    ),
    f"{GRID}/topics": ("eventgrid.models", "Topic", "2025-02-15"),
    f"{GRID}/systemTopics": ("eventgrid.models", "SystemTopic", "2025-02-15"),
    f"{GRID}/systemTopics/eventSubscriptions": (
        "eventgrid.models",
        "EventSubscription",
        "2025-02-15",
    ),
    f"{LOGS}/workspaces": ("loganalytics.models", "Workspace", "2025-07-01"),
    f"{LOGS}/workspaces/tables": ("loganalytics.models", "Table", "2025-07-01"),
    f"{LOGS}/workspaces/savedSearches": ("loganalytics.models", "SavedSearch", "2025-07-01"),
    f"{INSIGHTS}/components": (
        "applicationinsights.v2020_02_02.models",
        "ApplicationInsightsComponent",
        "2020-02-02",
    ),
    f"{INSIGHTS}/workbooks": (
        "applicationinsights.v2023_06_01.models",
        "Workbook",
        "2023-06-01",
    ),
    f"{INSIGHTS}/dataCollectionRules": (
        "monitor.models",
        "DataCollectionRuleResource",
        "2023-03-11",
    ),
    f"{INSIGHTS}/dataCollectionEndpoints": (
        "monitor.models",
        "DataCollectionEndpointResource",
        "2023-03-11",
    ),
    f"{INSIGHTS}/actionGroups": ("monitor.models", "ActionGroupResource", "2023-01-01"),
    f"{INSIGHTS}/scheduledQueryRules": (
        "monitor.models",
        "ScheduledQueryRuleResource",
        "2023-12-01",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (
        "msi.v2024_11_30.models",
        "Identity",
        "2024-11-30",
    ),
    "Microsoft.Authorization/roleDefinitions": (AUTHORIZATION, "RoleDefinition", "2022-04-01"),
    "Microsoft.Authorization/roleAssignments": (
        AUTHORIZATION,
        "RoleAssignmentCreateParameters",
        "2022-04-01",
    ),
    f"{POLICIES}/policyDefinitions": (POLICY, "PolicyDefinition", "2026-06-01"),
    f"{POLICIES}/policySetDefinitions": (POLICY, "PolicySetDefinition", "2026-06-01"),
    f"{POLICIES}/policyAssignments": (POLICY, "PolicyAssignment", "2026-06-01"),
    "Microsoft.Resources/resourceGroups": (
        "resource.resources.models",
        "ResourceGroup",
        "2025-04-01",
    ),
    "Microsoft.Resources/templateSpecs": (
        "resource.templatespecs.models",
        "TemplateSpec",
        "2022-02-01",
    ),
    "Microsoft.Network/virtualNetworks": ("network.models", "VirtualNetwork", "2026-03-01"),
    "Microsoft.Network/privateEndpoints": ("network.models", "PrivateEndpoint", "2026-03-01"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": (
        "network.models",
        "PrivateDnsZoneGroup",
        "2026-03-01",
    ),
    "Microsoft.Network/privateDnsZones": ("privatedns.models", "PrivateZone", "2024-06-01"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        "privatedns.models",
        "VirtualNetworkLink",
        "2024-06-01",
    ),
}
"""The model of each type, and the api-version that the package has it in."""
_LAGS = "the newest version reaches regions late; the model of a newer one knows what an older knew"
OTHER_VERSIONS = {
    "Microsoft.Storage/": ("2025-01-01", _LAGS),
    "Microsoft.Web/": ("2024-11-01", _LAGS),
    f"{POLICIES}/policy": ("2025-03-01", _LAGS),
    "Microsoft.Network/virtualNetworks": ("2024-05-01", _LAGS),
    "Microsoft.Network/privateEndpoints": ("2024-05-01", _LAGS),
}
"""Types by their beginnings whose version here is not that of the installed model, and why."""
UNLISTED = ("kind: 'Direct' is none of Linux, Windows",)
"""Words that an installed model does not list, although Azure documents them: rules with an address
of their own (Microsoft Learn, "Data collection rules: structure").
"""


@cache
def model_of(name: str) -> type:
    module, model, _ = MODELS[name]
    found: type = getattr(importlib.import_module(f"azure.mgmt.{module}"), model)
    return found


CLASSES = {name: model_of(name) for name in MODELS if " " not in name}
PATHS = sorted(INFRA.rglob("*.bicep"))
MADE = [
    (path, symbol)
    for path in PATHS
    for symbol, one in File(path, CLASSES).resources.items()
    if not one.existing
]


def wrong(file: File, symbol: str) -> list[str]:
    """What a resource's document does not fit."""
    declared = file.resources[symbol]
    name = declared.what.split("@")[0]
    found: list[str] = []
    for body in file.bodies(declared):
        special = f"{name} {body.get('name')}"
        model = model_of(special if special in MODELS else name)
        at = f"{file.path.name}:{declared.line} {symbol}"
        found.extend(misfits(body, model, at, OURS))
    return [one for one in found if not one.endswith(UNLISTED)]


def strings(value: Any) -> Iterator[str]:
    for one in value.values if isinstance(value, Either) else [value]:
        if isinstance(one, dict):
            for inner in one.values():
                yield from strings(inner)
        elif isinstance(one, str):
            yield one


# --- each file by itself


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_it_is_bicep_without_a_dangling_name(path: Path) -> None:
    """It parses, every name in it is declared and used, every file it loads is there."""
    file = File(path, CLASSES)
    assert file.syntax == []
    for kind in ("output_declaration", "variable_declaration", "parameter_declaration"):
        for one in named(file.tree, kind):
            if one.named_children[-1].type != "type":
                file.value(one.named_children[-1], {})
    for declared in (*file.resources.values(), *file.modules.values()):
        file.bodies(declared)
        for condition in conditions(file, declared.symbol):
            file.value(condition, {"one": Unknown(), "i": Unknown("int")})
    assert file.faults == []
    declared_names = {*file.parameters, *file.variables}
    assert declared_names - file.used == set()


def conditions(file: File, symbol: str) -> Iterator[Any]:
    """The conditions of a resource or module."""
    for kind in ("resource_declaration", "module_declaration"):
        for one in named(file.tree, kind):
            if text_of(named(one, "identifier")[0]) == symbol:
                body = one.named_children[-1]
                body = body.named_children[-1] if body.type == "for_statement" else body
                if body.type == "if_statement":
                    yield body.named_children[0]


@pytest.mark.parametrize(("path", "symbol"), MADE, ids=lambda one: getattr(one, "stem", one))
def test_resources_are_what_azure_takes(path: Path, symbol: str) -> None:
    """Names of properties, words and types are those of Azure's own model of the resource."""
    assert wrong(File(path, CLASSES), symbol) == []


def test_versions_are_those_of_the_models() -> None:
    """A resource is written in the version that its model is of, or the reason is listed."""
    for path in PATHS:
        for one in File(path, CLASSES).resources.values():
            name, version = one.what.split("@")
            of_model = {about[2] for full, about in MODELS.items() if full.split()[0] == name}
            others = [v for begins, (v, _) in OTHER_VERSIONS.items() if name.startswith(begins)]
            assert version in (others or of_model), f"{path.name}:{one.line} {one.what}"


@pytest.mark.parametrize(("module", "version"), sorted({(m, v) for m, _, v in MODELS.values()}))
def test_models_are_of_the_version_that_is_said(module: str, version: str) -> None:
    package = f"azure.mgmt.{module.removesuffix('.models')}"
    if version.replace("-", "_") in module:
        return
    operations = importlib.import_module(f"{package}.operations")
    root = Path(inspect.getfile(operations)).parent
    source = "".join(one.read_text(encoding="utf-8") for one in root.glob("*.py"))
    assert f'"{version}"' in source


# --- the files among themselves


MODULES = [(path, name) for path in PATHS for name in File(path, CLASSES).modules]


@pytest.mark.parametrize(("path", "symbol"), MODULES, ids=lambda one: getattr(one, "stem", one))
def test_modules_get_what_they_ask_for(path: Path, symbol: str) -> None:
    """All that has no default, nothing else, and each of its type."""
    assert calls(File(path, CLASSES), symbol) == []


def calls(file: File, symbol: str) -> list[str]:
    """What a call of a module does not fit."""
    declared = file.modules[symbol]
    called = file.path.parent / declared.what
    if not called.exists():
        return [f"there is no {declared.what}"]
    asked = File(called, CLASSES).parameters
    found: list[str] = []
    for body in file.bodies(declared):
        given = body["params"]
        needed = {name for name, (_, optional) in asked.items() if not optional}
        found += [f"{name} is missing" for name in sorted(needed - given.keys())]
        found += [f"{name} is not asked for" for name in sorted(given.keys() - asked.keys())]
        for name in given.keys() & asked.keys():
            found.extend(faults(given[name], Kind(asked[name][0]), name))
    return found


def test_every_module_is_called() -> None:
    called = {File(path, CLASSES).modules[name].what for path, name in MODULES}
    assert called == {f"modules/{path.name}" for path in (INFRA / "modules").glob("*.bicep")}


def test_what_azd_tells_is_asked_for() -> None:
    """`main.parameters.json` names parameters of `main.bicep`, and all without a default."""
    asked = File(INFRA / "main.bicep", CLASSES).parameters
    told = generated("main.parameters.json")["parameters"]
    assert told.keys() == asked.keys()
    for name, about in told.items():
        assert list(faults(about["value"], Kind(asked[name][0]), name)) == []


def test_services_of_azd_have_their_apps() -> None:
    """azd finds an app by its tag; the hand is skipped where none is deployed."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
    main = File(INFRA / "main.bicep", CLASSES)
    services = {
        main.bodies(one)[0]["params"]["service"]
        for one in main.modules.values()
        if one.what == "modules/app.bicep"
    }
    assert project["services"].keys() == services == {"gate", "hand"}
    condition = project["services"]["hand"]["condition"]
    assert main.outputs[re.sub(r"[${}]", "", condition)] == "bool"
    assert "condition" not in project["services"]["gate"]
    assert {one["host"] for one in project["services"].values()} == {"function"}
    packaged = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
    assert {"/infra", "/azure.yaml", "/.azure"} <= set(packaged)


# --- the files and the code


def given_settings() -> dict[str, set[str]]:
    """The app settings of each app, as the templates write them."""
    main, app = (File(INFRA / one, CLASSES) for one in ("main.bicep", "modules/app.bicep"))
    (common,) = app.bodies(app.resources["appSettings"])
    return {
        name: {*common["properties"], *main.bodies(main.modules[name])[0]["params"]["settings"]}
        for name in ("gate", "hand")
    }


def read_settings() -> set[str]:
    """Every variable of ours that the code which is shipped reads."""
    shipped = (
        path
        for folder in ("shared", "console", "detectors", "remediations")
        for path in (ROOT / folder).rglob("*.py")
    )
    # What taking subscriptions reads are outputs of the templates, not settings of the app.
    entries = (path for path in ROOT.glob("*.py") if path.name != "onboarding.py")
    texts = [path.read_text(encoding="utf-8") for path in (*shipped, *entries)]
    found = {name for text in texts for name in re.findall(r"\bPORTCULLIS_[A-Z_]+\b", text)}
    return {name for name in found if not name.endswith("_")}


def test_settings_are_those_that_the_code_reads() -> None:
    """Each that is set is read, each that is read is set or left out for a reason.

    Outputs are for people's own commands: azd keeps them, no app is told.
    """
    given = {one for app in given_settings().values() for one in app if "PORTCULLIS" in one}
    known = read_settings()
    assert given - known == set()
    assert known - given - set(File(INFRA / "main.bicep", CLASSES).outputs) == set(LEFT_OUT)


def test_console_and_canary_are_of_the_gate_alone() -> None:
    """Else the two apps are told the same."""
    given = given_settings()
    assert given["gate"] - given["hand"] == {
        "PORTCULLIS_CANARY",
        "PORTCULLIS_CONSOLE_CLIENT",
        "PORTCULLIS_CONSOLE_TENANT",
    }
    assert given["hand"] < given["gate"]


# What Flex Consumption refuses: Microsoft Learn, "Flex Consumption plan deprecated settings".
REFUSED = {
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_VNET_ROUTE_ALL",
}


@pytest.mark.parametrize("app", ["gate", "hand"])
def test_the_app_starts_on_these_settings(app: str) -> None:
    """What the templates write, with made-up values for what Azure fills in, is accepted."""
    assert not given_settings()[app] & REFUSED
    environment = dict.fromkeys(given_settings()[app], "") | {
        "AZURE_CLIENT_ID": "aaaaaaaa-0000-4000-8000-000000000002",
        "AzureWebJobsStorage__blobServiceUri": "https://stgatex.blob.core.windows.net",
        "AzureWebJobsStorage__queueServiceUri": "https://stx.queue.core.windows.net",
        "AzureWebJobsStorage__tableServiceUri": "https://stx.table.core.windows.net",
        "PORTCULLIS_APP": app,
        CLOUD: "AzureCloud",
        "PORTCULLIS_IDENTITIES": "aaaaaaaa-0000-4000-8000-000000000001",
        "PORTCULLIS_LOGS_ENDPOINT": "https://dcr-x.westeurope-1.ingest.monitor.azure.com",
        "PORTCULLIS_LOGS_RULE": "dcr-0123",
        "PORTCULLIS_OWN": "/subscriptions/s/resourceGroups/g,/subscriptions/s/resourceGroups/g"
        "/providers/Microsoft.OperationalInsights/workspaces/w",
        "PORTCULLIS_STORAGE": "stx",
        "PORTCULLIS_TOPIC_ENDPOINT": "https://evgt-x.westeurope-1.eventgrid.azure.net/api/events",
    }
    settings = Settings.of(environment, ROOT)
    assert settings.storage is not None
    assert settings.storage.blobs == "https://stx.blob.core.windows.net"
    assert settings.own.accounts == {"stx", "stgatex"}
    assert settings.console is None


def test_clouds_are_told_as_bicep_names_them() -> None:
    """`environment().name` is a word that the code takes, and each has its Microsoft Graph."""
    assert generated("app.json")["graph"] == {one.name: one.graph for one in CLOUDS}


def test_roles_are_azures_own() -> None:
    """The ids of built-in roles are those of their names."""
    if not BUILT_IN.exists():
        pytest.skip("no list of Azure's built-in roles here")
    known = {one["name"]: one["id"] for one in json.loads(BUILT_IN.read_text(encoding="utf-8"))}
    given = generated("builtin-roles.json")
    assert {name: known.get(name) for name in given} == given


def test_roles_are_all_given() -> None:
    """Each built-in role that is listed is assigned, and none that is not listed."""
    given = set()
    for path in PATHS:
        file = File(path, CLASSES)
        for one in inside(file.tree, "string"):
            text = file.value(one, {"one": Unknown(), "i": Unknown()})
            if isinstance(text, str) and re.match(r"(Storage|Monitoring|EventGrid) \w+ ", text):
                given.add(text)
    assert given == set(generated("builtin-roles.json"))


def test_sign_in_is_filled_in() -> None:
    """Nothing is left open of the settings that people sign in by."""
    file = File(INFRA / "modules/sign-in.bicep", CLASSES)
    (body,) = file.bodies(file.resources["signIn"])
    registration = body["properties"]["identityProviders"]["azureActiveDirectory"]
    text = json.dumps(body["properties"])
    assert registration["registration"]["openIdIssuer"].endswith("/v2.0")
    assert not re.search(r"\{(authority|tenant|client)\}", text)
    assert re.search(r"\{client\}", (INFRA / "authentication.json").read_text(encoding="utf-8"))


def test_the_queues_of_the_app_are_made() -> None:
    """What the functions listen to is there before Event Grid sends anything."""
    app = generated("app.json")
    declared = re.findall(r"queue\(\w+, (.+)\)", (ROOT / "function_app.py").read_text("utf-8"))
    words = {"HINTS": HINTS, "ACT": ACT, "SWEEPS": SWEEPS}
    heard = {one.strip('f"') for one in declared}
    named_so = {re.sub(r"\{?(HINTS|ACT|SWEEPS)\}?", lambda m: words[m[1]], one) for one in heard}
    assert named_so == set(app["queues"])
    assert app["hints"] == HINTS
    assert app["deadLetters"] == CONTAINER


# --- the checks can fail


BROKEN = {
    "a misspelt property": ("storage", "account", "minimumTlsVersion", "minimalTlsVersion"),
    "a word that is none": ("storage", "account", "'TLS1_2'", "'TLS1_9'"),
    "another type": (
        "storage",
        "account",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: 1",
    ),
    "a list for one": ("network", "network", "'10.0.0.0/24'", "['10.0.0.0/24']"),
    "a misspelt destination": ("subscriptions", "toQueue", "'StorageQueue'", "'StorageQueues'"),
    "a part of another destination": ("subscriptions", "toQueue", "queueName:", "hubName:"),
    "what Azure sets": ("app", "site", "httpsOnly: true", "httpsOnly: true\n    state: 'Running'"),
    "deep in a list": ("network", "network", "serviceName", "servicename"),
}


@pytest.mark.parametrize(("name", "symbol", "old", "new"), BROKEN.values(), ids=BROKEN)
def test_a_document_that_does_not_fit_is_found(
    tmp_path: Path, name: str, symbol: str, old: str, new: str
) -> None:
    text = (INFRA / "modules" / f"{name}.bicep").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "modules").mkdir()
    for one in INFRA.glob("*.json"):
        (tmp_path / one.name).symlink_to(one)
    broken = tmp_path / "modules" / f"{name}.bicep"
    broken.write_text(text.replace(old, new))
    assert wrong(File(broken, CLASSES), symbol)


def main_with(folder: Path, old: str, new: str) -> Path:
    """`main.bicep` beside all that it loads, with `new` in place of `old`."""
    text = (INFRA / "main.bicep").read_text(encoding="utf-8")
    assert old in text
    for one in ("modules", *(path.name for path in INFRA.glob("*.json"))):
        (folder / one).symlink_to(INFRA / one)
    broken = folder / "main.bicep"
    broken.write_text(text.replace(old, new))
    return broken


CALLED = {
    "a parameter that is missing": ("    trusted: true\n", ""),
    "one that nobody asks for": ("trusted: true", "trusted: true\n    open: true"),
    "one of another type": ("trusted: true", "trusted: 'yes'"),
    "a module that is not there": ("'modules/storage.bicep'", "'modules/store.bicep'"),
}


@pytest.mark.parametrize(("old", "new"), CALLED.values(), ids=CALLED)
def test_a_call_that_does_not_fit_is_found(tmp_path: Path, old: str, new: str) -> None:
    broken = main_with(tmp_path, old, new)
    assert calls(File(broken, CLASSES), "state")


NAMES = {
    "an output that is none": ("state.outputs.name", "state.outputs.title"),
    "a name that is none": ("location: location", "location: region"),
    "a file that is not there": ("'app.json'", "'apps.json'"),
    "a key that is none": ("app.hints", "app.hintz"),
    "no Bicep": ("= empty(subscriptions) ?", "= empty(subscriptions ?"),
}


@pytest.mark.parametrize(("old", "new"), NAMES.values(), ids=NAMES)
def test_a_dangling_name_is_found(tmp_path: Path, old: str, new: str) -> None:
    broken = main_with(tmp_path, old, new)
    with pytest.raises(AssertionError):
        test_it_is_bicep_without_a_dangling_name(broken)
